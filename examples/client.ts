/**
 * A client for the command line: `deno run -A examples/client.ts ws://localhost:8001`, or
 * `bun run examples/client.ts …`. Sends each line it is given, prints what arrives, and closes the
 * connection on ^D.
 */

import { connectWebSocket, type WebSocketConnection } from "@gale/websocket";
import { readCommandLine } from "./command_line.ts";
import { exit, readLines, stopSignal } from "./host.ts";
import { formatClose, formatMessage, say } from "./terminal.ts";

const { options, operands } = readCommandLine("client.ts [options] <url>", {
  subprotocol: { type: "list", help: "a subprotocol to offer; may be repeated" },
  header: { type: "list", help: '"name: value" to send with the request; may be repeated' },
  compression: { type: "flag", help: "offer compression" },
  ping: { type: "number", help: "milliseconds between pings, whose round trips are printed" },
});
const [url] = operands;
if (url === undefined || operands.length > 1) fail("Give one URL; --help tells more.");

const connection = await connect(url).catch((error) => fail((error as Error).message));
say(`Connected to ${connection.url}${describeAgreement(connection)}`);
stopSignal().addEventListener("abort", () => void connection.close());

void sendLines(connection);
if (options.ping !== undefined && options.ping > 0) {
  const timer = setInterval(() => void ping(connection), options.ping);
  void connection.closed.then(() => clearInterval(timer));
}
for (let message = await connection.receive(); message !== null;) {
  console.log(formatMessage(message));
  message = await connection.receive();
}
const end = await connection.closed;
say(formatClose(end));
exit(end.wasClean ? 0 : 1);

function connect(url: string): Promise<WebSocketConnection> {
  return connectWebSocket(url, {
    subprotocols: options.subprotocol,
    headers: options.header.map((line): [string, string] => {
      const [name = "", ...value] = line.split(":");
      return [name, value.join(":").trim()];
    }),
    compression: options.compression,
  });
}

async function sendLines(connection: WebSocketConnection): Promise<void> {
  for await (const line of readLines()) {
    try {
      await connection.send(line);
    } catch {
      return; // Closed: the program is about to end, and to say so.
    }
  }
  await connection.close();
}

async function ping(connection: WebSocketConnection): Promise<void> {
  try {
    const roundTrip = await connection.ping();
    say(`Round trip: ${roundTrip.toFixed(1)} ms`);
  } catch {
    // Closed, as above.
  }
}

function describeAgreement({ protocol, extensions }: WebSocketConnection): string {
  const agreed = [protocol, extensions].filter((text) => text !== "");
  return agreed.length === 0 ? "" : `, ${agreed.join(", ")}`;
}

function fail(text: string): never {
  say(text);
  exit(2);
}
