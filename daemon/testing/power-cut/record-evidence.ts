/**
 * Keeps an evidence log in a store on the folder named first for as many steps as named second, and tells its parent each
 * checkpoint that leaves the box. Peace, failures, ends of outages and restarts alternate, so that cuts hit all of them.
 */
import { silentLog } from "../../base/log.ts";
import type { Anchorer } from "../../evidence/anchorer.ts";
import { ensureDeviceKey } from "../../evidence/device-key.ts";
import { evidenceServiceOf, failingSample, peacefulSample } from "../evidence-service-fixture.ts";
import { CoreEvidence } from "../evidence-store.ts";
import { ManualTime } from "../manual-time.ts";
import { openCore } from "../store-fixture.ts";
import { powerCutSettings, powerCutStoreFolder } from "./settings.ts";

const [mountPoint = "", count = "0"] = process.argv.slice(2);
const directory = powerCutStoreFolder(mountPoint);
const time = new ManualTime();

/** By an ordinary process message: whoever gets it has it, whatever becomes of this box. */
function witness(type: Anchorer["type"]): Anchorer {
  return {
    type,
    name: type,
    async anchor({ note }) {
      process.send?.(note);
      return [{ kind: "anchored", type, by: type, proof: Buffer.from(note) }];
    },
  };
}

for (let run = 0; run < 4; run++) {
  using core = openCore(powerCutSettings(directory));
  const key = ensureDeviceKey(directory);
  await using service = evidenceServiceOf({
    store: new CoreEvidence(core),
    key,
    time,
    log: silentLog,
    anchorers: [witness("witness"), witness("rfc3161")],
  });
  await service.start();
  for (let step = 0; step < Number(count) / 4; step++) {
    service.record(step % 7 === 3 ? failingSample : peacefulSample);
    if (step % 11 === 5) service.windowEnded("window");
    await time.advance(90_000);
    await service.settled();
  }
}
process.disconnect?.();
