import type Sqlite from "better-sqlite3";

/** A damaged row may name any scan: one further ahead than this is not believed. */
export const lostScansMax: number = 2 ** 32;

/**
 * The id of the next scan, where the greatest one plus one may be that of a scan which a damaged database lost, while
 * something in this one still speaks of it: the registration that is followed, a remark on it, a webhook's skip. What
 * came of the lost scan would be told of the new one, and the new one's own registration would not be followed.
 *
 * @returns `null` when the next id in order is free
 */
export function freeId(db: Sqlite.Database): number | null {
  const { greatest, spokenOf } = db
    .prepare<[], { readonly greatest: number; readonly spokenOf: number }>(
      `SELECT (SELECT coalesce(max(id), 0) FROM scans) AS greatest, max(
        (SELECT coalesce(max(id), 0) FROM follow_ups),
        (SELECT coalesce(max(scan_id), 0) FROM remarks INDEXED BY remarks_once),
        (SELECT coalesce(max(scan_id), 0) FROM webhook_skips),
        (SELECT coalesce(max(cursor), 0) FROM webhook_targets)) AS spokenOf`,
    )
    .get() ?? { greatest: 0, spokenOf: 0 };
  return spokenOf > greatest && spokenOf - greatest <= lostScansMax ? spokenOf + 1 : null;
}
