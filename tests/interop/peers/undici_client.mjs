/**
 * Talks to the test's server through undici's `WebSocket` and `WebSocketStream`, and prints what it
 * saw as JSON.
 *
 * Usage: undici_client.mjs <url> [--compression]
 * Whether to compress is for the server to say: undici always offers it.
 */

import { channel } from "node:diagnostics_channel";
import { randomBytes } from "node:crypto";
import process from "node:process";
import { ping, WebSocket, WebSocketError, WebSocketStream } from "undici";

const [, , url] = process.argv;

function event(target, name) {
  return new Promise((resolve, reject) => {
    target.addEventListener(name, resolve, { once: true });
    if (name !== "close") target.addEventListener("error", reject, { once: true });
  });
}

async function connect() {
  const socket = new WebSocket(url, ["v1", "v2"]);
  socket.binaryType = "arraybuffer";
  await event(socket, "open");
  return socket;
}

async function answer(socket, message) {
  socket.send(message);
  const { data } = await event(socket, "message");
  return typeof data === "string" ? data : Buffer.from(data);
}

function same(a, b) {
  return typeof a === "string" ? a === b : Buffer.compare(a, b) === 0;
}

async function end(socket) {
  const { code, reason } = await event(socket, "close");
  return [code, reason];
}

async function closedByUs(...close) {
  const socket = await connect();
  socket.close(...close);
  return await end(socket);
}

async function closedByServer(message) {
  const socket = await connect();
  socket.send(message);
  return await end(socket);
}

/** undici does not tell the status of a refusal. */
async function isRefused(origin) {
  const socket = new WebSocket(url, { headers: { origin } });
  const opened = await Promise.race([
    event(socket, "close").then(() => false),
    event(socket, "open").then(() => true, () => false),
  ]);
  socket.close();
  return opened ? 101 : 403;
}

async function throughStream(message) {
  const stream = new WebSocketStream(url, { protocols: ["v2"] });
  const { readable, writable, protocol } = await stream.opened;
  const [reader, writer] = [readable.getReader(), writable.getWriter()];
  await writer.write(message);
  const { value } = await reader.read();
  await writer.write("!close");
  const rest = await reader.read().catch((error) => error);
  const { closeCode, reason } = await stream.closed.catch((error) => error);
  return [
    protocol,
    value === message,
    rest.done === true || rest instanceof WebSocketError,
    closeCode,
    reason,
  ];
}

const socket = await connect();
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
const pong = new Promise((resolve) => channel("undici:websocket:pong").subscribe(resolve));
ping(socket, Buffer.from("are you there?"));
facts.pong = [true, (await pong).payload.toString()];
facts.ping = await answer(socket, "!ping");
facts.fragments = await answer(socket, "!fragments");
socket.close(1000);
facts.close = await end(socket);
facts["close with reason"] = await closedByUs(4001, "bye");
facts["closed by server"] = await closedByServer("!close");
facts["too large"] = (await closedByServer("x".repeat(2 * 1024 * 1024 + 1)))[0];
facts.origins = [];
for (const origin of [url.replace("ws:", "http:"), "http://example.com", "null"]) {
  facts.origins.push(await isRefused(origin));
}
facts.stream = await throughStream("Grüße 🌊");
console.log(JSON.stringify(facts));
