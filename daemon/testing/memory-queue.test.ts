import { forwardQueueContract } from "./forward-queue-contract.ts";
import { MemoryQueue } from "./memory-queue.ts";

forwardQueueContract("memory", async () => {
  const queue = new MemoryQueue();
  return {
    queue,
    record: async (worker, utcMs) => queue.record(worker, utcMs),
    recordUnknown: async (worker, utcMs) => queue.recordUnknown(worker, utcMs),
    learn: async (workers) => {
      for (const worker of workers) queue.learn(worker);
    },
    release: async (scanId) => queue.release(scanId),
    look: async (scanId) => queue.scan(scanId),
    [Symbol.asyncDispose]: async () => {},
  };
});
