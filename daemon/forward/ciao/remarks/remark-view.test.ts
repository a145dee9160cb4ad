import { expect, test } from "vitest";
import { languages } from "../../../base/language.ts";
import { parseUtcText } from "../../../base/system-time.ts";
import { type WallMs, wallMs } from "../../../base/time.ts";
import type { KeptRemark } from "../../follow-up/remark-archive.ts";
import { isDueSoon, isDueWithin, leftText, officialText, remarkView } from "./remark-view.ts";

const moment = (text: string): WallMs => wallMs(parseUtcText(text) ?? Number.NaN);
const kept = (changed: Partial<KeptRemark> = {}): KeptRemark => ({
  remarkId: 1,
  scanId: 2,
  registrationId: "r2",
  workerReference: "P1",
  registeredAt: moment("2026-01-01T07:00:00Z"),
  code: 1,
  text: "",
  firstSeen: moment("2026-01-03T07:00:00Z"),
  goneAt: null,
  doneAt: null,
  note: "",
  ...changed,
});
const viewAt = (now: string, changed: Partial<KeptRemark> = {}) =>
  remarkView(kept(changed), "en", "Europe/Brussels", moment(now));

test.each([
  ["2026-01-23T12:00:00Z", 8, false, "8 days left"],
  ["2026-01-24T12:00:00Z", 7, true, "7 days left"],
  ["2026-01-30T12:00:00Z", 1, true, "1 day left"],
  ["2026-01-31T12:00:00Z", 0, true, "TODAY IS THE LAST DAY"],
  ["2026-02-01T12:00:00Z", -1, false, "1 day too late"],
  ["2026-02-03T12:00:00Z", -3, false, "3 days too late"],
])("at %s there are %d days, counted from the registration", (now, left, isSoon, text) => {
  const view = viewAt(now);
  expect([view.deadline, view.daysLeft, isDueSoon(view)]).toEqual(["2026-01-31", left, isSoon]);
  expect(leftText(view, "en")).toBe(text);
});

test("a clock that was set back only leaves more days", () => {
  expect(viewAt("2025-06-01T12:00:00Z").daysLeft).toBe(244);
});

test("a remark that the web form does not correct has no last day", () => {
  const view = viewAt("2026-01-31T12:00:00Z", { code: 21 });
  expect(view).toMatchObject({ deadline: null, daysLeft: null });
  expect([isDueWithin(view, 99), leftText(view, "nl")]).toEqual([false, ""]);
});

test("what is dealt with or gone is not due", () => {
  for (const changed of [{ doneAt: moment("2026-01-05T00:00:00Z") }, { goneAt: moment("2026-01-05T00:00:00Z") }]) {
    expect(isDueSoon(viewAt("2026-01-30T12:00:00Z", changed))).toBe(false);
  }
});

test.each(languages)(
  "in %s the published text stays Dutch, and an unlisted remark is in the service's words",
  (language) => {
    const listed = remarkView(kept(), language, "Europe/Brussels", moment("2026-01-02T00:00:00Z"));
    expect(officialText(listed)).toBe("Er bestaat geen relatie tussen de werknemer en de onderneming.");
    const other = remarkView(
      kept({ code: null, text: "nieuw" }),
      language,
      "Europe/Brussels",
      moment("2026-01-02T00:00:00Z"),
    );
    expect(officialText(other)).toBe("nieuw");
  },
);
