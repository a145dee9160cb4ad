import { type BundleReport, statusOf } from "../../evidence/verify/verdict.ts";
import type { ShellAnswer } from "./shell-verifier.ts";

/** In what the two verifiers differ over one bundle: the exit status or one of the four verdicts; `null` when in nothing. */
export function disagreementOf(own: BundleReport, shell: ShellAnswer): string | null {
  const { integrity, time, uniqueness, cause } = own;
  const findings = { INTEGRITY: integrity, TIME: time, UNIQUENESS: uniqueness, CAUSE: cause };
  const differences = Object.entries(findings)
    .filter(([name, { finding }]) => shell.verdicts[name] !== finding)
    .map(([name, { finding }]) => `${name}: badged "${finding}", verify.sh "${shell.verdicts[name] ?? "nothing"}"`);
  const status = statusOf(own);
  if (shell.status !== status) differences.push(`exit status: badged ${status}, verify.sh ${shell.status}`);
  return differences.length === 0 ? null : differences.join("; ");
}

/** What bash itself complains of: a verifier that stumbles may come to the right end by accident. */
export function complaintOf({ output }: ShellAnswer): string | null {
  return /^.*: line \d+: .*$/m.exec(output)?.[0] ?? null;
}

/** Of what verify.sh said, beside a disagreement: enough for its reasons. */
const toldChars = 600;

/** What was tried and what was found, of one kind. */
export type Tally = { tried: number; found: number };

/** Collects what came out of a run, by kind; a defect is what was let through, and what the two verifiers differ in. */
export class MutationFindings {
  readonly tallies: Record<string, Tally> = {};
  readonly defects: string[] = [];

  /** What has to be found. */
  count(kind: string, name: string, isFound: boolean): void {
    this.note(kind, isFound);
    if (!isFound) this.defects.push(`${kind}: ${name} was not found`);
  }

  /** What may as well not be found. */
  note(kind: string, isFound: boolean): void {
    const tally = this.tallies[kind] ?? { tried: 0, found: 0 };
    this.tallies[kind] = tally;
    tally.tried += 1;
    if (isFound) tally.found += 1;
  }

  compare(name: string, own: BundleReport, shell: ShellAnswer): void {
    for (const wrong of [disagreementOf(own, shell), complaintOf(shell)]) {
      if (wrong !== null) this.defects.push(`${name}: ${wrong}\n${shell.output.slice(0, toldChars)}`);
    }
  }
}
