import type { Cause } from "./cause.ts";

/** The online service, as the procedure document of the RSZ gives its address. */
export const onlineServiceUrl: string = "https://checkinout-management.socialsecurity.be/";

/**
 * Whether what fails stands between this box and the service only: the failure is the site's own, so it exempts nobody, and
 * people have to register over another channel at once. Where the service itself or a third party fails, the same step
 * stands in the procedure, but from here it looks as if it would fail too.
 */
export function isOtherChannelOpen(cause: Cause): boolean {
  return cause === "own-software" || cause === "own-network" || cause === "other-channel-worked";
}
