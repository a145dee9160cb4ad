/** Answers of a name server (RFC 1035 section 4). */

const headBytes = 12;
const codes = { SERVFAIL: 2, NXDOMAIN: 3 } as const;

/** The question back, with an address for every name; no other kind of record is known of it. */
export function answerTo(query: Buffer, address: string): Buffer {
  const { head, end } = answerHead(query);
  const record = Buffer.from([0xc0, headBytes, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split(".").map(Number)]);
  const isAddress = query.readUInt16BE(end - 4) === 1;
  head.writeUInt16BE(isAddress ? 1 : 0, 6);
  return Buffer.concat([head, query.subarray(headBytes, end), ...(isAddress ? [record] : [])]);
}

export function refusalTo(query: Buffer, code: keyof typeof codes): Buffer {
  const { head, end } = answerHead(query);
  head.writeUInt16BE(0x8180 | codes[code], 2);
  return Buffer.concat([head, query.subarray(headBytes, end)]);
}

/** The name that is asked for. */
export function nameIn(query: Buffer): string {
  const labels: string[] = [];
  for (let at = headBytes; query[at] !== undefined && query[at] !== 0; at += (query[at] ?? 0) + 1) {
    labels.push(query.toString("latin1", at + 1, at + 1 + (query[at] ?? 0)));
  }
  return labels.join(".");
}

function answerHead(query: Buffer): { readonly head: Buffer; readonly end: number } {
  const head = Buffer.from(query.subarray(0, headBytes));
  head.writeUInt16BE(0x8180, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(0, 6);
  head.writeUInt32BE(0, 8);
  return { head, end: query.indexOf(0, headBytes) + 5 };
}
