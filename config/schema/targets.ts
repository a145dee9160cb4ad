import * as v from "valibot";
import type { ServiceSettings, WebhookSettings } from "../configuration.ts";
import { choice, duration, path, sectionMessage, shaped, text, type Value } from "./values.ts";

export const webhooksMax: number = 8;
export const urlMaxChars: number = 2048;
export const urlPathMaxChars: number = 200;

/** How long a call to the service may take when the file does not say; cross checks read it too. */
export const serviceDefaults: { readonly timeout: string } = { timeout: "30 s" };

const tokenFileDescription: string =
  "File that holds the bearer token and that only badged may read. $CREDENTIALS_DIRECTORY/NAME takes systemd's credential NAME. The token itself never stands here.";

/**
 * An address to which paths are added, so it may have none of what comes behind a path.
 *
 * @param inTheClear what http would show on its way; `null` where that is public, and signed by who answers
 */
export function url(description: string, inTheClear: string | null): Value<string> {
  return v.pipe(
    text(description, urlMaxChars),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const fault = urlFault(dataset.value, inTheClear);
      if (fault !== null) addIssue({ message: fault });
    }),
    v.transform((written) => written.replace(/\/+$/, "")),
  );
}

const urlPath = (description: string): Value<string> => {
  const expected = `a path that begins with a slash, such as /health`;
  return shaped(description, new RegExp(`^/[A-Za-z0-9._~/-]{0,${urlPathMaxChars - 1}}$`), expected);
};

const pathEntries = {
  register: v.optional(urlPath("Where registrations are posted."), "/presenceRegistrations/registerInBulk"),
  health: v.optional(urlPath("Where the service says how it is."), "/health"),
};

const serviceEntries = {
  url: url(
    "Base address of the presence registration service. The simulation is https://services-sim.socialsecurity.be/REST/presenceRegistration/v1.",
    "national numbers would travel in the clear",
  ),
  tokenFile: v.optional(path(tokenFileDescription)),
  receiptLimit: v.optional(
    duration(
      "The service's limit between a badge and its receipt (remark 32). It is not published: leave it out unless the service told it. Scans past it are kept back for the supervisor.",
      "1 min",
      "30 d",
      "4 h",
    ),
  ),
  late: v.optional(
    choice(
      "What becomes of a scan past the receipt limit: withhold keeps it back for the supervisor, forward sends it and takes remark 32.",
      ["withhold", "forward"],
    ),
    "withhold",
  ),
  timeout: v.optional(
    duration("How long one call may take before its outcome counts as unknown.", "1 s", "5 min", "30 s"),
    serviceDefaults.timeout,
  ),
  callInterval: v.optional(
    duration(
      "At least this long between two calls, so that what an outage kept is sent in a measured way.",
      "0 ms",
      "10 min",
      "1 s",
    ),
    "1 s",
  ),
  paths: v.optional(
    v.pipe(
      v.strictObject(pathEntries, sectionMessage(pathEntries)),
      v.description("Paths behind the base address, should the service move them."),
    ),
    {},
  ),
};

export const serviceSchema: Value<ServiceSettings> = v.pipe(
  v.strictObject(serviceEntries, sectionMessage(serviceEntries)),
  v.description("The presence registration service, Check In and Out at Work."),
  v.transform(({ tokenFile, receiptLimit, timeout, callInterval, ...rest }) => ({
    ...rest,
    tokenFile: tokenFile ?? null,
    receiptLimitMs: receiptLimit ?? null,
    timeoutMs: timeout,
    callIntervalMs: callInterval,
  })),
);

const webhookEntries = {
  name: shaped(
    "Name of this target. Its place in the scans is kept under this name: another name starts at the oldest scan.",
    /^[a-z0-9-]{1,32}$/,
    "1 to 32 small letters, digits and hyphens, such as payroll",
  ),
  url: url(
    "Address to which scans are posted, without national numbers.",
    "who came and went when would travel in the clear, the token too",
  ),
  tokenFile: v.optional(path(tokenFileDescription)),
  timeout: v.optional(duration("How long one call may take.", "1 s", "5 min", "30 s"), "30 s"),
};

export const webhooksSchema: Value<readonly WebhookSettings[]> = v.pipe(
  v.array(
    v.pipe(
      v.strictObject(webhookEntries, sectionMessage(webhookEntries)),
      v.transform(({ tokenFile, timeout, ...rest }) => ({
        ...rest,
        tokenFile: tokenFile ?? null,
        timeoutMs: timeout,
      })),
    ),
    "a list of targets, each beginning with a hyphen",
  ),
  v.maxLength(webhooksMax, `at most ${webhooksMax} targets`),
  v.description(
    `The employer's own systems that also want the scans, at most ${webhooksMax}. Their failures never hold up the service.`,
  ),
);

/** What is wrong with an address, in full; `null` for a good one. Never repeats it: it may hold a password. */
function urlFault(written: string, inTheClear: string | null): string | null {
  const address = URL.canParse(written) ? new URL(written) : null;
  if (address === null || !/^https?:$/.test(address.protocol)) {
    return "is no web address; write it whole, with https:// in front";
  }
  if (address.username !== "" || address.password !== "") {
    return "holds a user name or password, which everyone who sees this file can read; put a token in a file and name it with tokenFile";
  }
  if (address.search !== "" || address.hash !== "")
    return "has a part behind ? or #; paths are added behind it, so end it before";
  if (inTheClear !== null && address.protocol === "http:" && !isLoopback(address.hostname)) {
    return `is not https: ${inTheClear}; write https:// (http is taken for 127.0.0.1 and localhost only)`;
  }
  return null;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
