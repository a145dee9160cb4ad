import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { Time } from "../base/time.ts";
import type { ScanDating } from "./dating.ts";
import type { NtpTransport } from "./ntp-transport.ts";
import type { AskService } from "./service-watch.ts";
import type { ClockHistory, NtpSource } from "./synchronisation.ts";
import type { UtcNs } from "./utc.ts";

/** What the clock asks of the rest of the house. */
export type ClockPorts = {
  readonly transport: NtpTransport;
  readonly history: ClockHistory;
  readonly dating: ScanDating;
  readonly askService: AskService;
  /** Scans have their time now, or the clock has. */
  readonly onTime: () => void;
  readonly time: Time;
  readonly random: Random;
  readonly log: Log;
  /** `/proc/uptime` in ms; `null` where it cannot be read. */
  readonly uptimeMs: () => number | null;
};

export type ClockSettings = {
  readonly bootId: string;
  /** None where the site's network blocks NTP: the service's own clock is all there is then. */
  readonly sources: readonly NtpSource[];
  /** The earliest moment that this program can run at. */
  readonly builtAt: UtcNs;
  /** Something on the box may slew the system clock, and CLOCK_MONOTONIC with it. */
  readonly slewing: boolean;
  readonly burstSpacingMs: number;
};
