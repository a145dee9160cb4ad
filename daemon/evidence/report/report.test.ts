import { inflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { wallMs } from "../../base/time.ts";
import { outageBundle, outageSteps } from "../../testing/small-bundle/outage-log.ts";
import { type Step, startMs } from "../../testing/small-bundle/small-bundle.ts";
import { drawReport } from "./draw-report.ts";
import { winAnsi } from "./page.ts";
import { type Explanation, type ReportInput, reportModel, reportWordsIn } from "./report-model.ts";
import type { ReportLanguage } from "./report-words.ts";
import { timelineOf } from "./timeline.ts";

const languages: readonly ReportLanguage[] = ["nl", "fr", "de", "en"];

const explain: Explanation = {
  cause: (cause) => `the cause ${cause}`,
  exemption: (exemption) => `exemption ${exemption}`,
  because: () => "because",
  steps: () => ["first", "second"],
  support: (seen) => seen.map(({ anchors }) => `anchors ${anchors}`).slice(0, 1),
};

const besides: readonly Step[] = [
  { kind: "scans", atMs: startMs + 4_210_000, data: { window: "w1", delayed: 14, withheld: 2, registered: 12 } },
  {
    kind: "attachment",
    atMs: startMs + 4_220_000,
    data: { window: "w1", entry: 3, bytes: 9, sha256: "ab".repeat(32) },
  },
];

function inputOf(changed: Partial<ReportInput> = {}, steps: readonly Step[] = withBesides(besides)): ReportInput {
  const { files, log } = outageBundle({ steps });
  return {
    language: "en",
    timeZone: "Europe/Brussels",
    siteName: "Werf Kanaalkaai",
    origin: "badged/0123456789abcdef/1",
    key: `ed25519:${log.public.toString("base64")}`,
    fingerprint: "0123 4567",
    madeAt: wallMs(startMs + 86_400_000),
    version: "0.1.0",
    period: null,
    windows: ["w1"],
    lines: (files.get("log/records.jsonl") ?? Buffer.alloc(0)).toString().trimEnd().split("\n"),
    moments: [],
    explain,
    ...changed,
  };
}

function withBesides(added: readonly Step[]): readonly Step[] {
  const steps = outageSteps();
  return [...steps.slice(0, -1), ...added, ...steps.slice(-1)];
}

function pagesOf(pdf: Uint8Array): number {
  return (
    Buffer.from(pdf)
      .toString("latin1")
      .match(/\/Type \/Page\n/g)?.length ?? 0
  );
}

/** The characters of every text on every page, each in the bytes of Windows-1252. */
function textOf(pdf: Uint8Array): string {
  const bytes = Buffer.from(pdf);
  let found = "";
  for (let at = bytes.indexOf("stream\n"); at >= 0; at = bytes.indexOf("stream\n", at + 7)) {
    const end = bytes.indexOf("\nendstream", at);
    if (end < 0 || bytes.subarray(at - 3, at).toString() === "end") continue;
    const drawn = inflateSync(bytes.subarray(at + 7, end)).toString("latin1");
    for (const [shown] of drawn.matchAll(/\[[^\]]*\] TJ/g)) {
      for (const [, hex = ""] of shown.matchAll(/<([0-9a-f]*)>/g)) found += Buffer.from(hex, "hex").toString("latin1");
      found += "\n";
    }
  }
  return found;
}

