import { statSync } from "node:fs";
import { BadgedError } from "../base/errors.ts";

const daemonsWay = (owner: number): string =>
  `systemctl start badged; runuser -u badged -- badged run; a container's --user ${owner}`;

/**
 * Root may do all, and what root makes in a folder of somebody else's keeps that one out of it afterwards: whoever tried
 * the site of a service by hand would find the service down.
 *
 * @param wayOf how the owner starts it
 * @throws BadgedError `no-permission`
 */
export function refuseRootForOthers(
  directory: string,
  user: number | undefined = process.geteuid?.(),
  wayOf: (owner: number) => string = daemonsWay,
): void {
  const owner = statSync(directory, { throwIfNoEntry: false })?.uid ?? 0;
  if (user !== 0 || owner === 0) return;
  throw new BadgedError(
    "no-permission",
    `${directory} belongs to another user (${owner}), who could not open what root leaves in it`,
    `start it as that user (${wayOf(owner)}), or, where only root is to run it, chown -R root ${directory}`,
  );
}
