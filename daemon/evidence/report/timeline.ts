import type { Interval, SampleRecord } from "../verify/log-line.ts";
import { localTime } from "./report-time.ts";
import type { LayerName, LayerState } from "./report-words.ts";

/** A stretch of a layer with one state; places are shares of the picture's width, 0 to 1. */
export type Stretch = { readonly from: number; readonly to: number; readonly state: LayerState };

/** What the layers looked like around a window, as shapes: the drawing only has to give them a size. */
export type Timeline = {
  readonly rows: readonly { readonly layer: LayerName; readonly stretches: readonly Stretch[] }[];
  /** The intervals in which the window began and ended. */
  readonly began: { readonly from: number; readonly to: number };
  readonly ended: { readonly from: number; readonly to: number } | null;
  readonly ticks: readonly { readonly at: number; readonly text: string }[];
  /** Dates, zone and offset of the axis. */
  readonly axis: string;
};

const layerNames: readonly LayerName[] = [
  "box",
  "power",
  "link",
  "lan",
  "firstHop",
  "dns",
  "anchors",
  "service",
  "token",
  "otherChannel",
];

/** Looks are recorded half a minute apart at most: after half as long again nobody has watched. */
const watchedMs = 45_000;
const padMinMs = 60_000;
const padShare = 0.15;

/** @param samples ascending; @returns `null` when there is nothing to show */
export function timelineOf(
  samples: readonly SampleRecord[],
  start: Interval,
  end: Interval | null,
  timeZone: string,
): Timeline | null {
  const firstMs = start[0] ?? start[1];
  const lastMs = end?.[1] ?? end?.[0] ?? samples.at(-1)?.wallMs ?? null;
  if (firstMs === null || lastMs === null || lastMs < firstMs) return null;
  const padMs = Math.max(padMinMs, (lastMs - firstMs) * padShare);
  const fromMs = firstMs - padMs;
  const toMs = lastMs + padMs;
  const seen = samples.filter(({ wallMs }) => wallMs >= fromMs - watchedMs && wallMs <= toMs);
  if (seen.length === 0) return null;
  const place = (atMs: number): number => Math.min(1, Math.max(0, (atMs - fromMs) / (toMs - fromMs)));
  const interval = ([from, to]: Interval): { readonly from: number; readonly to: number } => ({
    from: from === null ? 0 : place(from),
    to: place(to ?? from ?? fromMs),
  });
  const rows = layerNames
    .map((layer) => ({ layer, stretches: stretchesOf(seen, layer, place) }))
    .filter(({ stretches }) => stretches.some(({ state }) => state !== "unknown"));
  return {
    rows,
    began: interval(start),
    ended: end === null ? null : interval(end),
    ticks: ticksBetween(fromMs, toMs, timeZone).map(({ atMs, text }) => ({ at: place(atMs), text })),
    axis: axisText(fromMs, toMs, timeZone),
  };
}

/** Each look holds until the next one, and for `watchedMs` at most. */
function stretchesOf(
  samples: readonly SampleRecord[],
  layer: LayerName,
  place: (atMs: number) => number,
): readonly Stretch[] {
  const found: { from: number; to: number; state: LayerState }[] = [];
  const add = (from: number, to: number, state: LayerState): void => {
    const last = found.at(-1);
    if (last !== undefined && last.state === state && last.to === from) last.to = to;
    else if (to > from) found.push({ from, to, state });
  };
  let reached = 0;
  for (const [index, { wallMs, layers }] of samples.entries()) {
    const from = Math.max(reached, place(wallMs));
    const until = place(Math.min(samples[index + 1]?.wallMs ?? Number.POSITIVE_INFINITY, wallMs + watchedMs));
    add(reached, from, "unknown");
    add(from, Math.max(from, until), stateOf(layer, layers.get(layer) ?? "unknown"));
    reached = Math.max(from, until);
  }
  add(reached, 1, "unknown");
  return found;
}

const wellStates = new Set(["running", "mains", "up", "ok", "all", "answered"]);

function stateOf(layer: LayerName, state: string): LayerState {
  if (state === "unknown" || state === "untried") return "unknown";
  if (layer === "anchors" && state === "some") return "partly";
  return wellStates.has(state) ? "ok" : "failed";
}

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const tickSteps = [
  10 * secondMs,
  30 * secondMs,
  minuteMs,
  2 * minuteMs,
  5 * minuteMs,
  10 * minuteMs,
  15 * minuteMs,
  30 * minuteMs,
  ...[1, 2, 3, 6, 12, 24].map((hours) => hours * hourMs),
];
const ticksMax = 8;

/** Round times of day in the site's zone, few enough to be read. */
function ticksBetween(
  fromMs: number,
  toMs: number,
  timeZone: string,
): readonly { readonly atMs: number; readonly text: string }[] {
  const stepMs = tickSteps.find((step) => (toMs - fromMs) / step <= ticksMax) ?? 24 * hourMs;
  // No zone of today is off by less than a quarter of an hour, so hours and days are looked for among the quarters.
  const walkMs = Math.min(stepMs, 15 * minuteMs);
  const found: { readonly atMs: number; readonly text: string }[] = [];
  for (let atMs = Math.ceil(fromMs / walkMs) * walkMs; atMs <= toMs; atMs += walkMs) {
    const { date, clock } = localTime(atMs, timeZone);
    const [hours = 0, minutes = 0, seconds = 0] = clock.split(":").map(Number);
    const ofDayMs = hours * hourMs + minutes * minuteMs + seconds * secondMs;
    if (ofDayMs % stepMs !== 0) continue;
    const text = stepMs < minuteMs ? clock : stepMs < 24 * hourMs ? clock.slice(0, 5) : date.slice(5);
    found.push({ atMs, text });
  }
  const every = Math.ceil(found.length / ticksMax);
  return found.filter((_, index) => index % every === 0);
}

function axisText(fromMs: number, toMs: number, timeZone: string): string {
  const from = localTime(fromMs, timeZone);
  const to = localTime(toMs, timeZone);
  const dates = from.date === to.date ? from.date : `${from.date} – ${to.date}`;
  const offsets = from.offset === to.offset ? from.offset : `${from.offset}, ${to.offset}`;
  return `${dates}, ${timeZone} (${offsets})`;
}
