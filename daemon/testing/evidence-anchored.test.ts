import { createHash } from "node:crypto";
import { cpSync } from "node:fs";
import { expect, test } from "vitest";
import { present } from "../base/assert.ts";
import { silentLog } from "../base/log.ts";
import { systemTime } from "../base/system-time.ts";
import { composeAnchorers } from "../compose/anchorers-at-start.ts";
import { ensureDeviceKey } from "../evidence/device-key.ts";
import type { EvidenceService } from "../evidence/evidence-service.ts";
import { cosignedAt, parseNote, publicKeyText, verifierKeyText } from "../evidence/note.ts";
import { verifyToken } from "../evidence/timestamp/token.ts";
import { BoxLog } from "./evidence/box-log.ts";
import { TimestampAuthority } from "./evidence/timestamp-authority.ts";
import { WitnessFixture } from "./evidence/witness-fixture.ts";
import { evidenceServiceOf, failingSample, peacefulSample } from "./evidence-service-fixture.ts";
import { CoreEvidence, type FoundEpoch, readEpoch } from "./evidence-store.ts";
import { openCore, storeSettings, temporaryDirectory } from "./store-fixture.ts";

/** A life of a box on the disk that is found in `directory`. */
async function live(
  directory: string,
  authority: TimestampAuthority,
  witness: WitnessFixture,
  work: (service: EvidenceService) => Promise<void>,
): Promise<void> {
  const key = ensureDeviceKey(directory);
  using core = openCore(storeSettings(directory));
  const settings = {
    authority: { url: authority.url, policy: null, ca: authority.caFile },
    witnesses: [{ url: witness.url, key: verifierKeyText(witness.signer, "cosignature") }],
  };
  const clock = () => ({ wallMs: systemTime.wallMs(), boundMs: 10 });
  const anchorers = composeAnchorers(settings, key.publicKey, { time: systemTime, clock });
  const store = new CoreEvidence(core);
  await using service = evidenceServiceOf({ key, store, anchorers, time: systemTime, log: silentLog });
  await service.start();
  await service.settled();
  await work(service);
}

async function anchored(service: EvidenceService): Promise<void> {
  service.wantAnchors();
  await service.settled();
  service.record(failingSample);
  await service.settled();
}

function found(directory: string, epoch: number): FoundEpoch {
  using core = openCore(storeSettings(directory));
  const { faults, ...rest } = readEpoch(core, epoch, publicKeyText(ensureDeviceKey(directory).publicKey));
  expect(faults).toEqual([]);
  return rest;
}

test("a box's log is anchored by a real authority and a real witness, and a disk that is set back is found out", async () => {
  using box = temporaryDirectory();
  using image = temporaryDirectory();
  using secondImage = temporaryDirectory();
  const { privateKey } = ensureDeviceKey(box.path);
  await using authority = await TimestampAuthority.open();
  await using witness = await WitnessFixture.open([new BoxLog(privateKey)]);

  await live(box.path, authority, witness, anchored);
  const first = found(box.path, 1);
  expect(first.anchors.map(({ type }) => type).sort()).toEqual(expect.arrayContaining(["rfc3161", "witness"]));
  const caPem = authority.caPem;
  for (const { type, size, proof } of first.anchors) {
    const note = first.checkpoints.find((each) => each.size === size)?.note ?? "";
    const text = present(parseNote(note), "what is kept is a note").text;
    if (type === "witness") {
      expect(cosignedAt(text, Buffer.from(proof).toString("utf8").trimEnd(), witness.signer)).not.toBeNull();
    } else {
      const imprint = createHash("sha256").update(text).digest();
      expect(verifyToken({ response: proof, imprint, caPem }).kind).toBe("verified");
    }
  }

  // The owner keeps an image of the disk, lets the true outage pass, and then goes back to tell another story.
  for (const { path } of [image, secondImage]) cpSync(box.path, path, { recursive: true });
  await live(box.path, authority, witness, async (service) => {
    for (let sample = 0; sample < 20; sample++) service.record(peacefulSample);
    await anchored(service);
  });
  const seen = present(witness.store.logs()[0], "the witness has seen the log");
  await live(image.path, authority, witness, async (service) => {
    for (let sample = 0; sample < 50; sample++) service.record(failingSample);
    await anchored(service);
    await anchored(service);
  });

  const after = found(image.path, 2);
  expect(after.records[0]).toMatchObject({ kind: "epoch", data: { reason: "rollback" } });
  expect(after.records.map(({ kind }) => kind)).toContain("rollback");
  const [latest, former] = witness.store.logs();
  expect(latest).toMatchObject({ epoch: 2 });
  expect(former).toEqual(seen);

  // Set back a second time to before the second epoch: its number is not taken again.
  await live(secondImage.path, authority, witness, async (service) => {
    await anchored(service);
    await anchored(service);
  });
  expect(present(witness.store.logs()[0], "the witness has seen the log")).toMatchObject({ epoch: 3 });
  expect(found(secondImage.path, 2)).toMatchObject({ records: [], checkpoints: [] });
  expect(found(secondImage.path, 3).records[0]).toMatchObject({ kind: "epoch", data: { reason: "rollback" } });
}, 60_000);
