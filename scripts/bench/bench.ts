/**
 * `npm run bench [-- CASE…]`: every figure beside the physical limit or a bare loop, measured in the same run. Prints the
 * table of each case as it ends, for all of them take most of an hour, and at the very end one line of JSON for machines;
 * what is under way goes to the error output. Cases: latency, stamp-lag, backlog, drain, process, clock, outages, verify,
 * evidence.
 */

import { exitCode } from "../../daemon/base/errors.ts";
import { backlogCase } from "./backlog.ts";
import { coverageCase } from "./coverage.ts";
import { drainCase } from "./drain.ts";
import { evidenceCase } from "./evidence-cost.ts";
import { type CaseReport, tableOf } from "./figures.ts";
import { latencyCase } from "./latency.ts";
import { outagesCase } from "./outages.ts";
import { processCase } from "./process-cost.ts";
import { sayProgress } from "./progress.ts";
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
  const chosen = Object.entries(cases).filter(([name]) => asked.length === 0 || asked.includes(name));
  for (const [index, [name, run]] of chosen.entries()) {
    sayProgress(`${name}, ${index + 1} of ${chosen.length}`);
    const report = await run();
    reports.push(report);
    process.stdout.write(`${tableOf(report)}\n\n`);
  }
  process.stdout.write(`${JSON.stringify(reports)}\n`);
}
