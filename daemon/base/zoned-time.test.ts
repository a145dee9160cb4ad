import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { present } from "./assert.ts";
import { parseUtcText, utcSecondsText } from "./system-time.ts";
import { zonedText } from "./zoned-time.ts";

const moment = (text: string) => present(parseUtcText(text), text);

describe("summer time ends on 25 October 2026, and 02:30 comes twice", () => {
  const folds = [
    ["2026-10-25T00:30:00Z", "2026-10-25 02:30:00 GMT+2"],
    ["2026-10-25T01:30:00Z", "2026-10-25 02:30:00 GMT+1"],
  ] as const;

  test.each(folds)("%s is %s in Brussels", (utc, local) => {
    expect(zonedText(moment(utc), "Europe/Brussels")).toBe(local);
  });

  test("both stay an hour apart in UTC, which is what is stored and sent", () => {
    const [first, second] = folds.map(([utc]) => moment(utc));
    expect((second ?? 0) - (first ?? 0)).toBe(3_600_000);
    expect(folds.map(([utc]) => utcSecondsText(moment(utc)))).toEqual(folds.map(([utc]) => utc));
  });

  test.each(["America/New_York", "Asia/Kolkata", "Europe/Brussels"])("a box set to %s says the same", (zone) => {
    const program = `
      const { parseUtcText, utcText } = await import(${JSON.stringify(new URL("./system-time.ts", import.meta.url).href)});
      const { zonedText } = await import(${JSON.stringify(new URL("./zoned-time.ts", import.meta.url).href)});
      for (const utc of ${JSON.stringify(folds.map(([utc]) => utc))}) {
        console.log(zonedText(parseUtcText(utc), "Europe/Brussels"), utcText(parseUtcText(utc)));
      }`;
    const run = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      encoding: "utf8",
      env: { ...process.env, TZ: zone },
    });
    expect(run.stdout.trim().split("\n")).toEqual(folds.map(([utc, local]) => `${local} ${utc.replace("Z", ".000Z")}`));
  });
});

test("the hour that is left out in spring is in no local time", () => {
  expect(zonedText(moment("2026-03-29T00:59:59Z"), "Europe/Brussels")).toBe("2026-03-29 01:59:59 GMT+1");
  expect(zonedText(moment("2026-03-29T01:00:00Z"), "Europe/Brussels")).toBe("2026-03-29 03:00:00 GMT+2");
});

/** What the program prints, in a process of its own: a process has one zone. */
function printed(program: string, zone: string): string {
  const imports = `
    const { zonedText, zonedParts, adoptZone } = await import(${JSON.stringify(new URL("./zoned-time.ts", import.meta.url).href)});`;
  const run = spawnSync(process.execPath, ["--input-type=module", "-e", imports + program], {
    encoding: "utf8",
    env: { ...process.env, TZ: zone },
  });
  expect(run.stderr).toBe("");
  return run.stdout;
}

describe("the zone of the site as the process's own", () => {
  // Every quarter of an hour around both changes of a year, and a moment of every five days from 1970 to 2037.
  const moments = `
    const hour = 3_600_000;
    const moments = Array.from({ length: 5_000 }, (_, index) => index * 119 * hour + index * 1_237);
    for (const change of [${moment("2026-03-29T01:00:00Z")}, ${moment("2026-10-25T01:00:00Z")}]) {
      for (let at = change - 30 * hour; at <= change + 30 * hour; at += hour / 4) moments.push(at - 1, at);
    }`;

  test("says of every moment what Intl says, and no longer asks it", { timeout: 120_000 }, () => {
    const differences = printed(
      `${moments}
      const parts = (at) => JSON.stringify(Object.fromEntries(
        zonedParts(at, "Europe/Brussels").filter(({ type }) => type !== "literal").map(({ type, value }) => [type, value]).sort()));
      const byIntl = moments.map(parts);
      adoptZone("Europe/Brussels");
      Intl.DateTimeFormat = class { constructor() { throw new Error("asked"); } };
      const own = moments.map(parts);
      console.log(moments.length, moments.filter((_, index) => own[index] !== byIntl[index]).length, own[0], zonedText(0, "Europe/Brussels"));`,
      "Asia/Kolkata",
    );
    const first =
      '{"day":"01","hour":"01","minute":"00","month":"01","second":"00","timeZoneName":"GMT+1","weekday":"Thu","year":"1970"}';
    expect(differences).toBe(`5964 0 ${first} 1970-01-01 01:00:00 GMT+1\n`);
  });

  test.each(["America/New_York", "Etc/GMT-2", "Europe/Amsterdam"])("%s is left to Intl", (zone) => {
    const program = `
      const name = ${JSON.stringify(zone)};
      const before = zonedText(${moment("2026-07-01T12:00:00Z")}, name);
      adoptZone(name);
      console.log(before === zonedText(${moment("2026-07-01T12:00:00Z")}, name), process.env.TZ);`;
    expect(printed(program, "Asia/Kolkata")).toBe("true Asia/Kolkata\n");
  });

  test("a thread that is started afterwards keeps it", () => {
    const program = `
      import { Worker } from "node:worker_threads";
      adoptZone("Europe/Brussels");
      new Worker(\`
        Intl.DateTimeFormat = class { constructor() { throw new Error("asked"); } };
        import(${JSON.stringify(new URL("./zoned-time.ts", import.meta.url).href)}).then(({ zonedText }) => {
          console.log(zonedText(${moment("2026-07-01T12:00:00Z")}, "Europe/Brussels"));
        });\`, { eval: true });`;
    expect(printed(program, "Asia/Kolkata")).toBe("2026-07-01 14:00:00 GMT+2\n");
  });

  test("a TZ that this thread was given without its effect is not believed", () => {
    const program = `
      import { Worker } from "node:worker_threads";
      new Worker(\`
        process.env.TZ = "Europe/Brussels";
        import(${JSON.stringify(new URL("./zoned-time.ts", import.meta.url).href)}).then(({ zonedText }) => {
          console.log(zonedText(${moment("2026-07-01T12:00:00Z")}, "Europe/Brussels"));
        });\`, { eval: true });`;
    expect(printed(program, "Asia/Kolkata")).toBe("2026-07-01 14:00:00 GMT+2\n");
  });
});
