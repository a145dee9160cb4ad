import type { NtpSource } from "./synchronisation.ts";

export const ntpPort: number = 123;

/**
 * Five servers of four operators near Belgium, so that one may fail and one may lie (RFC 8633 section 3.2). National
 * laboratories and registries that serve UTC as it is: a server that smears leap seconds would be a false ticker.
 */
export const defaultSources: readonly NtpSource[] = [
  source("ntp1.oma.be", "Royal Observatory of Belgium"),
  source("ntp2.oma.be", "Royal Observatory of Belgium"),
  source("ntp.time.nl", "SIDN Labs"),
  source("ptbtime1.ptb.de", "Physikalisch-Technische Bundesanstalt"),
  source("nts.netnod.se", "Netnod"),
];

function source(host: string, operator: string): NtpSource {
  return { id: host, host, port: ntpPort, operator, votes: true };
}
