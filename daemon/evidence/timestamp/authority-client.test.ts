import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { systemTime } from "../../base/system-time.ts";
import { type WallMs, wallMs } from "../../base/time.ts";
import {
  type Misbehaviour,
  otherAuthorityPolicy,
  sendReply,
  TimestampAuthority,
} from "../../testing/evidence/timestamp-authority.ts";
import type { ClockReading } from "../clock-reading.ts";
import { AuthorityClient, type AuthorityPorts, type AuthoritySettings } from "./authority-client.ts";
import { timestampRequest } from "./request.ts";
import { responseMaxBytes } from "./token.ts";

const imprint = createHash("sha256").update("a checkpoint").digest();
const never = new AbortController().signal;
const dayMs = 86_400_000;
let offMs = 0;
let authority: TimestampAuthority;

beforeAll(async () => {
  authority = await TimestampAuthority.open({ clock: (): WallMs => wallMs(systemTime.wallMs() + offMs) });
});
beforeEach(() => {
  offMs = 0;
  authority.misbehaviour = null;
});
afterAll(() => authority[Symbol.asyncDispose]());

function clientOf(
  settings: Partial<AuthoritySettings> = {},
  clock: () => ClockReading = () => ({ wallMs: systemTime.wallMs(), boundMs: 10 }),
): AuthorityClient {
  const ports: AuthorityPorts = { time: systemTime, clock, randomBytes };
  return new AuthorityClient(
    { url: authority.url, caPem: authority.caPem, policy: null, timeoutMs: 5000, ...settings },
    ports,
  );
}

async function outcomeOf(
  misbehaviour: Misbehaviour | null,
  settings: Partial<AuthoritySettings> = {},
): Promise<string> {
  authority.misbehaviour = misbehaviour;
  const outcome = await clientOf(settings).stamp(imprint, never);
  return outcome.kind === "verified" ? "verified" : "reason" in outcome ? outcome.reason : outcome.cause;
}

test("a timestamp is asked for and comes back verified, with the answer to keep", async () => {
  const outcome = await clientOf().stamp(imprint, never);
  expect(outcome).toMatchObject({ kind: "verified", by: "Test timestamps" });
  if (outcome.kind === "verified") expect(await authority.verdictOfOpenssl(outcome.response, imprint)).toBeNull();
});

test("the configured policy is asked for and kept to", async () => {
  expect(await outcomeOf(null, { policy: otherAuthorityPolicy })).toBe("verified");
  expect(
    await outcomeOf(async (_, response) => sendReply(response, await authority.stamp(imprint)), {
      policy: otherAuthorityPolicy,
    }),
  ).toBe("other-nonce");
  expect(await outcomeOf(null, { policy: "1.2.3.4.5" })).toBe("not-granted");
});

describe("refused is", () => {
  test("an older answer that is played again", async () => {
    const older = await authority.reply(timestampRequest(imprint, 1n, null));
    expect(await outcomeOf((_, response) => sendReply(response, older))).toBe("other-nonce");
  });

  test("an answer over something else", async () => {
    const else_ = createHash("sha256").update("else").digest();
    const answer = await authority.stamp(else_);
    expect(await outcomeOf((_, response) => sendReply(response, answer))).toBe("other-imprint");
  });

  test.each([-dayMs, dayMs, 60_000])("a clock that is %d ms off", async (off) => {
    offMs = off;
    expect(await outcomeOf(null)).toBe("clock-disagrees");
  });

  test.each([204, 302, 401, 404, 500, 503])("an answer with status %d", async (status) => {
    expect(await outcomeOf((_, response) => void response.writeHead(status, { location: authority.url }).end())).toBe(
      "http-status",
    );
  });

  test("garbage", async () => {
    expect(await outcomeOf((_, response) => sendReply(response, Buffer.from("<html>welcome</html>")))).toBe(
      "malformed",
    );
  });

  test("an answer that is too long, and one that never ends", async () => {
    expect(await outcomeOf((_, response) => sendReply(response, Buffer.alloc(responseMaxBytes + 1)))).toBe("too-long");
    let isOpen = true;
    const endless: Misbehaviour = (_, response) => {
      response.on("close", () => {
        isOpen = false;
      });
      const more = (): void => {
        if (!response.destroyed) response.write(Buffer.alloc(8192), more);
      };
      more();
    };
    expect(await outcomeOf(endless)).toBe("too-long");
    await expect.poll(() => isOpen).toBe(false);
  });
});

test("a clock that nothing vouches for does not judge the authority's", async () => {
  offMs = dayMs;
  const outcome = await clientOf({}, () => ({ wallMs: systemTime.wallMs(), boundMs: null })).stamp(imprint, never);
  expect(outcome.kind).toBe("verified");
});

test("a clock with a wide bound is not contradicted within it", async () => {
  offMs = 60_000;
  const outcome = await clientOf({}, () => ({ wallMs: systemTime.wallMs(), boundMs: 61_000 })).stamp(imprint, never);
  expect(outcome.kind).toBe("verified");
});

describe("unreachable is", () => {
  test("nobody there", async () => {
    expect(await outcomeOf(null, { url: "http://127.0.0.1:1/" })).toBe("not-connected");
  });

  test("silence, and an answer that stops in the middle", async () => {
    expect(await outcomeOf(() => {}, { timeoutMs: 200 })).toBe("timed-out");
    const half: Misbehaviour = (_, response) => void response.writeHead(200).write(Buffer.alloc(10));
    expect(await outcomeOf(half, { timeoutMs: 200 })).toBe("timed-out");
  });

  test("a connection that breaks, and what is not HTTP", async () => {
    expect(await outcomeOf((_, response) => void response.destroy())).toBe("connection-lost");
    expect(await outcomeOf((_, response) => void response.socket?.end("hello, who is there?\r\n\r\n"))).toBe(
      "not-http",
    );
  });

  test("a call that is stopped", async () => {
    const stop = new AbortController();
    authority.misbehaviour = () => stop.abort();
    expect(await clientOf().stamp(imprint, stop.signal)).toMatchObject({ kind: "unreachable", cause: "interrupted" });
    expect(await clientOf().stamp(imprint, stop.signal)).toMatchObject({ kind: "unreachable", cause: "interrupted" });
  });
});
