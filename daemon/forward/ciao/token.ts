import type { TokenSource } from "../upstream.ts";

/** No header beyond this length is accepted by common servers; a JSON web token of RSZ is far below. */
export const tokenMaxChars: number = 8_192;

/**
 * A bearer token that somebody keeps in a file. It is read anew for every call, so that a renewed one is used without a
 * restart. Rejects when it cannot be read or cannot stand in a header; the message never repeats it.
 */
export class FileToken implements TokenSource {
  readonly #read: () => Promise<string>;

  constructor(read: () => Promise<string>) {
    this.#read = read;
  }

  async token(): Promise<string> {
    const token = (await this.#read()).trim();
    if (token === "") throw new TypeError("the token file is empty");
    if (token.length > tokenMaxChars || !/^[\x21-\x7e]+$/.test(token)) {
      throw new TypeError("the token file does not hold a token");
    }
    return token;
  }
}

/** For a service that asks for none, as the simulator. */
export const noToken: TokenSource = { token: async () => null };
