import { spawn } from "node:child_process";
import { messageOf } from "../../daemon/base/errors.ts";

/** It takes some milliseconds; a port is opened without it where it hangs. */
const sttyMaxMs = 2_000;

/**
 * Has a byte that came with an error of parity or framing read as NUL, so that no frame with it becomes a badge: the
 * number it made would be the number of somebody else. bindings-cpp opens a port with IGNPAR and without INPCK, and the
 * kernel then gives such a byte like any other, whatever parity is set (termios(3), n_tty). Node cannot set that and the
 * library has no option for it; `stty` of coreutils does.
 *
 * The descriptor is the child's fourth: of the first three libuv takes O_NONBLOCK away, and it would be gone here as well.
 *
 * @returns why it could not be done; `null` when it was
 */
export function markLineErrors(descriptor: number): Promise<string | null> {
  const marked = new Promise<string | null>((resolve) => {
    const stty = spawn("stty", ["-F", "/proc/self/fd/3", "inpck", "-ignpar"], {
      stdio: ["ignore", "ignore", "ignore", descriptor],
      timeout: sttyMaxMs,
    });
    stty.once("error", (error) => resolve(messageOf(error)));
    stty.once("exit", (code, signal) => resolve(code === 0 ? null : `stty ended with ${code ?? signal}`));
  });
  return marked.catch(messageOf);
}
