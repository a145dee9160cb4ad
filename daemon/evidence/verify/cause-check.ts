import { type Failure, failure, named } from "./failure.ts";
import type { WindowRecord } from "./log-line.ts";
import type { LogFacts } from "./read-log.ts";
import type { WindowLines } from "./time-bounds.ts";

type Layers = ReadonlyMap<string, string>;

/** The causes that the layers alone can show, and what they have to look like. */
const shownBy: ReadonlyMap<string, (layers: Layers) => boolean> = new Map([
  ["internet-provider", showsProvider],
  ["service", showsService],
  ["own-network", (layers) => isOneOf(layers, "link", "down") || isOneOf(layers, "lan", "failed")],
  ["own-software", showsOwnSoftware],
]);

/** What rules out that the failure was somebody else's: an own one beside it, or another channel that worked. */
function isOwn(layers: Layers): boolean {
  return (
    isOneOf(layers, "service", "refuses-us", "own-tls") ||
    isOneOf(layers, "token", "refuses-us") ||
    isOneOf(layers, "otherChannel", "answered")
  );
}

function showsProvider(layers: Layers): boolean {
  return (
    !isOwn(layers) &&
    !isOneOf(layers, "link", "unknown") &&
    isOneOf(layers, "lan", "ok") &&
    isOneOf(layers, "anchors", "none") &&
    (isOneOf(layers, "dns", "failed") || isOneOf(layers, "firstHop", "failed"))
  );
}

function showsService(layers: Layers): boolean {
  return (
    !isOwn(layers) &&
    !isOneOf(layers, "link", "down") &&
    !isOneOf(layers, "lan", "failed") &&
    isOneOf(layers, "anchors", "all") &&
    !isOneOf(layers, "dns", "failed") &&
    isTheirs(layers)
  );
}

/** A token endpoint that fails says nothing of a service that was seen to fail in a way of which it is not known whose. */
function isTheirs(layers: Layers): boolean {
  return (
    isOneOf(layers, "service", "unreachable", "server-error", "bad-certificate") ||
    (isOneOf(layers, "token", "failed") && isOneOf(layers, "service", "ok", "unknown"))
  );
}

function showsOwnSoftware(layers: Layers): boolean {
  return (
    isOneOf(layers, "service", "refuses-us", "own-tls") ||
    isOneOf(layers, "token", "refuses-us") ||
    isOneOf(layers, "box", "crashed")
  );
}

function isOneOf(layers: Layers, name: string, ...states: readonly string[]): boolean {
  return states.includes(layers.get(name) ?? "");
}

/** What a cause may claim at most. An own fault is never exempt, whatever the log says. */
const neverExempt = new Set(["own-software", "own-network", "own-power", "operator", "other-channel-worked"]);
const neverPresumed = new Set(["power-unproven", "partial", "unknown"]);

export type CauseCheck = {
  readonly failures: readonly Failure[];
  /** What the layers cannot tell, in sentences. */
  readonly open: readonly string[];
};

/**
 * Whether the samples between a window's first failing one and its end carry what its causes need. A sample that was not
 * whole holds the far layers as they were seen before, so it can contradict nothing.
 */
export function checkCause(
  records: readonly [WindowRecord, ...WindowRecord[]],
  lines: WindowLines,
  facts: LogFacts,
): CauseCheck {
  const [{ id }] = records;
  const failures: Failure[] = [];
  const open: string[] = [];
  const from = lines.firstBad ?? lines.opened;
  const until = lines.closed ?? Number.MAX_SAFE_INTEGER;
  const within = facts.failing.map(({ sample }) => sample).filter(({ seq }) => seq >= from && seq < until);
  for (const cause of new Set(records.map((each) => each.cause))) {
    const shows = shownBy.get(cause);
    if (shows === undefined) {
      open.push(`window ${named(id)}: the layers alone do not tell the cause "${named(cause)}"`);
      continue;
    }
    const whole = within.filter((sample) => sample.cause === cause && sample.whole);
    const wrong = whole.find(({ layers }) => !shows(layers));
    if (wrong !== undefined)
      failures.push(failure("cause-contradicted", `window ${named(id)}, record ${wrong.seq}`, named(cause)));
    else if (whole.length === 0) failures.push(failure("cause-not-shown", `window ${named(id)}`, named(cause)));
  }
  for (const { seq, cause, exemption } of records) {
    const isTooMuch =
      (neverExempt.has(cause) && exemption !== "not-exempt") || (neverPresumed.has(cause) && exemption === "presumed");
    if (isTooMuch) failures.push(failure("exemption-contradicted", `window ${named(id)}, record ${seq}`, named(cause)));
  }
  return { failures, open };
}
