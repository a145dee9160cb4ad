import { Command } from "commander";
import { version } from "../base/version.ts";
import type { Conclude } from "./program/arguments.ts";
import { addClock, addDaemon } from "./program/daemon-commands.ts";
import { addEvidence, addWitness } from "./program/evidence-commands.ts";
import { addHelp } from "./program/help.ts";
import { addOutages, addRemarks, addScans } from "./program/record-commands.ts";
import { addReader, addRoster, addService, addSimulate } from "./program/surroundings-commands.ts";
import type { Terminal } from "./terminal.ts";

/** What can be typed after `badged`. A command's code is loaded only when it is the one asked for. */
export function createProgram(terminal: Terminal, conclude: Conclude): Command {
  const program = new Command("badged")
    .description("Reads badge scans at the gate, keeps them safe, and registers them at Check In and Out at Work.")
    .version(version)
    .exitOverride()
    // A subcommand's options are its own, also where the command above it has options of the same name.
    .enablePositionalOptions()
    .showHelpAfterError("Run with --help to see what can be given.");
  for (const add of [
    addDaemon,
    addClock,
    addScans,
    addOutages,
    addRemarks,
    addEvidence,
    addWitness,
    addService,
    addRoster,
    addReader,
    addSimulate,
  ])
    add(program, terminal, conclude);
  addHelp(program);
  return program;
}
