import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fictionalRoster } from "../fictional-worker.ts";

/** What the reader is told, one letter each, so that the gate knows which it saw. */
export const feedbackLetters = { accepted: "A", alreadyRecorded: "D", unknownBadge: "U", notRecorded: "N" } as const;

export type CampaignSite = {
  readonly configuration: string;
  readonly store: string;
  readonly port: string;
};

/**
 * Writes a site for a campaign into `folder`: one reader, `workers` badges, the simulated service at `serviceUrl`.
 *
 * @param changed time servers as YAML, none by default; more keys of the service's section, with a comma before each
 */
export function writeSite(
  folder: string,
  workers: number,
  serviceUrl: string,
  changed: {
    readonly timeServers?: string;
    readonly service?: string;
    readonly callInterval?: string;
    readonly outage?: string;
    readonly logLevel?: string;
    readonly store?: string;
  } = {},
): CampaignSite {
  const directory = resolve(folder);
  const site = {
    configuration: join(directory, "site.yaml"),
    store: changed.store ?? join(directory, "store"),
    port: join(directory, "reader"),
  };
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "roster.csv"), fictionalRoster(workers));
  writeFileSync(
    site.configuration,
    `site:
  name: Campaign
  timeZone: Europe/Brussels
  place: { coordinates: { latitude: 51.05, longitude: 3.72 } }
store: { directory: ${JSON.stringify(site.store)} }
roster: { file: roster.csv, badgeForm: hex }
readers:
  - id: gate
    driver: serial-line
    port: ${JSON.stringify(site.port)}
    presence: 100 ms
    feedback:
      accepted: ${feedbackLetters.accepted}
      alreadyRecorded: ${feedbackLetters.alreadyRecorded}
      unknownBadge: ${feedbackLetters.unknownBadge}
      notRecorded: ${feedbackLetters.notRecorded}
outage: { anchors: [], resolvers: []${changed.outage ?? ""} }
clock: { servers: ${changed.timeServers ?? "[]"}, systemClock: free }
service: { url: ${JSON.stringify(serviceUrl)}, timeout: 1 s, callInterval: ${changed.callInterval ?? "10 ms"}${changed.service ?? ""} }
log: { level: ${changed.logLevel ?? "warn"} }
`,
  );
  return site;
}
