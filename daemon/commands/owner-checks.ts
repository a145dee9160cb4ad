import { type Stats, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Configuration } from "../../config/configuration.ts";
import type { Path } from "../../config/problem.ts";
import { isCredential } from "../../config/secret.ts";
import { thisBox } from "../../config/surroundings.ts";

/**
 * Files that root may read and the owner of the store's folder, as whom badged runs, may not: checked by root they are
 * sound, and the unit ends with 78. Only what is certain by the file's own mode: of groups and of folders above nothing is said.
 * A credential is root's alone, and systemd shows badged a copy.
 *
 * @param user who checks
 */
export function unreadableForOwner(
  { store, roster, service, webhooks, evidence }: Configuration,
  user: number | undefined = process.geteuid?.(),
): readonly { readonly path: Path; readonly message: string }[] {
  const owner = statOf(store.directory)?.uid ?? 0;
  if (user !== 0 || owner === 0) return [];
  const { credentialsDirectory } = thisBox();
  const credentials = credentialsDirectory === null ? null : resolve(credentialsDirectory);
  const named: readonly (readonly [path: Path, file: string | null])[] = [
    [["roster", "file"], roster.file],
    [["service", "tokenFile"], service.tokenFile],
    [["service", "oauth", "keyFile"], service.oauth?.keyFile ?? null],
    ...webhooks.map(({ tokenFile }, index) => [["webhooks", index, "tokenFile"], tokenFile] as const),
    [["evidence", "keyFile"], evidence.keyFile],
  ];
  return named.flatMap(([path, file]) => {
    if (file === null || isCredential(file) || dirname(file) === credentials) return [];
    const stats = statOf(file);
    if (stats === undefined || stats.uid === owner || (stats.mode & 0o044) !== 0) return [];
    const message = `${file} may be read by root, and not by user ${owner}, whose ${store.directory} is and as whom badged runs: chown ${owner} ${file}`;
    return [{ path, message }];
  });
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // A path that leads through something else than a folder: told elsewhere.
    return undefined;
  }
}
