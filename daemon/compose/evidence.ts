import { randomBytes } from "node:crypto";
import { schedule } from "node-cron";
import type { Configuration } from "../../config/configuration.ts";
import { readSecret } from "../../config/secret.ts";
import { BadgedError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { elapsedMs, type Time, type WallMs, wallMs } from "../base/time.ts";
import { version } from "../base/version.ts";
import type { Stamp } from "../clock/stamp.ts";
import type { ClockEvent } from "../clock/step-watch.ts";
import type { ClockHistory } from "../clock/synchronisation.ts";
import { anchoredCadence, lonelyCadence } from "../evidence/cadence.ts";
import type { ClockReading } from "../evidence/clock-reading.ts";
import { type DeviceKey, ensureDeviceKey, readDeviceKey } from "../evidence/device-key.ts";
import { EvidenceService, type EvidenceStatus } from "../evidence/evidence-service.ts";
import type { RecordContent, RecordMoment } from "../evidence/record.ts";
import { countScansMs } from "../evidence/window-scan-counts.ts";
import type { OutageWindow, Sample, WindowChange } from "../outage/windows.ts";
import type { Store } from "../store/store.ts";
import { composeAnchorers } from "./anchorers-at-start.ts";
import {
  clockChangeRecord,
  clockEventRecord,
  heartbeatGap,
  isRecorded,
  type LastSample,
  recordMoment,
  sampleRecord,
  sampleText,
  synchronisationRecord,
  windowRecords,
} from "./evidence-records.ts";
import { lastWindows, type UntoldWindow, untoldWindows } from "./untold-windows.ts";

/** What the other rooms tell the log. Nothing here throws, and nobody waits. */
export interface Evidence extends AsyncDisposable {
  /** Before the watch of outages, which writes over the last sign of life. */
  start(): Promise<void>;
  readonly onSample: (sample: Sample) => void;
  readonly onChange: (change: WindowChange) => void;
  /** The clock's history, of which the log takes note. */
  readonly history: ClockHistory;
  readonly maintain: (now: WallMs) => Promise<void>;
  /** `null` where no log is kept. */
  readonly status: EvidenceStatus | null;
}

/**
 * Composes the log of a site. A key that others may read is refused, as any other secret is; a log that cannot be kept
 * is said so, and badged runs on without.
 *
 * @param stamp now, as the clock has it; called from `start` on
 */
export function composeEvidence(
  configuration: Configuration,
  store: Store,
  stamp: () => Stamp,
  ports: { readonly time: Time; readonly log: Log },
): Evidence {
  const key = keyOf(configuration, ports.log.child({ room: "evidence" }));
  return key === null ? without(store.clock) : composeWith(key, configuration, store, stamp, ports);
}

function keyOf({ evidence: { keyFile }, store: { directory } }: Configuration, log: Log): DeviceKey | null {
  if (keyFile !== null) return readDeviceKey(readSecret(keyFile), keyFile);
  try {
    return ensureDeviceKey(directory);
  } catch (error) {
    if (error instanceof BadgedError && error.code === "secret-unsafe") throw error;
    log.error({ error: messageOf(error) }, "no evidence log is kept, its key cannot be had");
    return null;
  }
}

function without(history: ClockHistory): Evidence {
  return {
    start: async () => {},
    onSample: () => {},
    onChange: () => {},
    history,
    maintain: async () => {},
    status: null,
    [Symbol.asyncDispose]: async () => {},
  };
}

function composeWith(
  key: DeviceKey,
  configuration: Configuration,
  store: Store,
  stamp: () => Stamp,
  { time, log }: { readonly time: Time; readonly log: Log },
): Evidence {
  const { evidence, site, fingerprint } = configuration;
  const moment = (): RecordMoment => recordMoment(stamp());
  const clock = (): ClockReading => {
    const { wall, err } = moment();
    return { wallMs: wallMs(wall), boundMs: err };
  };
  const anchorers = composeAnchorers(evidence, key.publicKey, { time, clock });
  const cadence = anchorers.length === 0 ? lonelyCadence : anchoredCadence;
  const service = new EvidenceService(
    { store: store.evidence, anchorers, moment, salt: () => randomBytes(16), time, log },
    { key, cadence, version, configuration: fingerprint },
  );
  const note = (content: RecordContent): void => service.record(content);
  const edges = evidence.shiftEdges.map((edge) =>
    schedule(cronOf(edge), () => service.wantAnchors(), { timezone: site.timeZone }),
  );
  const samples = new SampleTaker(note);
  return {
    async start() {
      let untold: readonly UntoldWindow[] = [];
      let lately: readonly string[] = [];
      try {
        const last = await store.outages.lastHeartbeat();
        if (last !== null) note(heartbeatGap(last, moment()));
        const window = await store.outages.openWindow();
        if (window !== null) samples.takenUp(window);
        untold = await untoldWindows(store);
        lately = await endedLately(store, moment().wall);
      } catch (error) {
        log.error({ error: messageOf(error) }, "what the last run left for the evidence log could not be read");
      }
      for (const { records } of untold) for (const { content, moment: at } of records) service.record(content, at);
      await service.start();
      for (const key of lately) service.windowEndedBefore(key);
      for (const { key, hasEnded } of untold) if (hasEnded) service.windowEnded(key);
    },
    onSample: (sample) => samples.take(sample),
    onChange(change) {
      samples.windowChanged(change);
      for (const content of windowRecords(change)) note(content);
      if (change.kind === "closed") service.windowEnded(change.window.key);
    },
    history: noted(store.clock, note, time),
    maintain: (now) => service.maintain(now),
    get status() {
      return service.status;
    },
    async [Symbol.asyncDispose]() {
      for (const edge of edges) await edge.destroy();
      await service[Symbol.asyncDispose]();
    },
  };
}

/** The keys of windows whose scans may still be on their way, by the wall time `now` in ms. */
async function endedLately(store: Store, now: number): Promise<readonly string[]> {
  const isLately = ({ end }: OutageWindow): boolean =>
    end !== null && Math.abs(now - end.firstGood.utcMs) < countScansMs;
  return (await lastWindows(store)).filter(isLately).map(({ key }) => key);
}

/** `07:05` as cron has it. */
function cronOf(edge: string): string {
  const [hour = "0", minute = "0"] = edge.split(":");
  return `${Number(minute)} ${Number(hour)} * * *`;
}

class SampleTaker {
  readonly #note: (content: RecordContent) => void;
  #last: LastSample | null = null;
  /** Key of the window that lasts. */
  #open: string | null = null;

  constructor(note: (content: RecordContent) => void) {
    this.#note = note;
  }

  take(sample: Sample): void {
    if (!isRecorded(sample, this.#open !== null, this.#last)) return;
    this.#last = { atNs: sample.at.monotonicNs, text: sampleText(sample) };
    this.#note(sampleRecord(sample));
  }

  /** A window that lasted when the last run ended; the watch tells of it only when it changes. */
  takenUp({ key }: OutageWindow): void {
    this.#open = key;
  }

  windowChanged({ window }: WindowChange): void {
    if (window.end === null) this.#open = window.key;
    else if (window.key === this.#open) this.#open = null;
  }
}

/** Hands everything on, and notes what bears on the time of records. */
function noted(history: ClockHistory, note: (content: RecordContent) => void, time: Time): ClockHistory {
  // One that could not be written is handed on again.
  const notedEvents = new WeakSet<ClockEvent>();
  return {
    bootSeen: (bootId) => history.bootSeen(bootId),
    seeBoot: (bootId, seen) => history.seeBoot(bootId, seen),
    recordSynchronisation(row, trusted) {
      const systemClockMs = time.wallMs() - elapsedMs(row.atNs, time.monotonicNs());
      const content = synchronisationRecord(row, systemClockMs);
      if (content !== null) note(content);
      return history.recordSynchronisation(row, trusted);
    },
    recordServiceTime: (found) => history.recordServiceTime(found),
    recordEvent(bootId, event) {
      if (!notedEvents.has(event)) note(clockEventRecord(event));
      notedEvents.add(event);
      return history.recordEvent(bootId, event);
    },
    recordChange(bootId, atNs, change) {
      note(clockChangeRecord(change));
      return history.recordChange(bootId, atNs, change);
    },
    anchors: (limit) => history.anchors(limit),
    breaks: (bootId) => history.breaks(bootId),
    lastTrusted: () => history.lastTrusted(),
  };
}
