/** An echo or a broadcast over this library, by a handler class behind a router. */
import { type Message, WebSocketHandler, WebSocketRouter } from "../../mod.ts";
import { connectionOptions, serve, upgradeWebSocket } from "./gale_hosts.ts";
import { serverOptions } from "./serving.ts";

class Echo extends WebSocketHandler {
  override onMessage(message: Message): Promise<void> {
    return this.writeMessage(message);
  }

  /** The load generator drops its connections, which is no error here. */
  override onError(): void {}
}

class Broadcast extends Echo {
  static readonly #members = new Set<Broadcast>();

  override open(): void {
    Broadcast.#members.add(this);
  }

  /** As the peers do: one that is too far behind is given up, and nobody waits for the others. */
  override onMessage(message: Message): Promise<void> {
    for (const member of Broadcast.#members) void member.writeMessage(message);
    return Promise.resolve();
  }

  override onClose(): void {
    Broadcast.#members.delete(this);
  }
}

const router = new WebSocketRouter(
  [["/", serverOptions.broadcast ? Broadcast : Echo]],
  connectionOptions,
);

serve(async (request, host) => {
  const response = await router.handle(request, upgradeWebSocket, host);
  return response ?? new Response("This is a WebSocket", { status: 426 });
});
