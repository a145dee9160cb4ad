import type { CallKind } from "../../simulator/service/call-kind.ts";
import type { CallFault } from "../../simulator/service/fault.ts";
import { whyNot } from "./faults.ts";

/** A kind of call that a campaign strikes. */
export type StruckCall = Exclude<CallKind, "other">;

export const struckCalls: readonly StruckCall[] = ["register", "search", "get", "token", "health", "history", "cancel"];

/** Which fault struck which kind of call, and how often. */
export class StrikeTable {
  readonly #faults: readonly CallFault[];
  readonly #counts: Map<string, number> = new Map();

  constructor(faults: readonly CallFault[]) {
    this.#faults = faults;
  }

  add(call: CallKind, fault: CallFault): void {
    const cell = cellOf(call, nameOf(fault));
    this.#counts.set(cell, (this.#counts.get(cell) ?? 0) + 1);
  }

  count(call: StruckCall, fault: CallFault): number {
    return this.#counts.get(cellOf(call, nameOf(fault))) ?? 0;
  }

  /** Faults that make sense for this call and have not struck it yet, in the order of the list. */
  open(call: StruckCall): readonly CallFault[] {
    return this.#faults.filter((fault) => whyNot(call, fault) === null && this.count(call, fault) === 0);
  }

  /** One line for each cell that is empty and should not be. */
  missing(calls: readonly StruckCall[] = struckCalls): readonly string[] {
    return calls.flatMap((call) => this.open(call).map((fault) => `${nameOf(fault)} never struck ${call}`));
  }

  /** As a table of text; under it why a cell is left out. */
  lines(calls: readonly StruckCall[] = struckCalls): readonly string[] {
    const reasons: string[] = [];
    const cell = (call: StruckCall, fault: CallFault): string => {
      const why = whyNot(call, fault);
      if (why === null) return String(this.count(call, fault));
      if (!reasons.includes(why)) reasons.push(why);
      return `– ${reasons.indexOf(why) + 1})`;
    };
    const rows = this.#faults.map((fault) => [nameOf(fault), ...calls.map((call) => cell(call, fault))]);
    const table = [["fault", ...calls], ...rows];
    const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => (row[column] ?? "").length)));
    const lines = table.map((row) =>
      row
        .map((text, column) => (column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0)))
        .join("  "),
    );
    return [...lines, ...reasons.map((why, index) => `${index + 1}) ${why}`)];
  }
}

/** What tells a fault from all others of the lists. */
export function nameOf(fault: CallFault): string {
  switch (fault.kind) {
    case "time-out":
      return fault.processed ? "no answer, processed" : "no answer";
    case "server-error": {
      const waits = fault.retryAfterSeconds === null ? "" : ", Retry-After";
      return `${fault.status}${fault.processed ? ", processed" : ""}${waits}`;
    }
    case "throttle": {
      const form = fault.retryAfter === null ? "no Retry-After" : `Retry-After in ${fault.retryAfter.form}`;
      return `429 ${fault.problem}, ${form}`;
    }
    case "unauthorised":
      return fault.problem;
    case "garbage":
      return fault.form;
    case "huge":
      return `answer of ${fault.bytes / 1e6} MB`;
    case "slow":
      return "slow answer";
    case "endless":
      return "endless slow answer";
    case "reset-before":
    case "reset-during-answer":
    case "reset-after-processing":
    case "not-created":
      return fault.kind;
  }
}

function cellOf(call: CallKind, name: string): string {
  return `${call} ${name}`;
}
