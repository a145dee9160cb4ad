/**
 * The internet of a test: anchors, a name server and the service, each at an address of its own, in a network namespace.
 * The parent says what is wrong with them.
 */
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import { createServer as createTcpServer } from "node:net";
import { httpDateText, systemTime } from "../../base/system-time.ts";
import { answerTo, nameIn, refusalTo } from "./name-answers.ts";
import {
  addresses,
  type Lie,
  type ServiceFault,
  type TokenAnswer,
  tokenHost,
  tokenUrl,
  type WorldOrder,
} from "./world.ts";

const [goodCertificate = "", expiredCertificate = ""] = process.argv.slice(2);
let fault: ServiceFault = "none";
let dnsAnswers = true;
let lie: Lie = "elsewhere";
let tokenAnswer: TokenAnswer = "token";
let service: Server | null = null;
let tokens: Server | null = null;
/** What the service has shown since its last order. */
let shown: ServiceFault = fault;

for (const host of addresses.anchors) {
  createTcpServer((socket) => socket.destroy()).listen(addresses.anchorPort, host);
}

const names = createSocket("udp4");
names.on("message", (query, from) => {
  if (dnsAnswers) names.send(answerTo(query, addresses.service), from.port, from.address);
});
names.bind(53, addresses.resolver);

const lies = createSocket("udp4");
lies.on("message", (query, from) => lies.send(lieTo(query), from.port, from.address));
lies.bind(53, addresses.liar);

process.on("message", (order: WorldOrder) => {
  if (order.kind === "dns") {
    dnsAnswers = order.answers;
    tokens?.closeAllConnections();
    if (order.connections === "closed") service?.closeAllConnections();
  } else if (order.kind === "lie") {
    lie = order.lie;
    service?.closeAllConnections();
    tokens?.closeAllConnections();
  } else if (order.kind === "token") tokenAnswer = order.answer;
  else fault = order.fault;
  void serve().then(() => process.send?.("done"));
});
// A parent that was killed leaves nobody behind.
process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
await serve();
await serveTokens();
process.send?.("ready");

/** Tokens that end so soon that a client has to come back for the next one all the time. */
async function serveTokens(): Promise<void> {
  const pem = readFileSync(goodCertificate);
  const answers: Readonly<Record<TokenAnswer, readonly [number, object]>> = {
    token: [200, { access_token: "t", token_type: "Bearer", expires_in: 2 }],
    "503": [503, {}],
    invalid_client: [401, { error: "invalid_client" }],
  };
  const server = createServer({ cert: pem, key: pem }, (request, response) => {
    request.resume();
    const [status, body] = answers[tokenAnswer];
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  const port = Number(new URL(tokenUrl).port);
  await new Promise<void>((resolve) => server.listen(port, addresses.service, resolve));
  tokens = server;
}

/**
 * Brings the fault into force. Only a service that refuses goes away: one that closed its port to answer otherwise would
 * refuse in between, which is another fault than the one ordered.
 */
async function serve(): Promise<void> {
  const pem = readFileSync(fault === "expired" ? expiredCertificate : goodCertificate);
  const old = service;
  if (fault === "refuses") {
    service = null;
    old?.closeAllConnections();
    await new Promise<void>((resolve) => (old === null ? resolve() : old.close(() => resolve())));
    return;
  }
  if (old !== null) {
    old.setSecureContext({ cert: pem, key: pem });
    // Whoever holds a connection has seen another certificate, or waits for an answer that never comes.
    if (shown === "expired" || fault === "expired" || shown === "silent") old.closeAllConnections();
    shown = fault;
    return;
  }
  shown = fault;
  const next = createServer({ cert: pem, key: pem }, (_request, response) => {
    if (fault === "silent") return;
    const status = fault === "5xx" ? 503 : fault === "401" ? 401 : 200;
    response.writeHead(status, { Date: httpDateText(systemTime.wallMs()) }).end('{"status":"UP"}');
  });
  await new Promise<void>((resolve) => next.listen(443, addresses.service, resolve));
  service = next;
}

function lieTo(query: Buffer): Buffer {
  if (lie === "no such name") return refusalTo(query, "NXDOMAIN");
  if (lie === "token elsewhere") {
    return answerTo(query, nameIn(query) === tokenHost ? addresses.nobody : addresses.service);
  }
  return answerTo(query, lie === "elsewhere" ? addresses.nobody : lie);
}
