/**
 * An echo and a chat on Cloudflare Workers: `npx wrangler dev --config examples/wrangler.jsonc`,
 * which listens on port 8787. Then connect to `/echo`, or to `/chat/:room?name=…`.
 *
 * A Worker may use a connection only while it serves the request that opened it, which is enough
 * for an echo. Members of a room send to each other: their connections live in one Durable Object.
 */

import { CloseCode, type Message, WebSocketHandler, WebSocketRouter } from "@gale/websocket";
import { upgradeWebSocket } from "@gale/websocket/cloudflare";

/** Bytes that may wait for a member who does not take them; above that the member has to go. */
const MAX_WAITING = 256 * 1024;

/**
 * Milliseconds without a message in either direction, after which a connection is closed: a Worker
 * cannot ping. What a room says counts too, so in a busy one a member who has vanished stays; the
 * docs/hosts.md says what to do where that matters.
 */
const IDLE_TIMEOUT = 600_000;

/** What the configuration binds. */
interface Environment {
  readonly ROOMS: {
    idFromName(name: string): unknown;
    get(id: unknown): { fetch(request: Request): Promise<Response> };
  };
}

class Echo extends WebSocketHandler {
  override onMessage(message: Message): Promise<void> {
    return this.writeMessage(message);
  }
}

/** One visitor of a room. */
class Member extends WebSocketHandler {
  readonly #members: Set<Member>;
  #name = "";

  /** The members are the third element of the route. */
  constructor(members: Set<Member>) {
    super();
    this.#members = members;
  }

  override open(): void {
    this.#name = new URL(this.request.url).searchParams.get("name") ?? "somebody";
    this.#members.add(this);
    this.#tell(`${this.#name} has joined`);
  }

  override onMessage(message: Message): void {
    // The client decides what it is: bytes would come out as "1,2,3".
    if (typeof message === "string") this.#tell(`${this.#name}: ${message}`);
    else void this.close(CloseCode.UnsupportedData, "Only text is understood here");
  }

  override onClose(): void {
    this.#members.delete(this);
    this.#tell(`${this.#name} has left`);
  }

  /** Tells everybody; whoever takes too little is closed by the router's `maxBufferedAmount`. */
  #tell(text: string): void {
    for (const member of this.#members) void member.writeMessage(text);
  }
}

/** A room, which is one Durable Object wherever its members are. */
export class Room {
  readonly #router = new WebSocketRouter([["/chat/:room", Member, new Set<Member>()]], {
    maxBufferedAmount: MAX_WAITING,
    idleTimeout: IDLE_TIMEOUT,
  });

  async fetch(request: Request): Promise<Response> {
    return await this.#router.handle(request, upgradeWebSocket) ?? notFound();
  }
}

const router = new WebSocketRouter([["/echo", Echo]], { idleTimeout: IDLE_TIMEOUT });

export default {
  async fetch(request: Request, { ROOMS }: Environment): Promise<Response> {
    const { pathname } = new URL(request.url);
    const [, chat, room] = pathname.split("/");
    if (chat === "chat" && room) return await ROOMS.get(ROOMS.idFromName(room)).fetch(request);
    return await router.handle(request, upgradeWebSocket) ?? notFound();
  },
};

function notFound(): Response {
  return new Response("Connect to /echo, or to /chat/:room?name=….\n", { status: 404 });
}
