/**
 * `npm run bench [-- CASE…]`: every figure beside the physical limit or a bare loop, measured in the same run. Prints a
 * table, then one line of JSON for machines. Cases: latency, stamp-lag, backlog, drain, process, clock, outages, verify,
 * evidence.
 */

import { exitCode } from "../../daemon/base/errors.ts";
import { table } from "../../daemon/commands/terminal.ts";
import { backlogCase } from "./backlog.ts";
import { coverageCase } from "./coverage.ts";
import { drainCase } from "./drain.ts";
import { evidenceCase } from "./evidence-cost.ts";
import type { CaseReport } from "./figures.ts";
import { latencyCase } from "./latency.ts";
import { outagesCase } from "./outages.ts";
import { processCase } from "./process-cost.ts";
import { stampLagCase } from "./stamp-lag.ts";
import { verifyEvidenceCase } from "./verify-evidence.ts";

const cases: Readonly<Record<string, () => Promise<CaseReport>>> = {
  latency: latencyCase,
  "stamp-lag": stampLagCase,
  backlog: backlogCase,
  drain: drainCase,
  process: processCase,
  clock: coverageCase,
  outages: outagesCase,
  verify: verifyEvidenceCase,
  evidence: evidenceCase,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => cases[name] === undefined);
if (unknown.length > 0) {
  process.stderr.write(`there is no case ${unknown.join(", ")}; the cases are ${Object.keys(cases).join(", ")}\n`);
  process.exitCode = exitCode.usage;
} else {
  const reports: CaseReport[] = [];
  for (const [name, run] of Object.entries(cases)) {
    if (asked.length === 0 || asked.includes(name)) reports.push(await run());
  }
  const rows = reports.flatMap(({ findings }) =>
    findings.map(({ what, measured, against, goal, met }) => [
      what,
      measured,
      against,
      goal,
      met === null ? "" : met ? "met" : "MISSED",
    ]),
  );
  process.stdout.write(`${table(["what", "measured", "beside", "goal", ""], rows)}\n\n${JSON.stringify(reports)}\n`);
}
