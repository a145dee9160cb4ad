import { expect, test } from "vitest";
import { StoreError } from "../store/store-error.ts";
import { recordingLog } from "../testing/store-fixture.ts";
import { webhooksAtStart } from "./webhooks-at-start.ts";

const failing = (failure: StoreError): { retain(): Promise<void> } => ({
  retain: () => Promise.reject(failure),
});

test("a change of the webhooks and a full disk let badged start, and the log says what to do", async () => {
  const log = recordingLog();
  await webhooksAtStart(["payroll"], failing(new StoreError("disk-full", "database or disk is full")), log);
  expect(log.lines).toEqual([
    {
      message: "a change of the webhooks was not kept, the disk is full: make room, then restart",
      fields: { targets: 1, detail: "database or disk is full" },
    },
  ]);
});

test.each(["busy", "input-output"] as const)("so does a store that fails for a while: %s", async (code) => {
  const log = recordingLog();
  await webhooksAtStart([], failing(new StoreError(code, "as told")), log);
  expect(log.lines.map(({ message }) => message)).toEqual([
    "a change of the webhooks was not kept, the store failed: restart later",
  ]);
});

test("a store that fails otherwise still ends the start", async () => {
  const broken = failing(new StoreError("corrupt", "malformed"));
  await expect(webhooksAtStart([], broken, recordingLog())).rejects.toThrow("malformed");
});
