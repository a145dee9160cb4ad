import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { present } from "../../base/assert.ts";
import { pick, seededRandom } from "../../base/random.ts";
import { elapsedMs, type Time } from "../../base/time.ts";
import type { BundleFile } from "../../evidence/bundle/bundle.ts";
import { publicKeyText, verifierKeyText, withSignature } from "../../evidence/note.ts";
import { parseNote } from "../../evidence/verify/checkpoint-note.ts";
import { parseLogKey, parseWitnessKey } from "../../evidence/verify/public-key.ts";
import { readBundle } from "../../evidence/verify/read-bundle.ts";
import { tokenVerifierFor } from "../../evidence/verify/token-check.ts";
import { statusOf } from "../../evidence/verify/verdict.ts";
import { type Trust, verifyBundle } from "../../evidence/verify/verify-bundle.ts";
import { bundleOf, writeBundle } from "./generated-bundle.ts";
import { generateLog } from "./generated-log.ts";
import type { EvidenceLog, Vouchers } from "./log-builder.ts";
import { allMutants, applied, drawMutant, fileMutants, type Mutant } from "./mutants.ts";
import { attacked, forgedFrom, ownerAttacks } from "./owner-attacks.ts";
import { type ShellQuestion, verifyInShell } from "./shell-verifier.ts";
import { createTestAuthority } from "./test-authority.ts";
import { seededWitness } from "./test-keys.ts";

export type MutationPlan = {
  readonly seed: number;
  readonly directory: string;
  /** How many mutants of bytes the verifier in this process takes; all of them with `null`. */
  readonly byteMutants: number | null;
  /** How long the shell verifier may take over mutants of bytes, and how many it takes at most. */
  readonly shell: { readonly forMs: number; readonly mutantsMax: number };
  /** Of each attack of the owner, every how manieth record; those of the shell verifier are drawn from them. */
  readonly attackStep: number;
  readonly shellAttacks: number;
  readonly rollbacks: number;
  readonly time: Time;
  readonly say: (line: string) => void;
};

/** What was tried and what was found, of each kind. */
export type Tally = { tried: number; found: number };

export type MutationReport = {
  readonly tallies: Readonly<Record<string, Tally>>;
  /** Mutants that a verifier let through, and those on which the two disagree. */
  readonly defects: readonly string[];
};

type Asked = { readonly witness: boolean; readonly head: string | null };

const everything: Asked = { witness: true, head: null };

/** Both verifiers over mutants of one small bundle, and over what the owner of the key could write instead. */
export async function runMutants(plan: MutationPlan): Promise<MutationReport> {
  const run = new MutationRun(plan);
  await run.shellTakes("the bundle itself", run.small, everything, false);
  await run.byteMutants();
  await run.fileMutants();
  await run.ownerAttacks();
  await run.rollbacks();
  await run.truncations();
  return { tallies: run.tallies, defects: run.defects };
}

class MutationRun {
  readonly small: readonly BundleFile[];
  readonly tallies: Record<string, Tally> = {};
  readonly defects: string[] = [];
  readonly #plan: MutationPlan;
  readonly #vouchers: Vouchers;
  readonly #log: EvidenceLog;
  readonly #caFile: string;
  readonly #witnessKey: string;
  #folders = 0;

