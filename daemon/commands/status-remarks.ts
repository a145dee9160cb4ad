import { counted } from "../base/counted.ts";
import { BadgedError } from "../base/errors.ts";
import { dueFilter, isDueSoon, remarkView } from "../forward/ciao/remarks/remark-view.ts";
import type { FollowCounts } from "../forward/follow-up/follow-up.ts";
import { receiptRemark } from "../forward/receipt-guard.ts";
import type { LiveClock, LiveFollowing, LiveStatus } from "../supervisor/live-status.ts";
import { provenOr } from "./proven-now.ts";
import { visitStore } from "./visit.ts";

/** Remarks in numbers, for `badged status`. */
export type RemarkStatus = {
  readonly open: number;
  /** Open, and their last day for the web form is within a week. */
  readonly dueSoon: number;
  readonly nextDeadline: string | null;
  readonly nextDaysLeft: number | null;
  /** Open remarks 32: the clock is wrong, or the receipt limit was passed. */
  readonly receipt: number;
  readonly follow: FollowCounts;
};

const openMax = 10_000;

/**
 * `null` before the first start, when there is no store.
 *
 * @param clock of the running daemon; `null` when none answers
 */
export async function remarksOf(configurationFile: string, clock: LiveClock | null): Promise<RemarkStatus | null> {
  try {
    await using site = await visitStore(configurationFile);
    const { remarks } = site.store;
    const now = provenOr(clock);
    const kept = await remarks.listRemarks({ openOnly: true, seenFrom: null, limit: openMax });
    const receipt = await remarks.listRemarks({
      openOnly: true,
      seenFrom: null,
      codes: [receiptRemark],
      limit: openMax,
    });
    const mayBeDue = await remarks.listRemarks({ ...dueFilter(now), limit: openMax });
    const views = mayBeDue.map((each) => remarkView(each, site.language, site.timeZone, now));
    const next = views.find(({ daysLeft }) => daysLeft !== null && daysLeft >= 0);
    return {
      open: kept.length,
      dueSoon: views.filter(isDueSoon).length,
      nextDeadline: next?.deadline ?? null,
      nextDaysLeft: next?.daysLeft ?? null,
      receipt: receipt.length,
      follow: await remarks.followCounts(),
    };
  } catch (error) {
    if (error instanceof BadgedError && error.code === "store-missing") return null;
    throw error;
  }
}

/** Capitals are what somebody should look at. */
export function remarkLines(remarks: RemarkStatus | null, live: LiveStatus | null): readonly string[] {
  if (remarks === null) return [];
  const { open, dueSoon, nextDeadline, nextDaysLeft, receipt, follow } = remarks;
  const next =
    nextDeadline === null ? "" : `, next last day ${nextDeadline} (${counted(nextDaysLeft ?? 0, "day")} left)`;
  const due = dueSoon === 0 ? "" : `; ${dueSoon} DUE WITHIN 7 DAYS (badged remarks list --due-within 7d)`;
  const state = live === null ? "" : followingWords(live.following ?? null);
  return [
    `remarks   ${open} open${next}${due}`,
    ...(receipt === 0
      ? []
      : [`REMARK 32 on ${counted(receipt, "registration")}: sent too late, or the clock is wrong`]),
    `following ${counted(follow.followed, "registration")}, ${follow.settled} settled${state}`,
  ];
}

function followingWords(following: LiveFollowing | null): string {
  if (following === null) return "; SWITCHED OFF: remarks that come later are not seen";
  const why = following.why === null ? "" : ` (last look: ${following.why})`;
  switch (following.state) {
    case "following":
      return "";
    case "resting":
      return `; rests${why}`;
    case "not-to-be-had":
      return `; NOT TO BE HAD at this service${why}: look at remarks in the online service`;
    case "gives-way":
      return "; waits while scans are sent";
    case "clockless":
      return "; waits for a clock that can be trusted";
  }
}
