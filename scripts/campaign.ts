/**
 * `npm run campaign -- [--seed N] [--kills N] [--workers N] [--cuts N] [--outages N] [--rounds N]`: the long forms of what the tests do in short.
 * The daemon is killed, its reader unplugged, its service broken, its clock stepped, its box rebooted, and its disk cut from
 * the power; then the promises are
 * held against what happened. Ends with 1 when one was broken; the same seed repeats a run as closely as chance allows.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { parseArgs } from "node:util";
import { exitCode } from "../daemon/base/errors.ts";
import { systemTime } from "../daemon/base/system-time.ts";
import { boxObstacle } from "../daemon/testing/campaign/box.ts";
import { runCampaign } from "../daemon/testing/campaign/campaign.ts";
import { runDrainKills } from "../daemon/testing/campaign/drain-kills.ts";
import { failedCallFaults } from "../daemon/testing/campaign/faults.ts";
import { runReceiptCampaign } from "../daemon/testing/campaign/receipt-campaign.ts";
import { runServiceCampaign, type ServiceCampaignOptions } from "../daemon/testing/campaign/service-campaign.ts";
import { testDiskObstacle } from "../daemon/testing/disk/test-disk.ts";
import { runEvidenceCuts } from "../daemon/testing/power-cut/evidence-cuts.ts";
import { runPowerCuts } from "../daemon/testing/power-cut/power-cuts.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    kills: { type: "string", default: "100" },
    workers: { type: "string", default: "12000" },
    cuts: { type: "string", default: "200" },
    outages: { type: "string", default: "6" },
    rounds: { type: "string", default: "4" },
  },
});
const seed = Number(values.seed);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const broken = [
  ...(await faults()),
  ...(await everyCall()),
  ...(await drainKills()),
  ...(await receipts()),
  ...(await powerCuts()),
  ...(await evidenceCuts()),
];
for (const line of broken.slice(0, 50)) say(`BROKEN  ${line}`);
say(broken.length === 0 ? "Every promise was kept." : `${broken.length} promises were broken.`);
process.exitCode = broken.length === 0 ? exitCode.ok : exitCode.failed;

async function faults(): Promise<readonly string[]> {
  mkdirSync("var", { recursive: true });
  const directory = mkdtempSync("var/campaign-");
  const obstacle = boxObstacle();
  if (obstacle !== null) say(`clock       no steps and no reboots: ${obstacle}`);
  const { broken: lines, ...report } = await runCampaign({
    seed,
    kills: Number(values.kills),
    workers: Number(values.workers),
    directory,
    program: "dist/daemon/main.js",
    clockFaults: obstacle === null,
    time: systemTime,
  });
  say(`faults      ${JSON.stringify(report)}`);
  if (lines.length === 0) rmSync(directory, { recursive: true });
  return report.endedWell ? lines : ["the last daemon did not end well on SIGTERM", ...lines];
}

/** Every fault at every kind of call, and the daemon's memory and log watched meanwhile; then a quota that is soon used up. */
async function everyCall(): Promise<readonly string[]> {
  const rounds = Number(values.rounds);
  const small = { faults: failedCallFaults, failedMax: 2, windowMs: 8_000 };
  return [...(await service({ rounds })), ...(await service({ rounds: 1, failing: small }))];
}

async function service(form: Pick<ServiceCampaignOptions, "rounds" | "failing">): Promise<readonly string[]> {
  mkdirSync("var", { recursive: true });
  const directory = mkdtempSync("var/service-");
  const {
    broken: lines,
    strikes,
    ...report
  } = await runServiceCampaign({
    ...form,
    seed,
    everyNth: 1,
    directory,
    program: "dist/daemon/main.js",
    time: systemTime,
  });
  say(`${form.failing === undefined ? "service    " : "small quota"} ${JSON.stringify(report)}`);
  if (form.failing === undefined) for (const line of strikes) say(`            ${line}`);
  if (lines.length === 0) rmSync(directory, { recursive: true });
  return report.endedWell ? lines : ["the daemon did not end well on SIGTERM", ...lines];
}

/** The fastest sending there is, killed in the middle of it. */
async function drainKills(): Promise<readonly string[]> {
  const directory = mkdtempSync("var/drain-");
  const { broken: lines, ...report } = await runDrainKills({
    seed,
    scans: 10_000,
    kills: Math.ceil(Number(values.kills) / 5),
    directory,
    program: "dist/daemon/main.js",
    time: systemTime,
  });
  say(`drain       ${JSON.stringify(report)}`);
  if (lines.length === 0) rmSync(directory, { recursive: true });
  return lines;
}

/** Two services at once, one ahead and one behind; the shortest limit that can be configured. */
async function receipts(): Promise<readonly string[]> {
  const limitMs = 60_000;
  const reports = await Promise.all(
    [-800, 800].map(async (serviceOffsetMs) => {
      const directory = mkdtempSync("var/receipts-");
      const report = await runReceiptCampaign({
        seed,
        limitMs,
        serviceOffsetMs,
        outages: Number(values.outages),
        outageMs: { from: limitMs / 3, to: 1.3 * limitMs },
        peaceMs: { from: 2_000, to: 15_000 },
        directory,
        time: systemTime,
      });
      rmSync(directory, { recursive: true });
      return report;
    }),
  );
  for (const { broken: _, ...report } of reports) say(`receipt     ${JSON.stringify({ limitMs, ...report })}`);
  return reports.flatMap((report) => report.broken);
}

async function powerCuts(): Promise<readonly string[]> {
  const obstacle = testDiskObstacle();
  if (obstacle !== null) {
    say(`power cuts  skipped: ${obstacle}`);
    return [];
  }
  const cuts = Number(values.cuts);
  const { broken: lines, ...report } = await runPowerCuts({
    seed,
    scans: 600,
    cuts,
    directory: "/dev/shm",
    time: systemTime,
  });
  say(`power cuts  ${JSON.stringify(report)}`);
  return lines;
}

async function evidenceCuts(): Promise<readonly string[]> {
  if (testDiskObstacle() !== null) return [];
  const {
    contradictions,
    broken: lines,
    ...report
  } = await runEvidenceCuts({
    seed,
    steps: 240,
    cuts: Number(values.cuts),
    directory: "/dev/shm",
    time: systemTime,
  });
  const found = { contradictions: contradictions.length, broken: lines.length };
  say(`evidence    ${JSON.stringify({ ...report, ...found })}`);
  return [...contradictions, ...lines];
}
