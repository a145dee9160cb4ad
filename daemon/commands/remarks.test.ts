import { createServer } from "node:net";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { languages } from "../base/language.ts";
import { systemTime, utcText } from "../base/system-time.ts";
import { type WallMs, wallMs } from "../base/time.ts";
import type { Remark } from "../forward/queue.ts";
import type { LiveClock, LiveStatus } from "../supervisor/live-status.ts";
import { statusSocketPath } from "../supervisor/status-socket.ts";
import { writeSite } from "../testing/campaign/site.ts";
import { fictionalSsin } from "../testing/fictional-worker.ts";
import {
  claimRequest,
  dayMs,
  draftOf,
  entryOf,
  preparedCore,
  recordId,
  registered,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { listRemarks, markRemark, showRemark } from "./remarks.ts";
import { elsewhereLines } from "./status.ts";
import { remarkLines, remarksOf } from "./status-remarks.ts";
import type { Terminal } from "./terminal.ts";

let directory: TemporaryDirectory;
let config: string;
let out: string[];
let terminal: Terminal;

const ssin = fictionalSsin(0);
const now: WallMs = wallMs(systemTime.wallMs());

/** One worker who registered `daysAgo`, with these remarks. */
function fill(daysAgo: number, ...remarks: readonly Remark[]): void {
  const core = preparedCore(storeSettings(join(directory.path, "store")), [entryOf(1, { ssin })]);
  const draft = draftOf(1, 0);
  const utcMs = wallMs(now - daysAgo * dayMs);
  const scanId = recordId(core, { ...draft, stamp: { ...draft.stamp, utcMs } });
  const { claim } = core.claim(claimRequest({ now }));
  const report = { outcome: "answered", httpStatus: 200, relatedTraceId: null, detail: "", endedAt: utcMs } as const;
  const settlement = {
    ...registered(scanId),
    kind: "registered",
    registrationId: "17611",
    validity: "pending",
  } as const;
  core.settle(claim?.attemptId ?? 0, report, [{ ...settlement, remarks }]);
  core[Symbol.dispose]();
}

beforeEach(() => {
  directory = temporaryDirectory();
  config = writeSite(directory.path, 1, "http://127.0.0.1:9").configuration;
  out = [];
  terminal = { out: (line) => void out.push(line), err: (line) => void out.push(line) } as Terminal;
});
afterEach(() => directory[Symbol.dispose]());

const text = (): string => out.splice(0).join("\n");

describe("badged remarks", () => {
  test("lists what is open with its last day, in a language, as a table, a spreadsheet or documents", async () => {
    fill(25, { code: 1, text: "no relation" }, { code: 21, text: "two INs" }, { code: null, text: "something new" });
    await listRemarks({ config, open: true, lang: "en" }, terminal);
    const listed = text();
    expect(listed).toMatch(
      /Er bestaat geen relatie tussen de werknemer en de onderneming\. +\d{4}-\d\d-\d\d +5 days left/,
    );
    expect(listed).toContain("R1");
    expect(listed).toContain("something new");
    await listRemarks({ config, lang: "fr", csv: true }, terminal);
    expect(text().split("\n")).toHaveLength(4);
    await listRemarks({ config, json: true, dueWithin: "5d" }, terminal);
    expect(JSON.parse(text())).toMatchObject({ code: 1, daysLeft: 5, webForm: true, state: "open", who: "employer" });
    await listRemarks({ config, dueWithin: "4d", lang: "en" }, terminal);
    expect(text()).toBe("No remarks.");
    await expect(listRemarks({ config, dueWithin: "soon" }, terminal)).rejects.toThrow("no number of days");
  });

  test("days are counted by the time that a running daemon proves, and by the box's where it proves none", async () => {
    fill(25, { code: 1, text: "no relation" });
    let clock: Partial<LiveClock> = { state: "synchronised", utc: utcText(wallMs(now + 3 * dayMs)) };
    const daemon = createServer((socket) => void socket.end(JSON.stringify({ clock })));
    await new Promise<void>((resolve) => daemon.listen(statusSocketPath(join(directory.path, "store")), resolve));
    try {
      await listRemarks({ config, json: true, dueWithin: "4d" }, terminal);
      expect(JSON.parse(text())).toMatchObject({ code: 1, daysLeft: 2 });
      await showRemark(1, { config, json: true }, terminal);
      expect(JSON.parse(text())).toMatchObject({ daysLeft: 2 });
      expect(await remarksOf(config, clock as LiveClock)).toMatchObject({ nextDaysLeft: 2 });
      // A bound too wide for a registration is still one of seconds.
      clock = { ...clock, state: "untrusted", why: "bound-too-wide" };
      await listRemarks({ config, json: true }, terminal);
      expect(JSON.parse(text())).toMatchObject({ daysLeft: 2 });
      clock = { state: "unsynchronised", utc: null };
      await listRemarks({ config, json: true }, terminal);
      expect(JSON.parse(text())).toMatchObject({ daysLeft: 5 });
    } finally {
      daemon.close();
    }
  });

  test("among more open ones than a list holds, what is due is still told, and that the others were cut off", async () => {
    fill(25, { code: 1, text: "no relation" });
    // A remark of which nobody has to do anything stays open: 33 on every registration of a larger site.
    const db = new Sqlite(join(directory.path, "store", "badged.sqlite"));
    db.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
      INSERT INTO remarks (scan_id, registration_id, registered_ms, code, text, first_seen)
      SELECT 1000 + i, 'r' || i, ?, 33, '', ? FROM n`,
    ).run(now - 34 * dayMs, now - 34 * dayMs);
    db.close();
    await listRemarks({ config, dueWithin: "7d", json: true }, terminal);
    expect(JSON.parse(text())).toMatchObject({ code: 1, daysLeft: 5 });
    expect(await remarksOf(config, null)).toMatchObject({ open: 10_000, dueSoon: 1, nextDaysLeft: 5 });
    const errors: string[] = [];
    await listRemarks({ config, open: true, csv: true }, { ...terminal, err: (line) => void errors.push(line) });
    expect(text().split("\n")).toHaveLength(10_001);
    expect(errors).toEqual([expect.stringContaining("oldest 10000")]);
  });

  test.each(languages)("has a heading over every column in %s", async (lang) => {
    fill(1, { code: 1, text: "" });
    await listRemarks({ config, lang, csv: true }, terminal);
    const [headings = "", row = ""] = text().split("\n");
    expect(headings.split(";").filter((heading) => heading === "")).toEqual([]);
    expect(row.startsWith("1;1;1;")).toBe(true);
  });

  test.each(languages)("shows all of one in %s, the published words beside the meaning", async (lang) => {
    fill(1, { code: 11, text: "AvW not active" });
    await showRemark(1, { config, lang }, terminal);
    const shown = text();
    expect(shown).toContain("De Aangifte van Werken bestaat maar is niet actief.");
    expect(shown).toContain("meldt u dat binnen de 30 dagen via het webformulier.");
    expect(shown).toContain("17611");
    expect(shown).not.toContain("undefined");
  });

  test("takes a mark and takes it back, keeps both, and lets no national number in", async () => {
    fill(1, { code: 1, text: "" });
    await markRemark(1, { config, note: `form sent for ${ssin}` }, terminal);
    await listRemarks({ config, open: true, json: true }, terminal);
    await markRemark(1, { config, undo: true }, terminal);
    expect(text().split("\n")).toEqual(["1: afgehandeld", expect.not.stringContaining(ssin), "1: open"]);
    await showRemark(1, { config, json: true }, terminal);
    const shown = text();
    expect(JSON.parse(shown)).toMatchObject({ state: "open", marks: [{ kind: "done" }, { kind: "undone" }] });
    expect(shown).not.toContain(ssin);
    await expect(markRemark(9, { config }, terminal)).rejects.toThrow("there is no remark 9");
  });

  test("says how a note is kept that is not kept as it was typed", async () => {
    fill(1, { code: 1, text: "" });
    const told: string[] = [];
    const telling = { ...terminal, err: (line: string) => void told.push(line) };
    await markRemark(1, { config, note: "form sent" }, telling);
    expect(told).toEqual([]);
    await markRemark(1, { config, note: `form sent for ${ssin}` }, telling);
    expect(told).toEqual(["The note is kept as: form sent for [number removed]"]);
  });

  test("never shows a national number", async () => {
    fill(1, { code: 15, text: "unknown" }, { code: 1, text: "" });
    await listRemarks({ config }, terminal);
    await listRemarks({ config, json: true }, terminal);
    await showRemark(1, { config }, terminal);
    const lines = remarkLines(await remarksOf(config, null), null);
    expect([text(), ...lines].join("\n")).not.toContain(ssin);
  });
});

describe("badged status", () => {
  const live = (following: LiveStatus["following"]): LiveStatus => ({ following }) as LiveStatus;

  test("tells open remarks and the next last day, and remark 32 in capitals", async () => {
    fill(25, { code: 1, text: "" }, { code: 32, text: "" });
    const lines = remarkLines(await remarksOf(config, null), live({ state: "following", why: null }));
    expect(lines[0]).toMatch(/^remarks {3}2 open, next last day \d{4}-\d\d-\d\d \(5 days left\); 1 DUE WITHIN 7 DAYS/);
    expect(lines[1]).toMatch(/^REMARK 32 on 1 registration:/);
    expect(lines[2]).toBe("following 1 registration, 0 settled");
  });

  test.each(languages)("says in %s to register elsewhere while the failure is the site's own", (language) => {
    const outage = {
      since: "2026-01-01T00:00:00Z",
      cause: "own-network",
      exemption: "not-exempt",
      layers: {},
      looks: [],
    };
    const [line] = elsewhereLines({ outage }, language);
    expect(line).toContain("https://checkinout-management.socialsecurity.be/");
    expect(elsewhereLines({ outage: { ...outage, cause: "service" } }, language)).toEqual([]);
    expect(elsewhereLines({ outage: { ...outage, since: null } }, language)).toEqual([]);
  });

  test("says when registrations cannot be followed", async () => {
    fill(1);
    const status = await remarksOf(config, null);
    expect(remarkLines(status, live({ state: "not-to-be-had", why: "not-found" })).at(-1)).toContain("NOT TO BE HAD");
    expect(remarkLines(status, live(null)).at(-1)).toContain("SWITCHED OFF");
    expect(remarkLines(null, null)).toEqual([]);
  });
});
