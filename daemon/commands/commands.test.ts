import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { silentLog } from "../base/log.ts";
import { systemTime, utcText } from "../base/system-time.ts";
import { wallMs } from "../base/time.ts";
import { ensureDeviceKey } from "../evidence/device-key.ts";
import { ReaderSimulator } from "../simulator/reader-simulator.ts";
import { type ServiceSimulator, startServiceSimulator } from "../simulator/service/service-simulator.ts";
import { StatusSocket, statusSocketPath } from "../supervisor/status-socket.ts";
import { DaemonProcess } from "../testing/campaign/daemon-process.ts";
import { Gate } from "../testing/campaign/gate.ts";
import { type CampaignSite, writeSite } from "../testing/campaign/site.ts";
import { eventually } from "../testing/eventually.ts";
import { fictionalBadge, fictionalSsin } from "../testing/fictional-worker.ts";
import { badged, type Ran } from "../testing/run-badged.ts";
import { draftOf, entryOf, noon, preparedCore, storeSettings } from "../testing/store-fixture.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "badged-commands-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const never = new AbortController().signal;

describe("a running site", () => {
  let simulator: ServiceSimulator;
  let site: CampaignSite;
  let gate: Gate;
  let daemon: DaemonProcess;

  beforeEach(async () => {
    simulator = await startServiceSimulator({ port: 0, log: silentLog, time: systemTime });
    site = writeSite(directory, 3, simulator.url);
    gate = await Gate.open(site.port, systemTime);
    daemon = new DaemonProcess("daemon/main.ts", site.configuration);
  });
  afterEach(async () => {
    await daemon.kill("SIGKILL");
    await gate[Symbol.asyncDispose]();
    await simulator[Symbol.asyncDispose]();
  });

  test("a badge becomes a scan, a registration, and a line of the list, and no output has a national number", async () => {
    expect(await gate.present(fictionalBadge(0), never)).toBe(true);
    await eventually(
      async () => simulator.registrationsOf(fictionalSsin(0)),
      (registrations) => registrations.length === 1,
    );
    const config = ["--config", site.configuration];
    const shown = await eventually(
      () => badged("scans", "show", "1", "--json", ...config),
      ({ out }) => JSON.parse(out).state === "registered",
    );
    expect(JSON.parse(shown.out)).toMatchObject({ scanId: 1, direction: "in", workerReference: "P0", doubt: null });
    const runs = await Promise.all([
      badged("scans", "list", ...config),
      badged("scans", "list", "--json", ...config),
      badged("scans", "show", "1", ...config),
      badged("status", ...config),
      badged("status", "--json", ...config),
      badged("roster", "check", "--json", ...config),
    ]);
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0, 0]);
    const written = [daemon.output, ...runs.flatMap(({ out, err }) => [out, err])].join("\n");
    expect(written).not.toContain(fictionalSsin(0));
    expect(JSON.parse(runs[4].out)).toMatchObject({
      daemon: { readers: [{ id: "gate", online: true, reads: 1 }], service: { state: "reachable" } },
      store: { byState: { registered: 1, waiting: 0 }, rosterBadges: 3 },
    });
  });

  test("an unknown badge is stored, and registered with its own time once the roster learns it", async () => {
    expect(await gate.present(fictionalBadge(3), never)).toBe(false);
    const config = ["--config", site.configuration];
    const before = JSON.parse((await badged("scans", "show", "1", "--json", ...config)).out);
    expect(before).toMatchObject({ state: "unknown-badge", direction: null });
    appendFileSync(join(directory, "roster.csv"), `${fictionalBadge(3)},${fictionalSsin(3)},0566988259,,P3\n`);
    const own = relative(process.cwd(), join(directory, "roster.csv"));
    const imported = await badged("roster", "import", own, "--json", ...config);
    // Nothing is left to do: however its path is written, it is the file that the daemon reads.
    expect(imported.err).toBe("");
    expect(JSON.parse(imported.out)).toMatchObject({ written: true, added: 1, unchanged: 3 });
    const [registration] = await eventually(
      async () => simulator.registrationsOf(fictionalSsin(3)),
      (registrations) => registrations.length === 1,
    );
    expect(utcText(wallMs(registration?.registrationMs ?? 0)).slice(0, 19)).toBe(before.utc.slice(0, 19));
  });

  test("a scan that the service refuses waits for a person, and goes when he releases it", async () => {
    await simulator.setFault({ kind: "not-created", ssins: [fictionalSsin(1)] });
    expect(await gate.present(fictionalBadge(1), never)).toBe(true);
    const config = ["--config", site.configuration];
    const list = (): Promise<Ran> => badged("scans", "list", "--state", "refused", "--json", ...config);
    const refused = await eventually(list, ({ out }) => out !== "");
    expect(JSON.parse(refused.out)).toMatchObject({ state: "refused", reason: expect.stringMatching(/./) });
    await simulator.clearFaults();
    expect((await badged("scans", "release", ...config)).code).toBe(64);
    const released = await badged("scans", "release", "--all-refused", ...config);
    expect([released.code, released.out]).toEqual([0, "scan 1: released, to be sent with the time it was made\n"]);
    await eventually(
      async () => simulator.registrationsOf(fictionalSsin(1)),
      (registrations) => registrations.length === 1,
    );
  });

  test("a second daemon on the same store is turned away", async () => {
    await gate.present(fictionalBadge(0), never);
    const second = await badged("run", site.configuration);
    expect(second).toMatchObject({ code: 69, err: expect.stringContaining("another badged answers") });
  });
});

