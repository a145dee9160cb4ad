import type { Log } from "../base/log.ts";
import { lastSegmentOf } from "./explanation.ts";
import { isOtherChannelOpen, onlineServiceUrl } from "./other-channel.ts";
import type { WindowChange } from "./windows.ts";

/** Stable, as all messages are: people's own alarms listen for it. */
export const otherChannelMessage: string = "this box cannot send, have people register over the online service now";

const changeMessages = {
  opened: "outage window opened",
  reopened: "outage window goes on",
  "cause-changed": "outage has another cause",
  gap: "outage was not watched for a while",
} as const;

/** Says in the daemon's log what changed, and that another channel is open where the failure is the site's own. */
export function logChange(log: Log, { kind, window }: WindowChange): void {
  const { cause, exemption } = lastSegmentOf(window).finding;
  const fields = { window: window.key, cause, exemption };
  if (kind === "closed") log.info(fields, "outage window closed");
  else log.warn(fields, changeMessages[kind]);
  if (kind !== "closed" && kind !== "gap" && isOtherChannelOpen(cause)) {
    log.warn({ window: window.key, cause, onlineService: onlineServiceUrl }, otherChannelMessage);
  }
}
