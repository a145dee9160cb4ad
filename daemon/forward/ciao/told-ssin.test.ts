import { describe, expect, test } from "vitest";
import { mayBeOf, readToldSsin, wholeSsin } from "./told-ssin.ts";

const ssin = "93051822361";

describe("a number that an answer repeats", () => {
  test.each<[string, string | null]>([
    ["93051822361", "93051822361"],
    ["93.05.18-223.61", "93051822361"],
    [" 930518 223/61 ", "93051822361"],
    ["*******2361", "*******2361"],
    ["93.05.18-XXX.XX", "930518*****"],
  ])("%j is read as %s", (text, read) => {
    expect(readToldSsin(text)).toBe(read);
    expect(mayBeOf(read, ssin)).toBe(true);
  });

  test.each(["", "2361", "***2361", "***********", "930518223610", "a7f3k29q01z", null])("%j tells nothing", (text) => {
    expect(readToldSsin(text)).toBeNull();
  });

  test.each(["90010100123", "*******2362", "930519*****"])("%s is another worker's", (told) => {
    expect(mayBeOf(told, ssin)).toBe(false);
  });

  test("names one worker only when it hides nothing of it", () => {
    expect([ssin, "*******2361", null].map(wholeSsin)).toEqual([ssin, null, null]);
  });
});