describe("the model of a report", () => {
  test("tells when, why, what to do and how many scans", () => {
    const { windows, facts } = reportModel(inputOf());
    expect(facts.map(({ text }) => text)).toContain("Werf Kanaalkaai");
    expect(windows).toMatchObject([
      {
        exemption: "exemption presumed",
        causes: ["the cause internet-provider"],
        bounds: [
          { claimed: "between 2026-03-02 07:59:29 and 08:00:01 (UTC+1)", proven: "not proven" },
          { claimed: "between 2026-03-02 08:09:29 and 08:10:01 (UTC+1)", proven: "not proven" },
        ],
        steps: ["first", "second"],
        support: ["anchors none"],
        scans: "14 sent later, 2 kept back, 12 registered",
        added: [`a document of somebody else, sealed in the log (SHA-256 with a salt: ${"ab".repeat(32)})`],
      },
    ]);
  });

  test("says proven only of what timestamps bound", () => {
    const moments = [{ path: "t", size: 1_000, anchoredAt: null, notBeforeMs: 0, notAfterMs: startMs + 4_300_000 }];
    const [window] = reportModel(inputOf({ moments })).windows;
    expect(window?.bounds[0]?.proven).toBe("not later than 2026-03-02 08:11:40 UTC+1");
  });

  test("claims no exemption when another channel worked, and then needs no support", () => {
    const attempt: Step = {
      kind: "attempt",
      atMs: startMs + 4_220_000,
      data: { window: "w1", entry: 4, bytes: 9, sha256: "cd".repeat(32), worked: true },
    };
    const [window] = reportModel(inputOf({}, withBesides([attempt]))).windows;
    expect(window).toMatchObject({ exemption: "exemption not-exempt", support: [] });
  });

  test("shows a picture of the layers that were looked at, cut into what was seen", () => {
    const [window] = reportModel(inputOf()).windows;
    const rows = window?.timeline?.rows ?? [];
    expect(rows.map(({ layer }) => layer)).not.toContain("power");
    const anchors = rows.find(({ layer }) => layer === "anchors")?.stretches ?? [];
    expect(anchors.map(({ state }) => state)).toEqual(["unknown", "ok", "failed", "ok", "unknown"]);
    for (const { stretches } of rows) {
      expect(stretches[0]?.from).toBe(0);
      expect(stretches.at(-1)?.to).toBe(1);
      for (const [index, { from, to }] of stretches.entries()) {
        expect(to).toBeGreaterThan(from);
        if (index > 0) expect(from).toBe(stretches[index - 1]?.to);
      }
    }
  });

  test("has a picture with few ticks at round times, whatever the length", () => {
    const layers = new Map([["box", "running"]]);
    for (const lengthMs of [10_000, 600_000, 7_200_000, 86_400_000, 864_000_000]) {
      const samples = [0, lengthMs].map((afterMs, seq) => {
        return { seq, wallMs: startMs + afterMs, errorMs: 8, cause: null, whole: true, layers };
      });
      const timeline = timelineOf(
        samples,
        [startMs, startMs],
        [startMs + lengthMs, startMs + lengthMs],
        "Europe/Brussels",
      );
      expect(timeline?.ticks.length, `${lengthMs} ms`).toBeGreaterThanOrEqual(2);
      expect(timeline?.ticks.length, `${lengthMs} ms`).toBeLessThanOrEqual(9);
    }
  });

  test("says both offsets where the clock was changed meanwhile", () => {
    const changeMs = 1_774_746_000_000;
    const layers = new Map([["box", "running"]]);
    const samples = [{ seq: 0, wallMs: changeMs, errorMs: 8, cause: null, whole: true, layers }];
    const around = timelineOf(samples, [changeMs - 3_600_000, null], [changeMs + 3_600_000, null], "Europe/Brussels");
    expect(around?.axis).toContain("UTC+1, UTC+2");
  });
});

describe("the words of a report", () => {
  test.each(languages)("can all be set in the standard fonts (%s)", (language) => {
    const said: string[] = [];
    const collect = (value: unknown): void => {
      if (typeof value === "string") said.push(value);
      else if (typeof value === "function") said.push(String(value("a", "b", "c")));
      else for (const each of Object.values(value as object)) collect(each);
    };
    collect(reportWordsIn[language]);
    expect(said.length).toBeGreaterThan(50);
    for (const each of said) expect(winAnsi(each)).toBe(each);
  });

  test("from elsewhere lose their accents at worst", () => {
    expect(winAnsi("é ë ü ß € – ’ Łódź 東\u0007")).toBe("é ë ü ß € – ’ Lódz ??");
  });
});

describe("the drawing of a report", () => {
  test.each(languages)("is a PDF of two pages that says what it is (%s)", async (language) => {
    const pdf = await drawReport(reportModel(inputOf({ language, siteName: "Chantier é ë ü ß € – ’" })));
    expect(Buffer.from(pdf.subarray(0, 5)).toString()).toBe("%PDF-");
    expect(pagesOf(pdf)).toBe(2);
    const text = textOf(pdf);
    const words = reportWordsIn[language];
    expect(text).toContain(Buffer.from(words.page(2, 2), "latin1").toString("latin1"));
    expect(text).toContain("Chantier \xe9 \xeb \xfc \xdf \x80 \x96 \x92");
    expect(text).not.toContain("undefined");
  });

  test("is the same for the same model", async () => {
    const model = reportModel(inputOf());
    expect(await drawReport(model)).toEqual(await drawReport(model));
  });

  test("gives many windows a page each after an overview", async () => {
    const windows = Array.from({ length: 30 }, () => "w1");
    const pdf = await drawReport(reportModel(inputOf({ windows })));
    expect(pagesOf(pdf)).toBeGreaterThanOrEqual(31);
    expect(pagesOf(pdf)).toBeLessThanOrEqual(40);
  });

  test("of no window says that there is none", async () => {
    const pdf = await drawReport(reportModel(inputOf({ windows: [] })));
    expect(pagesOf(pdf)).toBe(1);
  });

  test("breaks very long texts over lines and pages instead of leaving the sheet", async () => {
    const long = "a very long sentence of somebody who could not stop ".repeat(120);
    const pdf = await drawReport(
      reportModel(
        inputOf({
          siteName: "Werf".repeat(120),
          explain: { ...explain, steps: () => [long, long, long], because: () => long, cause: () => "x".repeat(600) },
        }),
      ),
    );
    expect(pagesOf(pdf)).toBeGreaterThan(3);
    expect(textOf(pdf).split("could not stop").length - 1).toBeGreaterThan(4 * 100);
  });
});
