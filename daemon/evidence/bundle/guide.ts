import { readFileSync } from "node:fs";
import type { BundleFile } from "./bundle.ts";

/** How to check a bundle, for an inspector: two pages and the verifier. The build copies them beside what this becomes. */
const names = ["LEESMIJ.md", "LISEZMOI.md", "verify.sh"] as const;

export function bundleGuide(): readonly BundleFile[] {
  return names.map((path) => ({ path, bytes: readFileSync(new URL(path, import.meta.url)) }));
}

/** Where the verifier itself is. */
export const verifierFile: URL = new URL("verify.sh", import.meta.url);
