import { isMainThread, parentPort } from "node:worker_threads";
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

function open(settings: StoreSettings): Reply {
  adoptZoneAgain();
  keeper = new StoreKeeper(settings, logThroughPort({}), systemTime, () => reply({ kind: "progressed" }));
  return { kind: "opened", gauges: keeper.gauges() };
}

/**
 * The site's zone was adopted in another thread, since this one started: setting it tells this one, which keeps the zone of
 * its first look at a local time else.
 */
function adoptZoneAgain(): void {
  const zone = process.env["TZ"];
  if (zone !== undefined) process.env["TZ"] = zone;
}

function answer(request: Request): Reply {
  switch (request.kind) {
    case "open":
      return open(request.settings);
    case "record":
      return { kind: "recorded", outcomes: opened().record(request.drafts) };
    case "call": {
      const value = opened().call(request.part, request.method, request.parameters);
      return { kind: "returned", value, gauges: opened().gauges() };
    }
    case "close":
      keeper?.[Symbol.dispose]();
      return { kind: "closed" };
    default:
      return unreachable(request);
  }
}

let keeper: StoreKeeper | null = null;

function opened(): StoreKeeper {
  return present(keeper, "a store is opened before it is asked");
}

port.on("message", (request: Request) => {
  try {
    reply(answer(request));
    if (request.kind === "record") reply({ kind: "gauges", gauges: opened().gauges() });
    // Nothing is left to wait for, and the thread ends by itself.
    if (request.kind === "close") port.close();
  } catch (error) {
    reply({ kind: "failed", failure: failureOf(error) });
  }
});
