import { expect, test } from "vitest";
import { systemTime } from "../base/system-time.ts";
import { loadSecondWay } from "./second-way.ts";

test("an interface that is not there was not tried, and nothing is told of what lies behind it", async () => {
  const secondWay = await loadSecondWay(systemTime);
  if ("obstacle" in secondWay) throw new Error(secondWay.obstacle);
  const place = { address: "127.0.0.1", host: "service.example", port: 9 };
  expect(await secondWay("no-such-modem", place, 1_000)).toBe("untried");
  expect(await secondWay("lo", place, 1_000)).toBe("failed");
});