test("the box's key is told as text and as a code to scan, once the first start has made it", async () => {
  const { configuration, store } = writeSite(directory, 1, "http://127.0.0.1:1");
  const before = await badged("evidence", "identity", configuration);
  expect([before.code, before.err]).toEqual([66, expect.stringContaining("start the daemon once")]);
  mkdirSync(store, { recursive: true });
  const { publicKey, fingerprint } = ensureDeviceKey(store);
  const { out } = await badged("evidence", "identity", configuration);
  const key = `ed25519:${publicKey.toString("base64")}`;
  expect(out).toContain(`origin       badged/${fingerprint}/1\nfingerprint  ${fingerprint}\nkey          ${key}\n`);
  expect(out).toMatch(/[█▀▄]{10}/);
  const { out: document } = await badged("evidence", "identity", configuration, "--json");
  expect(JSON.parse(document)).toEqual({ origin: `badged/${fingerprint}/1`, fingerprint, key });
}, 60_000);

test("a configuration with mistakes ends the daemon with 78, every mistake told", async () => {
  const file = join(directory, "site.yaml");
  writeFileSync(file, "sites: {}\nreaders: []\n");
  const ran = await badged("run", file);
  expect(ran.code).toBe(78);
  expect(ran.err).toContain(`${file}:1:1: sites: is not a key here; did you mean site?`);
  const checked = await badged("check-config", "--json", file);
  expect(checked.code).toBe(78);
  expect(JSON.parse(checked.out).problems.length).toBeGreaterThan(2);
});

test("a site is named alike for every command", async () => {
  const { configuration } = writeSite(directory, 1, "http://127.0.0.1:9");
  const sound = expect.stringContaining(`${configuration}: sound.`);
  expect(await badged("check-config", "-c", configuration)).toMatchObject({ code: 0, out: sound });
  expect(await badged("check-config", configuration)).toMatchObject({ code: 0, out: sound });
  const ran = await badged("check-config", "other.yaml", "--config", configuration);
  expect(ran).toMatchObject({ code: 64, err: expect.stringContaining("two sites are named: other.yaml and") });
});

test("without a daemon the status says so and still tells what is on disk", async () => {
  const site = writeSite(directory, 1, "http://127.0.0.1:9");
  const ran = await badged("status", "--config", site.configuration);
  expect(ran).toMatchObject({ code: 69, out: expect.stringContaining("NOT RUNNING") });
});

