import fc from "fast-check";
import { expect, test } from "vitest";
import type { KeptAnchor } from "../evidence-store.ts";
import { nearbyCheckpoints } from "./nearby.ts";
import { type AnchoredCheckpoint, selectRange } from "./selection.ts";

/** Ten records to a checkpoint; answers come in the order of the checkpoints, some of them late. */
const checkpointOf = fc.record({
  token: fc.boolean(),
  cosignature: fc.boolean(),
  tokenFirst: fc.boolean(),
  late: fc.constantFrom(0, 0, 0, 25),
});

function anchored(
  checkpoints: readonly (typeof checkpointOf extends fc.Arbitrary<infer T> ? T : never)[],
): readonly KeptAnchor[] {
  const anchors: KeptAnchor[] = [];
  let seq = 0;
  for (const [index, { token, cosignature, tokenFirst, late }] of checkpoints.entries()) {
    const size = (index + 1) * 10;
    const types = [...(token ? (["rfc3161"] as const) : []), ...(cosignature ? (["witness"] as const) : [])];
    for (const type of tokenFirst ? types : types.toReversed()) {
      seq = Math.max(seq + 1, size + late);
      anchors.push({ seq, size, type, by: type, proof: Buffer.from(`${type} ${size}`) });
    }
  }
  return anchors;
}

function named(size: number, anchors: readonly KeptAnchor[]): AnchoredCheckpoint {
  const of = (type: KeptAnchor["type"]) => anchors.filter((each) => each.size === size && each.type === type);
  return { size, tokens: of("rfc3161"), cosignatures: of("witness") };
}

test("what is chosen from the checkpoints that are held is what is chosen from all of them", async () => {
  const span = fc.tuple(fc.nat(450), fc.nat(450)).map(([one, other]) => ({
    from: Math.min(one, other),
    to: Math.max(one, other),
  }));
  await fc.assert(
    fc.asyncProperty(
      fc.array(checkpointOf, { maxLength: 40 }),
      span,
      fc.nat(8),
      async (checkpoints, meant, holdMin) => {
        const anchors = anchored(checkpoints);
        const sizes = checkpoints.map((_, index) => (index + 1) * 10);
        const archive = {
          evidenceAnchors: async (_: number, from: number) => anchors.filter(({ seq }) => seq >= from).slice(0, 3),
          evidenceCheckpoints: async (_: number, from: number, limit: number) =>
            sizes
              .filter((size) => size >= from)
              .slice(0, Math.min(limit, 3))
              .map((size) => ({ size, note: `note ${size}`, roots: [] })),
        };
        const held = await nearbyCheckpoints(archive, 1, meant, 400, holdMin);
        const range = selectRange(
          held.map(({ size, anchors: kept }) => named(size, kept)),
          meant,
        );
        expect(range).toEqual(
          selectRange(
            sizes.map((size) => named(size, anchors)),
            meant,
          ),
        );
        for (const size of range?.sizes ?? []) {
          const chosen = held.find((each) => each.size === size);
          expect(chosen?.note).toBe(`note ${size}`);
          expect(chosen?.anchors).toEqual(anchors.filter((each) => each.size === size));
        }
      },
    ),
    { numRuns: 500 },
  );
});
