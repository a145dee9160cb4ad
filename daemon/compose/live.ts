import type { Configuration } from "../../config/configuration.ts";
import type { Reader } from "../../drivers/contract.ts";
import { utcText } from "../base/system-time.ts";
import type { WallMs } from "../base/time.ts";
import { version } from "../base/version.ts";
import type { ClockService } from "../clock/clock-service.ts";
import type { EvidenceStatus } from "../evidence/evidence-service.ts";
import { type TokenStatus, wordsOf } from "../forward/ciao/oauth/token-keeper.ts";
import type { FollowerStatus } from "../forward/follow-up/remark-follower.ts";
import type { ReceiptStatus } from "../forward/receipt-guard.ts";
import type { TargetStatus } from "../forward/target-status.ts";
import { exemptionOf, lastSegmentOf } from "../outage/explanation.ts";
import type { OutageService, OutageStatus } from "../outage/outage-service.ts";
import type { Intake } from "../scan/intake.ts";
import type { LiveStatus } from "../supervisor/live-status.ts";
import { liveClock } from "./clock-report.ts";

type LiveParts = {
  readonly startedAt: WallMs;
  readonly readers: readonly Reader[];
  readonly intake: Pick<Intake, "counters" | "strangersInARow">;
  readonly clock: Pick<ClockService, "status">;
  readonly outages: Pick<OutageService, "status">;
  readonly evidence: { readonly status: EvidenceStatus | null };
  readonly service: { readonly token: TokenStatus | null };
  readonly forwarder: {
    readonly status: TargetStatus;
    readonly receipt: ReceiptStatus;
    readonly failingAlone: readonly number[];
  };
  readonly remarks: { readonly status: FollowerStatus | null };
  /** In the order of the configuration. */
  readonly webhooks: readonly { readonly status: TargetStatus }[];
};

/** Reads the parts each time it is asked. */
export function liveStatus(configuration: Configuration, parts: LiveParts): () => LiveStatus {
  const driverOf = new Map(configuration.readers.map((reader) => [reader.id, reader.driver]));
  return () => ({
    version,
    pid: process.pid,
    startedAt: utcText(parts.startedAt),
    site: configuration.site.name,
    outage: liveOutage(parts.outages.status),
    clock: liveClock(parts.clock.status(), parts.forwarder.receipt),
    readers: parts.readers.map(({ id, state, counters }) => ({
      id,
      driver: driverOf.get(id) ?? "",
      online: state.kind === "online",
      detail: state.kind === "online" ? state.path : `${state.reason}${state.detail === "" ? "" : `, ${state.detail}`}`,
      ...counters,
      strangersInARow: parts.intake.strangersInARow(id),
    })),
    intake: parts.intake.counters,
    service: { name: new URL(configuration.service.url).host, ...parts.forwarder.status },
    failingAlone: parts.forwarder.failingAlone,
    token: liveToken(parts.service.token),
    following: parts.remarks.status,
    evidence: parts.evidence.status,
    webhooks: parts.webhooks.map(({ status }, index) => ({
      name: configuration.webhooks[index]?.name ?? "",
      ...status,
    })),
    memoryBytes: process.memoryUsage.rss(),
  });
}

function liveToken(token: TokenStatus | null): LiveStatus["token"] {
  return token === null ? null : { ...token, failure: token.failure === null ? null : wordsOf(token.failure) };
}

function liveOutage({ kind, window, layers, looks }: OutageStatus): LiveStatus["outage"] {
  if (kind !== "open" || window === null) return { since: null, cause: null, exemption: null, layers, looks };
  const { cause } = lastSegmentOf(window).finding;
  const exemption = exemptionOf({ window, otherChannelWorked: false });
  return { since: utcText(window.firstBad.utcMs), cause, exemption, layers, looks };
}
