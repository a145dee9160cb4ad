import { createContext, Script } from "node:vm";
import { systemCode } from "../../daemon/base/errors.ts";

/**
 * Longest time one frame's match may take. A frame is short (512 bytes), but a pattern such as `(a+)+$` needs twice the
 * time for each further character, and would stop the clock of every reader on the box. Good ones need microseconds.
 */
export const patternMaxMs: number = 50;

/**
 * The engine stops a match by the time that passed, and not by the time it had: on a box whose other programs hold the
 * processor good ones were stopped too, one badge in a hundred with eight of them on two cores. Who had less of the
 * processor than that, in all of its tries, is no bad pattern, and is matched again.
 */
const hadProcessorMs = patternMaxMs / 5;

/** On a box where a match does not get so little time in half a second nothing else does. */
export const triesMax: number = 10;

const match: Script = new Script("pattern.exec(text)?.groups?.badge ?? null");

/** Of this thread, in milliseconds. */
export type ProcessorTime = () => number;

const threadMs: ProcessorTime = () => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};

/**
 * The text of a pattern's group `badge`; `null` where it does not match, or does not within `patternMaxMs`. It runs in a
 * context of its own, since only there can the engine be stopped in the middle of a match.
 *
 * @throws SyntaxError when `source` is no regular expression
 */
export function createBadgePattern(
  source: string,
  processorMs: ProcessorTime = threadMs,
): (text: string) => string | null {
  const surroundings = { pattern: new RegExp(source), text: "" };
  const context = createContext(surroundings);
  return (text) => {
    surroundings.text = text;
    const fromMs = processorMs();
    for (let tries = 1; ; tries += 1) {
      try {
        const badge: unknown = match.runInContext(context, { timeout: patternMaxMs });
        return typeof badge === "string" ? badge : null;
      } catch (error) {
        if (systemCode(error) !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
        if (tries === triesMax || processorMs() - fromMs >= hadProcessorMs) return null;
      }
    }
  };
}
