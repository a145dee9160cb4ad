/** ASCII's framing characters. */
export const stx: number = 0x02;
export const etx: number = 0x03;
export const eot: number = 0x04;
export const lf: number = 0x0a;
export const cr: number = 0x0d;

/** Characters that may stand behind a frame, in any number and order. */
export const frameEnds: ReadonlySet<number> = new Set([cr, lf, etx, eot]);

export const stxText: string = String.fromCharCode(stx);
export const etxText: string = String.fromCharCode(etx);
