import * as v from "valibot";
import type { ClockSettings, TimeServer } from "../configuration.ts";
import { choice, sectionMessage, shaped, text, type Value, whole } from "./values.ts";

export const timeServersMax: number = 12;
export const operatorMaxChars: number = 60;

const ntpPort = 123;

/**
 * Five servers of four operators near Belgium, so that one may fail and one may lie (RFC 8633 section 3.2). National
 * laboratories and registries that serve UTC as it is: a server that smears leap seconds would be a false ticker.
 */
export const defaultTimeServers: readonly TimeServer[] = [
  { host: "ntp1.oma.be", operator: "Royal Observatory of Belgium", port: ntpPort },
  { host: "ntp2.oma.be", operator: "Royal Observatory of Belgium", port: ntpPort },
  { host: "ntp.time.nl", operator: "SIDN Labs", port: ntpPort },
  { host: "ptbtime1.ptb.de", operator: "Physikalisch-Technische Bundesanstalt", port: ntpPort },
  { host: "nts.netnod.se", operator: "Netnod", port: ntpPort },
];

const serverEntries = {
  host: shaped(
    "Name or address of an NTP server.",
    /^[A-Za-z0-9._:-]{1,253}$/,
    "a host name or address, such as ntp1.oma.be",
  ),
  operator: text(
    "Who runs it. Servers of one operator tend to be wrong together: best are three operators or more.",
    operatorMaxChars,
  ),
  port: v.optional(whole("UDP port.", 1, 65_535), ntpPort),
};

const clockEntries = {
  servers: v.optional(
    v.pipe(
      v.array(
        v.strictObject(serverEntries, sectionMessage(serverEntries)),
        "a list of NTP servers, each beginning with a hyphen",
      ),
      v.maxLength(timeServersMax, `at most ${timeServersMax} servers`),
      v.description(
        `NTP servers that vote on the time, best four or more of three operators, at most ${timeServersMax}. Names that lead to one address have one vote. A server that is named once for IPv4 and once for IPv6 has two, for nothing that it answers proves that it is one: name it once. None, written [], where the site's network blocks NTP: then the service's own clock is all there is. Without this key five public ones are asked.`,
      ),
    ),
  ),
  systemClock: v.optional(
    choice(
      "Whether chrony runs on this box and may slew its clock, which bends monotonic time as well: slewed counts 600 ppm into the error bound (more than the shipped drop-in allows), free what the crystal does. systemd-timesyncd slews faster than any bound counts with: replace it by chrony.",
      ["slewed", "free"],
    ),
    "slewed",
  ),
};

export const clockSchema: Value<ClockSettings> = v.pipe(
  v.strictObject(clockEntries, sectionMessage(clockEntries)),
  v.description("The clock that stamps: checked against NTP servers, never set by badged."),
  v.transform(({ servers, systemClock }) => ({ servers: servers ?? defaultTimeServers, systemClock })),
);
