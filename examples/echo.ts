/**
 * An echo server: `deno run -A examples/echo.ts`, or `bun run examples/echo.ts`. It ends, and
 * closes its connections with 1001, on ^C.
 */

import { CloseCode, WebSocketClosedError, type WebSocketConnection } from "@gale/websocket";
import { readCommandLine } from "./command_line.ts";
import { formatAddress, readTextFile, serveTcp, stopSignal, upgradeWebSocket } from "./host.ts";

const { options } = readCommandLine("echo.ts [options]", {
  "port": { type: "number", help: "the port to listen on (8001), 0 for a free one" },
  "hostname": { type: "text", help: "the address to listen on (127.0.0.1)" },
  "compression": { type: "flag", help: "compress where the client can" },
  "max-message-size": { type: "number", help: "the largest message in bytes (10 MiB)" },
  "tls-cert": { type: "text", help: "a file with the certificate chain, in PEM: serves wss" },
  "tls-key": { type: "text", help: "a file with its private key, in PEM" },
});

const upgradeOptions = {
  compression: options.compression,
  maxMessageSize: options["max-message-size"],
};

serveTcp({
  port: options.port ?? 8001,
  hostname: options.hostname ?? "127.0.0.1",
  cert: await readIfGiven(options["tls-cert"]),
  key: await readIfGiven(options["tls-key"]),
  signal: stopSignal(),
  onListen: (address) => {
    const scheme = options["tls-cert"] === undefined ? "ws" : "wss";
    console.log(`Listening on ${scheme}://${formatAddress(address)}/`);
  },
}, (request) => {
  const { response, connection } = upgradeWebSocket(request, upgradeOptions);
  if (connection !== undefined) void echo(connection);
  return response; // the upgrade, or a refusal that says why
});

async function readIfGiven(path: string | undefined): Promise<string | undefined> {
  return path === undefined ? undefined : await readTextFile(path);
}

async function echo(connection: WebSocketConnection): Promise<void> {
  try {
    for await (const message of connection) await connection.send(message);
  } catch (error) {
    if (error instanceof WebSocketClosedError) return; // The client has gone without a goodbye.
    // As a handler does: nobody awaits this function, and the connection would stay open.
    console.error(error);
    void connection.close(CloseCode.InternalError);
  }
}
