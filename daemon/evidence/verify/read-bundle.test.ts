import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { zipSync } from "fflate";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { outageBundle } from "../../testing/small-bundle/outage-log.ts";
import { readBundle } from "./read-bundle.ts";
import { readZip } from "./read-zip.ts";

const { files } = outageBundle();

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "badged-bundle-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

function zipOf(entries: Iterable<readonly [string, Uint8Array]>): Uint8Array {
  return zipSync(Object.fromEntries(entries));
}

function codeOf(read: ReturnType<typeof readBundle>): string | null {
  return typeof read === "string" || read.ok ? null : read.failure.code;
}

describe("a bundle", () => {
  test("reads the same from a folder, from its zip, and from a zip of the folder", () => {
    const folder = join(directory, "bundle");
    for (const [path, bytes] of files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), bytes);
    }
    const archive = join(directory, "bundle.zip");
    writeFileSync(archive, zipOf(files));
    const outer = join(directory, "outer.zip");
    writeFileSync(outer, zipOf([...files].map(([path, bytes]) => [`bundle/${path}`, bytes])));
    for (const path of [folder, archive, outer]) {
      const read = readBundle(path);
      const found =
        typeof read !== "string" && read.ok ? [...read.files].map(([name, bytes]) => [name, Buffer.from(bytes)]) : [];
      expect(found.sort(), path).toEqual([...files].sort());
    }
  });

  test("that is not there, or could be none, has nothing against it", () => {
    expect(readBundle(join(directory, "nothing"))).toMatch(/^there is no bundle /);
    writeFileSync(join(directory, "text"), "no zip");
    execFileSync("mkfifo", [join(directory, "pipe")]);
    for (const name of ["text", "pipe"]) {
      expect(readBundle(join(directory, name)), name).toMatch(/ is no folder and no zip$/);
    }
  });

  test("that is a broken zip is refused", () => {
    writeFileSync(join(directory, "zip"), zipOf(files).subarray(0, -30));
    expect(codeOf(readBundle(join(directory, "zip")))).toBe("bundle-unreadable");
  });

  test("that the system does not let read has nothing against it", () => {
    // Fails for root as well, as rights would not.
    symlinkSync("loop", join(directory, "loop"));
    for (const name of ["x".repeat(300), "loop"]) {
      expect(readBundle(join(directory, name)), name).toMatch(/^the bundle cannot be read: E[A-Z]+: /);
    }
  });

  test("is not read through a link, nor from a pipe", () => {
    symlinkSync("/etc/passwd", join(directory, "manifest.json"));
    expect(codeOf(readBundle(directory))).toBe("not-a-file");
    rmSync(join(directory, "manifest.json"));
    execFileSync("mkfifo", [join(directory, "manifest.json")]);
    expect(codeOf(readBundle(directory))).toBe("not-a-file");
  });
});

describe("a zip", () => {
  const one = Buffer.from("x");

  test.each(["../x", "/etc/passwd", "a/../b", "a//b", ".hidden", "a\\b", "a\u0000b", "C:x", "x".repeat(201)])(
    "with the name %j is refused",
    (name) => {
      const read = readZip(zipOf([[name, one]]));
      expect(read).toMatchObject({ ok: false, failure: { code: "path-unsafe" } });
    },
  );

  test("with a name twice is refused", () => {
    const zip = Buffer.from(
      zipOf([
        ["a1", one],
        ["a2", one],
      ]),
    ).toString("latin1");
    expect(readZip(Buffer.from(zip.replaceAll("a2", "a1"), "latin1"))).toMatchObject({
      ok: false,
      failure: { code: "path-twice" },
    });
  });

  test("with a file that JavaScript would hide is refused", () => {
    const zip = Buffer.from(zipOf([...files, ["aa_proto_", one]])).toString("latin1");
    expect(readZip(Buffer.from(zip.replaceAll("aa_proto_", "__proto__"), "latin1"))).toMatchObject({
      ok: false,
      failure: { code: "path-unsafe" },
    });
  });

  test("that would grow a thousandfold is refused before it does", () => {
    const zip = zipOf([["log/records.jsonl", new Uint8Array(30_000_000)]]);
    expect(zip.length).toBeLessThan(100_000);
    expect(readZip(zip)).toMatchObject({ ok: false, failure: { code: "bundle-too-large" } });
  });

  test("that says less than it comes to gives no more than it says", () => {
    const zip = Buffer.from(zipOf([["a", Buffer.alloc(1_000, "abcdefg")]]));
    const central = zip.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
    zip.writeUInt32LE(10, central + 24);
    const read = readZip(zip);
    expect(read.ok ? (read.files.get("a")?.length ?? 0) : 0).toBeLessThanOrEqual(10);
  });

  test("that says it comes to terabytes is refused", () => {
    const zip = Buffer.from(zipOf([["a", one]]));
    zip.writeUInt32LE(0xfffffffe, zip.indexOf(Buffer.from([0x50, 0x4b, 1, 2])) + 24);
    expect(readZip(zip)).toMatchObject({ ok: false, failure: { code: "bundle-too-large" } });
  });
});