test("of a daemon that hangs the status says so, and tells what is on disk all the same", async () => {
  const site = writeSite(directory, 1, "http://127.0.0.1:9");
  mkdirSync(site.store);
  await using _hanging = await StatusSocket.open(statusSocketPath(site.store), () => new Promise(() => {}));
  const ran = await badged("status", "--config", site.configuration);
  expect(ran).toMatchObject({ code: 69, out: expect.stringMatching(/^daemon +NO ANSWER: .*\nstore +nothing yet/) });
});

test("a roster can be checked before the first start, when every badge would be new", async () => {
  const site = writeSite(directory, 3, "http://127.0.0.1:9");
  const ran = await badged("roster", "check", "--json", "--config", site.configuration);
  expect(ran.code).toBe(0);
  expect(JSON.parse(ran.out)).toMatchObject({ written: false, badges: 3, added: 3, removed: 0 });
});

test("a roster is checked, and what is on disk told, while the configured roster is not there", async () => {
  const site = writeSite(directory, 3, "http://127.0.0.1:9");
  renameSync(join(directory, "roster.csv"), join(directory, "new.csv"));
  const config = ["--config", site.configuration];
  const named = await badged("roster", "check", join(directory, "new.csv"), "--json", ...config);
  expect(JSON.parse(named.out)).toMatchObject({ written: false, badges: 3, added: 3 });
  expect(await badged("roster", "check", ...config)).toMatchObject({
    code: 66,
    err: expect.stringContaining("roster.csv cannot be read"),
  });
  expect(await badged("status", ...config)).toMatchObject({ code: 69, out: expect.stringContaining("nothing yet") });
  expect(await badged("run", site.configuration)).toMatchObject({
    code: 78,
    err: expect.stringContaining("roster.file"),
  });
});

test.each([
  ["simulate service --port 99999", "a port is 0 to 65535"],
  ["simulate service --missing-scope find", "the calls are register, get, search, history, cancel"],
  ["reader listen /dev/null --baud 0", "give bits per second"],
  ["reader listen /dev/null --seconds 0", "give 1 or more"],
  ["scans list --limit 0", "--limit: 0 is not between 1 and 100000"],
  ["scans list --limit 100001", "with --from and --to"],
  ["scans list --limit -1", "give a whole number"],
  ["demo", "the demonstration has no file"],
  ["remarks list --csv --json", "cannot be used with option"],
  ["clock chekc", "unknown command 'chekc'; it is clock by itself, or with check"],
  ["clock check now", "too many arguments for 'check'"],
  ["witness identity now", "too many arguments for 'identity'"],
  ["help nonsense", "unknown command 'nonsense'; there are run, demo, check-config"],
  ["scans help nonsense", "unknown command 'nonsense'; there are list, show, release"],
  ["help status nonsense", "unknown command 'nonsense'; status has none below it"],
  ["--json status", "'--json'; it stands behind the whole command, as in badged status --json"],
  ["-c site.yaml status", "'-c'; it stands behind the whole command, as in badged status -c"],
  ["-c site.yaml roster check", "'-c'; it stands behind the whole command, as in badged roster check -c"],
  ["help status --json", "unknown option '--json'\n"],
  ["witness --json identity", "'--json'; it stands behind the whole command, as in badged witness identity --json"],
  ["outages --lang nl list", "'--lang'; it stands behind the whole command, as in badged outages list --lang"],
  ["status site.yaml", "the site's file is named with -c, as in badged status -c SITE.yaml"],
  ["clock site.yaml", "the site's file is named with -c, as in badged clock -c SITE.yaml"],
  ["witness identty", "unknown command 'identty'; it is witness by itself, or with identity"],
])("%s is a mistake of whoever typed it", async (words, told) => {
  expect(await badged(...words.split(" "))).toMatchObject({ code: 64, err: expect.stringContaining(told) });
});

