import { expect, test } from "vitest";
import { type Loaded, parseConfiguration } from "./load.ts";
import type { Surroundings } from "./surroundings.ts";

const box: Surroundings = {
  credentialsDirectory: "/run/credentials/badged.service",
  fileState: () => "readable",
  secretFault: () => null,
  keyFault: () => null,
  deviceOf: (path) => path,
};

const whole = `site:
  name: Werf
  timeZone: Europe/Brussels
  place: { coordinates: { latitude: 51.0543, longitude: 3.7174 } }
roster: { file: roster.csv, badgeForm: hex }
readers: [{ id: gate, driver: rdm6300, port: /dev/ttyUSB0 }]
service:
  url: https://service.example/v1
`;
const oauth = "  oauth: { clientId: expeditor-7, keyFile: key.pem }\n";

const load = (more: string, surroundings = box): Loaded =>
  parseConfiguration(whole + more, "/etc/badged/site.yaml", surroundings);

function problemsOf(more: string, surroundings = box): readonly string[] {
  const loaded = load(more, surroundings);
  return loaded.ok ? [] : loaded.problems.map(({ text }) => text);
}

test("a client id and a key are enough: the endpoint of production, whom it is for, no scope", () => {
  expect(load(oauth)).toMatchObject({
    ok: true,
    configuration: {
      service: {
        tokenFile: null,
        oauth: {
          tokenUrl: "https://services.socialsecurity.be/REST/oauth/v5/token",
          clientId: "expeditor-7",
          keyFile: "/etc/badged/key.pem",
          keyId: null,
          scope: null,
          audience: "https://services.socialsecurity.be/REST/oauth/v5/token",
        },
      },
    },
  });
});

test("the audience follows another token endpoint", () => {
  const other = "  oauth: { tokenUrl: https://token.example/t, clientId: a, keyFile: $CREDENTIALS_DIRECTORY/key }\n";
  expect(load(other)).toMatchObject({
    ok: true,
    configuration: {
      service: { oauth: { audience: "https://token.example/t", keyFile: "/run/credentials/badged.service/key" } },
    },
  });
});

test("a token's file beside oauth: what would come of both, whether or not the file can be used", () => {
  const both = `  tokenFile: token\n${oauth}`;
  const two = expect.stringMatching(/service\.oauth: stands beside tokenFile, so there would be two tokens/);
  expect(problemsOf(both)).toEqual([two]);
  const open: Surroundings = {
    ...box,
    secretFault: () => ({ kind: "unsafe", message: "may be read by all", advice: "chmod 600 it" }),
  };
  expect(problemsOf(both, open)).toEqual([expect.stringContaining("service.tokenFile: the file it names"), two]);
});

test.each([
  ["  oauth: { clientId: a }\n", "service.oauth.keyFile: is missing. PEM file"],
  ["  oauth: { clientId: a b, keyFile: k }\n", "service.oauth.clientId"],
  ["  oauth: { clientId: a, keyFile: k, tokenUrl: http://token.example }\n", "the signed request would travel"],
  ["  oauth: { clientId: a, keyFile: k, clientSecret: hush }\n", "name that file with keyFile"],
  ["  oauth: { clientId: a, keyfile: k }\n", "did you mean keyFile?"],
  ["  pin: [abc]\n", "the SHA-256 of a public key in base64, 44 characters"],
  ["  pin: []\n", "at least one pin"],
])("%j is told", (more, words) => {
  expect(problemsOf(more).join("\n")).toContain(words);
});

test("a key that cannot be used is told without its path, for people paste the key itself there", () => {
  const unsafe: Surroundings = {
    ...box,
    keyFault: () => ({ kind: "unsafe", message: "holds no private key in PEM", advice: "name the PEM file" }),
  };
  const [problem, ...more] = problemsOf(oauth, unsafe);
  expect(more).toEqual([]);
  expect(problem).toContain("service.oauth.keyFile: the file it names holds no private key in PEM");
  expect(problem).not.toContain("key.pem");
});

test("pins are taken as they are", () => {
  const pin = `${"A".repeat(43)}=`;
  expect(load(`  pin: ["${pin}"]\n`)).toMatchObject({ ok: true, configuration: { service: { pins: [pin] } } });
});
