/**
 * What page and agent sign and compare: hashes over labelled parts, see
 * "Keys and transcripts" in the protocol page.
 */
/** Bytes as WebCrypto takes them. */
export type Bytes = Uint8Array<ArrayBuffer>;
export declare const ecdsa: {
    readonly name: "ECDSA";
    readonly namedCurve: "P-256";
    readonly hash: "SHA-256";
};
export declare function utf8(text: string): Bytes;
/** Joins parts to one. */
export declare function concat(...parts: Bytes[]): Bytes;
/** SHA-256 over the label and the parts, each behind its length, so that no two lists of parts read the same. */
export declare function transcript(label: string, ...parts: Bytes[]): Promise<Bytes>;
/** The six digits that page and agent show for a pairing. */
export declare function comparisonCode(pairing: Bytes): Promise<string>;
/** Whether the key signed the transcript. A key or a signature that is none did not. */
export declare function verify(publicKey: Bytes, signed: Bytes, signature: Bytes): Promise<boolean>;
export declare function equal(a: Bytes, b: Bytes): boolean;
export declare function base64(bytes: Bytes): string;
/** Undefined for what is not the base64 of anything, as another spelling of the same bytes is. */
export declare function fromBase64(text: unknown): Bytes | undefined;
