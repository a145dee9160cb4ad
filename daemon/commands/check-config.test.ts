import {
  appendFileSync,
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Script } from "node:vm";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BadgedError, exitCode, exitCodeOf } from "../base/errors.ts";
import { silentLog } from "../base/log.ts";
import { systemTime } from "../base/system-time.ts";
import { type WallMs, wallMs } from "../base/time.ts";
import { verifierKeyText } from "../evidence/note.ts";
import { applicationId } from "../store/connection.ts";
import { schemaVersion } from "../store/schema.ts";
import { Store } from "../store/store.ts";
import { writeSite } from "../testing/campaign/site.ts";
import { createTestAuthority } from "../testing/evidence/test-authority.ts";
import { seededWitness } from "../testing/evidence/test-keys.ts";
import { storeSettings } from "../testing/store-fixture.ts";
import { checkConfig } from "./check-config.ts";
import { requireConfiguration } from "./configuration.ts";
import { claimDemoStore } from "./demo-store.ts";
import { runningPrograms } from "./start-checks.ts";

let directory: string;
let configuration: string;
const now = systemTime.wallMs();

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "badged-check-"));
  ({ configuration } = writeSite(directory, 2, "http://127.0.0.1:9"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

function checked(
  at: WallMs = now,
  programs: readonly string[] = [],
  isThere: (path: string) => boolean = () => true,
): { code: number; said: string } {
  const lines: string[] = [];
  const say = (line: string): void => void lines.push(line);
  const code = checkConfig(
    configuration,
    false,
    { out: say, err: say, interactive: false },
    { now: at, programs: () => programs, isThere },
  );
  return { code, said: lines.join("\n") };
}

function place(key: string): string {
  const lines = readFileSync(configuration, "utf8").split("\n");
  const line = lines.findLastIndex((each) => each.includes(key));
  return `${configuration}:${line + 1}:`;
}

test("a file with all that it names is sound, without a warning", () => {
  const { caFile } = createTestAuthority(join(directory, "authority"));
  const key = verifierKeyText(seededWitness("witness.example/w1"), "cosignature");
  appendFileSync(
    configuration,
    `evidence:\n  authority: { url: "http://127.0.0.1:9/", ca: ${caFile} }\n  witnesses: [{ url: "http://127.0.0.1:9/", key: "${key}" }]\n`,
  );
  expect(checked()).toEqual({ code: exitCode.ok, said: `${configuration}: sound. Site Campaign, 1 reader.` });
});

test("a store in the place of a file keeps badged from starting", () => {
  const text = readFileSync(configuration, "utf8");
  const directoryOf = /directory: (\S+?)[ ,}\n]/.exec(text)?.[1] ?? "";
  writeFileSync(configuration, text.replace(directoryOf, configuration));
  const { code, said } = checked();
  expect(code).toBe(exitCode.configuration);
  expect(said).toContain("store.directory: is no folder");
});

test("a folder of the store in which others may put files is a warning", () => {
  const { store } = requireConfiguration(configuration);
  mkdirSync(store.directory);
  chmodSync(store.directory, 0o777);
  const { code, said } = checked();
  expect(code).toBe(exitCode.ok);
  expect(said).toContain(`${store.directory} may be written into by other users of this box`);
  chmodSync(store.directory, 0o750);
  expect(checked().said).not.toContain("other users");
});

test("a store of a demonstration, with a service of somebody else's, keeps badged from starting", () => {
  const { store } = requireConfiguration(configuration);
  mkdirSync(store.directory);
  claimDemoStore(requireConfiguration(configuration));
  expect(checked().code).toBe(exitCode.ok);
  const text = readFileSync(configuration, "utf8");
  writeFileSync(configuration, text.replace("http://127.0.0.1:9", "https://service.example"));
  const { code, said } = checked();
  expect(code).toBe(exitCode.configuration);
  expect(said).toContain(place("store:"));
  expect(said).toContain("holds the invented scans of a demonstration");
});

test("a store of a newer badged keeps this one from starting", async () => {
  const { store } = requireConfiguration(configuration);
  {
    await using _made = await Store.open(storeSettings(store.directory), { time: systemTime, log: silentLog });
  }
  expect(checked().code).toBe(exitCode.ok);
  const db = new Sqlite(join(store.directory, "badged.sqlite"));
  db.pragma(`user_version = ${schemaVersion + 1}`);
  db.close();
  const { code, said } = checked();
  expect(code).toBe(exitCode.configuration);
  expect(said).toContain(`schema version ${schemaVersion + 1}, this one reads up to ${schemaVersion}`);
});

test("so does a copy of one, laid there to be taken over", async () => {
  const { store } = requireConfiguration(configuration);
  mkdirSync(store.directory);
  const db = new Sqlite(join(store.directory, "badged.sqlite.restored"));
  db.pragma(`application_id = ${applicationId}`);
  db.pragma(`user_version = ${schemaVersion + 1}`);
  db.close();
  expect(checked()).toMatchObject({ code: exitCode.configuration, said: expect.stringContaining("of a newer badged") });
});

test.each([
  ["Europe/London", true],
  ["Africa/Lagos", true],
  ["Europe/Paris", false],
])("a zone whose clocks are not Belgium's is a warning: %s", (zone, isWarned) => {
  const text = readFileSync(configuration, "utf8");
  writeFileSync(configuration, text.replace("Europe/Brussels", zone));
  const { code, said } = checked();
  expect(code).toBe(exitCode.ok);
  expect(said.includes(`site.timeZone: is ${zone}`)).toBe(isWarned);
});

test("a key that only the service sees is a warning: it was not looked at", () => {
  vi.stubEnv("CREDENTIALS_DIRECTORY", "");
  appendFileSync(configuration, "evidence:\n  keyFile: $CREDENTIALS_DIRECTORY/log.pem\n");
  const { code, said } = checked();
  expect(code).toBe(exitCode.ok);
  expect(said).toContain(`${place("keyFile:")}12: evidence.keyFile: is handed over by systemd`);
  expect(said).toContain("CREDENTIALS_DIRECTORY=/etc/badged/secrets badged check-config");
  expect(said).toContain("1 warning above");
});

test("a key that only the service sees is looked at where its folder is told", () => {
  vi.stubEnv("CREDENTIALS_DIRECTORY", directory);
  appendFileSync(configuration, "evidence:\n  keyFile: $CREDENTIALS_DIRECTORY/log.pem\n");
  const { code, said } = checked();
  expect(code).toBe(exitCode.configuration);
  expect(said).toContain("evidence.keyFile: the file it names does not exist");
});

test("a service of somebody else's without a token is a warning", () => {
  const text = readFileSync(configuration, "utf8");
  writeFileSync(configuration, text.replace("http://127.0.0.1:9", "https://service.example"));
  const { code, said } = checked();
  expect(code).toBe(exitCode.ok);
  expect(said).toMatch(/service: has neither oauth nor tokenFile: .*write oauth: .*\(a warning\)/);
});

test("certificates that are none keep badged from starting, with the place in the file", () => {
  const ca = join(directory, "ca.pem");
  writeFileSync(ca, "nothing of the kind");
  appendFileSync(configuration, `evidence:\n  authority: { url: "http://127.0.0.1:9/", ca: ${ca} }\n`);
  const { code, said } = checked();
  expect(code).toBe(exitCode.configuration);
  expect(said).toContain(`${place("ca:")}`);
  expect(said).toMatch(/evidence\.authority\.ca: .*cannot be what tokens are checked against/);
  expect(said).toMatch(/1 problem; badged does not start/);
});

test("certificates that have ended are a warning: badged starts, and no timestamp will hold", () => {
  const { caFile } = createTestAuthority(join(directory, "authority"));
  appendFileSync(configuration, `evidence:\n  authority: { url: "http://127.0.0.1:9/", ca: ${caFile} }\n`);
  const { code, said } = checked(wallMs(now + 200 * 365 * 86_400_000));
  expect(code).toBe(exitCode.ok);
  expect(said).toMatch(/evidence\.authority\.ca: the certificate CN ?=.* ended on .*\(a warning\)/);
  expect(said).toMatch(/sound\..* warnings? above\./);
});

test("a key of a witness whose parts do not belong together keeps badged from starting", () => {
  const key = verifierKeyText(seededWitness("witness.example/w1"), "cosignature").replace("w1+", "w2+");
  appendFileSync(configuration, `evidence:\n  witnesses:\n    - url: http://127.0.0.1:9/\n      key: ${key}\n`);
  const { code, said } = checked();
  expect(code).toBe(exitCode.configuration);
  expect(said).toContain(`${place("key:")}12: evidence.witnesses[0].key: `);
});

test("a roster that every user of the box may read is a warning, and one in a folder that is closed to them is none", () => {
  const { roster } = requireConfiguration(configuration);
  chmodSync(roster.file, 0o644);
  expect(checked().said).not.toContain("every user");
  chmodSync(directory, 0o755);
  const { code, said } = checked();
  expect(code).toBe(exitCode.ok);
  expect(said).toContain("roster.file: may be read by every user of this box");
  chmodSync(roster.file, 0o640);
  expect(checked().said).not.toContain("every user");
});

test("a roster with mistakes is a warning with its first line", () => {
  const roster = join(directory, "roster.csv");
  writeFileSync(roster, readFileSync(roster, "utf8").replace(/\d{11}/, "12345678901"));
  const { code, said } = checked();
  expect(code).toBe(exitCode.ok);
  expect(said).toContain(place("roster:"));
  expect(said).toMatch(/roster\.file: has a mistake in line 2, ssin: .*the roster in force stays.*\(a warning\)/);
  expect(said).not.toContain("12345678901");
});

test.each([
  [
    "a decimal number, which says nothing of leading zeros",
    "decimal",
    "hex",
    "007E000001",
    "keep the roster in decimal",
  ],
  ["a text that begins with a key", "text", "text", "I77", "choose another key"],
])("a badge that a reader never gives as the roster has it is a warning: %s", (_why, encoding, form, badge, advice) => {
  const text = readFileSync(configuration, "utf8");
  const gate = `port: $1\n    badge: { encoding: ${encoding} }\n    keys: { I: in }`;
  const changed = text.replace(/port: (.*)/, gate).replace("badgeForm: hex", `badgeForm: ${form}`);
  writeFileSync(configuration, changed);
  expect(checked().said).toContain("sound.");
  const roster = join(directory, "roster.csv");
  writeFileSync(roster, readFileSync(roster, "utf8").replace("7E00000001", badge));
  const { code, said } = checked();
  expect(code).toBe(exitCode.ok);
  expect(said).toContain(`would never give a badge of the roster (${badge})`);
  expect(said).toContain(advice);
  expect(said).toContain("(a warning)");
});

test.each([
  ["has no place for it", "^(?<badge>[0-9A-F]{10})$", "does not match a badge with the key I in front"],
  ["leaves it outside of the badge", "^I?(?<badge>[0-9A-F]{10})$", "leaves the key I out of its group badge"],
  ["takes it", "^(?<badge>I?[0-9A-F]{10})$", null],
  ["takes another badge with it", "(?<badge>[0-9A-Z]{10})", "does not take the whole badge with the key I in front"],
  ["expects a checksum, which no roster shows", "^(?<badge>[0-9A-F]{10})[0-9A-F]{2}$", null],
])("a pattern beside a direction key is told where workers would not be understood: it %s", (_how, pattern, told) => {
  const text = readFileSync(configuration, "utf8");
  const gate = `port: $1\n    keys: { I: in }\n    frame: { pattern: "${pattern}" }`;
  writeFileSync(
    configuration,
    text.replace(/port: (.*)/, (_all, port: string) => gate.replace("$1", () => port)),
  );
  const { code, said } = checked();
  expect(code).toBe(exitCode.ok);
  if (told === null) expect(said).not.toContain("warning");
  else
    expect(said).toMatch(
      new RegExp(`${place("frame:")}\\d+: readers\\[0\\]\\.frame\\.pattern: ${told}.*\\(a warning\\)`),
    );
});

test("a key is tried with badges up to the first that its pattern does not take, for each may need its whole time", () => {
  const text = readFileSync(configuration, "utf8");
  const gate = `\n    keys: { "*": in }\n    frame: { pattern: "^(?<badge>[0-9A-F]{10})$" }`;
  writeFileSync(
    configuration,
    text.replace(/port: .*/, (port) => `${port}${gate}`),
  );
  const matching = vi.spyOn(Script.prototype, "runInContext");
  try {
    // Both badges of the roster by themselves, and one of them with the key.
    expect(checked().said).toContain("let the group take it, as in (?<badge>(?:\\*)?…)");
    expect(matching).toHaveBeenCalledTimes(3);
  } finally {
    matching.mockRestore();
  }
});

test("a badge whose zeros a spreadsheet left out is a warning where every reader sends ten digits", () => {
  const roster = join(directory, "roster.csv");
  writeFileSync(roster, readFileSync(roster, "utf8").replace("7E00000001", "12345678"));
  expect(checked().said).not.toContain("warning");
  const text = readFileSync(configuration, "utf8");
  writeFileSync(configuration, text.replace("serial-line", "rdm6300").replace(/ {4}feedback:\n(?: {6}.*\n)+/, ""));
  const { code, said } = checked();
  expect(code).toBe(exitCode.ok);
  expect(said).toMatch(/has a badge \(12345678\) without the 10 digits.*\(a warning\)/);
});

test("an empty roster is a warning", () => {
  const roster = join(directory, "roster.csv");
  writeFileSync(roster, `${readFileSync(roster, "utf8").split("\n")[0]}\n`);
  expect(checked().said).toMatch(/in line 1, badge: no badge is named: .*\(a warning\)/);
});

test("a clockwork that bends the clock faster than is counted with is a warning", () => {
  expect(checked(now, ["systemd", "systemd-timesyn"]).said).toMatch(
    /clock\.systemClock: systemd-timesyncd runs on this box.*chrony/,
  );
  expect(checked(now, ["systemd", "chronyd"]).said).not.toMatch(/warning/);
});

test("what runs on this box is told by the names that the kernel has", () => {
  expect(runningPrograms().length).toBeGreaterThan(0);
});

test("the document for machines parts what keeps badged from starting from warnings", () => {
  const roster = join(directory, "roster.csv");
  writeFileSync(roster, `${readFileSync(roster, "utf8").split("\n")[0]}\n`);
  const lines: string[] = [];
  const terminal = { out: (line: string) => void lines.push(line), err: () => {}, interactive: false };
  checkConfig(configuration, true, terminal, { now, programs: () => [], isThere: () => true });
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ ok: true, problems: [], warnings: [{ path: "roster.file" }] });
});

