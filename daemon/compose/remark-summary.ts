import type { Language } from "../base/language.ts";
import type { Log } from "../base/log.ts";
import type { WallMs } from "../base/time.ts";
import { remarkWords } from "../forward/ciao/remarks/catalogue.ts";
import {
  dueFilter,
  isDueSoon,
  leftText,
  officialText,
  type RemarkView,
  remarkView,
} from "../forward/ciao/remarks/remark-view.ts";
import { remarkOf } from "../forward/ciao/remarks/warning-kinds.ts";
import type { RemarkArchive, RemarkFilter } from "../forward/follow-up/remark-archive.ts";
import type { WarningStore } from "../forward/scan-warnings.ts";
import type { ScanArchive } from "../scan/archive.ts";

export type RemarkSummaryPorts = {
  readonly remarks: Pick<RemarkArchive, "listRemarks">;
  readonly warnings: Pick<WarningStore, "warningsOf">;
  readonly scans: Pick<ScanArchive, "list">;
  readonly log: Log;
};

const remarksMax = 10_000;
const scansMax = 10_000;

/**
 * The remarks that are due within a week, those since the last summary, and what is foreseen of the scans since then; else
 * `null`.
 *
 * @param since when the last one was made
 */
export async function summariseRemarks(
  { language, timeZone }: { readonly language: Language; readonly timeZone: string },
  { remarks, warnings, scans, log }: RemarkSummaryPorts,
  now: WallMs,
  since: WallMs,
): Promise<string | null> {
  const viewsOf = async (filter: Omit<RemarkFilter, "openOnly" | "limit">): Promise<readonly RemarkView[]> =>
    (await remarks.listRemarks({ ...filter, openOnly: true, limit: remarksMax })).map((kept) =>
      remarkView(kept, language, timeZone, now),
    );
  const open = await viewsOf({ seenFrom: null });
  // Asked for apart, as those below: among more open ones than a list holds, neither these nor those may be left out.
  const due = (await viewsOf(dueFilter(now))).filter(isDueSoon);
  const told = new Set(due.map(({ kept }) => kept.remarkId));
  const seen = await viewsOf({ seenFrom: since, newestFirst: true });
  const fresh = seen.filter(({ kept }) => !told.has(kept.remarkId)).toReversed();
  const ofDay = await scans.list({
    states: [],
    readerId: null,
    from: since,
    to: now,
    doubtfulOnly: false,
    limit: scansMax,
  });
  const warned = await warnings.warningsOf(
    ofDay.map(({ scanId }) => scanId),
    timeZone,
  );
  const fields = { open: open.length, dueWithin7Days: due.length, fresh: fresh.length, foreseen: warned.length };
  log[due.length > 0 ? "warn" : "info"](fields, "remarks since the last summary");
  if (due.length + fresh.length + warned.length === 0) return null;
  const words = remarkWords[language];
  const { summary } = words;
  const byKind = new Map<string, number>();
  for (const kind of warned.flatMap((each) => each.warnings)) {
    const text = `${words.label.remark} ${remarkOf[kind]}: ${words.warning[kind]}`;
    byKind.set(text, (byKind.get(text) ?? 0) + 1);
  }
  return [
    summary.title,
    ...section(summary.due(due.length), due, language),
    ...section(summary.fresh(fresh.length), fresh, language),
    ...(warned.length === 0 ? [] : [`${summary.warnings(warned.length)}:`]),
    ...[...byKind].map(([text, count]) => `  – ${count} × ${text}`),
  ].join("\n");
}

function section(title: string, views: readonly RemarkView[], language: Language): readonly string[] {
  const { label } = remarkWords[language];
  if (views.length === 0) return [];
  const lines = views.map((view) => {
    const { kept, deadline } = view;
    const last = deadline === null ? "" : ` – ${label.deadline} ${deadline} (${leftText(view, language)})`;
    const worker = kept.workerReference === null ? "" : `, ${label.worker} ${kept.workerReference}`;
    return `  – ${kept.remarkId}: ${label.remark} ${kept.code ?? "?"}, ${label.scan} ${kept.scanId}${worker}: ${officialText(view)}${last}`;
  });
  return [`${title}:`, ...lines];
}
