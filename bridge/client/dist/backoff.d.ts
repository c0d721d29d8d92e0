/**
 * How long to wait before the next try, in milliseconds: twice as long after
 * each failure, and between half and all of that, so that many pages do not
 * return at the same moment.
 */
export declare function delay(failures: number, random?: () => number): number;
