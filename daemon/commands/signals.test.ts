import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { present } from "../base/assert.ts";

const program = `
  const { StopSignals } = await import(${JSON.stringify(new URL("./signals.ts", import.meta.url).href)});
  {
    using signals = new StopSignals();
    console.log("ready");
    console.log(await signals.stopped);
    // The orderly stop, in the middle of which the second signal comes.
    await new Promise((resolve) => process.stdin.once("data", resolve).resume());
  }
  process.stdin.pause();
  console.log("stopped");`;

test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
  "%s asks for a stop, and a second one does not break it off",
  async (signal) => {
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    let said = "";
    const until = async (words: string): Promise<void> => {
      while (!said.includes(words)) said += String((await once(present(child.stdout, "a pipe"), "data"))[0]);
    };
    await until("ready");
    child.kill(signal);
    await until(signal);
    child.kill(signal);
    child.stdin?.write("go on");
    const [code] = await once(child, "exit");
    expect(code).toBe(0);
  },
);
