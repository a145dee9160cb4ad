import { systemTime } from "../base/system-time.ts";

/** Asks until the answer is the one that must come; the test's own time limit is the only one. */
export async function eventually<T>(ask: () => Promise<T>, isIt: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isIt(answer)) return answer;
    await systemTime.sleep(50);
  }
}
