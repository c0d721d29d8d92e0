/**
 * A request of the Postman Collection format v2.1, as `request.send` takes it.
 * Any text in it may hold variables and `{{vault:NAME}}` references. Written by
 * hand: the format allows several forms for one thing.
 */
export type PostmanRequest = string | {
    /** GET when left out. */
    method?: string;
    url: PostmanURL;
    /** A list, or lines of `Name: value`. */
    header?: PostmanField[] | string;
    body?: PostmanBody | null;
    auth?: PostmanAuth | null;
    name?: string;
    description?: unknown;
};
/** The whole address, or its parts. */
export type PostmanURL = string | {
    raw?: string;
    protocol?: string;
    host?: string | string[];
    port?: string;
    path?: string | (string | {
        type?: string;
        value?: string;
    })[];
    query?: {
        key: string | null;
        value: string | null;
        disabled?: boolean;
        description?: unknown;
    }[];
    /** Values of path segments such as `:id`. */
    variable?: {
        key: string;
        value: string;
        description?: unknown;
    }[];
    hash?: string;
};
export interface PostmanField {
    key: string;
    value: string;
    disabled?: boolean;
    type?: string;
    description?: unknown;
}
export interface PostmanBody {
    mode?: 'raw' | 'urlencoded' | 'formdata' | 'graphql';
    raw?: string;
    urlencoded?: PostmanField[];
    formdata?: (PostmanField & {
        contentType?: string;
    })[];
    graphql?: {
        query: string;
        operationName?: string;
        variables?: string | object;
    };
    options?: {
        raw?: {
            language?: 'json' | 'xml' | 'html' | 'javascript' | 'text';
        };
    };
    disabled?: boolean;
}
export interface PostmanAttribute {
    key: string;
    value?: string | number | boolean | null;
    type?: string;
}
/** The helper's type, and its attributes under the name of the type. */
export interface PostmanAuth {
    type: string;
    noauth?: null;
    basic?: PostmanAttribute[];
    bearer?: PostmanAttribute[];
    apikey?: PostmanAttribute[];
}
