/**
 * A relay in front of another WebSocket server: `deno run -A examples/relay.ts --upstream
 * ws://localhost:8001`, or `bun run examples/relay.ts …`. Each client gets a connection of its own
 * to the upstream, and the subprotocol that the upstream selects. It ends, and closes its
 * connections with 1001, on ^C.
 *
 * Nothing of a client's request is passed on except the subprotocols, least of all cookies: the
 * upstream is dialled before it is known whether the client comes from a page that may connect.
 */

import {
  CloseCode,
  connectWebSocket,
  WebSocketClosedError,
  type WebSocketConnection,
  WebSocketHandshakeError,
} from "@gale/websocket";
import { readCommandLine } from "./command_line.ts";
import { exit, formatAddress, serveTcp, stopSignal, upgradeWebSocket } from "./host.ts";

const { options } = readCommandLine("relay.ts --upstream <url> [options]", {
  upstream: { type: "text", help: "the URL of the server that clients are relayed to" },
  port: { type: "number", help: "the port to listen on (8002), 0 for a free one" },
  hostname: { type: "text", help: "the address to listen on (127.0.0.1)" },
});
const upstreamUrl = URL.parse(options.upstream ?? "");
if (!["ws:", "wss:"].includes(upstreamUrl?.protocol ?? "")) {
  console.error("Give the URL of the upstream, ws: or wss:, by --upstream; --help tells more.");
  exit(2);
}

serveTcp({
  port: options.port ?? 8002,
  hostname: options.hostname ?? "127.0.0.1",
  signal: stopSignal(),
  onListen: (address) => console.log(`Relaying from ws://${formatAddress(address)}/`),
}, handle);

async function handle(request: Request): Promise<Response> {
  // Not worth dialling for: the answer is a refusal.
  if (!request.headers.has("upgrade")) return upgradeWebSocket(request).response;
  const upstream = await dial(request);
  if (upstream instanceof Response) return upstream;
  const { response, connection: client } = upgradeWebSocket(request, {
    selectSubprotocol: () => upstream.protocol || undefined,
  });
  if (client === undefined) {
    void upstream.close();
    return response;
  }
  void carry(client, upstream, () => upstream.abort());
  void carry(upstream, client, () => void client.close(CloseCode.BadGateway, "Upstream is lost"));
  return response;
}

/** Connects to the upstream for a client; returns the answer to the client if that is refused. */
async function dial(request: Request): Promise<WebSocketConnection | Response> {
  const offered = request.headers.get("sec-websocket-protocol") ?? "";
  try {
    return await connectWebSocket(upstreamUrl!, {
      subprotocols: offered.split(",").map((name) => name.trim()).filter((name) => name !== ""),
      // Aborted if the client goes before it is answered, but no longer after the upgrade.
      signal: request.signal,
    });
  } catch (error) {
    // What the client offers is not a list of tokens, or has one of them twice.
    if (error instanceof TypeError && offered !== "") {
      return new Response("The Sec-WebSocket-Protocol header is malformed.\n", { status: 400 });
    }
    // The client has gone.
    if (!(error instanceof WebSocketHandshakeError)) throw error;
    const { response } = error;
    // A refusal, such as 401 or 503, is for the client. A redirect is not: it would lead past the
    // relay.
    if (response !== undefined && response.status >= 400) return passOn(response);
    console.error(error.message);
    return new Response("The upstream cannot be reached.\n", { status: 502 });
  }
}

/** Carries all messages from one side to the other, and then its end. */
async function carry(
  from: WebSocketConnection,
  to: WebSocketConnection,
  onLost: () => void,
): Promise<void> {
  try {
    // The promise of `send` is awaited before the next message: while one side is slow, the other
    // is not read.
    await from.forEach((message) => to.send(message));
  } catch (error) {
    // One of the two has ended. If it is the other one, its own call carries that end here.
    if (!(error instanceof WebSocketClosedError)) {
      console.error(error);
      void from.close(CloseCode.InternalError);
    }
  }
  const { code, reason } = await from.closed;
  if (code === CloseCode.Abnormal) onLost();
  // 1005 stands for a Close without a code, and cannot be sent.
  else if (code === CloseCode.NoStatusReceived) void to.close();
  else void to.close(code, reason);
}

/** Fields of a refusal that are for the client. */
const PASSED_ON = ["content-type", "retry-after", "www-authenticate"];

/**
 * A refusal as it is passed on: only the beginning of a long body is kept, which cannot be decoded
 * then.
 */
function passOn({ status, statusText, headers, body }: Response): Response {
  const kept = PASSED_ON.flatMap((name): [string, string][] => {
    const value = headers.get(name);
    return value === null ? [] : [[name, value]];
  });
  const codings = [headers.get("content-encoding"), headers.get("transfer-encoding")];
  const isPlain = codings.every((coding) => coding === null || coding.toLowerCase() === "chunked");
  return new Response(isPlain ? body : null, { status, statusText, headers: kept });
}
