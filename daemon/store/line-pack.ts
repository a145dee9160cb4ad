import { deflateRawSync, inflateRawSync } from "node:zlib";

/**
 * A line of the evidence log on disk, in less than a third of its bytes: raw deflate (RFC 1951) against a text that knows what such
 * lines are made of, behind one byte that says which text. What leaves the box is the line itself, and its hash is over that.
 */
const firstDictionary = 1;

/** What is most frequent comes last, where the distances are short. Never altered: rows on disk are packed against it. */
const dictionary: Buffer = Buffer.from(
  [
    '"change":"opened","end":null,"exemption":"presumed","id":"","start":[]"kind":"window"',
    '"by":"","checkpoint":"","sha256":"","size":,"type":"rfc3161"}"kind":"anchor""type":"witness"',
    '"cause":"internet-provider""own-network""anchors":"none","box":"running","dns":"failed","firstHop":"failed"',
    '"lan":"failed","link":"down""service":"unreachable","token":"failed""whole":false},"err":null',
    '{"boot":"","data":{"cause":null,"layers":{"anchors":"all","box":"running","dns":"ok","firstHop":"ok","lan":"ok","link":"up",',
    '"otherChannel":"unknown","power":"unknown","service":"ok","token":"ok"},"whole":true},"err":6,"kind":"sample",',
    '"mono":1,"p":"","seq":1,"state":"synchronised","v":1,"wall":17',
  ].join(""),
);

/**
 * The window holds the dictionary, and a higher level would find nothing more in so short a line; zlib's defaults would
 * clear a quarter of a megabyte for each.
 */
const options = { dictionary, windowBits: 10, memLevel: 3, level: 1 } as const;

export function packLine(line: string): Buffer {
  return Buffer.concat([Buffer.of(firstDictionary), deflateRawSync(line, options)]);
}

/** A row from before lines were packed is text. What cannot be unpacked is handed on as it is: no reader takes it for a line. */
export function unpackLine(stored: string | Uint8Array): string {
  if (typeof stored === "string") return stored;
  try {
    if (stored[0] !== firstDictionary) return unreadable(stored);
    return inflateRawSync(stored.subarray(1), { dictionary, windowBits: 10 }).toString("utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error) return unreadable(stored);
    throw error;
  }
}

function unreadable(stored: Uint8Array): string {
  return `unreadable ${Buffer.from(stored).toString("hex")}`;
}
