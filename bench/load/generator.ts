/**
 * The load generator: a closed loop over raw TCP. It runs under Bun, whose socket callbacks take
 * 0.08 µs a message at 16 B 50×64 where reads and writes on Deno take 0.11.
 *
 * ```sh
 * npx -y bun@1.4.5 bench/load/generator.ts --port 8000 --pid 4711 --connections 50 --depth 64 --size 16
 * ```
 *
 * Prints one line of JSON, a {@linkcode LoadResult}. What is counted depends on `--mode`:
 *
 * - `echo`: messages echoed.
 * - `broadcast`: messages delivered. One connection sends one, and the next when all have it.
 * - `connect`: connections opened and closed by handshake.
 * - `idle`: nothing. The connections are opened, `{"open": n}` is printed, and they are held until
 *   the input ends.
 */
import { once } from "node:events";
import process from "node:process";
import { parseArgs } from "node:util";
import { makeMessages } from "../micro/messages.ts";
import type { Compression, MessageKind } from "../workloads.ts";
import { type Load, openConnection, openConnections } from "./connection.ts";
import { DeflatedReplies } from "./deflated_replies.ts";
import { encodeFrame, makePayload, ReplyCounter } from "./frames.ts";
import { deflateInTurns, repeat } from "./sequence.ts";
import { type LoadResult, measureWindow } from "./window.ts";

const { values } = parseArgs({
  options: {
    mode: { type: "string", default: "echo" },
    hostname: { type: "string", default: "127.0.0.1" },
    port: { type: "string" },
    pid: { type: "string" },
    connections: { type: "string", default: "1" },
    depth: { type: "string", default: "1" },
    size: { type: "string", default: "16" },
    kind: { type: "string", default: "binary" },
    compression: { type: "string" },
    warmup: { type: "string", default: "0.5" },
    seconds: { type: "string", default: "2" },
    bytes: { type: "boolean", default: false },
  },
});
const connections = Number(values.connections);
const size = Number(values.size);

/** A Close frame with code 1000 as a client sends it, and as a server answers it. */
const CLOSE = { sent: "888237fa213d3412", answered: "880203e8" };

let count = 0;
let bytes = 0;

/** What all modes have in common; some replace a part of it. */
const common: Omit<Load, "frames" | "countReplies"> = {
  hostname: values.hostname,
  port: Number(values.port),
  handshake: !values.bytes,
  extensions: "",
  depth: 0,
  onReplies(replies) {
    count += replies;
    return replies;
  },
  onBytes(received) {
    bytes += received;
  },
  onClose: () => fail(new Error("The server closed a connection")),
  onFailure: fail,
};

const modes: Readonly<Record<string, () => Promise<LoadResult | undefined>>> = {
  echo: runEcho,
  broadcast: runBroadcast,
  connect: runConnect,
  idle: runIdle,
};
const result = await modes[values.mode]!();
if (result !== undefined) console.log(JSON.stringify(result));
process.exit(0);

async function runEcho(): Promise<LoadResult> {
  const depth = Number(values.depth);
  await openConnections({ ...common, ...makeTraffic(depth), depth }, connections);
  return await measure();
}

async function runBroadcast(): Promise<LoadResult> {
  let delivered = 0;
  const onReplies = (replies: number) => {
    count += replies;
    delivered += replies;
    if (delivered === connections) {
      delivered = 0;
      sender!.send(1);
    }
    return 0;
  };
  const load: Load = { ...common, ...makeTraffic(1), onReplies };
  const [sender] = await openConnections(load, connections);
  sender!.send(1);
  return await measure();
}

async function runConnect(): Promise<LoadResult> {
  const frames = repeat({ bytes: Uint8Array.fromHex(CLOSE.sent), headerLength: 6 }, 1);
  const reply = { bytes: Uint8Array.fromHex(CLOSE.answered), headerLength: 2 };
  const closing = async () => {
    for (;;) {
      const { promise, resolve } = Promise.withResolvers<void>();
      // The server closes the TCP connection first (RFC 6455 7.1.1), after its Close frame.
      let answered = false;
      await openConnection({
        ...common,
        frames,
        countReplies: () => new ReplyCounter(reply),
        depth: 1,
        onReplies() {
          answered = true;
          return 0;
        },
        onClose() {
          if (!answered) fail(new Error("The server did not answer a Close frame"));
          count++;
          resolve();
        },
      });
      await promise;
    }
  };
  for (let i = 0; i < connections; i++) void closing();
  return await measure();
}

async function runIdle(): Promise<undefined> {
  await openConnections({ ...common, ...makeTraffic(1) }, connections);
  console.log(JSON.stringify({ open: connections }));
  await once(process.stdin.resume(), "end");
}

function makeTraffic(depth: number): Pick<Load, "frames" | "countReplies" | "extensions"> {
  if (values.compression !== undefined) {
    const compression = values.compression as Compression;
    const messages = makeMessages(size);
    const anew = compression === "anew";
    return {
      frames: deflateInTurns(messages, compression),
      countReplies: () => new DeflatedReplies(messages),
      extensions: "permessage-deflate" +
        (anew ? "; server_no_context_takeover; client_no_context_takeover" : ""),
    };
  }
  const kind = values.kind as MessageKind;
  const payload = makePayload(kind, size);
  const sent = encodeFrame(kind, payload, true);
  const reply = values.bytes ? sent : encodeFrame(kind, payload, false);
  return {
    frames: repeat(sent, depth),
    countReplies: () => new ReplyCounter(reply),
    extensions: "",
  };
}

function measure(): Promise<LoadResult> {
  return measureWindow({
    pid: Number(values.pid),
    warmup: Number(values.warmup),
    seconds: Number(values.seconds),
    counters: () => ({ count, bytes }),
  });
}

function fail(error: unknown): never {
  console.error(error);
  process.exit(1);
}