test("the help of a command is shown by either of its names", async () => {
  const [below, beside] = await Promise.all([badged("help", "roster", "check"), badged("roster", "check", "--help")]);
  expect(below).toEqual(beside);
  expect(below).toMatchObject({ code: 0, out: expect.stringMatching(/^Usage: badged roster check/) });
});

test("what is named before the second word of a command counts as if it were named after it", async () => {
  const { configuration } = writeSite(directory, 1, "http://127.0.0.1:9");
  const witness = join(directory, "witness");
  const [clock, identity] = await Promise.all([
    badged("clock", "-c", configuration, "check"),
    badged("witness", "--store", witness, "identity"),
  ]);
  expect(clock).toMatchObject({ code: 69, err: expect.stringMatching(/^badged does not run/) });
  expect(identity).toMatchObject({ code: 66, err: expect.stringContaining(`there is no witness in ${witness}`) });
});

test("a mistake of a whole line of a roster names the line alone", async () => {
  const site = writeSite(directory, 1, "http://127.0.0.1:9");
  writeFileSync(join(directory, "other.csv"), "7E00,93051822362,0566988259\n");
  const ran = await badged("roster", "check", join(directory, "other.csv"), "--config", site.configuration);
  expect(ran).toMatchObject({ code: 65, err: expect.stringMatching(/other\.csv:1: is no header/) });
});

test("a roster with a mistake is not imported, and the mistake's value is not repeated", async () => {
  const site = writeSite(directory, 1, "http://127.0.0.1:9");
  writeFileSync(join(directory, "other.csv"), "badge,ssin,employer\n7E00,93051822362,0566988259\n");
  const ran = await badged("roster", "check", join(directory, "other.csv"), "--config", site.configuration);
  expect(ran).toMatchObject({ code: 65, err: expect.stringMatching(/other\.csv:2: ssin: is no valid/) });
  expect(ran.err).not.toContain("93051822362");
});

test("what a roster calls its columns is shown, and not obeyed by the terminal", async () => {
  const site = writeSite(directory, 1, "http://127.0.0.1:9");
  writeFileSync(join(directory, "other.csv"), "badge,ssin,employer,\u001bc\u202eoops\n0A,93051822361,0566988259,x\n");
  const ran = await badged("roster", "check", join(directory, "other.csv"), "--config", site.configuration);
  expect(ran.err).toContain(String.raw`\u001bc\u202eoops: is no column of a roster`);
  expect(ran.err).not.toContain("\u001b");
});

test("a roster whose dates are over is taken, and that is told", async () => {
  const site = writeSite(directory, 1, "http://127.0.0.1:9");
  const roster = join(directory, "dated.csv");
  const dated = (name: number, until: string): string =>
    `${fictionalBadge(name)},${fictionalSsin(name)},0566988259,${until}`;
  writeFileSync(roster, ["badge,ssin,employer,valid_until", dated(1, "31/01/2020"), dated(2, ""), ""].join("\n"));
  expect(await badged("roster", "check", roster, "--config", site.configuration)).toMatchObject({
    code: 0,
    err: expect.stringContaining("1 badge is past valid_until"),
  });
});

test("a badge that is handed on without a date is told where its scans stay unknown", async () => {
  const site = writeSite(directory, 1, "http://127.0.0.1:9");
  const roster = join(directory, "next.csv");
  mkdirSync(site.store, { mode: 0o700 });
  const core = preparedCore(storeSettings(site.store), [entryOf(1, { badge: fictionalBadge(0) })]);
  core.replaceRoster([], "gone", noon);
  core.record([{ ...draftOf(1, 10), badge: { raw: fictionalBadge(0), number: fictionalBadge(0) } }]);
  core[Symbol.dispose]();
  const next = `${fictionalBadge(0)},${fictionalSsin(0)},0566988259`;
  const told = "1 badge was another worker's before: its unknown scans stay unknown";
  writeFileSync(roster, `badge,ssin,employer\n${next}\n`);
  const checked = await badged("roster", "check", roster, "--config", site.configuration);
  expect(checked).toMatchObject({ code: 0, err: expect.stringContaining(told) });
  writeFileSync(roster, `badge,ssin,employer,valid_from\n${next},2026-05-28\n`);
  const dated = await badged("roster", "import", roster, "--config", site.configuration);
  expect(dated).toMatchObject({ code: 0, err: expect.not.stringContaining("another worker") });
});

