import { createHash } from "node:crypto";
import type { BadgeForm } from "../base/badge-form.ts";

/** SHA-256 of a roster file and of the form its badges are read in: the same file in another form is another roster. */
export function rosterFingerprint(text: string, form: BadgeForm): string {
  return createHash("sha256").update(form).update("\n").update(text).digest("hex");
}
