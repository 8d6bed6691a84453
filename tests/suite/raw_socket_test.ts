import { assert, assertEquals, assertRejects } from "@std/assert";
import { createServer, type Server } from "node:net";
import { authority, server as certificate } from "../deps/tls/certificates.ts";
import { test } from "../harness.ts";
import { serveEcho } from "./gale.ts";
import { RawSocket, type Trust } from "./raw_socket.ts";

/** What a client says first; then the server ends. */
async function greeting(hostname: string, trust: Trust | undefined): Promise<string> {
  let first = "";
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (chunk: Uint8Array) => {
      first = new TextDecoder("latin1").decode(chunk);
      socket.destroy();
    });
  });
  const port = await listen(server);
  try {
    await assertRejects(() => RawSocket.dial({ hostname, port, trust }));
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
  return first;
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      resolve((server.address() as { readonly port: number }).port);
    });
  });
}

test("RawSocket tells a TLS server the name that it was dialled by, and no address", async () => {
  assert((await greeting("localhost", {})).includes("localhost"));
  assert(!(await greeting("127.0.0.1", {})).includes("127.0.0.1"));
});

test("RawSocket takes a certificate from a trusted authority, or any if told so", async () => {
  await using server = await serveEcho(certificate);
  const dial = async (hostname: string, trust: Trust): Promise<void> => {
    const socket = await RawSocket.dial({ hostname, port: server.port, trust });
    await socket.destroy();
  };
  for (const hostname of ["localhost", "127.0.0.1"]) {
    await dial(hostname, { ca: authority });
    await dial(hostname, { insecure: true });
    await assertRejects(() => dial(hostname, {}));
  }
});

test("RawSocket carries bytes by TLS, and tells how the server ended", async () => {
  await using server = await serveEcho(certificate);
  const trust = { ca: authority };
  const socket = await RawSocket.dial({ hostname: "localhost", port: server.port, trust });
  await socket.write(new TextEncoder().encode("GET / HTTP/1.1\r\nConnection: close\r\n\r\n"));
  let answer = "";
  const how = await new Promise((resolve) => {
    socket.listen((bytes) => answer += new TextDecoder().decode(bytes), resolve);
  });
  assertEquals([answer.split("\r\n")[0], how], ["HTTP/1.1 400 Bad Request", "cleanly"]);
  await socket.destroy();
});
