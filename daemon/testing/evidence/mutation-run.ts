import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { present } from "../../base/assert.ts";
import { between, pick, seededRandom } from "../../base/random.ts";
import type { Time } from "../../base/time.ts";
import type { BundleFile } from "../../evidence/bundle/bundle.ts";
import { publicKeyText, verifierKeyText, withSignature } from "../../evidence/note.ts";
import { parseNote } from "../../evidence/verify/checkpoint-note.ts";
import { parseLogKey, parseWitnessKey } from "../../evidence/verify/public-key.ts";
import { readBundle } from "../../evidence/verify/read-bundle.ts";
import { tokenVerifierFor } from "../../evidence/verify/token-check.ts";
import { statusOf } from "../../evidence/verify/verdict.ts";
import { type Trust, verifyBundle } from "../../evidence/verify/verify-bundle.ts";
import { type BundleWish, bundleOf, writeBundle } from "./generated-bundle.ts";
import { generateLog } from "./generated-log.ts";
import type { EvidenceLog, Vouchers } from "./log-builder.ts";
import { allMutants, applied, drawnMutants, fileMutants, type Mutant, mutantsPerByte } from "./mutants.ts";
import { MutationFindings, type Tally } from "./mutation-findings.ts";
import { attacked, forgedFrom, ownerAttacks } from "./owner-attacks.ts";
import { storyOf } from "./owner-stories.ts";
import { Coverage, runShellMutants } from "./shell-mutants.ts";
import { type ShellAnswer, type ShellQuestion, verifyInShell } from "./shell-verifier.ts";
import { createTestAuthority } from "./test-authority.ts";
import { seededWitness } from "./test-keys.ts";

export type MutationPlan = {
  readonly seed: number;
  readonly directory: string;
  /** How many mutants of bytes the verifier in this process takes; all of them with `null`. */
  readonly byteMutants: number | null;
  /**
   * How long the shell verifier may take over mutants of bytes, how many are drawn for it (all of them with `null`, the
   * smallest file first), how many it looks at at a time, and where their copies are written.
   */
  readonly shell: {
    readonly forMs: number;
    readonly mutants: number | null;
    readonly workers: number;
    readonly directory: string;
  };
  /** How many mutants of the readmes and of verify.sh itself both verifiers take. */
  readonly guideMutants: number;
  /** Of each attack of the owner, every how manieth record; those of the shell verifier are drawn from them. */
  readonly attackStep: number;
  readonly shellAttacks: number;
  /** How many logs that tell another story from the beginning: both verifiers have to say the same of each. */
  readonly stories: number;
  readonly rollbacks: number;
  readonly time: Time;
  readonly say: (line: string) => void;
};

export type MutationReport = {
  readonly tallies: Readonly<Record<string, Tally>>;
  /** Mutants that a verifier let through, and those on which the two disagree. */
  readonly defects: readonly string[];
};

type Asked = { readonly authority: boolean; readonly witness: boolean; readonly head: string | null };

const everything: Asked = { authority: true, witness: true, head: null };
/** Without a witness. */
const timesOnly: Asked = { ...everything, witness: false };
/** Bytes that are not those that were signed are found by the key alone, and asking no more is faster. */
const keyOnly: Asked = { authority: false, witness: false, head: null };

/** Both verifiers over mutants of one small bundle, and over what the owner of the key could write instead. */
export async function runMutants(plan: MutationPlan): Promise<MutationReport> {
  const run = new MutationRun(plan);
  await run.shellTakes("the bundle itself", run.small, everything, false);
  await run.byteMutants();
  await run.shellMutants();
  await run.guideMutants();
  await run.fileMutants();
  await run.ownerAttacks();
  await run.stories();
  await run.rollbacks();
  await run.truncations();
  return run.findings;
}

class MutationRun {
  readonly small: readonly BundleFile[];
  readonly findings = new MutationFindings();
  readonly #plan: MutationPlan;
  readonly #vouchers: Vouchers;
  readonly #log: EvidenceLog;
  readonly #caFile: string;
  readonly #witnessKey: string;
  readonly #cut: BundleWish;
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
    this.#cut = { first: present(sizes[0], "a checkpoint"), sizes };
    this.small = bundleOf(this.#log, { ...this.#cut, bare: true });
  }

