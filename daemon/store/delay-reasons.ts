import type Sqlite from "better-sqlite3";
import { utcSecondsText, utcText } from "../base/system-time.ts";
import { type WallMs, wallMs } from "../base/time.ts";
import { untried } from "../forward/forwarder/unsent.ts";
import type { ReceiptDecision } from "../forward/receipt-window.ts";
import type { Connection } from "./connection.ts";

/** The calls that failed between a scan and now, and the outages in that time: what held it up. */
export type Delay = {
  /** Numbers of outage windows, oldest first, at most `outagesNamedMax`. */
  readonly outages: readonly number[];
  readonly failedCalls: number;
  readonly from: WallMs | null;
  readonly to: WallMs | null;
  readonly lastOutcome: string | null;
};

export const outagesNamedMax = 3;

type DelayRow = {
  readonly failedCalls: number;
  readonly from: number | null;
  readonly to: number | null;
  readonly lastOutcome: string | null;
};

/** After an outage many scans are withheld at once: those of one minute were held up by the same calls. */
const bucketMs = 60_000;

/** Ties a scan that is withheld to what delayed it. */
export class DelayReasons {
  readonly #since: Sqlite.Statement<[number, string], DelayRow>;
  readonly #outages: Sqlite.Statement<[number], number>;

  constructor({ db }: Connection) {
    // A call that was given back, for one scan to go first, failed at nothing.
    // max() makes the bare column that of the row with the maximum (https://sqlite.org/lang_select.html#bareagg).
    this.#since = db.prepare(
      `SELECT count(*) AS failedCalls, min(started_at) AS "from", outcome AS lastOutcome, max(ended_at) AS "to"
      FROM attempts INDEXED BY attempts_ended WHERE ended_at >= ? AND ended_at IS NOT NULL AND outcome <> 'answered' AND detail IS NOT ?`,
    );
    this.#outages = db
      .prepare<[number], number>(
        `SELECT id FROM outage_windows WHERE ended_ms IS NULL OR ended_ms >= ? ORDER BY began_ms, id LIMIT ${outagesNamedMax}`,
      )
      .pluck();
  }

  /** Looks up what one claim needs, each minute once. */
  forClaim(): (moment: WallMs) => Delay {
    const known = new Map<number, Delay>();
    return (moment) => {
      const from = Math.floor(moment / bucketMs) * bucketMs;
      const found = known.get(from) ?? this.#lookUp(from);
      known.set(from, found);
      return found;
    };
  }

  #lookUp(from: number): Delay {
    const row = this.#since.get(from, untried.detail);
    return {
      outages: this.#outages.all(from),
      failedCalls: row?.failedCalls ?? 0,
      from: row?.from == null ? null : wallMs(row.from),
      to: row?.to == null ? null : wallMs(row.to),
      lastOutcome: row?.lastOutcome ?? null,
    };
  }
}

/** For people: why this scan is not sent, and what held it up. */
export function lateReason(
  { predictedDelayMs, allowedDelayMs }: Extract<ReceiptDecision, { kind: "withhold" }>,
  { outages, failedCalls, from, to, lastOutcome }: Delay,
): string {
  const because = outages.length === 0 ? "" : ` (outage ${outages.join(", ")})`;
  const late = `receipt would be ${seconds(predictedDelayMs)} after the badge, ${seconds(allowedDelayMs)} are allowed${because}`;
  if (failedCalls === 0 || from === null || to === null) {
    return `${late}; no call failed in that time: badged was not running, or its clock was not trusted`;
  }
  return `${late}; held up by ${failedCalls} failed calls from ${utcSecondsText(from)} to ${utcSecondsText(to)}, the last: ${lastOutcome ?? ""}`;
}

export function bracketReason(utcMs: WallMs, errorBoundMs: number): string {
  const [earliest, latest] = [wallMs(utcMs - errorBoundMs), wallMs(utcMs + errorBoundMs)];
  return `its time is only known to lie between ${utcText(earliest)} and ${utcText(latest)}: the box was switched off before it knew the time`;
}

function seconds(durationMs: number): string {
  return `${Math.floor(durationMs / 1000)} s`;
}
