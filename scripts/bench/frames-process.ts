/** Presents badges on a pseudo-terminal from a process of its own and tells when it wrote each: the truth about first bytes. */
import { systemTime } from "../../daemon/base/system-time.ts";
import { ReaderSimulator } from "../../daemon/simulator/reader-simulator.ts";
import { fictionalBadge } from "../../daemon/testing/fictional-worker.ts";

const periodMs = 25;

const reader = await ReaderSimulator.open({ link: null, style: "serial-line", onFeedback: () => {} }, systemTime);
process.on("message", (count) => void present(Number(count)));
process.on("disconnect", () => void reader[Symbol.asyncDispose]());
process.send?.({ path: reader.path });

async function present(count: number): Promise<void> {
  const writtenNs: string[] = [];
  for (let index = 0; index < count; index += 1) {
    writtenNs.push(String(systemTime.monotonicNs()));
    reader.present(fictionalBadge(index));
    await systemTime.sleep(periodMs);
  }
  process.send?.({ writtenNs });
}
