import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { messageOf, systemCode } from "../../base/errors.ts";
import { mountsListed } from "./mount-table.ts";
import { run } from "./run.ts";

/**
 * Unmounts what mount namespaces other than ours have in `directory`, where nothing uses it.
 *
 * A program that is started in a mount namespace of its own (`ip netns exec`, `unshare --mount`) takes a copy of every
 * mount with it. Without shared propagation (mount_namespaces(7)) our `umount` does not reach that copy, which keeps
 * the disk below busy for as long as that program lives, though it never looks at it.
 */
export async function releaseCopies(directory: string): Promise<void> {
  for (const processId of oneOfEachOtherNamespace()) {
    for (const { target } of mountsListed(ofProcess(processId, mountinfoOf) ?? "", directory)) {
      try {
        await run("nsenter", [`--mount=${namespaceFile(processId)}`, "umount", target]);
      } catch (error) {
        // A copy in use shows in our own mount, which stays busy then; that of a process that ended is gone with it.
        const isGone = ofProcess(processId, namespaceOf) === null;
        if (!isGone && !messageOf(error).includes("busy")) throw error;
      }
    }
  }
}

function oneOfEachOtherNamespace(): string[] {
  const byNamespace = new Map<string, string>();
  for (const processId of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const namespace = ofProcess(processId, namespaceOf);
    if (namespace !== null) byNamespace.set(namespace, processId);
  }
  byNamespace.delete(namespaceOf("self"));
  return [...byNamespace.values()];
}

function namespaceFile(processId: string): string {
  return `/proc/${processId}/ns/mnt`;
}

function namespaceOf(processId: string): string {
  return readlinkSync(namespaceFile(processId));
}

function mountinfoOf(processId: string): string {
  return readFileSync(`/proc/${processId}/mountinfo`, "utf8");
}

/** What `read` tells of a process, or `null` when it has ended or is not ours to look at. */
function ofProcess(processId: string, read: (processId: string) => string): string | null {
  try {
    return read(processId);
  } catch (error) {
    if (["ENOENT", "ESRCH", "EINVAL", "EACCES", "EPERM"].includes(systemCode(error) ?? "")) return null;
    throw error;
  }
}
