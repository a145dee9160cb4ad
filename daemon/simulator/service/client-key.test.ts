import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { readClientKey } from "./assertion.ts";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

test("a public key is taken as PEM and as JSON Web Key", async () => {
  await expect(readClientKey(String(publicKey.export({ format: "pem", type: "spki" })))).resolves.toBeTypeOf(
    "function",
  );
  await expect(readClientKey(JSON.stringify(publicKey.export({ format: "jwk" })))).resolves.toBeTypeOf("function");
});

test.each(["pkcs8", "pkcs1"] as const)(
  "a private key (%s) is refused with the way to its public half",
  async (type) => {
    const given = readClientKey(String(privateKey.export({ format: "pem", type })));
    await expect(given).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining("private key"),
      advice: expect.stringContaining("openssl pkey -in PRIVATE.pem -pubout"),
    });
  },
);

test("a private JSON Web Key is refused as well, and neither is shown", async () => {
  const jwk = privateKey.export({ format: "jwk" });
  const given = readClientKey(JSON.stringify(jwk));
  await expect(given).rejects.toThrow("expected a public RSA key");
  await expect(given).rejects.not.toThrow(String(jwk.d));
});

test("what is no key at all is said so in plain words", async () => {
  await expect(readClientKey("ssh-rsa AAAA")).rejects.toThrow("neither PEM of a public key nor JSON");
});