  constructor(plan: MutationPlan) {
    this.#plan = plan;
    const authority = createTestAuthority(join(plan.directory, "authority"));
    const witness = seededWitness("witness.example/w1");
    this.#vouchers = { authority, witnesses: [witness] };
    this.#caFile = authority.caFile;
    this.#witnessKey = verifierKeyText(witness, "cosignature");
    const { seed, rollbacks } = plan;
    this.#log = generateLog({
      seed,
      ...this.#vouchers,
      causes: ["internet-provider", "service"],
      peace: Math.max(3, Math.ceil(rollbacks / 3) * 3),
      samplesPerCheckpoint: 3,
    });
    const places = this.#log.checkpoints.map(({ size }) => size);
    const closed = this.#log.records.find((record) => record.kind === "window" && record.data.change === "closed");
    const after = places.findIndex((size) => size > (closed?.seq ?? 0));
    const sizes = places.slice(Math.max(0, after - 1), after + 1);
    this.small = bundleOf(this.#log, { bare: true, first: present(sizes[0], "a checkpoint"), sizes });
  }

  async byteMutants(): Promise<void> {
    const { seed, byteMutants, shell, time } = this.#plan;
    const random = seededRandom(seed);
    const [first, ...others] = this.small;
    const files: readonly [BundleFile, ...BundleFile[]] = [present(first, "a bundle has files"), ...others];
    const possible = files.reduce((sum, { bytes }) => sum + bytes.length * 10, 0);
    this.#plan.say(`mutants of bytes: ${possible} are possible, in ${files.length} files`);
    if (byteMutants === null) for (const mutant of allMutants(files)) this.#ownTakes(mutant);
    else for (let count = 0; count < byteMutants; count += 1) this.#ownTakes(drawMutant(files, random));
    const folder = this.#write(this.small);
    const startedNs = time.monotonicNs();
    for (let count = 0; count < shell.mutantsMax; count += 1) {
      if (elapsedMs(startedNs, time.monotonicNs()) > shell.forMs) break;
      const mutant = drawMutant(files, random);
      const target = join(folder, mutant.path);
      writeFileSync(target, mutant.bytes ?? "");
      const { status } = await verifyInShell(folder, this.#question(everything));
      writeFileSync(target, applied(this.small, mutant).get(mutant.path) === undefined ? "" : this.#original(mutant));
      this.#count("bytes, verify.sh", mutant.name, status !== 0);
      if (byteMutants !== null) this.#agree(mutant, status);
    }
  }

  async fileMutants(): Promise<void> {
    for (const mutant of fileMutants(this.small)) {
      this.#ownTakes(mutant, "files, badged");
      const files = [...applied(this.small, mutant)].map(([path, bytes]) => ({ path, bytes }));
      await this.shellTakes(mutant.name, files, everything, true, "files, verify.sh");
    }
    for (const { path } of this.small) {
      const folder = this.#write(this.small);
      rmSync(join(folder, path));
      const elsewhere = join(this.#plan.directory, "elsewhere");
      writeFileSync(elsewhere, this.small.find((each) => each.path === path)?.bytes ?? "");
      symlinkSync(elsewhere, join(folder, path));
      const { status } = await verifyInShell(folder, this.#question(everything));
      this.#count("links, verify.sh", `${path} is a link`, status !== 0);
      const read = readBundle(folder);
      this.#count("links, badged", `${path} is a link`, read?.ok === false);
      rmSync(folder, { recursive: true });
    }
  }

  /** Without a witness: the tokens alone have to find it. */
  async ownerAttacks(): Promise<void> {
    const { attackStep, shellAttacks, seed } = this.#plan;
    const asked: Asked = { witness: false, head: null };
    const last = present(this.#log.checkpoints.at(-1), "a log has checkpoints").size;
    const forged: { readonly name: string; readonly attack: string; readonly files: readonly BundleFile[] }[] = [];
    for (const attack of ownerAttacks) {
      for (let seq = 0; seq < last; seq += attackStep) {
        const log = attack === "swap" && seq + 1 >= last ? null : attacked(this.#log, attack, seq);
        if (log === null) continue;
        const files = bundleOf(log, { bare: true });
        const name = `${attack} of record ${seq}`;
        forged.push({ name, attack, files });
        this.#count(`owner's ${attack}, badged`, name, this.#ownStatus(files, asked) !== 0);
      }
    }
    const random = seededRandom(seed + 1);
    for (let count = 0; count < shellAttacks; count += 1) {
      const [one = null, ...others] = forged;
      if (one === null) return;
      const { name, attack, files } = pick(random, [one, ...others]);
      await this.shellTakes(name, files, asked, true, `owner's ${attack}, verify.sh`);
    }
  }

  /** Accepted by time and integrity, and only a witness tells that there was another history before. */
  async rollbacks(): Promise<void> {
    const points = Math.min(this.#plan.rollbacks, this.#log.checkpoints.length - 1);
    for (let place = 0; place < points; place += 1) {
      const files = bundleOf(forgedFrom(this.#log, place, this.#vouchers), { bare: true });
      const name = `rolled back to checkpoint ${place}`;
      this.#count("rollbacks with a witness, badged", name, this.#ownStatus(files, everything) !== 0);
      await this.shellTakes(name, files, everything, true, "rollbacks with a witness, verify.sh");
      const alone: Asked = { witness: false, head: null };
      this.#note("rollbacks without a witness, badged", this.#ownStatus(files, alone) !== 0);
      this.#note("rollbacks without a witness, verify.sh", (await this.#shell(files, alone)).status !== 0);
    }
  }

  /** The bundle is right in all it says; that more was seen has to be told. */
  async truncations(): Promise<void> {
    const last = present(this.#log.checkpoints.at(-1), "a log has checkpoints");
    const head = join(this.#plan.directory, "head");
    writeFileSync(head, last.cosignatures.reduce(withSignature, last.note));
    const asked: Asked = { witness: true, head };
    const sizes = this.#log.checkpoints.map(({ size }) => size);
    for (const [index, size] of sizes.slice(0, this.#plan.rollbacks).entries()) {
      const files = bundleOf(this.#log, { bare: true, sizes: sizes.slice(0, index + 1) });
      const more = last.size - size;
      const report = verifyBundle(mapOf(files), this.#trust(asked));
      const told = report.uniqueness.because.join().includes(`${more} records`);
      this.#count("cut at a checkpoint, badged", `cut at ${size}`, more === 0 || told || statusOf(report) !== 0);
      const { status, output } = await this.#shell(files, asked);
      const said = output.includes(`${more} records`);
      this.#count("cut at a checkpoint, verify.sh", `cut at ${size}`, more === 0 || said || status !== 0);
    }
  }

  async shellTakes(
    name: string,
    files: readonly BundleFile[],
    asked: Asked,
    isWrong: boolean,
    kind: string = "the bundle itself",
  ): Promise<void> {
    const { status, output } = await this.#shell(files, asked);
    const own = this.#ownStatus(files, asked);
    this.#count(kind, name, (status !== 0) === isWrong);
    if ((status === 0) !== (own === 0)) this.defects.push(`${name}: verify.sh ${status}, badged ${own}\n${output}`);
  }

  #ownTakes(mutant: Mutant, kind: string = "bytes, badged"): void {
    this.#count(kind, mutant.name, statusOf(verifyBundle(applied(this.small, mutant), this.#trust(everything))) !== 0);
  }

  #agree(mutant: Mutant, status: number | null): void {
    const own = statusOf(verifyBundle(applied(this.small, mutant), this.#trust(everything)));
    if ((status === 0) !== (own === 0)) this.defects.push(`${mutant.name}: verify.sh ${status}, badged ${own}`);
  }

  #ownStatus(files: readonly BundleFile[], asked: Asked): number {
    return statusOf(verifyBundle(mapOf(files), this.#trust(asked)));
  }

  async #shell(files: readonly BundleFile[], asked: Asked): ReturnType<typeof verifyInShell> {
    const folder = this.#write(files);
    const answer = await verifyInShell(folder, this.#question(asked));
    rmSync(folder, { recursive: true });
    return answer;
  }

  #original({ path }: Mutant): Uint8Array {
    return present(
      this.small.find((each) => each.path === path),
      "mutants are of the bundle's own files",
    ).bytes;
  }

  #write(files: readonly BundleFile[]): string {
    this.#folders += 1;
    const folder = join(this.#plan.directory, `bundle-${this.#folders}`);
    mkdirSync(dirname(folder), { recursive: true });
    writeBundle(files, folder);
    return folder;
  }

  #question({ witness, head }: Asked): ShellQuestion {
    const key = publicKeyText(this.#log.signer.publicKey);
    return { key, authorities: this.#caFile, witnesses: witness ? [this.#witnessKey] : [], head };
  }

  #trust({ witness, head }: Asked): Trust {
    const witnessKey = present(parseWitnessKey(this.#witnessKey), "a witness has a key");
    return {
      key: parseLogKey(publicKeyText(this.#log.signer.publicKey)),
      verifyToken: tokenVerifierFor(readFileSync(this.#caFile, "utf8")),
      witnesses: witness ? [witnessKey] : [],
      head: head === null ? null : parseNote(readFileSync(head)),
    };
  }

  #count(kind: string, name: string, isFound: boolean): void {
    this.#note(kind, isFound);
    if (!isFound) this.defects.push(`${kind}: ${name} was not found`);
  }

  #note(kind: string, isFound: boolean): void {
    const tally = this.tallies[kind] ?? { tried: 0, found: 0 };
    this.tallies[kind] = tally;
    tally.tried += 1;
    if (isFound) tally.found += 1;
  }
}

function mapOf(files: readonly BundleFile[]): ReadonlyMap<string, Uint8Array> {
  return new Map(files.map(({ path, bytes }) => [path, bytes]));
}
