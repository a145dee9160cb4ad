import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { createServer } from "node:net";
import { basename, dirname, join } from "node:path";
import { systemCode } from "../base/errors.ts";

/** The right to put a simulated device at a link. The kernel ends it with its process, however that ends. */
export interface LinkClaim extends AsyncDisposable {
  readonly link: string;
}

/**
 * Claims a link among the simulated devices of this machine. The claim is the name of an abstract socket, which leaves no
 * file behind; a link alone does not tell whether its device is simulated still, for numbers of pseudo-terminals come again.
 *
 * @throws Error when another simulated device has it, or its folder is not there
 */
export async function claimLink(link: string): Promise<LinkClaim> {
  const place = join(realpathSync(dirname(link)), basename(link));
  // A socket's name has room for 107 bytes, a path for 4095.
  const name = createHash("sha256").update(place).digest("hex");
  const socket = createServer((connection) => connection.destroy());
  await new Promise<void>((resolve, reject) => {
    socket.once("error", (error) => {
      reject(systemCode(error) === "EADDRINUSE" ? new Error("another simulated reader is there") : error);
    });
    socket.listen(`\0badged-simulated-device-${name}`, resolve);
  });
  socket.unref();
  return {
    link,
    [Symbol.asyncDispose]: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}
