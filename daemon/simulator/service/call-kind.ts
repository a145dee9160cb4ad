/** What a client can ask of the simulated service, by method and path. */
export type CallKind =
  | "register"
  /** A single registration by its id. */
  | "get"
  | "search"
  /** Everything that was done with one registration. */
  | "history"
  | "cancel"
  | "token"
  | "health"
  /** Any other path or method. */
  | "other";

export const callKinds = ["register", "get", "search", "history", "cancel", "token", "health", "other"] as const;

/** What a client needs a right for. */
export const rightfulCalls = ["register", "get", "search", "history", "cancel"] as const;

export type RightfulCall = (typeof rightfulCalls)[number];

/** The path of the real service's address. */
export const serviceBasePath = "/REST/presenceRegistration/v1";

/** The path of the real token endpoint, beside the service. */
export const tokenPath = "/REST/oauth/v5/token";

export const registrationsPath = "/presenceRegistrations";
export const registerInBulkPath = "/presenceRegistrations/registerInBulk";

export type CallTarget = {
  readonly kind: CallKind;
  /** Of the registration it is about; `null` when it is about none. */
  readonly registrationId: number | null;
  /** What the path takes, for the `Allow` of a 405; `null` when there is nothing at the path. */
  readonly allowed: string | null;
};

/**
 * Register (T) and health (C) are in public sources. Assumed, for nobody has published them: `GET …/{id}`,
 * `GET …?ssin=&from=&to=`, `GET …/{id}/history`, and cancelling by `DELETE …/{id}` or `POST …/{id}/cancel`.
 */
export function callTargetOf(method: string, path: string): CallTarget {
  if (path === tokenPath) return target("token", method, ["POST"]);
  if (!path.startsWith(`${serviceBasePath}/`)) return nowhere;
  const inside = path.slice(serviceBasePath.length);
  if (inside === "/health") return target("health", method, ["GET"]);
  if (inside === registerInBulkPath) return target("register", method, ["POST"]);
  if (inside === registrationsPath) return target("search", method, ["GET"]);
  const [, id, action] = /^\/presenceRegistrations\/(\d{1,15})(?:\/(history|cancel))?$/.exec(inside) ?? [];
  if (id === undefined) return nowhere;
  const registrationId = Number(id);
  if (action === "history") return { ...target("history", method, ["GET"]), registrationId };
  if (action === "cancel") return { ...target("cancel", method, ["POST"]), registrationId };
  const kind = method === "DELETE" ? "cancel" : "get";
  return { ...target(kind, method, ["GET", "DELETE"]), registrationId };
}

const nowhere: CallTarget = { kind: "other", registrationId: null, allowed: null };

function target(kind: CallKind, method: string, methods: readonly string[]): CallTarget {
  return { kind: methods.includes(method) ? kind : "other", registrationId: null, allowed: methods.join(", ") };
}
