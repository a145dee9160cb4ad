import { expect, test } from "vitest";
import { seededRandom } from "../../base/random.ts";
import { type CallFault, type FaultRule, isProcessed, strike } from "./fault.ts";
import { readFaultOrder, refusalMaxMs } from "./fault-order.ts";

const never = () => 0.999;

test.each<[CallFault, boolean]>([
  [{ kind: "time-out", processed: false }, false],
  [{ kind: "time-out", processed: true }, true],
  [{ kind: "reset-before" }, false],
  [{ kind: "reset-during-answer" }, true],
  [{ kind: "reset-after-processing" }, true],
  [{ kind: "throttle", problem: "tooManyRequests", retryAfter: null }, false],
  [{ kind: "server-error", status: 503, processed: false, retryAfterSeconds: null }, false],
  [{ kind: "server-error", status: 504, processed: true, retryAfterSeconds: null }, true],
  [{ kind: "garbage", form: "html" }, false],
  [{ kind: "garbage", form: "half-json" }, true],
  [{ kind: "slow", bytesPerChunk: 1, everyMs: 1 }, true],
  [{ kind: "huge", bytes: 10 }, true],
  [{ kind: "not-created", ssins: [] }, true],
])("%o: processed %s", (fault, processed) => {
  expect(isProcessed(fault)).toBe(processed);
});

test("a rule for the next two calls strikes twice and is gone", () => {
  const rules: readonly FaultRule[] = [{ fault: { kind: "reset-before" }, occurs: { kind: "next-calls", calls: 2 } }];
  const first = strike(rules, "register", never);
  const second = strike(first.rules, "register", never);
  const third = strike(second.rules, "register", never);
  expect([first.fault?.kind, second.fault?.kind, third.fault]).toEqual(["reset-before", "reset-before", null]);
  expect(second.rules).toEqual([]);
});

test("a rule that always strikes stays", () => {
  const rules: readonly FaultRule[] = [{ fault: { kind: "reset-before" }, occurs: { kind: "always" } }];
  expect(strike(rules, "register", never)).toEqual({ fault: { kind: "reset-before" }, rules });
});

test("the first rule that strikes takes the call and spares the others", () => {
  const rules: readonly FaultRule[] = [
    { fault: { kind: "reset-before" }, occurs: { kind: "chance", probability: 0.5 } },
    { fault: { kind: "reset-after-processing" }, occurs: { kind: "next-calls", calls: 1 } },
  ];
  expect(strike(rules, "register", () => 0.49)).toEqual({ fault: { kind: "reset-before" }, rules });
  expect(strike(rules, "register", () => 0.5).fault).toEqual({ kind: "reset-after-processing" });
});

test("a chance of one in four strikes about one call in four, the same ones under the same seed", () => {
  const rules: readonly FaultRule[] = [
    { fault: { kind: "reset-before" }, occurs: { kind: "chance", probability: 0.25 } },
  ];
  const run = (): readonly boolean[] => {
    const random = seededRandom(7);
    return Array.from({ length: 4000 }, () => strike(rules, "register", random).fault !== null);
  };
  const struck = run().filter(Boolean).length;
  expect(struck).toBeGreaterThan(900);
  expect(struck).toBeLessThan(1100);
  expect(run()).toEqual(run());
});

test.each<[string, unknown]>([
  ['{"fault":{"kind":"reset-before"}}', [{ fault: { kind: "reset-before" }, occurs: { kind: "always" } }]],
  [
    '{"fault":{"kind":"server-error","status":503},"occurs":{"kind":"next-calls","calls":3}}',
    [
      {
        fault: { kind: "server-error", status: 503, processed: false, retryAfterSeconds: null },
        occurs: { kind: "next-calls", calls: 3 },
      },
    ],
  ],
  ['{"rules":[]}', []],
])("the order %s is read", (body, rules) => {
  expect(readFaultOrder(body)).toEqual({ kind: "rules", rules });
});

test("a refusal over HTTP needs an end", () => {
  const order = (forMs: unknown): string => JSON.stringify({ fault: { kind: "refuse", forMs } });
  expect(readFaultOrder(order(refusalMaxMs))).toEqual({
    kind: "refuse",
    fault: { kind: "refuse", forMs: refusalMaxMs },
  });
  expect(readFaultOrder(order(refusalMaxMs + 1))).toEqual(expect.any(String));
  expect(readFaultOrder(order(null))).toEqual(expect.any(String));
});

test.each<[string, RegExp]>([
  ["", /not JSON/],
  ["[]", /./],
  ["{}", /^fault: is missing$/],
  ['{"fault":1}', /^fault: expected an object$/],
  ['{"rules":3}', /^rules: expected a list$/],
  ['{"fault":{"kind":"slow"}}', /^fault\.bytesPerChunk: is missing$/],
  ['{"fault":{"kind":"server-error","status":404}}', /^fault\.status: expected one of 500, 502, 503, 504$/],
  ['{"fault":{"kind":"refuse","forMs":3600001}}', /^fault\.forMs: expected at most 3600000$/],
  ['{"fault":{"kind":"not-created","ssins":["1"]}}', /^fault\.ssins\.0: expected eleven digits$/],
  ['{"fault":{"kind":"reset-before"},"at":"x"}', /^at: expected one of "register", "get", .*"any"$/],
  ['{"fault":{"kind":"flood"}}', /^fault\.kind: .*"reset-before"/],
  ['{"fault":{"kind":"flood"}}', /"refuse", with forMs/],
  ['{"fault":{"kind":"slow","bytesPerChunk":1,"everyMs":0}}', /^fault\.everyMs: expected at least 1$/],
  ['{"fault":{"kind":"reset-before","extra":1}}', /^fault\.extra: unknown field$/],
  ['{"rules":[{"fault":{"kind":"reset-before"},"occurs":{"kind":"chance","probability":2}}]}', /^rules\.0\.occurs\.p/],
])("the order %s is refused with a sentence about its mistake", (body, sentence) => {
  expect(readFaultOrder(body)).toEqual(expect.stringMatching(sentence));
});
