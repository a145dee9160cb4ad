import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { silentLog } from "../base/log.ts";
import { systemTime } from "../base/system-time.ts";
import { findDeviceKey } from "../evidence/device-key.ts";
import { publicKeyText } from "../evidence/note.ts";
import { startServiceSimulator } from "../simulator/service/service-simulator.ts";
import { Store } from "../store/store.ts";
import { DaemonProcess } from "./campaign/daemon-process.ts";
import { Gate } from "./campaign/gate.ts";
import { writeSite } from "./campaign/site.ts";
import { readEpoch } from "./evidence-store.ts";
import { fictionalBadge, fictionalSsin } from "./fictional-worker.ts";
import { openCore, storeSettings } from "./store-fixture.ts";

/** The test's own time limit is the only one. */
async function until<T>(ask: () => Promise<T | null>): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    await systemTime.sleep(100);
  }
}

test("the log of a site that was cut off tells the outage, and nothing of a worker", { timeout: 180_000 }, async () => {
  const directory = mkdtempSync(join(tmpdir(), "badged-evidence-"));
  try {
    const simulator = await startServiceSimulator({ port: 0, log: silentLog, time: systemTime });
    const site = writeSite(directory, 3, simulator.url);
    await using gate = await Gate.open(site.port, systemTime);
    await using daemon = new DaemonProcess("daemon/main.ts", site.configuration);
    const signal = new AbortController().signal;
    expect(await gate.present(fictionalBadge(0), signal)).toBe(true);
    expect(await gate.present(fictionalBadge(7), signal)).toBe(false);
    await until(async () => (simulator.registrationsOf(fictionalSsin(0)).length === 1 ? true : null));
    await simulator[Symbol.asyncDispose]();

    const words = `${fictionalSsin(0)} Jan Peeters ${fictionalBadge(0)}`;
    {
      const settings = storeSettings(site.store, { mode: "visitor" });
      await using store = await Store.open(settings, { time: systemTime, log: silentLog });
      const windowId = await until(async () => {
        const [listed] = await store.outages.listOutages({ from: null, to: null, limit: 1 });
        return listed?.windowId ?? null;
      });
      expect(await gate.present(fictionalBadge(1), signal)).toBe(true);
      await store.outages.addOutageEntry(windowId, { kind: "note", text: words }, systemTime.wallMs());
      await until(() => store.evidence.evidenceSalt(1));
    }
    expect(await daemon.kill("SIGTERM")).toEqual({ code: 0 });

    using core = openCore(storeSettings(site.store));
    const key = publicKeyText(findDeviceKey(site.store)?.publicKey ?? Buffer.alloc(0));
    const { records, lines, faults } = readEpoch(core, 1, key);
    expect(faults).toEqual([]);
    const kinds = records.map(({ kind }) => kind);
    expect(kinds.slice(0, 2)).toEqual(["epoch", "start"]);
    expect(kinds.at(-1)).toBe("stop");
    expect(kinds.filter((kind) => kind === "sample").length).toBeGreaterThanOrEqual(3);
    expect(kinds).toContain("window");
    const start = records.find(({ kind }) => kind === "start");
    const sha256 = createHash("sha256").update(readFileSync(site.configuration)).digest("hex");
    expect(start?.data).toMatchObject({ configuration: sha256 });

    const note = records.find(({ kind }) => kind === "note");
    const salt = Buffer.from(core.evidence.salt(1) ?? "", "hex");
    expect(salt).toHaveLength(16);
    const hash = createHash("sha256").update(salt).update(words).digest("hex");
    expect(note?.data).toMatchObject({ entry: 1, sha256: hash, bytes: words.length });

    const all = lines.join("\n").toUpperCase();
    for (let worker = 0; worker < 8; worker++) {
      const ssin = fictionalSsin(worker);
      for (const secret of [
        fictionalBadge(worker),
        `"P${worker}"`,
        ssin,
        createHash("sha256").update(ssin).digest("hex"),
      ]) {
        expect(all).not.toContain(secret.toUpperCase());
      }
    }
    expect(all).not.toContain("PEETERS");
    expect(all).not.toContain("51.05");
  } finally {
    rmSync(directory, { recursive: true });
  }
});
