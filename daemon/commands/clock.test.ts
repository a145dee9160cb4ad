import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { silentLog } from "../base/log.ts";
import { systemTime } from "../base/system-time.ts";
import { startServiceSimulator } from "../simulator/service/service-simulator.ts";
import type { LiveClock, LiveSource } from "../supervisor/live-status.ts";
import { DaemonProcess } from "../testing/campaign/daemon-process.ts";
import { writeSite } from "../testing/campaign/site.ts";
import { TimeServers } from "../testing/campaign/time-servers.ts";
import { badged } from "../testing/run-badged.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../testing/store-fixture.ts";
import { clockWords, isTrusted } from "./clock.ts";

const clock: LiveClock = {
  bootId: "boot",
  state: "synchronised",
  why: null,
  utc: "2026-03-14T05:59:00.000Z",
  errorBoundMs: 7.44,
  basis: "quorum",
  syncAgeMs: 240_000,
  driftPpm: { synchronised: 15, holdover: 100 },
  servers: 4,
  poll: null,
  sources: [],
  events: [],
  service: null,
  receipt: {
    configuredMs: null,
    inForceMs: null,
    late: "withhold",
    aboveMs: null,
    atMostMs: null,
    clockSuspicions: 0,
    transitP999Ms: 0,
  },
};

const heard = { operator: "one", votes: true, verdict: "undecided", detail: "", offsetMs: 60_000, delayMs: 20 };
const silent = { ...heard, verdict: "silent", detail: "for 2000 ms", offsetMs: null, delayMs: null };

function asked(
  result: "quorum" | "no-quorum",
  remarks: readonly string[],
  sources: readonly Omit<LiveSource, "id">[],
): Pick<LiveClock, "state" | "poll" | "sources"> {
  const poll = { result, remarks, ageMs: 1000, nextInMs: 63_000 };
  return { state: "holdover", poll, sources: sources.map((source, index) => ({ id: `server ${index}`, ...source })) };
}

test.each([
  [{}, "synchronised, right to ± 7.4 ms", true],
  [{ state: "holdover" }, "holdover, no time server answers; right to ± 7.4 ms, last compared 4 min ago", true],
  [asked("no-quorum", ["too-few-sources"], [silent, silent]), "holdover, no time server answers;", true],
  [asked("no-quorum", ["too-few-sources"], [heard, silent]), "holdover, too few time servers answer;", true],
  [
    asked("no-quorum", ["too-few-sources"], [heard, { ...heard, verdict: "same-server" }]),
    "holdover, too few time servers, for several names lead to one;",
    true,
  ],
  [
    asked("no-quorum", ["too-few-sources"], [silent, { ...heard, votes: false }]),
    "holdover, no time server answers;",
    true,
  ],
  [asked("no-quorum", ["no-agreement"], [heard, heard]), "holdover, the time servers disagree;", true],
  [asked("quorum", [], [heard]), "holdover, the time servers contradicted what they said before;", true],
  [
    { state: "holdover", poll: { result: "no-quorum", remarks: ["too-few-sources"], ageMs: 1000, nextInMs: null } },
    "holdover, every time server has sent this box away, until a restart;",
    true,
  ],
  [
    { state: "holdover", basis: "service" },
    "from the service's own clock, right to ± 7.4 ms, last compared 4 min ago",
    true,
  ],
  [{ state: "untrusted", why: "contradicted" }, "NOT TRUSTED: the time servers contradict", false],
  [{ state: "untrusted", why: "service-contradicted" }, "NOT TRUSTED: the service's own clock contradicts", false],
  [{ state: "untrusted", why: "suspended" }, "NOT TRUSTED: the box slept", false],
  [{ state: "untrusted", why: "bound-too-wide" }, "NOT TRUSTED: too long without a time server", false],
  [{ state: "unsynchronised" }, "UNSYNCHRONISED: nothing has vouched for the time yet", false],
] as const)("%o is said in words", (change, words, trusted) => {
  expect(clockWords({ ...clock, ...change })).toMatch(words);
  expect(isTrusted({ ...clock, ...change })).toBe(trusted);
});

describe("beside a running daemon", () => {
  let directory: TemporaryDirectory;
  beforeEach(() => {
    directory = temporaryDirectory();
  });
  afterEach(() => directory[Symbol.dispose]());

  test("the clock shows its servers, names the one that lies, and can be checked", async () => {
    await using simulator = await startServiceSimulator({ port: 0, log: silentLog, time: systemTime });
    await using servers = await TimeServers.open(systemTime);
    const { configuration } = writeSite(directory.path, 1, simulator.url, { timeServers: servers.yaml });
    expect(await badged("clock", "check", "-c", configuration)).toMatchObject({ code: 69, out: "" });
    await using _daemon = new DaemonProcess("daemon/main.ts", configuration);
    let checked = await badged("clock", "check", "-c", configuration);
    while (checked.code !== 0) checked = await badged("clock", "check", "-c", configuration);
    expect(checked.out).toMatch(/^synchronised, right to ± \d+(\.\d)? ms\n$/);

    const shown = await badged("clock", "-c", configuration);
    expect(shown.code).toBe(0);
    expect(shown.out).toMatch(/^servers {3}quorum/m);
    expect(shown.out).toMatch(/^127\.0\.0\.1 .* true-chimer/m);
    expect(shown.out).toMatch(/^127\.0\.0\.4 .* false-ticker, 7[12]\d{5}\.?\d* ms outside/m);
    expect(shown.out).toMatch(/^this box .*no vote/m);
    expect(shown.out).toMatch(/^receipt {3}limit not published/m);

    const { out } = await badged("clock", "--json", "-c", configuration);
    expect(JSON.parse(out)).toMatchObject({ state: "synchronised", basis: "quorum", servers: 5 });
  });

  test("a clock that nothing vouches for fails the check", async () => {
    const { configuration } = writeSite(directory.path, 1, "http://127.0.0.1:9/v1");
    await using _daemon = new DaemonProcess("daemon/main.ts", configuration);
    let checked = await badged("clock", "check", "-c", configuration);
    while (checked.code === 69) checked = await badged("clock", "check", "-c", configuration);
    expect(checked.code).toBe(1);
    expect(checked.out).toMatch(/^UNSYNCHRONISED/);
    const [before, behind] = await Promise.all([
      badged("clock", "--json", "check", "-c", configuration),
      badged("clock", "check", "--json", "-c", configuration),
    ]);
    for (const { code, out } of [before, behind]) {
      expect(code).toBe(1);
      expect(JSON.parse(out)).toMatchObject({ state: "unsynchronised" });
    }
  });
});
