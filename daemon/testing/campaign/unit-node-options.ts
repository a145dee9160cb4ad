import { readFileSync } from "node:fs";
import { join } from "node:path";
import { assert } from "../../base/assert.ts";

/** The options of Node itself in the unit's `ExecStart=`. */
export function unitNodeOptions(): readonly string[] {
  const unit = readFileSync(join(import.meta.dirname, "../../../systemd/badged.service"), "utf8");
  const command = /^ExecStart=((?:.*\\\n)*.*)$/m.exec(unit)?.[1] ?? "";
  const [, ...words] = command.split(/[\s\\]+/);
  const end = words.findIndex((word) => word.endsWith("/main.js"));
  assert(end !== -1, "the unit starts the daemon's program");
  return words.slice(0, end);
}
