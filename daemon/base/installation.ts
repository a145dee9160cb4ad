import { BadgedError, messageOf, systemCode } from "./errors.ts";

/** Node's codes for a package or a native program that is not there, or was made for another Node or machine. */
const codes: ReadonlySet<string> = new Set(["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND", "ERR_DLOPEN_FAILED"]);

/** What is missing of badged itself, for a person; `null` for any other failure. */
export function installationFault(error: unknown): BadgedError | null {
  if (!codes.has(systemCode(error) ?? "")) return null;
  const [first = ""] = messageOf(error).split("\n");
  return new BadgedError("installation-incomplete", `badged is not installed whole: ${first}`, installAgain, {
    cause: error,
  });
}

const installAgain =
  "in the folder of the programme: npm ci && npm run build && npm prune --omit=dev, with the Node that it runs with (systemd/README.md)";
