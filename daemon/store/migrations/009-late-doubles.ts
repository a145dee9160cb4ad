/**
 * A scan that was stored before its boot knew the time may turn out to be a double once it does. Only one that was in no
 * call: what may have reached the service stays what it is.
 */
export const lateDoubles: string = `
DROP TRIGGER scans_state_is_legal;
CREATE TRIGGER scans_state_is_legal BEFORE UPDATE OF state ON scans
WHEN NOT CASE OLD.state
  WHEN 'unknown-badge' THEN (NEW.state = 'waiting' OR NEW.state = 'double')
  WHEN 'waiting' THEN (NEW.state = 'sending' OR NEW.state = 'withheld'
    OR (NEW.state = 'double' AND OLD.attempts = 0 AND OLD.error_bound_ms IS NULL))
  WHEN 'sending' THEN (NEW.state = 'waiting' OR NEW.state = 'registered' OR NEW.state = 'refused')
  WHEN 'refused' THEN NEW.state = 'waiting'
  WHEN 'withheld' THEN NEW.state = 'waiting'
  ELSE 0 END
BEGIN SELECT RAISE(ABORT, 'no such change of state'); END;
`;
