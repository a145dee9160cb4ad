import { expect, test } from "vitest";
import { outageLines, targetLine } from "./status.ts";

test("an outage is told in local time and in words, and a service beside it is not simply reachable", () => {
  const outage = {
    since: "2026-11-27T16:48:39.592Z",
    cause: "unknown",
    exemption: "ambiguous",
    layers: {},
    looks: [],
  };
  expect(outageLines({ outage }, "Europe/Brussels")).toEqual([
    "OUTAGE    since 2026-11-27 17:48:39 GMT+1: cannot be told from this box; unclear whether exempt (badged outages list)",
  ]);
  expect(outageLines({ outage: { ...outage, since: null } }, "Europe/Brussels")).toEqual([]);
  const service = { name: "service", state: "reachable", lastOutcome: "answered", retryInMs: null } as const;
  expect(targetLine("service", service)).toBe("service   service: reachable (last call: answered)");
  expect(targetLine("service", service, true)).toBe("service   service: no call has failed (last call: answered)");
});

test("a service that refuses the credentials is told in capitals, and never that no call has failed", () => {
  const service = { name: "service", state: "reachable", lastOutcome: "unauthorised", retryInMs: 3000 } as const;
  for (const isOut of [false, true]) {
    expect(targetLine("service", service, isOut)).toBe(
      "service   service: reachable, BUT REFUSES THE CREDENTIALS, or what they may do: look at service.oauth or tokenFile, and for whom this client may register (badged service check) (last call: unauthorised), next try in 3 s",
    );
  }
  expect(targetLine("service", { ...service, retryInMs: null })).not.toContain("REFUSES");
});
