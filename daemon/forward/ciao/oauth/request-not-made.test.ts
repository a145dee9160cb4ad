import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { withoutAgent } from "../../../testing/without-agent.ts";
import { tokenFailureIsOurs } from "./token-outcome.ts";

test("a request that this box cannot make is no failure of the token endpoint", async () => {
  const at = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);
  const program = `
    import { generateKeyPairSync } from "node:crypto";
    const { TokenRequest } = await import(${at("token-request.ts")});
    const { systemTime } = await import(${at("../../../base/system-time.ts")});
    const tokenUrl = "http://127.0.0.1:9/token";
    const settings = { tokenUrl, clientId: "site", audience: tokenUrl, scope: null, keyId: null, timeoutMs: 1000, pins: [] };
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const provenTime = () => ({ utcMs: systemTime.wallMs(), errorBoundMs: 7 });
    await using request = new TokenRequest(settings, { key: () => privateKey, provenTime, time: systemTime });
    console.log(JSON.stringify(await request.ask(new AbortController().signal)));`;
  const { stdout } = await promisify(execFile)(process.execPath, [withoutAgent, "--input-type=module", "-e", program]);
  expect(JSON.parse(stdout)).toMatchObject({ kind: "not-made", detail: expect.stringContaining("EIO") });
  expect(tokenFailureIsOurs["not-made"]).toBe(true);
});
