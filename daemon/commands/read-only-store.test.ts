import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { exitCode } from "../base/errors.ts";
import { writeSite } from "../testing/campaign/site.ts";

/** Runs a shell's words in a mount namespace of its own, where whoever runs the tests may mount. */
function apart(words: string, ...parameters: readonly string[]): { status: number | null; stderr: string } {
  const shell = ["--map-root-user", "--mount", "sh", "-ec", words, "sh", ...parameters];
  return spawnSync("unshare", shell, { encoding: "utf8" });
}

const readOnlyMount = 'mount -t tmpfs -o ro none "$1"';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "badged-read-only-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const canMount = apart(readOnlyMount, tmpdir()).status === 0;

test.skipIf(!canMount)("a folder that cannot be made where nothing can be written is told with what lets it", () => {
  const disk = join(directory, "disk");
  mkdirSync(disk);
  const { configuration } = writeSite(directory, 1, "http://127.0.0.1:9", { store: join(disk, "store") });
  const run = `${readOnlyMount}; exec "$2" daemon/main.ts run "$3"`;
  const { status, stderr } = apart(run, disk, process.execPath, configuration);
  expect(stderr).toMatch(/^badged: the store's folder .* cannot be made: .*EROFS.*\n {2}.*ReadWritePaths=/);
  expect(status).toBe(exitCode.ioError);
});
