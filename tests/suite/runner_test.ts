import { assertEquals, assertThrows } from "@std/assert";
import { createServer, type Socket } from "node:net";
import { test } from "../harness.ts";
import { type SuiteCase, theme } from "./case.ts";
import { runAgainstClient } from "./client_runner.ts";
import { formatRequest, formatResponse } from "./handshake.ts";
import { casesFor, type RunOptions } from "./runner.ts";
import { runAgainstServer, toTarget } from "./server_runner.ts";
import { awaitFailure, echoes, fails, frame, hex, sized, text, whole } from "./steps.ts";
import { encodeFrame, type Frame, FrameReader, PING, PONG } from "./frames.ts";

const OPTIONS: RunOptions = { silence: 1_000, failFast: 100, concurrency: 4 };

const { cases } = theme("1", "Trial", [{
  section: "RFC 6455",
  cases: [
    { title: "echoes", script: () => echoes([whole(text("a"))], [text("a")]) },
    {
      title: "fails",
      script: () => fails([frame(3, "a"), awaitFailure, frame(3, "b")], 1002),
    },
    {
      title: "agrees",
      handshake: { kind: "agree", parameters: { serverMaxWindowBits: 10 } },
      script: () => echoes([], []),
    },
    {
      title: "declines",
      role: "server",
      handshake: { kind: "offer", header: "permessage-deflate; x", accepts: [] },
      script: () => echoes([], []),
    },
    {
      title: "refuses",
      role: "client",
      handshake: { kind: "respond", header: "x-unknown" },
      script: () => ({
        steps: [],
        expect: { messages: [], pongs: [], end: { kind: "refused" } },
      }),
    },
  ],
}]);

/** How a server answers the opening handshake, and each frame. */
interface Server {
  readonly respond?: (key: string) => Uint8Array | undefined;
  readonly onHandshake?: (socket: Socket) => void;
  readonly onFrame?: (frame: Frame, socket: Socket) => void;
}

