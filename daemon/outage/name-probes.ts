import { isIP } from "node:net";
import type { Time } from "../base/time.ts";
import type { Layers } from "./layers.ts";
import type { LookBook } from "./look.ts";
import { isMisled, type Sent } from "./name-doubt.ts";
import { askForAddress, asksOthers, type NameAnswer } from "./name-servers.ts";

/** Of the name servers of the box, and of each other one. */
export type NameAnswers = { readonly own: NameAnswer; readonly others: readonly NameAnswer[] };

/** What else was seen in the same look. */
export type SeenBeside = {
  readonly anchors: Layers["anchors"];
  readonly isServiceWell: boolean;
  /** Where a connection to the service that failed was sent; `null` when none failed, or it is not known. */
  readonly sent: Sent | null;
};

const ofThisBox = "this box's";
/** A service has a few. */
const addressesMax = 100;

const isAlive = ({ kind }: NameAnswer): boolean => kind !== "silent";
/** "There is no such name" is an answer: the name server lives. */
const okOrFailed = (answer: NameAnswer): string => (isAlive(answer) ? "ok" : "failed");

/** Looks at the name servers that tell where the service is, and judges what they tell by what else is seen. */
export class NameProbes {
  readonly #host: string;
  readonly #resolvers: readonly string[];
  readonly #answerMaxMs: number;
  readonly #book: LookBook;
  readonly #time: Time;
  /** Whether the name servers of the box still asked others the last time that it mattered: while no anchor was alive. */
  #askedOthers: boolean | null = null;
  /** Where its name has led while it answered. */
  readonly #whenWell: Set<string> = new Set();
  #address: string | null = null;

  /**
   * @param host the service's
   * @param resolvers addresses of name servers beside those of the box
   */
  constructor(
    { host, resolvers, answerMaxMs }: { host: string; resolvers: readonly string[]; answerMaxMs: number },
    book: LookBook,
    time: Time,
  ) {
    this.#host = host;
    this.#resolvers = resolvers;
    this.#answerMaxMs = answerMaxMs;
    this.#book = book;
    this.#time = time;
  }

  /** Where the service was when its name could last be looked up. */
  get address(): string | null {
    return this.#address;
  }

  /** Whether those of the box asked others when no anchor was alive; `null` while one is, or before. */
  haveAskedOthers(): boolean | null {
    return this.#askedOthers;
  }

  /** `null` for a service that needs none. */
  async ask(): Promise<NameAnswers | null> {
    if (isIP(this.#host) !== 0 || this.#host === "localhost") return null;
    const ask = async (server: string | null): Promise<NameAnswer> => {
      const answer = await this.#book.timed("dns", server ?? ofThisBox, okOrFailed, () =>
        askForAddress(this.#host, server, this.#answerMaxMs),
      );
      const [address] = answer.kind === "told" ? answer.addresses : [];
      this.#address = address ?? this.#address;
      return answer;
    };
    const [own, others] = await Promise.all([ask(null), Promise.all(this.#resolvers.map(ask))]);
    return { own, others };
  }

  async judge(answers: NameAnswers | null, { anchors, isServiceWell, sent }: SeenBeside): Promise<Layers["dns"]> {
    if (answers === null) return "unknown";
    const { own, others } = answers;
    if (isServiceWell && own.kind === "told") this.#keepAddresses(own.addresses);
    const isOtherAlive = others.some(isAlive);
    if (own.kind === "silent" && !isOtherAlive) return "failed";
    // The site's own name server remembers the name for hours after the line behind it has died.
    if (anchors === "none") {
      this.#askedOthers = isOtherAlive || (await this.#asksOthers());
      return this.#askedOthers ? "ok" : "failed";
    }
    this.#askedOthers = null;
    // Nobody is to blame for a connection that was sent to the wrong place, but for who sent it there.
    const isSentAstray = !isServiceWell && sent !== null && isMisled(sent, { others, whenWell: this.#whenWell });
    return isSentAstray ? "failed" : "ok";
  }

  #asksOthers(): Promise<boolean> {
    const unheardOf = `badged-${this.#time.monotonicNs().toString(36)}`;
    return this.#book.timed("dns", `${ofThisBox}, of a name that it cannot remember`, String, () =>
      asksOthers(this.#host, null, unheardOf, this.#answerMaxMs),
    );
  }

  #keepAddresses(addresses: readonly string[]): void {
    if (this.#whenWell.size > addressesMax) this.#whenWell.clear();
    for (const each of addresses) this.#whenWell.add(each);
  }
}
