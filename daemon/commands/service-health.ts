import type { Configuration } from "../../config/configuration.ts";
import { parseHttpDate } from "../base/system-time.ts";
import type { MonotonicNs, Time, WallMs } from "../base/time.ts";
import { parseJson } from "../forward/ciao/problem.ts";
import { HttpCaller, type HttpOutcome } from "../forward/http-call.ts";
import { keptText } from "../forward/kept-text.ts";
import { failed, misconfigured, notTried, ok, type Step } from "./service-steps.ts";
import { stepMaxMs } from "./service-way.ts";

type Service = Configuration["service"];

/** The `Date` of an answer, and when it came. */
export type SeenDate = {
  readonly dateMs: WallMs;
  readonly sentNs: MonotonicNs;
  readonly receivedNs: MonotonicNs;
  readonly wallMs: WallMs;
};

export type Health = { readonly outcome: HttpOutcome; readonly date: SeenDate | null };

/** Asks for the health of the service, which tells its time with every answer. */
export async function askHealth({ url, paths, pins }: Service, token: string | null, time: Time): Promise<Health> {
  let date: SeenDate | null = null;
  await using caller = new HttpCaller(
    url,
    stepMaxMs,
    time,
    ({ headers }, sentNs, receivedNs) => {
      const dateMs = headers["age"] === undefined ? parseHttpDate(headers["date"] ?? "") : null;
      if (dateMs !== null) date = { dateMs, sentNs, receivedNs, wallMs: time.wallMs() };
    },
    { pins },
  );
  const authorization: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
  const outcome = await caller.call(
    { method: "GET", path: paths.health, headers: { accept: "application/json", ...authorization }, body: null },
    new AbortController().signal,
  );
  return { outcome, date };
}

/** Health may be open to all or want the token: a first refusal is tried again with it. */
export async function tryHealth(service: Service, first: Health, token: string | null, time: Time): Promise<Step> {
  const status = first.outcome.kind === "answered" ? first.outcome.head.status : null;
  if (status !== 401 && status !== 403) return healthStepOf(first.outcome);
  if (token === null && service.oauth === null && service.tokenFile === null) {
    const found = `the service answers only who has a token (status ${status}), and none is configured`;
    return misconfigured("health", found, "see service.oauth in config/badged.example.yaml");
  }
  if (token === null) return notTried("health", "it is told only to who has a token");
  return healthStepOf((await askHealth(service, token, time)).outcome);
}

/** (C) A SHOULD of the Belgif guide, so that its absence says nothing; what it says when it is there counts. */
function healthStepOf(outcome: HttpOutcome): Step {
  if (outcome.kind !== "answered") {
    return failed("health", `no answer (${outcome.detail})`, "scans are kept; try again, then see badged outages");
  }
  const { status } = outcome.head;
  const said = parseJson(outcome.body);
  const word = typeof said === "object" && said !== null && "status" in said ? said.status : "";
  const state = typeof word === "string" ? keptText(word).slice(0, 40) : "";
  if (status === 401 || status === 403) {
    const advice = "the service does not take the token: ask the RSZ whether your technical user may use this service";
    return failed("health", `the service refuses the token (status ${status})`, advice);
  }
  if (status === 429) return failed("health", "the service asks for fewer calls (status 429)", "wait, then try again");
  if (status >= 500 || state === "DOWN") {
    const advice = "the service's own failure: scans are kept, and badged records the outage with its cause";
    return failed(
      "health",
      `the service says that it is not well (status ${status}${state === "" ? "" : `, ${state}`})`,
      advice,
    );
  }
  if (status >= 300 && status < 400) {
    const advice =
      "compare service.url with what the RSZ gives: badged follows no redirection, and a registration sent there would be in doubt";
    return failed("health", `the service sends on to another address (status ${status})`, advice);
  }
  if (state !== "" && status < 300) return ok("health", `the service says ${state}`);
  const what = status >= 400 ? ", and has no page for its health" : ", and says nothing of its health";
  const advice =
    "so a slip of the pen in the path of service.url would not show here: compare it with what the RSZ gives, letter by letter";
  return ok("health", `the service answers${what} (status ${status})`, advice);
}
