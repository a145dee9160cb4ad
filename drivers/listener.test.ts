import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { silentLog } from "../daemon/base/log.ts";
import { systemTime } from "../daemon/base/system-time.ts";
import { PseudoTerminal } from "../daemon/simulator/pseudo-terminal.ts";
import { type LineSettings, type ListenOutput, openListener, type ReaderState, suggest } from "./index.ts";

const line: LineSettings = { baudRate: 9600, dataBits: 8, parity: "none", stopBits: 1 };

test("a port is listened to until what it says can be set up", async () => {
  await using terminal = await PseudoTerminal.open(null, () => {});
  const heard: ListenOutput[] = [];
  const isFramed = Promise.withResolvers<void>();
  const events = {
    heard(output: ListenOutput): void {
      heard.push(output);
      if (output.kind === "frame") isFramed.resolve();
    },
    stateChanged: (): void => {},
  };
  await using listener = await openListener(terminal.path, line, events, systemTime, silentLog);
  // EM-18: nothing but silence ends it.
  terminal.write(Buffer.from("010063E9AE25"));
  await isFramed.promise;
  expect(heard.map((output) => output.kind)).toContain("bytes");
  expect(heard.at(-1)).toMatchObject({ kind: "frame", ascii: "010063E9AE25" });
  expect(suggest(listener.bursts, terminal.path, line)[0]?.name).toBe("EM-18");
});

test("a port that is not there is said at once", async () => {
  const folder = mkdtempSync(join(tmpdir(), "badged-listen-"));
  const states: ReaderState[] = [];
  const events = { heard: (): void => {}, stateChanged: (state: ReaderState): void => void states.push(state) };
  await expect(openListener(join(folder, "none"), line, events, systemTime, silentLog)).rejects.toMatchObject({
    code: "port-unusable",
    message: `there is no device at ${join(folder, "none")}`,
  });
  // Thrown, and not told as a port that went besides.
  expect(states).toEqual([]);
  rmSync(folder, { recursive: true });
});
