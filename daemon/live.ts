import type { Configuration } from "../config/configuration.ts";
import type { Reader } from "../drivers/contract.ts";
import { readBootId } from "./base/boot-id.ts";
import { utcText } from "./base/system-time.ts";
import type { WallMs } from "./base/time.ts";
import { version } from "./base/version.ts";
import type { TargetStatus } from "./forward/target-status.ts";
import type { Intake } from "./scan/intake.ts";
import type { LiveStatus } from "./supervisor/live-status.ts";

type LiveParts = {
  readonly startedAt: WallMs;
  readonly readers: readonly Reader[];
  readonly intake: Pick<Intake, "counters">;
  readonly forwarder: { readonly status: TargetStatus };
  /** In the order of the configuration. */
  readonly webhooks: readonly { readonly status: TargetStatus }[];
};

/** Reads the parts each time it is asked. */
export function liveStatus(configuration: Configuration, parts: LiveParts): () => LiveStatus {
  const driverOf = new Map(configuration.readers.map((reader) => [reader.id, reader.driver]));
  const bootId = readBootId();
  return () => ({
    version,
    pid: process.pid,
    startedAt: utcText(parts.startedAt),
    site: configuration.site.name,
    clock: { state: "unsynchronised", bootId },
    readers: parts.readers.map(({ id, state, counters }) => ({
      id,
      driver: driverOf.get(id) ?? "",
      online: state.kind === "online",
      detail: state.kind === "online" ? state.path : `${state.reason}${state.detail === "" ? "" : `, ${state.detail}`}`,
      ...counters,
    })),
    intake: parts.intake.counters,
    service: { name: new URL(configuration.service.url).host, ...parts.forwarder.status },
    webhooks: parts.webhooks.map(({ status }, index) => ({
      name: configuration.webhooks[index]?.name ?? "",
      ...status,
    })),
    memoryBytes: process.memoryUsage.rss(),
  });
}
