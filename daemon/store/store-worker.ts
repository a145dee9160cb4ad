import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { assert, present, unreachable } from "../base/assert.ts";
import type { Log } from "../base/log.ts";
import { systemTime } from "../base/system-time.ts";
import { StoreKeeper } from "./store-keeper.ts";
import type { StoreSettings } from "./store-settings.ts";
import { failureOf, type LogLevel, type Reply, type Request } from "./worker-messages.ts";

/** The thread in which SQLite lives: a slow sync delays no one's stamp. Requests in, one reply each, in order. */

assert(!isMainThread, "the store's worker runs in a thread of its own");
const port = present(parentPort, "a worker thread has a port to its parent");

function reply(message: Reply): void {
  port.postMessage(message);
}

function logAt(level: LogLevel, bindings: object): (fields: object, message: string) => void {
  return (fields, message) => reply({ kind: "log", level, fields: { ...bindings, ...fields }, message });
}

function logThroughPort(bindings: object): Log {
  return {
    debug: logAt("debug", bindings),
    info: logAt("info", bindings),
    warn: logAt("warn", bindings),
    error: logAt("error", bindings),
    fatal: logAt("fatal", bindings),
    child: (more) => logThroughPort({ ...bindings, ...more }),
  };
}

function answer(keeper: StoreKeeper, request: Request): Reply {
  switch (request.kind) {
    case "record":
      return { kind: "recorded", outcomes: keeper.record(request.drafts) };
    case "call": {
      const value = keeper.call(request.method, request.parameters);
      return { kind: "returned", value, gauges: keeper.gauges() };
    }
    case "close":
      keeper[Symbol.dispose]();
      return { kind: "closed" };
    default:
      return unreachable(request);
  }
}

function serve(): void {
  const keeper = new StoreKeeper(workerData as StoreSettings, logThroughPort({}), systemTime);
  port.on("message", (request: Request) => {
    try {
      reply(answer(keeper, request));
      if (request.kind === "record") reply({ kind: "gauges", gauges: keeper.gauges() });
      // Nothing is left to wait for, and the thread ends by itself.
      if (request.kind === "close") port.close();
    } catch (error) {
      reply({ kind: "failed", failure: failureOf(error) });
    }
  });
  reply({ kind: "opened", gauges: keeper.gauges() });
}

try {
  serve();
} catch (error) {
  reply({ kind: "failed", failure: failureOf(error) });
}
