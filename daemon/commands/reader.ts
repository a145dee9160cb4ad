import { lineHint, openListener, suggest } from "../../drivers/index.ts";
import { type ExitCode, exitCode } from "../base/errors.ts";
import { silentLog } from "../base/log.ts";
import { systemTime } from "../base/system-time.ts";
import { StopSignals } from "./signals.ts";
import type { Terminal } from "./terminal.ts";

export type ListenCommand = {
  readonly port: string;
  readonly baudRate: number;
  /** `null` listens until Ctrl-C. */
  readonly seconds: number | null;
  readonly json: boolean;
};

/** Shows what a reader sends as it comes; at the end, which driver and settings fit, ready to paste. */
export async function listenToReader(command: ListenCommand, terminal: Terminal): Promise<ExitCode> {
  const line = { baudRate: command.baudRate, dataBits: 8, parity: "none", stopBits: 1 } as const;
  using signals = new StopSignals();
  const say = command.json ? terminal.err : terminal.out;
  await using listener = await openListener(
    command.port,
    line,
    {
      heard(output) {
        switch (output.kind) {
          case "bytes":
            return say(`  ${output.hex.padEnd(47)}  ${output.ascii}`);
          case "frame":
            return say(`frame of ${output.bytes} bytes: ${output.ascii}`);
          case "bad":
            return say(`no frame: ${output.reason}`);
        }
      },
      stateChanged: (state) =>
        say(state.kind === "online" ? `listening at ${state.path}` : `port gone: ${state.detail}`),
    },
    systemTime,
    silentLog,
  );
  say(
    `Present a badge a few times, with some seconds between.${command.seconds === null ? " Then press Ctrl-C." : ""}`,
  );
  const done = command.seconds === null ? null : systemTime.sleep(command.seconds * 1000);
  await Promise.race([signals.stopped, ...(done === null ? [] : [done])]);
  const suggestions = suggest(listener.bursts, command.port, line);
  const hint = lineHint(listener.bursts, line);
  if (command.json) {
    terminal.out(JSON.stringify({ port: command.port, bursts: listener.bursts.length, suggestions, hint }));
    return suggestions.length > 0 ? exitCode.ok : exitCode.failed;
  }
  terminal.out("");
  if (hint !== null) terminal.out(hint);
  const [best, ...others] = suggestions;
  if (best === undefined) {
    terminal.out(
      listener.bursts.length === 0
        ? "Nothing came: check the cable, the power and the port's name."
        : "No driver fits what came; the bytes above help whoever knows the reader's manual.",
    );
    return exitCode.failed;
  }
  terminal.out(`This fits (${best.name}), because ${best.reason}:\n`);
  terminal.out(best.yaml);
  for (const other of others) terminal.out(`It could also be ${other.name}, because ${other.reason}.`);
  return exitCode.ok;
}
