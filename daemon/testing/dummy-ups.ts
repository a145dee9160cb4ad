import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const driver = ["/lib/nut/dummy-ups", "/usr/lib/nut/dummy-ups"].find((each) => existsSync(each));
// Debian's /sbin/upsd starts it only where /etc/nut says so.
const upsd = ["/lib/nut/upsd", "/usr/lib/nut/upsd"].find((each) => existsSync(each));

export const dummyUpsObstacle: string | null =
  driver === undefined || upsd === undefined ? "nut-server is not installed" : null;

/** A real `upsd` on loopback, with NUT's dummy UPS that is in whatever state it is told. */
export class DummyUps implements AsyncDisposable {
  /** As `upsc` takes it. */
  readonly name: string;
  readonly #folder: string;
  readonly #running: readonly ChildProcess[];

  private constructor(port: number) {
    this.#folder = mkdtempSync(join(tmpdir(), "badged-nut-"));
    chmodSync(this.#folder, 0o700);
    this.name = `test@127.0.0.1:${port}`;
    const write = (file: string, text: string): void => writeFileSync(join(this.#folder, file), text, { mode: 0o600 });
    write("ups.conf", `[test]\n  driver = dummy-ups\n  port = ${this.#state}\n  mode = dummy-loop\n`);
    write("upsd.conf", `LISTEN 127.0.0.1 ${port}\nSTATEPATH ${this.#folder}\n`);
    write("upsd.users", "");
    this.say("OL");
    const places = { NUT_CONFPATH: this.#folder, NUT_STATEPATH: this.#folder, NUT_ALTPIDPATH: this.#folder };
    const options = { env: { ...process.env, ...places }, stdio: "ignore" } as const;
    this.#running = [
      spawn(driver ?? "", ["-a", "test", "-D", "-u", "root"], options),
      spawn(upsd ?? "", ["-D", "-u", "root"], options),
    ];
  }

  static async start(): Promise<DummyUps> {
    return new DummyUps(await freePort());
  }

  /** @param status in NUT's words: `OL` on line, `OB` on battery */
  say(status: string): void {
    writeFileSync(this.#state, `ups.status: ${status}\nTIMER 1\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#running.map((each) => {
        const ended = new Promise((resolve) => each.once("exit", resolve));
        each.kill("SIGKILL");
        return ended;
      }),
    );
    rmSync(this.#folder, { recursive: true });
  }

  get #state(): string {
    return join(this.#folder, "state.dev");
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}
