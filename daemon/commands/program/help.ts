import type { Command } from "commander";

/**
 * What people type beside a command's name: `help`, also with a name that there is none of, and options and the site's
 * file in a place where another command takes them.
 */
export function addHelp(command: Command): void {
  tellMisplaced(command);
  if (command.commands.length === 0) return;
  for (const below of command.commands) addHelp(below);
  const help = command
    .command("help")
    .description("display help for command")
    .argument("[command...]", "its words, such as roster check")
    .action((words: readonly string[] = []) => named(command, words).help());
  tellMisplaced(help);
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

/** Adds to an error where what was typed belongs, when that can be told. */
function tellMisplaced(command: Command): void {
  command.configureOutput({
    outputError: (text, write) => {
      const [told = ""] = /^error: .*/.exec(text) ?? [];
      const place = optionPlace(command, told) ?? filePlace(command, told);
      write(place === null ? text : `${told.replace(/\.$/, "")}; ${place}${text.slice(told.length)}`);
    },
  });
}

function optionPlace(command: Command, told: string): string | null {
  const option = /^error: unknown option '([^']*)'/.exec(told)?.[1];
  const taking = option === undefined ? null : (takerOf(meant(command), option) ?? takerOf(command, option));
  return taking === null ? null : `it stands behind the whole command, as in ${taking} ${option}`;
}

/** The command whose words stand behind the option that ended the reading of them. */
function meant(command: Command): Command {
  let found = command;
  for (const word of command.args) found = found.commands.find((each) => each.name() === word) ?? found;
  return found;
}

/** `run` and some others take the site's file as their argument, and the others as an option. */
function filePlace(command: Command, told: string): string | null {
  const isFile = /^error: (?:too many arguments|unknown command).*\.ya?ml\b/.test(told);
  const isOption = command.options.some(({ long }) => long === "--config");
  const isArgument = command.registeredArguments.some((each) => each.name() === "configuration");
  return isFile && isOption && !isArgument
    ? `the site's file is named with -c, as in ${wordsOf(command)} -c SITE.yaml`
    : null;
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
