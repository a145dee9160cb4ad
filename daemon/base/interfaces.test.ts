import { expect, test } from "vitest";
import { listInterfaces } from "./interfaces.ts";

test("interfaces that the system does not list are not known, and a mistake of ours is no such thing", () => {
  const outOfDescriptors = Object.assign(new Error("uv_interface_addresses"), { code: "ERR_SYSTEM_ERROR" });
  expect(
    listInterfaces(() => {
      throw outOfDescriptors;
    }),
  ).toBeNull();
  expect(() =>
    listInterfaces(() => {
      throw new TypeError("a defect");
    }),
  ).toThrow("a defect");
  expect(Object.values(listInterfaces() ?? {}).flat()).toContainEqual(
    expect.objectContaining({ address: "127.0.0.1" }),
  );
});
