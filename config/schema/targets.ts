import * as v from "valibot";
import { isLoopback } from "../../daemon/base/loopback.ts";
import type { OAuthSettings, ServiceSettings, WebhookSettings } from "../configuration.ts";
import { choice, duration, path, sectionMessage, shaped, text, type Value } from "./values.ts";

export const webhooksMax: number = 8;
export const urlMaxChars: number = 2048;
export const urlPathMaxChars: number = 200;
export const clientIdMaxChars: number = 200;
export const scopeMaxChars: number = 1000;
export const pinsMax: number = 8;

/** (C) Production; the simulation uses it as well (T). */
export const defaultTokenUrl: string = "https://services.socialsecurity.be/REST/oauth/v5/token";

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

/** A path with `{id}` in it, or `none`. */
const idPath = (description: string): Value<string> => {
  const expected = "a path with {id} in it, such as /presenceRegistrations/{id}, or none";
  return v.pipe(
    shaped(description, /^(none|\/[A-Za-z0-9._~/-]*\{id\}[A-Za-z0-9._~/-]*)$/, expected),
    v.maxLength(urlPathMaxChars, expected),
  );
};

const pathEntries = {
  register: v.optional(urlPath("Where registrations are posted."), "/presenceRegistrations/registerInBulk"),
  search: v.optional(
    v.pipe(
      shaped(
        "Where registrations are searched before a scan whose call ended in doubt is sent again. An assumption, for no such path is published; none switches the search off.",
        new RegExp(`^(none|/[A-Za-z0-9._~/-]{0,${urlPathMaxChars - 1}})$`),
        "a path that begins with a slash, such as /presenceRegistrations, or none",
      ),
      v.transform((path) => (path === "none" ? null : path)),
    ),
    "/presenceRegistrations",
  ),
  health: v.optional(urlPath("Where the service says how it is."), "/health"),
  registration: v.optional(
    idPath(
      "Where one registration is read by its id, so that remarks that come later are seen. Assumed, for the path is not published; none switches it off.",
    ),
    "/presenceRegistrations/{id}",
  ),
};

const oauthEntries = {
  tokenUrl: v.optional(
    url(
      "Address of the token endpoint. The simulation uses that of production.",
      "the signed request would travel in the clear",
    ),
    defaultTokenUrl,
  ),
  clientId: shaped(
    "The client id that the RSZ gave your technical user.",
    new RegExp(`^[\\x21-\\x7e]{1,${clientIdMaxChars}}$`),
    `a client id of 1 to ${clientIdMaxChars} characters without blanks`,
  ),
  keyFile: path(
    "PEM file of the RSA private key whose public half the RSZ knows, and that only badged may read. $CREDENTIALS_DIRECTORY/NAME takes systemd's credential NAME. The key itself never stands here.",
  ),
  keyId: v.optional(
    text("Id of the key (kid), should the token endpoint want to be told which of your keys it is.", clientIdMaxChars),
  ),
  scope: v.optional(text("Scope to ask for. Officially better left out.", scopeMaxChars)),
  audience: v.optional(
    text("Whom the signed request names as its reader, when that is not the token endpoint's address.", urlMaxChars),
  ),
};

const oauth: Value<OAuthSettings> = v.pipe(
  v.strictObject(oauthEntries, sectionMessage(oauthEntries)),
  v.description(
    "How badged gets its tokens itself: OAuth 2.0 client credentials, shown by a request signed with your key. Instead of tokenFile.",
  ),
  v.transform(({ tokenUrl, clientId, keyFile, keyId, scope, audience }) => ({
    tokenUrl,
    clientId,
    keyFile,
    keyId: keyId ?? null,
    scope: scope ?? null,
    audience: audience ?? tokenUrl,
  })),
);

const pin = shaped(
  "SHA-256 of a public key (SubjectPublicKeyInfo) in base64.",
  /^[A-Za-z0-9+/]{43}=$/,
  "the SHA-256 of a public key in base64, 44 characters; `badged service check` shows those of the service",
);

const serviceEntries = {
  url: url(
    "Base address of the presence registration service. The simulation is https://services-sim.socialsecurity.be/REST/presenceRegistration/v1.",
    "national numbers would travel in the clear",
  ),
  tokenFile: v.optional(path(tokenFileDescription)),
  oauth: v.optional(oauth),
  pin: v.optional(
    v.pipe(
      v.array(pin, "a list of pins, each beginning with a hyphen"),
      v.minLength(1, "at least one pin; leave the key out to pin nothing"),
      v.maxLength(pinsMax, `at most ${pinsMax} pins`),
      v.description(
        `Keys of which one must be in the chain of every certificate, the service's and the token endpoint's, beside what this box trusts; at most ${pinsMax}. Pin an authority's key, and a second one: a pinned key that is replaced stops every registration, and that is never exempt.`,
      ),
    ),
  ),
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
  limosaField: v.optional(
    shaped(
      "Name of the field in which a registration carries a posted worker's Limosa reference. It is not published: without this key none is sent.",
      /^[A-Za-z][A-Za-z0-9]{0,63}$/,
      "the name of a field, of letters and digits",
    ),
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
  v.transform(({ tokenFile, oauth, pin, limosaField, receiptLimit, timeout, callInterval, ...rest }) => ({
    ...rest,
    tokenFile: tokenFile ?? null,
    oauth: oauth ?? null,
    pins: pin ?? [],
    limosaField: limosaField ?? null,
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
