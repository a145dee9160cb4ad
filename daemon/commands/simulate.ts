import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { BadgedError, type ExitCode, exitCode, messageOf } from "../base/errors.ts";
import { silentLog } from "../base/log.ts";
import { systemTime } from "../base/system-time.ts";
import { ReaderSimulator, type ReaderStyle } from "../simulator/reader-simulator.ts";
import type { RightfulCall } from "../simulator/service/call-kind.ts";
import { readRegistersFile } from "../simulator/service/registers-file.ts";
import { startServiceSimulator } from "../simulator/service/service-simulator.ts";
import type { ClientSettings } from "../simulator/service/token-office.ts";
import { StopSignals } from "./signals.ts";
import type { Terminal } from "./terminal.ts";

export type SimulateServiceOptions = {
  readonly port: number;
  /** Minutes. */
  readonly receiptLimit?: number;
  readonly token?: string;
  readonly clientId?: string;
  /** File with the client's public key. */
  readonly clientKey?: string;
  /** File with what the service finds when it looks up. */
  readonly registers?: string;
  /** Seconds. */
  readonly settleAfter: number;
  readonly callsPerMinute?: number;
  readonly failedPerMinute?: number;
  readonly missingScope?: readonly RightfulCall[];
  readonly missingPermission?: readonly RightfulCall[];
};

export async function simulateService(options: SimulateServiceOptions, terminal: Terminal): Promise<ExitCode> {
  const { receiptLimit, registers, callsPerMinute, failedPerMinute } = options;
  const client = readClient(options);
  using signals = new StopSignals();
  await using simulator = await startServiceSimulator({
    port: options.port,
    receiptLimitMs: receiptLimit === undefined ? null : receiptLimit * 60_000,
    token: options.token ?? null,
    client,
    settleAfterMs: options.settleAfter * 1000,
    ...(registers === undefined ? {} : readRegistersFile(registers)),
    quota: { callsMax: callsPerMinute ?? null, failedMax: failedPerMinute ?? null, windowMs: 60_000 },
    withoutRight: {
      ...Object.fromEntries((options.missingScope ?? []).map((call) => [call, "missingScope"] as const)),
      ...Object.fromEntries((options.missingPermission ?? []).map((call) => [call, "missingPermission"] as const)),
    },
    log: silentLog,
    time: systemTime,
  });
  terminal.out(`The simulated service is at ${simulator.url}`);
  terminal.out("Name that address as service.url. Stop with Ctrl-C.");
  if (client !== null) terminal.out(`Tokens are issued at    ${simulator.tokenUrl}`);
  terminal.out(`A page that shows what it received: http://127.0.0.1:${simulator.port}/`);
  terminal.out(`What it received:   curl ${simulator.controlUrl}/registrations`);
  const order = `-H 'content-type: application/json' -d '{"fault":{"kind":"refuse","forMs":60000}}'`;
  terminal.out(`An outage of 60 s:  curl ${order} ${simulator.controlUrl}/fault`);
  await signals.stopped;
  return exitCode.ok;
}

function readClient({ clientId, clientKey }: SimulateServiceOptions): ClientSettings | null {
  if (clientId === undefined && clientKey === undefined) return null;
  if (clientId === undefined || clientKey === undefined) {
    throw new BadgedError("usage", "a client has an id and a key", "give both --client-id and --client-key");
  }
  try {
    return { id: clientId, key: readFileSync(clientKey, "utf8") };
  } catch (error) {
    throw new BadgedError(
      "no-input",
      `${clientKey} cannot be read: ${messageOf(error)}`,
      "name a file with a public key",
      {
        cause: error,
      },
    );
  }
}

/** Each line typed is presented as a badge; `unplug`, `plug` and `hold BADGE` do what they say. */
export async function simulateReader(link: string, driver: string, terminal: Terminal): Promise<ExitCode> {
  const style = readStyle(driver);
  using signals = new StopSignals();
  await using reader = await openSimulatedReader(link, style, (bytes) =>
    terminal.out(`the reader is told: ${Buffer.from(bytes).toString("hex")}`),
  );
  terminal.out(`A simulated ${driver} reader is at ${reader.path}`);
  terminal.out("Type a badge and Enter to present it; `hold BADGE`, `unplug`, `plug`. Stop with Ctrl-C.");
  const lines = createInterface({ input: process.stdin });
  let held: Disposable | null = null;
  lines.on("line", (line) => {
    held?.[Symbol.dispose]();
    held = null;
    const typed = line.trim();
    // A badge may have spaces in it: 099 59822.
    const hold = /^hold(?:\s+(?<badge>.*))?$/.exec(typed);
    if (typed === "") return;
    try {
      if (typed === "unplug") void reader.unplug().catch((error: unknown) => terminal.err(messageOf(error)));
      else if (typed === "plug") reader.replug();
      else if (hold !== null) held = reader.hold(hold.groups?.["badge"] ?? "");
      else if (!reader.isPlugged) terminal.err("the reader is unplugged: `plug` it in first");
      else if (!reader.present(typed)) terminal.err("nobody reads this port at the moment");
    } catch (error) {
      terminal.err(messageOf(error));
    }
  });
  await signals.stopped;
  lines.close();
  return exitCode.ok;
}

/** @throws BadgedError `port-unusable` when the link cannot be made, or is somebody's */
export async function openSimulatedReader(
  link: string,
  style: ReaderStyle,
  onFeedback: (bytes: Uint8Array) => void,
): Promise<ReaderSimulator> {
  try {
    return await ReaderSimulator.open({ link, style, onFeedback }, systemTime);
  } catch (error) {
    throw new BadgedError(
      "port-unusable",
      `no simulated port can be made at ${link}: ${messageOf(error)}`,
      "name a path of its own, in a folder that exists and may be written",
      {
        cause: error,
      },
    );
  }
}

function readStyle(driver: string): ReaderStyle {
  if (driver === "rdm6300" || driver === "serial-line") return driver;
  throw new BadgedError("usage", `--driver: there is no driver ${driver}`, "the drivers are serial-line and rdm6300");
}
