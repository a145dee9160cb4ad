import { type Command, InvalidArgumentError } from "commander";
import { BadgedError, type ExitCode } from "../../base/errors.ts";
import { defaultConfiguration } from "../terminal.ts";

/** Takes the exit code of the command that ran. */
export type Conclude = (code: ExitCode) => void;

export const languageWords = "nl, fr, de or en; without it the one of outage.language in the site's file";
export const siteWords = "the site's YAML file";
export const csvWords = "as a table for a Belgian spreadsheet: semicolons, UTF-8";

/** The site of a command that takes it as its argument, as an option. */
export type Site = { readonly config?: string };

/** The file of a command that takes it as its argument: people who come from another command give it as an option. */
export function siteOf(argument: string, { config }: Site): string {
  if (config === undefined || config === argument) return argument;
  if (argument === defaultConfiguration) return config;
  throw new BadgedError("usage", `two sites are named: ${argument} and ${config}`, "name one of them");
}

/** Of a command that does something by itself and has others below it: whatever else stands there is a slip of the pen. */
export function refuseUnknown(command: Command): void {
  const [word] = command.args;
  if (word === undefined) return;
  const names = command.commands.map((each) => each.name());
  const below = names.filter((name) => name !== "help").join(", ");
  command.error(`error: unknown command '${word}'; it is ${command.name()} by itself, or with ${below}`);
}

/** What an option says that the command above has as well: both are typed by people, on either side of the second word. */
export function saidOnEitherSide(command: Command, option: string): string {
  const isOwn = command.getOptionValueSource(option) !== "default";
  const value: unknown = (isOwn ? command : command.parent)?.getOptionValue(option);
  return String(value);
}

/** The same of an option without a value. */
export function isSaidOnEitherSide(command: Command, option: string): boolean {
  return [command, command.parent].some((each) => each?.getOptionValue(option) === true);
}

/** An option that may be given again. */
export function repeated(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("give a whole number");
  return Number(text);
}
