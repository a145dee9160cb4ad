import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Candidate, selectQuorum } from "./quorum.ts";

function candidate(sourceId: string, thetaNs: number, lambdaNs = 5, operator = sourceId): Candidate {
  return { sourceId, operator, thetaNs: BigInt(thetaNs), lambdaNs: BigInt(lambdaNs) };
}

test("one false ticker among four is named, with how far it is off", () => {
  const result = selectQuorum([candidate("a", 0), candidate("b", 1), candidate("c", -1), candidate("d", 20)]);
  expect(result).toMatchObject({ kind: "quorum", thetaNs: 0n, boundNs: 4n });
  if (result.kind !== "quorum") return;
  expect(result.verdicts.get("d")).toEqual({ kind: "false-ticker", beyondNs: 11n });
  expect(result.verdicts.get("a")).toEqual({ kind: "true-chimer" });
  expect(result.warnings).toEqual(["fewer-than-four-sources"]);
});

test("one inside the others' intervals moves nothing", () => {
  const result = selectQuorum([candidate("a", 0), candidate("b", 0), candidate("c", 0), candidate("d", 3)]);
  expect(result).toMatchObject({ kind: "quorum", thetaNs: 0n, boundNs: 5n, warnings: [] });
});

describe("no quorum", () => {
  test("with two sources, however well they agree", () => {
    const result = selectQuorum([candidate("a", 0), candidate("b", 0)]);
    expect(result).toEqual({ kind: "no-quorum", why: "too-few-sources", usable: 2 });
  });

  test("with two against two", () => {
    const result = selectQuorum([candidate("a", 0), candidate("b", 0), candidate("c", 100), candidate("d", 100)]);
    expect(result).toEqual({ kind: "no-quorum", why: "no-agreement", usable: 4 });
  });

  test("with three of which only two agree", () => {
    const result = selectQuorum([candidate("a", 0), candidate("b", 0), candidate("c", 100)]);
    expect(result).toEqual({ kind: "no-quorum", why: "no-agreement", usable: 3 });
  });
});

test("intervals that only touch do agree", () => {
  const result = selectQuorum([candidate("a", 0), candidate("b", 10), candidate("c", 5)]);
  expect(result).toMatchObject({ kind: "quorum", thetaNs: 5n, boundNs: 5n });
});

test("three servers of one operator make a quorum and a warning", () => {
  const result = selectQuorum(["a", "b", "c", "d"].map((id) => candidate(id, 0, 5, "one")));
  expect(result).toMatchObject({ kind: "quorum", warnings: ["fewer-than-three-operators"] });
});

const truthful = fc.record({ offNs: fc.integer({ min: -50, max: 50 }), roomNs: fc.nat({ max: 50 }) });
const lying = fc.record({ thetaNs: fc.integer({ min: -200, max: 200 }), lambdaNs: fc.nat({ max: 200 }) });

/** n sources of which at most ⌊(n − 1)/2⌋ say whatever they like, in any order. */
const sources = fc
  .integer({ min: 1, max: 9 })
  .chain((n) =>
    fc
      .integer({ min: 0, max: Math.floor((n - 1) / 2) })
      .chain((liars) =>
        fc.tuple(
          fc.array(truthful, { minLength: n - liars, maxLength: n - liars }),
          fc.array(lying, { minLength: liars, maxLength: liars }),
          fc.infiniteStream(fc.nat()),
        ),
      ),
  );

test("whenever at most f of n lie, a quorum holds the truth", () => {
  fc.assert(
    fc.property(sources, fc.integer({ min: -1000, max: 1000 }), ([honest, liars, order], truth) => {
      const said = [
        ...honest.map(({ offNs, roomNs }) => ({ thetaNs: truth + offNs, lambdaNs: Math.abs(offNs) + roomNs })),
        ...liars.map(({ thetaNs, lambdaNs }) => ({ thetaNs: truth + thetaNs, lambdaNs })),
      ]
        .map((each) => ({ each, rank: order.next().value }))
        .sort((one, other) => one.rank - other.rank)
        .map(({ each }, index) => candidate(`s${index}`, each.thetaNs, each.lambdaNs));
      const result = selectQuorum(said);
      if (result.kind === "no-quorum") return;
      expect(result.thetaNs - result.boundNs).toBeLessThanOrEqual(BigInt(truth));
      expect(result.thetaNs + result.boundNs).toBeGreaterThanOrEqual(BigInt(truth));
    }),
    { numRuns: 2000 },
  );
});

test("with three or more sources that all tell the truth there is a quorum of all", () => {
  fc.assert(
    fc.property(fc.array(truthful, { minLength: 3, maxLength: 9 }), (honest) => {
      const result = selectQuorum(
        honest.map(({ offNs, roomNs }, index) => candidate(`s${index}`, offNs, Math.abs(offNs) + roomNs)),
      );
      expect(result.kind).toBe("quorum");
      if (result.kind !== "quorum") return;
      expect([...result.verdicts.values()].every(({ kind }) => kind === "true-chimer")).toBe(true);
    }),
  );
});