  byteMutants(): void {
    const { seed, byteMutants } = this.#plan;
    const random = seededRandom(seed);
    const files = nonEmpty(this.small);
    const possible = files.reduce((sum, { bytes }) => sum + bytes.length * mutantsPerByte, 0);
    this.#plan.say(`mutants of bytes: ${possible} are possible, in ${files.length} files`);
    const mutants = byteMutants === null ? allMutants(files) : drawnMutants(files, random, byteMutants);
    const trust = this.#trust(everything);
    for (const mutant of mutants) this.#ownTakes("bytes, badged", mutant, trust);
  }

  async shellMutants(): Promise<void> {
    const { seed, shell, say } = this.#plan;
    const files = nonEmpty(this.small.toSorted((one, other) => one.bytes.length - other.bytes.length));
    const mutants = shell.mutants === null ? allMutants(files) : drawnMutants(files, seededRandom(seed), shell.mutants);
    const coverage = new Coverage(files, say);
    await this.#shellTakesAll("bytes, verify.sh", this.small, mutants, coverage);
    if (shell.mutants === null) coverage.tell();
  }

  /** What the person who checks reads and runs is summed as well; the verifier that looks is never the one in the bundle. */
  async guideMutants(): Promise<void> {
    const { seed, guideMutants, say } = this.#plan;
    const bundle = bundleOf(this.#log, this.#cut);
    const guide = nonEmpty(bundle.filter(({ path }) => !this.small.some((each) => each.path === path)));
    const mutants = drawnMutants(guide, seededRandom(seed + 2), guideMutants);
    await this.#shellTakesAll("guide, verify.sh", bundle, mutants, new Coverage(guide, say));
  }

  async #shellTakesAll(
    kind: string,
    files: readonly BundleFile[],
    mutants: Iterator<Mutant>,
    coverage: Coverage,
  ): Promise<void> {
    const { shell, time } = this.#plan;
    const question = this.#question(keyOnly);
    const trust = this.#trust(keyOnly);
    const take = (mutant: Mutant, answer: ShellAnswer): void => {
      coverage.take(mutant);
      this.findings.count(kind, mutant.name, answer.status !== 0);
      this.findings.compare(mutant.name, verifyBundle(applied(files, mutant), trust), answer);
    };
    await runShellMutants(mutants, { ...shell, files, question, time, take });
  }

  async fileMutants(): Promise<void> {
    const trust = this.#trust(everything);
    for (const mutant of fileMutants(this.small)) {
      this.#ownTakes("files, badged", mutant, trust);
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
      this.findings.count("links, verify.sh", `${path} is a link`, status !== 0);
      const read = readBundle(folder);
      this.findings.count("links, badged", `${path} is a link`, typeof read !== "string" && !read.ok);
      rmSync(folder, { recursive: true });
    }
  }