test("listening to a reader gives the driver that fits, ready to paste", async () => {
  await using reader = await ReaderSimulator.open(
    { link: join(directory, "reader"), style: "rdm6300", onFeedback: () => {} },
    systemTime,
  );
  using _shown = systemTime.every(400, () => reader.present("010063E9AE"));
  const ran = await badged("reader", "listen", reader.path, "--seconds", "3", "--json");
  expect(ran.code).toBe(0);
  const [best] = JSON.parse(ran.out).suggestions;
  expect(best.settings.driver).toBe("rdm6300");
  expect(best.yaml).toContain("driver: rdm6300");
});

test("a simulated reader leaves another's link alone, and the demonstration a real reader's", async () => {
  // Ended at once: its port is free again.
  const { url } = await startServiceSimulator({ port: 0, log: silentLog, time: systemTime }).then(async (ended) => {
    await ended[Symbol.asyncDispose]();
    return ended;
  });
  const link = join(directory, "reader");
  await using reader = await ReaderSimulator.open({ link, style: "rdm6300", onFeedback: () => {} }, systemTime);
  const second = await badged("simulate", "reader", reader.path);
  expect(second).toMatchObject({ code: 69, err: expect.stringContaining("another simulated reader is there") });
  expect(second.err).not.toContain("defect");
  expect(readlinkSync(link)).toMatch(/^\/dev\/pts\//);

  const site = writeSite(join(directory, "site"), 1, url);
  symlinkSync("../../ttyUSB0", site.port);
  const demo = await badged("demo", site.configuration);
  expect(demo).toMatchObject({ code: 69, err: expect.stringContaining("leads to ../../ttyUSB0") });
  expect(demo.err).not.toContain("defect");
  expect(readlinkSync(site.port)).toBe("../../ttyUSB0");
});

test("a port that is not there is told with what to do, not with a stack", async () => {
  const ran = await badged("reader", "listen", join(directory, "nothing"), "--seconds", "1");
  expect(ran).toMatchObject({ code: 69, err: expect.stringMatching(/^badged: /) });
  expect(ran.err).not.toContain("defect");
});

test.each([
  [["frob"]],
  [["scans", "show", "x"]],
  [["scans", "list", "--from", "yesterday"]],
  [["simulate", "reader", "/tmp/x", "--driver", "osdp"]],
])("%j is a mistake of usage", async (words) => {
  expect((await badged(...words)).code).toBe(64);
});

test("a command that fails says so in prose and by its code, and a machine reads no half document", async () => {
  const { configuration } = writeSite(directory, 1, "http://127.0.0.1:9");
  const missing = join(directory, "missing");
  const failing: readonly (readonly [number, ...string[]])[] = [
    [66, "scans", "list", "-c", configuration],
    [66, "scans", "show", "1", "-c", configuration],
    [66, "outages", "export", "-c", configuration],
    [64, "outages", "list", "--from", "yesterday", "-c", configuration],
    [66, "remarks", "list", "-c", configuration],
    [69, "clock", "-c", configuration],
    [66, "evidence", "identity", configuration],
    [2, "evidence", "verify", missing],
    [66, "roster", "check", missing, "-c", configuration],
    [66, "witness", "identity", "--store", missing],
    [78, "service", "check", missing],
    [69, "reader", "listen", missing],
  ];
  for (const [code, ...words] of failing) {
    const told = { code, out: "", err: expect.stringMatching(/./) };
    expect(await badged(...words, "--json"), words.join(" ")).toMatchObject(told);
  }
}, 60_000);
