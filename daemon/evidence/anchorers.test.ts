import { createHash, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { systemTime } from "../base/system-time.ts";
import { BoxLog } from "../testing/evidence/box-log.ts";
import { TimestampAuthority } from "../testing/evidence/timestamp-authority.ts";
import { WitnessFixture } from "../testing/evidence/witness-fixture.ts";
import { AuthorityAnchorer, WitnessAnchorer } from "./anchorers.ts";
import type { ClockReading } from "./clock-reading.ts";
import { cosignedAt } from "./note.ts";
import { AuthorityClient } from "./timestamp/authority-client.ts";
import { verifyToken } from "./timestamp/token.ts";
import { WitnessClient } from "./witness/witness-client.ts";

const never = new AbortController().signal;
const clock = (): ClockReading => ({ wallMs: systemTime.wallMs(), boundMs: 10 });
const ports = { time: systemTime, clock, randomBytes };

test("an authority's token is over the signed part of the checkpoint, and names who made it", async () => {
  await using authority = await TimestampAuthority.open();
  const { url, caPem } = authority;
  const anchorer = new AuthorityAnchorer(
    new AuthorityClient({ url, caPem, policy: null, timeoutMs: 5000 }, ports),
    url,
  );
  const request = new BoxLog().grow(3).request();
  const [outcome] = await anchorer.anchor(request, never);
  expect(outcome).toMatchObject({ kind: "anchored", type: "rfc3161", by: "Test timestamps" });
  const imprint = createHash("sha256").update(request.text).digest();
  const response = outcome?.kind === "anchored" ? outcome.proof : new Uint8Array(0);
  expect(verifyToken({ response, imprint, caPem }).kind).toBe("verified");

  authority.misbehaviour = (_, answer) => void answer.writeHead(503).end();
  expect(await anchorer.anchor(request, never)).toEqual([
    {
      kind: "failed",
      by: new URL(url).host,
      why: "the authority answered with an error instead of a timestamp (HTTP 503)",
    },
  ]);
});

test("a witness's line is the file of a bundle; a witness that is ahead, away or refuses says so", async () => {
  const log = new BoxLog().grow(9);
  await using witness = await WitnessFixture.open([log]);
  const anchorerTo = (url: string): WitnessAnchorer => {
    const settings = { url, witness: witness.signer, logKey: log.publicKey, timeoutMs: 5000 };
    return new WitnessAnchorer(new WitnessClient(settings, ports), witness.signer.name);
  };
  const request = log.request();
  const [outcome] = await anchorerTo(witness.url).anchor(request, never);
  expect(outcome).toMatchObject({ kind: "anchored", type: "witness", by: "witness.example" });
  const line = outcome?.kind === "anchored" ? Buffer.from(outcome.proof).toString() : "";
  expect(line.endsWith("\n")).toBe(true);
  expect(cosignedAt(request.text, line.slice(0, -1), witness.signer)).not.toBeNull();

  const by = "witness.example";
  const back = log.rolledBack(4).request();
  expect(await anchorerTo(witness.url).anchor(back, never)).toEqual([{ kind: "ahead", by, size: 9 }]);
  expect(await anchorerTo("http://127.0.0.1:1").anchor(request, never)).toMatchObject([{ kind: "failed", by }]);
  const unknown = new BoxLog().grow(2).request();
  expect(await anchorerTo(witness.url).anchor(unknown, never)).toMatchObject([{ kind: "failed", by }]);
  const broken = { ...request, consistency: () => Promise.reject(new Error("the store is closed")) };
  expect(await anchorerTo(witness.url).anchor(broken, never)).toEqual([
    { kind: "failed", by, why: "no proof could be made: the store is closed" },
  ]);
});
