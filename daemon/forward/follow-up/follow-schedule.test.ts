import { describe, expect, test } from "vitest";
import { parseUtcText, utcText } from "../../base/system-time.ts";
import { type WallMs, wallMs } from "../../base/time.ts";
import { remarks as migration } from "../../store/migrations/007-remarks.ts";
import { afterLook, followForMs, lookIntervalsMs, nightAfter } from "./follow-schedule.ts";
import type { FollowedRegistration, Look, LookKind } from "./follow-up.ts";

const brussels = "Europe/Brussels";
const moment = (text: string): WallMs => wallMs(parseUtcText(text) ?? Number.NaN);
const created = moment("2026-06-01T06:00:00Z");
const hourMs = 3_600_000;

const followed = (changed: Partial<FollowedRegistration> = {}): FollowedRegistration => ({
  scanId: 1,
  registrationId: "r1",
  registeredAt: created,
  sentAt: created,
  answeredAt: created,
  createdAt: created,
  looks: 0,
  settledAt: null,
  sent: null,
  ...changed,
});
const found = (validity: string | null): Look => ({ kind: "found", validity, remarks: [] });
const failed = (kind: Exclude<LookKind, "found">): Look => ({ kind, retryAfterMs: null, detail: "" });
const hoursOn = (hours: number): WallMs => wallMs(created + hours * hourMs);

test("a pending registration is looked at less and less, for ten days", () => {
  const looks: number[] = [];
  let now = wallMs(created + (lookIntervalsMs[0] ?? 0));
  for (let looked = 0; ; looked += 1) {
    looks.push((now - created) / hourMs);
    const next = afterLook(followed({ looks: looked }), found("pending"), now, brussels)?.next;
    if (next?.kind !== "at") {
      expect(next).toEqual({ kind: "ended", how: "given-up" });
      break;
    }
    now = next.at;
  }
  const rounded = looks.map((hours) => Math.round(hours * 100) / 100);
  expect(rounded.slice(0, 7)).toEqual([0.08, 0.33, 1.33, 7.33, 19.33, 43.33, 67.33]);
  expect(looks).toHaveLength(14);
  expect((looks.at(-1) ?? 0) * hourMs).toBeLessThanOrEqual(followForMs);
});

test("the first look is the one that the database begins with", () => {
  expect(migration).toContain(`settled_at + ${lookIntervalsMs[0]}`);
});

describe("a registration that is settled", () => {
  test("is looked at once more, when the night after it is over", () => {
    const first = afterLook(followed(), found("valid"), hoursOn(1), brussels);
    expect(first).toMatchObject({ settledAt: hoursOn(1), validity: "valid" });
    expect(first?.next).toEqual({ kind: "at", at: moment("2026-06-02T03:00:00Z") });
    const night = afterLook(followed({ looks: 1, settledAt: hoursOn(1) }), found("valid"), hoursOn(21), brussels);
    expect(night?.next).toEqual({ kind: "ended", how: "settled" });
  });

  test("is pending again when the service says so", () => {
    const again = afterLook(followed({ looks: 1, settledAt: hoursOn(1) }), found("pending"), hoursOn(21), brussels);
    expect(again).toMatchObject({ settledAt: null, next: { kind: "at", at: hoursOn(22) } });
  });

  test("stays settled when a look fails, and ends as settled when none succeeds", () => {
    const settled = followed({ looks: 4, settledAt: hoursOn(1) });
    expect(afterLook(settled, failed("server-error"), hoursOn(30), brussels)).toMatchObject({
      settledAt: hoursOn(1),
      next: { kind: "at", at: hoursOn(54) },
    });
    expect(afterLook(settled, failed("not-found"), hoursOn(230), brussels)?.next).toEqual({
      kind: "ended",
      how: "settled",
    });
  });
});

test.each<LookKind>(["not-to-be-had", "unauthorised", "throttled", "not-reached", "interrupted"])(
  "%s says nothing of the registration: it stays due",
  (kind) => {
    if (kind !== "found") expect(afterLook(followed(), failed(kind), hoursOn(1), brussels)).toBeNull();
  },
);

test.each<LookKind>(["another-registration", "not-found", "forbidden", "server-error", "unintelligible", "timed-out"])(
  "%s puts the registration behind the others, with what is known of it",
  (kind) => {
    if (kind === "found") return;
    expect(afterLook(followed(), failed(kind), hoursOn(1), brussels)).toEqual({
      scanId: 1,
      registrationId: "r1",
      at: hoursOn(1),
      kind,
      validity: null,
      remarks: null,
      settledAt: null,
      next: { kind: "at", at: wallMs(hoursOn(1) + 15 * 60_000) },
    });
  },
);

test("an answer without a validity leaves it pending, with the remarks that it tells", () => {
  const look = afterLook(followed(), { kind: "found", validity: null, remarks: [] }, hoursOn(1), brussels);
  expect(look).toMatchObject({ validity: null, remarks: [], settledAt: null, next: { kind: "at" } });
});

test("a clock that was set back makes nobody give up sooner", () => {
  const next = afterLook(followed({ looks: 9 }), found("pending"), hoursOn(-500), brussels)?.next;
  expect(next).toEqual({ kind: "at", at: hoursOn(-476) });
});

describe("the night after is over at five by the site's clocks", () => {
  test.each([
    ["in summer", "2026-06-01T06:00:00Z", "2026-06-02T03:00:00Z", brussels],
    ["in winter", "2026-01-15T15:30:00Z", "2026-01-16T04:00:00Z", brussels],
    ["when it began before", "2026-06-01T23:30:00Z", "2026-06-03T03:00:00Z", brussels],
    ["when the hour is changed in it, forward", "2026-03-28T18:00:00Z", "2026-03-29T03:00:00Z", brussels],
    ["and back", "2026-10-24T18:00:00Z", "2026-10-25T04:00:00Z", brussels],
    ["where hours begin at half past", "2026-06-01T06:00:00Z", "2026-06-02T00:00:00Z", "Asia/Kolkata"],
  ])("%s", (_, at, over, zone) => {
    expect(utcText(nightAfter(moment(at), zone))).toBe(over.replace("Z", ".000Z"));
  });
});
