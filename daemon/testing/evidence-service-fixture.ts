import { anchoredCadence, lonelyCadence } from "../evidence/cadence.ts";
import { type EvidencePorts, EvidenceService, type EvidenceSettings } from "../evidence/evidence-service.ts";
import type { RecordContent } from "../evidence/record.ts";

const layers = {
  box: "running",
  power: "unknown",
  link: "up",
  lan: "ok",
  firstHop: "unknown",
  dns: "ok",
  anchors: "all",
  service: "ok",
  token: "unknown",
  otherChannel: "unknown",
};

export const peacefulSample: RecordContent = { kind: "sample", data: { layers, cause: null, whole: true } };
export const failingSample: RecordContent = {
  kind: "sample",
  data: { layers: { ...layers, service: "unreachable" }, cause: "service", whole: true },
};

/** A log whose clock is right and whose salts are known. */
export function evidenceServiceOf({
  key,
  cadence,
  configuration = "ab".repeat(32),
  ...ports
}: Pick<EvidencePorts, "store" | "time" | "log" | "anchorers"> &
  Pick<EvidenceSettings, "key"> &
  Partial<Pick<EvidenceSettings, "cadence" | "configuration">>): EvidenceService {
  const { time, anchorers } = ports;
  return new EvidenceService(
    {
      ...ports,
      moment: () => ({
        boot: "0f1e2d3c-4b5a-4678-9abc-def012345678",
        mono: Number(time.monotonicNs() / 1_000_000n),
        wall: time.wallMs(),
        err: 5,
        state: "synchronised",
      }),
      salt: () => Buffer.alloc(16, 9),
    },
    {
      key,
      cadence: cadence ?? (anchorers.length === 0 ? lonelyCadence : anchoredCadence),
      version: "0.1.0",
      configuration,
    },
  );
}
