/**
 * The name server of a site's router, in its network namespace: it remembers the service's address, and asks the one in the
 * internet of every other name.
 */
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { systemCode } from "../../base/errors.ts";
import { answerTo, nameIn, refusalTo } from "./name-answers.ts";
import { addresses, serviceName } from "./world.ts";

const upstream = new Resolver({ timeout: 300, tries: 1 });
upstream.setServers([addresses.resolver]);

const names = createSocket("udp4");
names.on("message", (query, from) => {
  void answerOf(query).then((answer) => names.send(answer, from.port, from.address));
});
names.bind(53, addresses.router, () => process.send?.("ready"));
// A parent that was killed leaves nobody behind.
process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));

async function answerOf(query: Buffer): Promise<Buffer> {
  const name = nameIn(query).toLowerCase();
  if (name === serviceName) return answerTo(query, addresses.service);
  try {
    const [address = addresses.nobody] = await upstream.resolve4(name);
    return answerTo(query, address);
  } catch (error) {
    return refusalTo(query, systemCode(error) === "ENOTFOUND" ? "NXDOMAIN" : "SERVFAIL");
  }
}
