import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BoxLog } from "../../testing/evidence/box-log.ts";
import { provesConsistency } from "../merkle.ts";
import { type Checkpoint, signNote } from "../note.ts";
import type { AddCheckpoint } from "./add-checkpoint.ts";
import { epochMax, type Head, judge, type Memory, readOrigin, type TrustedBox } from "./judgement.ts";

class MapMemory implements Memory {
  readonly heads = new Map<string, Head>();
  readonly cosigned: Checkpoint[] = [];

  head(origin: string): Head | null {
    return this.heads.get(origin) ?? null;
  }

  latestEpoch(fingerprint: string): number | null {
    const epochs = [...this.heads.keys()].map(readOrigin).filter((id) => id?.fingerprint === fingerprint);
    return epochs.length === 0 ? null : Math.max(...epochs.map((id) => id?.epoch ?? 0));
  }

  keep(head: Head): void {
    this.heads.set(head.checkpoint.origin, head);
    this.cosigned.push(head.checkpoint);
  }
}

const { privateKey } = generateKeyPairSync("ed25519");

function trusted(log: BoxLog): readonly TrustedBox[] {
  return [{ label: "a box", publicKey: log.publicKey }];
}

function verdict(request: AddCheckpoint, memory: MapMemory, boxes: readonly TrustedBox[]): string {
  const judgement = judge(request, boxes, memory);
  if (judgement.kind === "cosign") memory.keep(judgement.head);
  return judgement.kind === "cosign" ? "cosigned" : judgement.reason;
}

describe("a witness that has cosigned 5 records", () => {
  const log = new BoxLog(privateKey).grow(12);
  const forged = log.rolledBack(3).grow(9, "lie");
  const stranger = new BoxLog().grow(8);
  const impostor = (): AddCheckpoint => {
    const text = log.note(8).slice(0, log.note(8).indexOf("\n\n") + 1);
    const signer = { name: log.origin, publicKey: stranger.publicKey, privateKey: stranger.privateKey };
    return { ...log.add(5, 8), note: signNote(text, signer) };
  };

  test.each<[string, AddCheckpoint, string]>([
    ["more of the same log", log.add(5, 8), "cosigned"],
    ["the same again", log.add(5, 5), "cosigned"],
    ["more, from a size that it has not cosigned", log.add(4, 8), "other-size"],
    ["more, from nothing", log.add(0, 8), "other-size"],
    ["less of the same log", log.add(0, 3), "other-size"],
    ["less, from the right size", log.add(5, 3), "malformed"],
    ["as much of another log", forged.add(5, 5), "other-root"],
    ["more of another log", forged.add(5, 8), "not-an-extension"],
    ["more, without its proof", { ...log.add(5, 8), proof: [] }, "not-an-extension"],
    ["more, with the proof of another size", { ...log.add(5, 8), proof: log.add(5, 9).proof }, "not-an-extension"],
    ["a log of a box that is not on the list", stranger.add(5, 8), "unknown-log"],
    ["a log that somebody else signed in its name", impostor(), "wrong-signature"],
    ["a note that is no checkpoint", { ...log.add(5, 8), note: "hello\n\n— me AAAA\n" }, "malformed"],
    ["the first of the last epoch that there can be", new BoxLog(privateKey, epochMax).grow(1).add(0), "cosigned"],
    ["the first of one more", new BoxLog(privateKey, epochMax + 1).grow(1).add(0), "too-many-epochs"],
    ["the first of a new epoch", new BoxLog(privateKey, 2).grow(1).add(0), "cosigned"],
  ])("%s", (_, request, expected) => {
    const memory = new MapMemory();
    expect(verdict(log.add(0, 5), memory, trusted(log))).toBe("cosigned");
    expect(verdict(request, memory, trusted(log))).toBe(expected);
  });

  test("a later epoch closes the ones before it: nobody keeps two logs going to choose later", () => {
    const memory = new MapMemory();
    verdict(log.add(0, 5), memory, trusted(log));
    expect(verdict(log.nextEpoch().grow(1).add(0), memory, trusted(log))).toBe("cosigned");
    expect(verdict(log.add(5, 8), memory, trusted(log))).toBe("epoch-closed");
    expect(verdict(log.add(5, 5), memory, trusted(log))).toBe("epoch-closed");
  });
});

/** A log that grew, was set back, forked and sometimes grew again: everything that the owner of the key can make. */
const histories = fc.array(
  fc.record({
    branch: fc.nat(3),
    from: fc.nat(3),
    at: fc.nat(40),
    grow: fc.nat(8),
    old: fc.oneof(fc.constant<"head">("head"), fc.nat(60)),
    epoch: fc.constantFrom(1, 1, 1, 1, 2),
  }),
  { minLength: 1, maxLength: 40 },
);

test("of one size one root at most is ever cosigned, and each one extends those before", () => {
  fc.assert(
    fc.property(histories, (steps) => {
      const memory = new MapMemory();
      const branches = new Map<string, BoxLog>();
      const seen = new Map<string, BoxLog>();
      for (const { branch, from, at, grow, old, epoch } of steps) {
        const origin = branches.get(`${epoch}/${from}`) ?? new BoxLog(privateKey, epoch);
        // A branch is another one cut at some size, that goes on in its own way; it may also be the same one again.
        const log = origin.rolledBack(at > 20 ? origin.size : Math.min(at, origin.size)).grow(grow, `story ${branch}`);
        branches.set(`${epoch}/${branch}`, log);
        const headSize = memory.head(log.origin)?.checkpoint.size ?? 0;
        const oldSize = old === "head" ? headSize : old;
        if (verdict(log.add(oldSize), memory, trusted(log)) === "cosigned") seen.set(`${log.origin} ${log.size}`, log);
      }
      for (const origin of new Set(memory.cosigned.map((each) => each.origin))) {
        const all = memory.cosigned.filter((each) => each.origin === origin);
        for (const [index, later] of all.entries()) {
          for (const earlier of all.slice(0, index)) {
            expect(earlier.size).toBeLessThanOrEqual(later.size);
            if (earlier.size === later.size) expect(earlier.root).toEqual(later.root);
            const proof = seen.get(`${origin} ${later.size}`)?.add(earlier.size, later.size).proof ?? [];
            const claim = { oldSize: earlier.size, oldRoot: earlier.root, size: later.size, root: later.root, proof };
            expect(earlier.size === 0 || provesConsistency(claim)).toBe(true);
          }
        }
      }
    }),
    { numRuns: 200 },
  );
});
