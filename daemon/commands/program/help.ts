import type { Command } from "commander";

/**
 * What people type beside a command's name where other commands stand below it: `help`, also with a name that there is
 * none of, and an option in front of the name, which belongs behind it.
 */
export function addHelp(command: Command): void {
  if (command.commands.length === 0) return;
  for (const below of command.commands) addHelp(below);
  tellMisplaced(command);
  command
    .command("help")
    .description("display help for command")
    .argument("[command...]", "its words, such as roster check")
    .action((words: readonly string[] = []) => named(command, words).help());
}

/** @returns the command of these words; one that there is not is told, and ends with the code for usage. */
function named(from: Command, words: readonly string[]): Command {
  let found = from;
  for (const word of words) {
    const below = found.commands.find((each) => each.name() === word);
    if (below === undefined) return refused(found, word);
    found = below;
  }
  return found;
}

function refused(command: Command, word: string): never {
  const below = command.commands.map((each) => each.name()).filter((name) => name !== "help");
  const there = below.length === 0 ? `${command.name()} has none below it` : `there are ${below.join(", ")}`;
  return command.error(`error: unknown command '${word}'; ${there}`);
}

/** Says of an option that a command does not know, and one below it does, where it stands. */
function tellMisplaced(command: Command): void {
  command.configureOutput({
    outputError: (text, write) => {
      const [told, option] = /^error: unknown option '([^']*)'/.exec(text) ?? [];
      const taking = option === undefined ? null : takerOf(command, option);
      const place = taking === null ? "" : `; it stands behind the whole command, as in ${taking} ${option}`;
      write(told === undefined ? text : `${told}${place}${text.slice(told.length)}`);
    },
  });
}

/** The words of the first command at or below this one that takes an option; `null` when none does. */
function takerOf(command: Command, option: string): string | null {
  if (command.options.some(({ short, long }) => option === short || option === long)) return wordsOf(command);
  for (const below of command.commands) {
    const words = takerOf(below, option);
    if (words !== null) return words;
  }
  return null;
}

function wordsOf(command: Command): string {
  return command.parent === null ? command.name() : `${wordsOf(command.parent)} ${command.name()}`;
}
