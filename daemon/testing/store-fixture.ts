import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Log, silentLog } from "../base/log.ts";
import { monotonicNs, type WallMs, wallMs } from "../base/time.ts";
import { withInterval } from "../clock/stamp.ts";
import type { Claim, ClaimRequest, Settlement } from "../forward/queue.ts";
import type { RosterEntry } from "../scan/roster.ts";
import type { DirectionRule, RecordOutcome, ScanDraft, WorkSite } from "../scan/scan.ts";
import { openDatabase } from "../store/database.ts";
import { StoreCore } from "../store/store-core.ts";
import type { StoreSettings } from "../store/store-settings.ts";
import { openWindow } from "./receipt-windows.ts";

/** A moment in 2026; `at(n)` is n minutes later. */
export const noon: WallMs = wallMs(1_780_000_000_000);
export const minuteMs = 60_000;
export const dayMs: number = 24 * 60 * minuteMs;

export function at(minutes: number): WallMs {
  return wallMs(noon + minutes * minuteMs);
}

export const site: WorkSite = {
  place: { kind: "coordinates", latitude: 51.05, longitude: 3.72 },
  declarationOfWorks: "1Y1003SQ5VSSZ",
};

export type TemporaryDirectory = Disposable & { readonly path: string };

export function temporaryDirectory(): TemporaryDirectory {
  const path = mkdtempSync(join(tmpdir(), "badged-store-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export function storeSettings(directory: string, changed: Partial<StoreSettings> = {}): StoreSettings {
  return {
    directory,
    maxScans: 100_000,
    alarmFraction: 0.8,
    doubleScanMs: minuteMs,
    keepSettledMs: 7 * dayMs,
    mode: "daemon",
    ...changed,
  };
}

export function openCore(settings: StoreSettings, log: Log = silentLog): StoreCore {
  return new StoreCore(openDatabase(settings, { log, now: noon }), settings);
}

/** The roster's line for badge `B<worker>`. The SSIN is made up and has no valid check digits. */
export function entryOf(worker: number, changed: Partial<RosterEntry> = {}): RosterEntry {
  return {
    badge: `B${worker}`,
    ssin: String(90_000_000_000 + worker),
    employer: { kind: "enterprise-number", number: "0566988259" },
    declarationOfWorks: null,
    reference: `R${worker}`,
    validFrom: null,
    validUntil: null,
    ...changed,
  };
}

export function rosterOf(...workers: readonly number[]): readonly RosterEntry[] {
  return workers.map((worker) => entryOf(worker));
}

export type DraftChange = {
  readonly rule?: DirectionRule;
  readonly workSiteId?: number;
  readonly bootId?: string;
  /** Monotonic time; minutes as wall time when left out. */
  readonly monotonicNs?: bigint;
  readonly readerId?: string;
  /** Nothing proved the time when it was read. */
  readonly undated?: true;
};

/** A scan of badge `B<worker>`, `minutes` after noon. */
export function draftOf(worker: number, minutes: number, changed: DraftChange = {}): ScanDraft {
  return {
    readerId: changed.readerId ?? "gate",
    badge: { raw: `raw-${worker}`, number: `B${worker}` },
    rule: changed.rule ?? { kind: "toggle" },
    workSiteId: changed.workSiteId ?? 1,
    stamp: withInterval({
      bootId: changed.bootId ?? "8b1f7c2e-3d64-4c5a-9a57-0d6c1a2b3c4d",
      monotonicNs: monotonicNs(changed.monotonicNs ?? BigInt(Math.round(minutes * minuteMs * 1e6))),
      how: "live",
      utcMs: at(minutes),
      errorBoundMs: changed.undated === true ? null : 2.5,
      syncId: null,
      state: changed.undated === true ? "unsynchronised" : "synchronised",
      captureLagMs: 0.25,
    }),
  };
}

export const inRule: DirectionRule = { kind: "fixed", direction: "in" };
export const outRule: DirectionRule = { kind: "fixed", direction: "out" };

/** A core with one place of work, id 1, and a roster. */
export function preparedCore(settings: StoreSettings, roster: readonly RosterEntry[], log: Log = silentLog): StoreCore {
  const core = openCore(settings, log);
  core.internWorkSite(site);
  core.replaceRoster(roster, "fixture", noon);
  return core;
}

export function recordOne(core: StoreCore, draft: ScanDraft): RecordOutcome {
  const [outcome] = core.record([draft]);
  if (outcome === undefined) throw new Error("no outcome for a scan");
  return outcome;
}

/** Records a scan that must be kept, and returns its id. */
export function recordId(core: StoreCore, draft: ScanDraft): number {
  const outcome = recordOne(core, draft);
  if (outcome.kind === "not-recorded") throw new Error(`not recorded: ${outcome.detail}`);
  return outcome.scanId;
}

export function claimRequest(changed: Partial<ClaimRequest> = {}): ClaimRequest {
  return { limit: 200, now: at(1000), window: openWindow, traceId: "trace", ...changed };
}

export function claimSome(core: StoreCore, changed: Partial<ClaimRequest> = {}): Claim {
  const { claim } = core.claim(claimRequest(changed));
  if (claim === null) throw new Error("nothing was due");
  return claim;
}

export function registered(scanId: number): Settlement {
  return { kind: "registered", scanId, registrationId: `r${scanId}`, validity: "pending", remarks: [] };
}

/** Claims what is due and has all of it registered at `endedAt`. */
export function registerDue(core: StoreCore, endedAt: WallMs): readonly number[] {
  const { claim } = core.claim(claimRequest({ now: endedAt }));
  if (claim === null) return [];
  const report = { outcome: "answered", httpStatus: 200, relatedTraceId: null, detail: "", endedAt } as const;
  core.settle(
    claim.attemptId,
    report,
    claim.scans.map(({ scanId }) => registered(scanId)),
  );
  return claim.scans.map(({ scanId }) => scanId);
}

/** A log that keeps what it is told. */
export type RecordingLog = Log & { readonly lines: readonly { readonly message: string; readonly fields: object }[] };

export function recordingLog(): RecordingLog {
  const lines: { message: string; fields: object }[] = [];
  const keep = (fields: object, message: string): void => {
    lines.push({ message, fields });
  };
  const log: RecordingLog = { lines, debug: keep, info: keep, warn: keep, error: keep, fatal: keep, child: () => log };
  return log;
}
