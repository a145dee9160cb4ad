import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemTime } from "../base/system-time.ts";
import { verifierKeyText } from "../evidence/note.ts";
import { BoxLog } from "../testing/evidence/box-log.ts";
import { TimestampAuthority } from "../testing/evidence/timestamp-authority.ts";
import { WitnessFixture } from "../testing/evidence/witness-fixture.ts";
import { composeAnchorers } from "./anchorers-at-start.ts";

const ports = { time: systemTime, clock: () => ({ wallMs: systemTime.wallMs(), boundMs: 10 }) };
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "badged-anchorers-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

test("a configured authority and witness anchor a checkpoint", async () => {
  const log = new BoxLog().grow(3);
  await using authority = await TimestampAuthority.open();
  await using witness = await WitnessFixture.open([log]);
  const key = verifierKeyText(witness.signer, "cosignature");
  const settings = {
    authority: { url: authority.url, policy: null, ca: authority.caFile },
    witnesses: [{ url: `${witness.url}/`, key }],
  };
  const anchorers = composeAnchorers(settings, log.publicKey, ports);
  const outcomes = await Promise.all(anchorers.map((each) => each.anchor(log.request(), new AbortController().signal)));
  expect(outcomes.flat().map(({ kind, by }) => [kind, by])).toEqual([
    ["anchored", "Test timestamps"],
    ["anchored", "witness.example"],
  ]);
});

test("what could never verify is told at the start", () => {
  const log = new BoxLog();
  const ca = join(directory, "ca.pem");
  const authority = { url: "http://127.0.0.1:1/", policy: null, ca };
  const compose = (): unknown => composeAnchorers({ authority, witnesses: [] }, log.publicKey, ports);
  expect(compose).toThrow(expect.objectContaining({ code: "configuration-unreadable" }));
  writeFileSync(ca, "no certificate");
  expect(compose).toThrow(expect.objectContaining({ code: "configuration-invalid" }));
  const key = `witness.example+00000000+${Buffer.alloc(33, 4).toString("base64")}`;
  const witnesses = [{ url: "http://127.0.0.1:1/", key }];
  expect(() => composeAnchorers({ authority: null, witnesses }, log.publicKey, ports)).toThrow(
    expect.objectContaining({ code: "configuration-invalid" }),
  );
});
