import fc from "fast-check";
import { expect, test } from "vitest";
import { wallMs } from "../../base/time.ts";
import type { Registration, RegistrationItem, RegistrationType } from "./registration.ts";
import { RegistrationLedger } from "./registration-ledger.ts";
import { remarksOf } from "./remarks.ts";

const ssin = "93051822361";
const start = 1_769_846_400_000;
const later = wallMs(start + 2_000_000_000);

function itemAt(seconds: number, type: RegistrationType, worker: string = ssin): RegistrationItem {
  return {
    registrationMs: wallMs(start + seconds * 1000),
    ssin: worker,
    type,
    employer: { enterpriseNumber: "0566988259" },
    placeOfWork: { coordinates: { longitude: 4.35, latitude: 50.85 } },
    contractualRelationshipReference: null,
  };
}

function ledgerWith(...items: readonly RegistrationItem[]): { ledger: RegistrationLedger; kept: Registration[] } {
  const ledger = new RegistrationLedger({ receiptLimitMs: null, unknownSsins: new Set() });
  const received = wallMs(start + 1_000_000_000);
  return { ledger, kept: items.map((item) => ledger.accept(item, 1, received)) };
}

test("a late IN takes away the remark of the OUT that came before it", () => {
  const { ledger, kept } = ledgerWith(itemAt(3600, "OUT"), itemAt(0, "IN"));
  expect(kept[0]?.remarksAtReceipt).toEqual([24]);
  expect(kept.map((each) => ledger.remarks(each, later))).toEqual([[], []]);
});

test("a late IN gives the IN that follows it remark 21", () => {
  const { ledger, kept } = ledgerWith(itemAt(60, "IN"), itemAt(0, "IN"));
  expect(kept.map((each) => each.remarksAtReceipt)).toEqual([[], []]);
  expect(kept.map((each) => ledger.remarks(each, later))).toEqual([[21], []]);
});

test("registrations of one second keep the order of receipt", () => {
  const { ledger, kept } = ledgerWith(itemAt(0, "IN"), itemAt(0, "OUT"), itemAt(0, "IN"));
  expect(kept.map((each) => ledger.remarks(each, later))).toEqual([[], [], []]);
  expect(ledger.ofWorker(ssin)).toEqual(kept);
});

test("a cancelled registration counts for nothing in what follows it", () => {
  const { ledger, kept } = ledgerWith(itemAt(0, "IN"), itemAt(60, "IN"), itemAt(120, "OUT"), itemAt(180, "OUT"));
  const codes = (): readonly (readonly number[])[] => kept.map((each) => ledger.remarks(each, later));
  expect(codes()).toEqual([[], [21], [], [22]]);
  ledger.cancel(1, later);
  ledger.cancel(3, later);
  expect(codes()).toEqual([[], [], [], []]);
  ledger.cancel(2, later);
  expect(codes()[3]).toEqual([24]);
});

test("the remarks of a registration that was forgotten bring no worker back", () => {
  const { ledger, kept } = ledgerWith(itemAt(0, "OUT"));
  ledger.forget();
  expect([kept[0] && ledger.remarks(kept[0], later), ledger.workerCount]).toEqual([[24], 0]);
});

test("workers do not disturb each other", () => {
  const { kept } = ledgerWith(itemAt(0, "IN"), itemAt(1, "IN", "85011512355"));
  expect(kept.map((each) => each.remarksAtReceipt)).toEqual([[], []]);
});

test("wrong check digits and an SSIN declared unknown both give remark 15", () => {
  const ledger = new RegistrationLedger({ receiptLimitMs: null, unknownSsins: new Set(["85011512355"]) });
  const received = wallMs(start + 60_000);
  expect(ledger.accept(itemAt(0, "IN", "90231512314"), 1, received).remarksAtReceipt).toEqual([15]);
  expect(ledger.accept(itemAt(0, "IN", "85011512355"), 1, received).remarksAtReceipt).toEqual([15]);
  expect(ledger.accept(itemAt(0, "IN", "53480200724"), 1, received).remarksAtReceipt).toEqual([]);
});

test("forgetting empties the ledger and never gives an id twice", () => {
  const { ledger } = ledgerWith(itemAt(0, "IN"), itemAt(1, "OUT"));
  ledger.forget();
  expect([ledger.registrations.length, ledger.workerCount, ledger.byId(1)]).toEqual([0, 0, null]);
  const after = ledger.accept(itemAt(2, "IN"), 2, wallMs(start + 60_000));
  expect(after.id).toBe(3);
  expect(ledger.byId(3)).toBe(after);
});

test("whatever the order of arrival, remarks are those of the sorted history", () => {
  const arrival = fc.record({
    second: fc.integer({ min: 0, max: 200_000 }),
    type: fc.constantFrom<RegistrationType>("IN", "OUT"),
  });
  fc.assert(
    fc.property(fc.array(arrival, { maxLength: 40 }), (arrivals) => {
      const { ledger, kept } = ledgerWith(...arrivals.map(({ second, type }) => itemAt(second, type)));
      const sorted = kept.toSorted((a, b) => a.registrationMs - b.registrationMs || a.id - b.id);
      expect(ledger.ofWorker(ssin)).toEqual(sorted);
      for (const [index, each] of sorted.entries()) {
        const before = sorted.slice(0, index);
        const expected = remarksOf(
          {
            ...each,
            ssinKnown: true,
            previousType: before.at(-1)?.type ?? null,
            lastInMs: before.findLast(({ type }) => type === "IN")?.registrationMs ?? null,
          },
          null,
        );
        expect(ledger.remarks(each, later)).toEqual(expected);
      }
    }),
  );
});
