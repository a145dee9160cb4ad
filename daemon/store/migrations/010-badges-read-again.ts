/**
 * How a badge is read is the site's setting, and an installer may correct it: the number of a scan whose badge the roster
 * does not know may be worked out again from what the reader sent, which stays as it came. Everything else of a stamp, and
 * the number once a worker has the scan, is final as before.
 */
export const badgesReadAgain: string = `
DROP TRIGGER scans_stamp_is_final;
CREATE TRIGGER scans_stamp_is_final
BEFORE UPDATE OF id, reader_id, badge_raw, work_site_id, direction_rule, boot_id, monotonic_ns, utc_ms,
  error_bound_ms, clock_state, capture_lag_ms ON scans
BEGIN SELECT RAISE(ABORT, 'the stamp of a scan is final'); END;
CREATE TRIGGER scans_badge_is_final BEFORE UPDATE OF badge_number ON scans WHEN OLD.state <> 'unknown-badge'
BEGIN SELECT RAISE(ABORT, 'the stamp of a scan is final, and so is its badge once it has a worker'); END;
`;