test("a reader that is not there is a warning, for a slip in its path looks the same", () => {
  const { code, said } = checked(now, [], (path) => path !== join(directory, "reader"));
  expect(code).toBe(exitCode.ok);
  expect(said).toContain(`${place("port:")}`);
  expect(said).toContain(`readers[0].port: no device is at ${join(directory, "reader")} now`);
  expect(said).toContain("1 warning above");
});

test("a second way out that this box does not have is a warning", () => {
  const text = readFileSync(configuration, "utf8");
  writeFileSync(configuration, text.replace("resolvers: []", "resolvers: [], secondInterface: wwan7"));
  expect(checked().said).not.toContain("warning");
  const { code, said } = checked(now, [], (path) => path !== "/sys/class/net/wwan7");
  expect(code).toBe(exitCode.ok);
  expect(said).toMatch(/outage\.secondInterface: this box has no interface wwan7 now.*\(a warning\)/);
});

test.skipIf(process.getuid?.() !== 0)(
  "what root may read and the store's owner may not keeps badged from starting",
  () => {
    const roster = join(directory, "roster.csv");
    const store = join(directory, "store");
    mkdirSync(store, { mode: 0o700 });
    chmodSync(roster, 0o600);
    expect(checked().code).toBe(exitCode.ok);
    chownSync(store, 65534, 65534);
    const { code, said } = checked();
    expect(code).toBe(exitCode.configuration);
    expect(said).toContain(`roster.file: ${roster} may be read by root, and not by user 65534`);
    chownSync(roster, 65534, 65534);
    expect(checked().code).toBe(exitCode.ok);
    // The unit reads it as root, and hands it over.
    writeFileSync(join(directory, "token"), "secret\n", { mode: 0o600 });
    vi.stubEnv("CREDENTIALS_DIRECTORY", directory);
    const hook = "{ name: payroll, url: http://127.0.0.1:9/, tokenFile: $CREDENTIALS_DIRECTORY/token }";
    appendFileSync(configuration, `webhooks: [${hook}]\n`);
    expect(checked()).toMatchObject({ code: exitCode.ok, said: expect.not.stringContaining("may be read by root") });
  },
);

