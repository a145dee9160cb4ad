import { createContext, Script } from "node:vm";
import { systemCode } from "../../daemon/base/errors.ts";

/**
 * Longest time one frame's match may take. A frame is short (512 bytes), but a pattern such as `(a+)+$` needs twice the
 * time for each further character, and would stop the clock of every reader on the box. Good ones need microseconds.
 */
export const patternMaxMs: number = 50;

const match: Script = new Script("pattern.exec(text)?.groups?.badge ?? null");

/**
 * The text of a pattern's group `badge`; `null` where it does not match, or does not within `patternMaxMs`. It runs in a
 * context of its own, since only there can the engine be stopped in the middle of a match.
 *
 * @throws SyntaxError when `source` is no regular expression
 */
export function createBadgePattern(source: string): (text: string) => string | null {
  const surroundings = { pattern: new RegExp(source), text: "" };
  const context = createContext(surroundings);
  return (text) => {
    surroundings.text = text;
    try {
      const badge: unknown = match.runInContext(context, { timeout: patternMaxMs });
      return typeof badge === "string" ? badge : null;
    } catch (error) {
      if (systemCode(error) !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
      return null;
    }
  };
}
