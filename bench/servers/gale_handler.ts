/** An echo over this library's own TCP server, by a handler class behind a router. */
import { type Message, WebSocketHandler, WebSocketRouter } from "../../mod.ts";
import { serve, upgradeWebSocket } from "./gale_tcp.ts";

class Echo extends WebSocketHandler {
  override onMessage(message: Message): Promise<void> {
    return this.writeMessage(message);
  }

  /** The load generator drops its connections, which is no error here. */
  override onError(): void {}
}

const router = new WebSocketRouter([["/", Echo]]);

serve(async (request) => {
  const response = await router.handle(request, upgradeWebSocket);
  return response ?? new Response("This is a WebSocket", { status: 426 });
});