test("two readers by the numbers that a plug may exchange are a warning each, and one is none", () => {
  const withPorts = (...ports: readonly string[]): string => {
    const before = readFileSync(configuration, "utf8");
    const readers = ports.map((port, index) => ({ id: `gate-${index}`, driver: "rdm6300", port, direction: "in" }));
    writeFileSync(
      configuration,
      before.replace(/^readers:.*\n(?:[ -].*\n)*/m, `readers: ${JSON.stringify(readers)}\n`),
    );
    return checked().said;
  };
  const said = withPorts("/dev/ttyUSB0", "/dev/serial/by-id/usb-FTDI-if00-port0", "/dev/ttyUSB1");
  expect(said).toMatch(/readers\[0\]\.port: \/dev\/ttyUSB0 is a number.*by-id/);
  expect(said).toMatch(/readers\[2\]\.port: \/dev\/ttyUSB1 is a number/);
  expect(said).toContain("2 warnings above");
  // Adapters of two kinds never change places.
  expect(withPorts("/dev/ttyUSB0", "/dev/ttyACM0", "/dev/ttyAMA0")).not.toContain("is a number");
});

test("a disk that does not give the file is told as such, with a code that systemd starts again after", () => {
  // The first page of a process's memory: the system itself answers EIO.
  configuration = "/proc/self/mem";
  expect(checked()).toEqual({
    code: exitCode.ioError,
    said: expect.stringContaining("/proc/self/mem:1:1: cannot be read from its disk: EIO"),
  });
  expect(() => requireConfiguration(configuration)).toThrow(expect.objectContaining({ code: "disk-failed" }));
  expect(exitCodeOf(new BadgedError("disk-failed", "", ""))).toBe(exitCode.ioError);
});
