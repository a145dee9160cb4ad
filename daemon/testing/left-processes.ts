import type { ChildProcess } from "node:child_process";

const running = new Map<ChildProcess, () => Promise<unknown>>();

/** @param kill what `killLeftProcesses` is to do as long as the process runs */
export function endWithTests(child: ChildProcess, kill: () => Promise<unknown>): void {
  running.set(child, kill);
  child.once("exit", () => running.delete(child));
}

/** Those whose user was given up before he disposed of them, as a test is that takes too long. */
export async function killLeftProcesses(): Promise<void> {
  await Promise.all([...running.values()].map((kill) => kill()));
}