/** Runs cases against a server that is played, and gives what they came to. */
async function runAgainst(
  played: Server,
  run: readonly SuiteCase[] = cases,
): Promise<Record<string, string>> {
  const { respond = (key) => formatResponse(key, undefined), onHandshake, onFrame } = played;
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.once("data", (head: Uint8Array) => {
      const key = /Sec-WebSocket-Key: (\S+)/.exec(new TextDecoder().decode(head))![1]!;
      const response = respond(key);
      if (response === undefined) socket.end();
      else socket.write(response);
      const reader = new FrameReader();
      socket.on("data", (chunk: Uint8Array) => {
        for (const frame of reader.push(new Uint8Array(chunk))) onFrame?.(frame, socket);
      });
      onHandshake?.(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { readonly port: number };
  const outcomes = await runAgainstServer(new URL(`ws://127.0.0.1:${port}/`), run, OPTIONS);
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
  return byTitle(outcomes, "server", run);
}

function byTitle(
  outcomes: Awaited<ReturnType<typeof runAgainstServer>>,
  role: "server" | "client",
  run: readonly SuiteCase[] = cases,
): Record<string, string> {
  const entry = ({ id, title }: SuiteCase) => [title, outcomes.get(id)!.behaviour];
  return Object.fromEntries(casesFor(role, run).map(entry));
}

test("runAgainstServer calls a server wrong that does not make the handshake", async () => {
  const all = (behaviour: string) => ({
    echoes: behaviour,
    fails: behaviour,
    agrees: behaviour,
    declines: behaviour,
  });
  assertEquals(await runAgainst({ respond: () => undefined }), all("wrong"));
  assertEquals(await runAgainst({ respond: () => formatResponse("x", undefined) }), all("wrong"));
  const unasked = (key: string) => formatResponse(key, "permessage-deflate");
  assertEquals(await runAgainst({ respond: unasked }), all("wrong"));
});

test("runAgainstServer calls a server hung that says nothing more", async () => {
  assertEquals(await runAgainst({}), {
    echoes: "hung",
    fails: "hung",
    agrees: "declined",
    declines: "hung",
  });
});

test("runAgainstServer calls a server wrong that goes on after a violation", async () => {
  const echo = ({ opcode, payload }: Frame, socket: Socket) => {
    if (opcode === 3) return;
    socket.write(encodeFrame({ opcode: opcode === PING ? PONG : opcode, payload }, "server"));
    if (opcode === 8) socket.end();
  };
  assertEquals(await runAgainst({ onFrame: echo }), {
    echoes: "strict",
    fails: "wrong",
    agrees: "declined",
    declines: "strict",
  });
});

test("runAgainstServer calls a server non-strict that drops the connection for a violation", async () => {
  const drop = (_: Frame, socket: Socket) => void socket.end();
  assertEquals(await runAgainst({ onFrame: drop }), {
    echoes: "wrong",
    fails: "non-strict",
    agrees: "declined",
    declines: "wrong",
  });
});

test("runAgainstServer calls a server hung that stops reading", async () => {
  const large = theme("2", "Trial", [{
    section: "RFC 6455",
    cases: [{
      title: "large",
      script: () => echoes([whole(sized("binary", 16 << 20))], [sized("binary", 16 << 20)]),
    }],
  }]);
  const outcomes = await runAgainst({ onHandshake: (socket) => socket.pause() }, large.cases);
  assertEquals(outcomes, { large: "hung" });
});

test("runAgainstServer calls a server wrong whose frames are", async () => {
  const masked = (_: Frame, socket: Socket) => {
    socket.write(encodeFrame({ opcode: 1, payload: hex("61"), wrongMask: true }, "server"));
  };
  assertEquals((await runAgainst({ onFrame: masked })).echoes, "wrong");
});

test("runAgainstServer calls a server wrong that is not there", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { readonly port: number };
  await new Promise((resolve) => server.close(resolve));
  const outcomes = await runAgainstServer(new URL(`ws://127.0.0.1:${port}/`), cases, OPTIONS);
  assertEquals(byTitle(outcomes, "server").echoes, "wrong");
});

test("toTarget takes ws:, wss:, http: and https:, with their ports", () => {
  const trust = { insecure: true };
  const targets: readonly (readonly [url: string, target: object])[] = [
    ["ws://example.com/", { hostname: "example.com", port: 80 }],
    ["http://example.com:8000/a?b", { hostname: "example.com", port: 8000 }],
    ["wss://example.com", { hostname: "example.com", port: 443, trust }],
    ["https://[::1]:8443/", { hostname: "::1", port: 8443, trust }],
  ];
  for (const [url, target] of targets) assertEquals(toTarget(new URL(url), trust), target);
  const refused = [
    "ftp://example.com/",
    "file:///tmp",
    "ws://example.com/#a",
    "wss://me@localhost/",
  ];
  for (const url of refused) assertThrows(() => toTarget(new URL(url)), TypeError, "the URL must");
});

test("formatRequest asks for path and query, of a host with its port", () => {
  const lines = (url: string) =>
    new TextDecoder().decode(formatRequest(new URL(url), "key", undefined)).split("\r\n");
  assertEquals(lines("wss://example.com:8443/a%20b/c?d=e&f").slice(0, 2), [
    "GET /a%20b/c?d=e&f HTTP/1.1",
    "Host: example.com:8443",
  ]);
  assertEquals(lines("wss://example.com:443").slice(0, 2), [
    "GET / HTTP/1.1",
    "Host: example.com",
  ]);
});

test("runAgainstClient calls a client wrong that does not connect, and hung that stays", async () => {
  const none = await runAgainstClient(() => Promise.reject(new Error("no")), cases, OPTIONS);
  assertEquals(byTitle(none, "client"), {
    echoes: "wrong",
    fails: "wrong",
    agrees: "wrong",
    refuses: "wrong",
  });
  const silent = await runAgainstClient(
    (url) => {
      const socket = new WebSocket(url);
      return new Promise((resolve) => socket.onclose = () => resolve());
    },
    [cases[0]!],
    OPTIONS,
  );
  assertEquals([...silent.values()].map(({ behaviour }) => behaviour), ["hung"]);
});
