import { utcSecondsText } from "../../base/system-time.ts";
import { wallMs } from "../../base/time.ts";
import { fingerprintOf, type NoteKey, verifierKeyText } from "../note.ts";
import type { TrustedBox } from "./judgement.ts";
import type { WitnessedLog, WitnessStore } from "./witness-store.ts";

type WatchedBox = {
  readonly label: string;
  readonly fingerprint: string;
  /** The newest epoch first: each one after the first is a history that was begun anew. */
  readonly logs: readonly (Omit<WitnessedLog, "note"> & { readonly contradictions: number })[];
};

/** `GET /logs`: every box that is trusted, and every epoch of it that was ever seen. */
export function witnessReport(witness: NoteKey, boxes: readonly TrustedBox[], store: WitnessStore): string {
  const report = { witness: verifierKeyText(witness, "cosignature"), boxes: watchedBoxes(boxes, store) };
  return `${JSON.stringify(report, null, 2)}\n`;
}

/** The same for people, without a script. */
export function witnessPage(witness: NoteKey, boxes: readonly TrustedBox[], store: WitnessStore): string {
  const sections = watchedBoxes(boxes, store).map(({ label, fingerprint, logs }) => {
    const rows = logs.map(({ origin, epoch, size, firstSeconds, lastSeconds, contradictions }) =>
      row("td", [
        `<a href="/${htmlText(origin)}/checkpoint">${epoch}</a>`,
        String(size),
        moment(firstSeconds),
        moment(lastSeconds),
        contradictions === 0 ? "none" : `<strong>${contradictions}</strong>`,
      ]),
    );
    const heading = `<h2>${htmlText(label)} <code>${htmlText(fingerprint)}</code></h2>`;
    if (rows.length === 0) return `${heading}<p>Nothing seen yet.</p>`;
    const columns = row("th", ["epoch", "records", "first seen", "last seen", "contradictions refused"]);
    const begun =
      logs.length > 1
        ? `<p><strong>Its history was begun anew ${logs.length === 2 ? "once" : `${logs.length - 1} times`}.</strong></p>`
        : "";
    return `${heading}${begun}<table>${columns}${rows.join("")}</table>`;
  });
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Witness ${htmlText(witness.name)}</title>
<style>body{font-family:sans-serif;max-width:60em;margin:2em auto}td,th{text-align:left;padding:.2em 1em .2em 0}</style>
<h1>Witness ${htmlText(witness.name)}</h1>
<p>Key: <code>${htmlText(verifierKeyText(witness, "cosignature"))}</code></p>
${sections.join("\n")}
</html>
`;
}

function watchedBoxes(boxes: readonly TrustedBox[], store: WitnessStore): readonly WatchedBox[] {
  const logs = store.logs();
  const trusted = boxes.map(({ label, publicKey }) => ({ label, fingerprint: fingerprintOf(publicKey) }));
  // What was cosigned stays to be seen when a box is taken off the list.
  const former = new Set(logs.map(({ fingerprint }) => fingerprint));
  for (const { fingerprint } of trusted) former.delete(fingerprint);
  const all = [...trusted, ...[...former].map((fingerprint) => ({ label: "no longer trusted", fingerprint }))];
  return all.map(({ label, fingerprint }) => ({
    label,
    fingerprint,
    logs: logs
      .filter((log) => log.fingerprint === fingerprint)
      .map(({ note: _, ...log }) => ({ ...log, contradictions: store.contradictions(log.origin).length })),
  }));
}

function row(cell: "td" | "th", cells: readonly string[]): string {
  return `<tr>${cells.map((content) => `<${cell}>${content}</${cell}>`).join("")}</tr>`;
}

function moment(seconds: number): string {
  return utcSecondsText(wallMs(seconds * 1000));
}

function htmlText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