  /** Without a witness: the tokens alone have to find it. */
  async ownerAttacks(): Promise<void> {
    const { attackStep, shellAttacks, seed } = this.#plan;
    const last = present(this.#log.checkpoints.at(-1), "a log has checkpoints").size;
    const forged: { readonly name: string; readonly attack: string; readonly files: readonly BundleFile[] }[] = [];
    for (const attack of ownerAttacks) {
      for (let seq = 0; seq < last; seq += attackStep) {
        const log = attack === "swap" && seq + 1 >= last ? null : attacked(this.#log, attack, seq);
        if (log === null) continue;
        const files = bundleOf(log, { bare: true });
        const name = `${attack} of record ${seq}`;
        forged.push({ name, attack, files });
        this.findings.count(`owner's ${attack}, badged`, name, this.#ownStatus(files, timesOnly) !== 0);
      }
    }
    const random = seededRandom(seed + 1);
    for (let count = 0; count < shellAttacks; count += 1) {
      const [one = null, ...others] = forged;
      if (one === null) return;
      const { name, attack, files } = pick(random, [one, ...others]);
      await this.shellTakes(name, files, timesOnly, true, `owner's ${attack}, verify.sh`);
    }
  }

  /** Some of them are as good as the truth: what has to be is that the verifiers agree. */
  async stories(): Promise<void> {
    const { seed, stories } = this.#plan;
    const random = seededRandom(seed + 3);
    const causes = ["internet-provider", "service", "own-network", "own-software", "power-unproven"] as const;
    const truth = generateLog({ seed, ...this.#vouchers, causes, peace: 4, samplesPerCheckpoint: 4 });
    for (let count = 0; count < stories; count += 1) {
      const story = storyOf(truth, random, this.#vouchers);
      const sizes = story.checkpoints.map(({ size }) => size);
      // From the beginning, or from a checkpoint on, where windows may be open already.
      const from = random() < 0.5 ? 0 : between(random, 1, sizes.length - 2);
      const cut = from === 0 ? {} : { first: present(sizes[from], "a checkpoint"), sizes: sizes.slice(from) };
      const files = bundleOf(story, { ...cut, bare: true });
      const answer = await this.#shell(files, everything);
      this.findings.note("owner's story, not verified", answer.status === 1);
      this.findings.compare(`story ${count}`, verifyBundle(mapOf(files), this.#trust(everything)), answer);
    }
  }

  /** Accepted by time and integrity, and only a witness tells that there was another history before. */
  async rollbacks(): Promise<void> {
    const points = Math.min(this.#plan.rollbacks, this.#log.checkpoints.length - 1);
    for (let place = 0; place < points; place += 1) {
      const files = bundleOf(forgedFrom(this.#log, place, this.#vouchers), { bare: true });
      const name = `rolled back to checkpoint ${place}`;
      this.findings.count("rollbacks with a witness, badged", name, this.#ownStatus(files, everything) !== 0);
      await this.shellTakes(name, files, everything, true, "rollbacks with a witness, verify.sh");
      this.findings.note("rollbacks without a witness, badged", this.#ownStatus(files, timesOnly) !== 0);
      this.findings.note("rollbacks without a witness, verify.sh", (await this.#shell(files, timesOnly)).status !== 0);
    }
  }

  /** The bundle is right in all it says; that more was seen has to be told. */
  async truncations(): Promise<void> {
    const last = present(this.#log.checkpoints.at(-1), "a log has checkpoints");
    const head = join(this.#plan.directory, "head");
    writeFileSync(head, last.cosignatures.reduce(withSignature, last.note));
    const asked: Asked = { ...everything, head };
    const sizes = this.#log.checkpoints.map(({ size }) => size);
    for (const [index, size] of sizes.slice(0, this.#plan.rollbacks).entries()) {
      const files = bundleOf(this.#log, { bare: true, sizes: sizes.slice(0, index + 1) });
      const more = last.size - size;
      const report = verifyBundle(mapOf(files), this.#trust(asked));
      const told = report.uniqueness.because.join().includes(`${more} records`);
      this.findings.count(
        "cut at a checkpoint, badged",
        `cut at ${size}`,
        more === 0 || told || statusOf(report) !== 0,
      );
      const { status, output } = await this.#shell(files, asked);
      const said = output.includes(`${more} records`);
      this.findings.count("cut at a checkpoint, verify.sh", `cut at ${size}`, more === 0 || said || status !== 0);
    }
  }

  async shellTakes(
    name: string,
    files: readonly BundleFile[],
    asked: Asked,
    isWrong: boolean,
    kind: string = "the bundle itself",
  ): Promise<void> {
    const answer = await this.#shell(files, asked);
    this.findings.count(kind, name, (answer.status !== 0) === isWrong);
    this.findings.compare(name, verifyBundle(mapOf(files), this.#trust(asked)), answer);
  }

  #ownTakes(kind: string, mutant: Mutant, trust: Trust): void {
    this.findings.count(kind, mutant.name, statusOf(verifyBundle(applied(this.small, mutant), trust)) !== 0);
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

  #write(files: readonly BundleFile[]): string {
    this.#folders += 1;
    const folder = join(this.#plan.directory, `bundle-${this.#folders}`);
    mkdirSync(dirname(folder), { recursive: true });
    writeBundle(files, folder);
    return folder;
  }

  #question({ authority, witness, head }: Asked): ShellQuestion {
    const key = publicKeyText(this.#log.signer.publicKey);
    return { key, authorities: authority ? this.#caFile : null, witnesses: witness ? [this.#witnessKey] : [], head };
  }

  #trust({ authority, witness, head }: Asked): Trust {
    const witnessKey = present(parseWitnessKey(this.#witnessKey), "a witness has a key");
    return {
      key: parseLogKey(publicKeyText(this.#log.signer.publicKey)),
      verifyToken: authority ? tokenVerifierFor(readFileSync(this.#caFile, "utf8")) : null,
      witnesses: witness ? [witnessKey] : [],
      head: head === null ? null : parseNote(readFileSync(head)),
      nowMs: this.#plan.time.wallMs(),
    };
  }
}

function mapOf(files: readonly BundleFile[]): ReadonlyMap<string, Uint8Array> {
  return new Map(files.map(({ path, bytes }) => [path, bytes]));
}

function nonEmpty(files: readonly BundleFile[]): readonly [BundleFile, ...BundleFile[]] {
  const [first, ...others] = files;
  return [present(first, "a bundle has files"), ...others];
}
