import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { withoutAgent } from "../testing/without-agent.ts";

test("a request that cannot load what it needs ends as one that reached nobody", async () => {
  const at = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);
  const program = `
    const { exchangeBytes } = await import(${at("byte-exchange.ts")});
    const { systemTime } = await import(${at("../base/system-time.ts")});
    const url = "http://127.0.0.1:9/";
    const request = { method: "GET", url, headers: {}, body: null, answerMaxBytes: 100, timeoutMs: 1000 };
    console.log(JSON.stringify(await exchangeBytes(request, systemTime, new AbortController().signal)));`;
  const { stdout } = await promisify(execFile)(process.execPath, [withoutAgent, "--input-type=module", "-e", program]);
  expect(JSON.parse(stdout)).toMatchObject({ kind: "unreachable", detail: expect.stringContaining("EIO") });
});
