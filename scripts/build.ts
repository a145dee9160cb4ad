import { copyFileSync, readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Plugin, rolldown } from "rolldown";
import { assert } from "../daemon/base/assert.ts";

const checkout = new URL("..", import.meta.url);
/** What goes into every bundle of evidence; the daemon reads it beside its own files. */
const guide = new URL("daemon/evidence/bundle/", checkout);

/** Left in `node_modules`: native programs, and what reads files of its own or is wanted by few. */
const leftOutside = ["@serialport/bindings-cpp", "better-sqlite3", "koffi", "pdfkit", "pino-pretty"];

const formatter = "new Intl.DateTimeFormat(";

/** Gives node-cron the local time of the site without the calendars of all languages (`node-cron-format.ts` says why). */
const nodeCronFormat: Plugin = {
  name: "node-cron-format",
  transform: {
    filter: { id: /[\\/]node-cron[\\/]/ },
    handler(code) {
      const [before, ...others] = code.split(formatter);
      if (others.length === 0) return null;
      assert(
        others.length === 2,
        "node-cron makes its two formatters in one file: another version has to be read again",
      );
      const substitute = fileURLToPath(new URL("node-cron-format.ts", import.meta.url));
      return `import { NodeCronFormat } from ${JSON.stringify(substitute)};${[before, ...others].join("new NodeCronFormat(")}`;
    },
  },
};

/**
 * Writes the daemon and the store's thread, with the libraries they use, in few files: Node opens some thirty of them at
 * start instead of some three hundred, and keeps no text in memory of what is never used. Names and lines stay, so that
 * the trace of a defect can be read.
 *
 * @param target a folder, written anew
 */
export async function build(target: URL): Promise<void> {
  rmSync(target, { recursive: true, force: true });
  const bundle = await rolldown({
    cwd: fileURLToPath(checkout),
    input: { main: "daemon/main.ts", "store-worker": "daemon/store/store-worker.ts" },
    platform: "node",
    external: leftOutside,
    plugins: [nodeCronFormat],
    logLevel: "warn",
  });
  await bundle.write({
    dir: fileURLToPath(target),
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "[name]-[hash].js",
    // One character beyond Latin-1 would make V8 keep the text of a whole file at two bytes a character.
    charset: "ascii",
    comments: { legal: true, annotation: false, jsdoc: false },
  });
  await bundle.close();
  for (const name of readdirSync(guide).filter((each) => /\.(sh|md)$/.test(each))) {
    copyFileSync(new URL(name, guide), new URL(name, target));
  }
}

if (import.meta.main) {
  const dist = new URL("dist/", checkout);
  rmSync(dist, { recursive: true, force: true });
  await build(new URL("daemon/", dist));
}
