/**
 * Talks to the test's server through `ws`, and prints what it saw as JSON.
 *
 * Usage: ws_client.mjs <url> [--compression | --offers <JSON>]
 * With offers, it makes each of them in a connection of its own and tells only what became of that.
 */

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import process from "node:process";
import { WebSocket } from "ws";

const [, , url, mode, offers] = process.argv;

async function connect(url, options = {}) {
  const socket = new WebSocket(url, ["v1", "v2"], { perMessageDeflate: false, ...options });
  await once(socket, "open");
  return socket;
}

async function answer(socket, message) {
  socket.send(message);
  return await received(socket);
}

async function received(socket) {
  const [data, isBinary] = await once(socket, "message");
  return isBinary ? data : data.toString();
}

function same(a, b) {
  return typeof a === "string" ? a === b : Buffer.compare(a, b) === 0;
}

async function end(socket) {
  const [code, reason] = await once(socket, "close");
  return [code, reason.toString()];
}

async function closedByUs(...close) {
  const socket = await connect(url);
  socket.close(...close);
  return await end(socket);
}

async function closedByServer(message) {
  const socket = await connect(url);
  socket.on("error", () => {}); // what is still being written when the server closes
  socket.send(message);
  return await end(socket);
}

async function statusOf(origin) {
  const socket = new WebSocket(url, { origin });
  const status = await new Promise((resolve) => {
    socket.on("open", () => resolve(101));
    socket.on("unexpected-response", (_request, response) => resolve(response.statusCode));
    socket.on("error", () => {});
  });
  socket.terminate();
  return status;
}

async function lookAround() {
  const socket = await connect(url, { perMessageDeflate: mode === "--compression" });
  const facts = { protocol: socket.protocol, echoes: {} };
  const messages = {
    "empty": "",
    "text": "Grüße 🌊",
    "binary": Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
    "large text": "wave after wave, ".repeat(60_000),
    "large binary": randomBytes(1 << 20),
  };
  for (const [name, message] of Object.entries(messages)) {
    facts.echoes[name] = same(message, await answer(socket, message));
  }
  socket.send("one ", { fin: false });
  socket.ping("between");
  socket.send("two ", { fin: false });
  facts.echoes["text in fragments"] = await answer(socket, "Grüße") === "one two Grüße";
  socket.ping("are you there?");
  facts.pong = [true, (await once(socket, "pong"))[0].toString()];
  facts.ping = await answer(socket, "!ping");
  facts.fragments = await answer(socket, "!fragments");
  socket.close(1000);
  facts.close = await end(socket);
  facts["close with reason"] = await closedByUs(4001, "bye");
  facts["closed by server"] = await closedByServer("!close");
  facts["too large"] = (await closedByServer("x".repeat(2 * 1024 * 1024 + 1)))[0];
  facts.origins = [];
  for (const origin of [url.replace("ws:", "http:"), "http://example.com", "null"]) {
    facts.origins.push(await statusOf(origin));
  }
  return facts;
}

async function tryOffers() {
  const results = [];
  for (const [index, perMessageDeflate] of JSON.parse(offers).entries()) {
    const socket = await connect(`${url}/${index}`, {
      perMessageDeflate: { threshold: 0, ...perMessageDeflate },
    });
    const messages = [0, 1, 2, 3].map((n) => `wave ${n} after wave, `.repeat(5_000));
    const result = [];
    for (const message of messages) result.push(same(message, await answer(socket, message)));
    results.push(result);
    socket.close(1000);
    await end(socket);
  }
  return results;
}

console.log(JSON.stringify(mode === "--offers" ? await tryOffers() : await lookAround()));
