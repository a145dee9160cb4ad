import type { Configuration, OAuthSettings } from "../../config/configuration.ts";
import { readPrivateKey } from "../../config/private-key.ts";
import { readSecret } from "../../config/secret.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { MonotonicNs, Time } from "../base/time.ts";
import type { ClockService } from "../clock/clock-service.ts";
import { CiaoClient } from "../forward/ciao/ciao-client.ts";
import { TokenKeeper, type TokenStatus } from "../forward/ciao/oauth/token-keeper.ts";
import type { TokenFailure } from "../forward/ciao/oauth/token-outcome.ts";
import { TokenRequest } from "../forward/ciao/oauth/token-request.ts";
import { FileToken, noToken } from "../forward/ciao/token.ts";
import type { TokenSource } from "../forward/upstream.ts";
import type { Layers } from "../outage/layers.ts";
import { tokenLayerOf } from "./call-observation.ts";
import { type Bystanders, TokenWay } from "./token-way.ts";

type Service = Configuration["service"];

export type ServicePorts = {
  readonly bystanders: Bystanders;
  readonly clock: () => Pick<ClockService, "now" | "serviceAnswered">;
  /** What a request for a token said of its endpoint. */
  readonly tokenSeen: (state: Layers["token"], askedNs: MonotonicNs) => void;
  readonly time: Time;
  readonly random: Random;
  readonly log: Log;
};

/** The service's client, with where its tokens come from. */
export interface ComposedService extends AsyncDisposable {
  readonly client: CiaoClient;
  readonly tokens: TokenSource;
  /** `null` where badged does not get its tokens itself. */
  readonly token: TokenStatus | null;
  start(): void;
  /** An outage is over: neither the token nor the forwarder waits for its backoff. */
  hasten(forwarder: { hasten(): void }): void;
}

/** A request for a token may not use up the time of the call that waits for it. */
export const tokenTimeoutMaxMs: number = 10_000;

export function composeService(settings: Service, ports: ServicePorts): ComposedService {
  const { url: baseUrl, paths, timeoutMs, pins, limosaField, tokenFile, oauth } = settings;
  const keeping = oauth === null ? null : composeKeeper(settings, oauth, ports);
  const tokens = keeping?.keeper ?? tokenOf(tokenFile);
  const client = new CiaoClient(
    {
      baseUrl,
      registerPath: paths.register,
      searchPath: paths.search,
      healthPath: paths.health,
      timeoutMs,
      pins,
      limosaField,
    },
    tokens,
    ports.time,
    (answer) => ports.clock().serviceAnswered(answer),
  );
  return {
    client,
    tokens,
    get token() {
      return keeping?.keeper.status ?? null;
    },
    start: () => keeping?.keeper.start(),
    hasten(forwarder) {
      keeping?.keeper.hasten();
      forwarder.hasten();
    },
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await keeping?.[Symbol.asyncDispose]();
    },
  };
}

/** A token that somebody keeps in a file; none for a service that asks for none. */
export function tokenOf(file: string | null): TokenSource {
  return file === null ? noToken : new FileToken(async () => readSecret(file));
}

function composeKeeper(
  { pins, timeoutMs }: Service,
  oauth: OAuthSettings,
  ports: ServicePorts,
): AsyncDisposable & { readonly keeper: TokenKeeper } {
  const { bystanders, clock, tokenSeen, time, random, log } = ports;
  const request = new TokenRequest(
    { ...oauth, pins, timeoutMs: Math.min(tokenTimeoutMaxMs, timeoutMs / 2) },
    { key: () => readPrivateKey(oauth.keyFile), provenTime: () => clock().now(), time },
  );
  const way = new TokenWay(oauth.tokenUrl, bystanders, { time, nowMs: () => clock().now()?.utcMs ?? null });
  /** That a connection failed whose way is open a moment later says nothing, the first time. */
  let isSpared = false;
  const layerOf = async (failure: TokenFailure | null): Promise<Layers["token"] | null> => {
    if (failure === null) void way.gave();
    const layer = tokenLayerOf(failure);
    const judged = layer === "certificate" || layer === "failed" ? await way.judge() : layer;
    if (judged === "reopened") return null;
    const wasSpared = isSpared;
    isSpared = judged === "open" && failure?.kind === "not-reached";
    if (judged !== "open") return judged;
    return isSpared && !wasSpared ? null : "failed";
  };
  let latest = 0;
  let told = 0;
  let hasGranted = false;
  const seen = async (failure: TokenFailure | null, askedNs: MonotonicNs): Promise<void> => {
    latest += 1;
    const turn = latest;
    if (failure === null) hasGranted = true;
    const found = await layerOf(failure);
    const layer = found === "failed" && !hasGranted ? "unproven" : found;
    // A look at the way takes a while: what is known of a later request by then counts.
    if (turn < told || layer === null) return;
    told = turn;
    tokenSeen(layer, askedNs);
  };
  const keeper = new TokenKeeper({
    ask: (signal) => request.ask(signal),
    onSeen: (failure, askedNs) => void seen(failure, askedNs),
    time,
    random,
    log: log.child({ room: "forward" }),
  });
  return {
    keeper,
    [Symbol.asyncDispose]: async () => {
      await keeper[Symbol.asyncDispose]();
      await request[Symbol.asyncDispose]();
    },
  };
}
