import { describe, expect, test } from "vitest";
import { languages } from "../base/language.ts";
import { monotonicNs, type WallMs, wallMs } from "../base/time.ts";
import type { Cause, Exemption } from "./cause.ts";
import { describeOutage } from "./description.ts";
import { wordsIn } from "./explanation.ts";
import { nothingSeen } from "./layers.ts";
import { isOtherChannelOpen, onlineServiceUrl } from "./other-channel.ts";
import type { KeptWindow } from "./outage-store.ts";
import type { Moment } from "./windows.ts";

const moment = (utcMs: WallMs): Moment => ({ bootId: "b", monotonicNs: monotonicNs(1n), utcMs, errorBoundMs: 5 });
const began = moment(wallMs(1_780_000_000_000));

function kept(cause: Cause, exemption: Exemption, hasEnded: boolean): KeptWindow {
  return {
    windowId: 1,
    window: {
      key: "b/1",
      lastGood: null,
      firstBad: began,
      openedAt: began,
      segments: [{ from: began, finding: { cause, exemption, settledBy: [] }, layers: nothingSeen }],
      flaps: 0,
      gaps: [],
      end: hasEnded ? { lastBad: began, firstGood: moment(wallMs(began.utcMs + 60_000)) } : null,
    },
    otherChannelWorked: false,
    entries: [],
    delayed: 0,
    withheld: 0,
    firstRegisteredAfter: null,
  };
}

test("another channel is certainly open only where the failure is the site's own", () => {
  const causes = Object.keys(wordsIn.en.cause) as readonly Cause[];
  expect(causes.filter(isOtherChannelOpen)).toEqual(["own-software", "own-network", "other-channel-worked"]);
});

describe.each(languages)("in %s", (language) => {
  const described = (...window: Parameters<typeof kept>): string =>
    describeOutage(kept(...window), wordsIn[language], "Europe/Brussels", null).join("\n");
  const now = wordsIn[language].step.registerElsewhereNow;

  test("the supervisor is told at once, with the address, while an own failure lasts", () => {
    expect(now).toContain(onlineServiceUrl);
    expect(described("own-network", "not-exempt", false)).toContain(now);
    expect(described("own-network", "not-exempt", true)).not.toContain(now);
    expect(described("service", "presumed", false)).not.toContain(now);
  });

  test("every window's step of the other channel has the address", () => {
    for (const cause of ["service", "own-software"] as const) {
      expect(described(cause, "presumed", true)).toContain(onlineServiceUrl);
    }
  });
});
