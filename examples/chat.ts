/**
 * A chat with rooms, page included: `deno task start`, `deno run --allow-net examples/chat.ts`, or
 * `bun run examples/chat.ts`. Then open the address in two windows.
 *
 * The page connects to `/chat/:room?name=…`. It sends what is said as text, and is sent the events
 * below as JSON.
 */

import { CloseCode, type Message, WebSocketHandler, WebSocketRouter } from "@gale/websocket";
import page from "./chat.html" with { type: "text" };
import { readCommandLine } from "./command_line.ts";
import { exit, formatAddress, serveTcp, stopSignal, upgradeWebSocket } from "./host.ts";

const DEFAULT_PORT = 8000;
/** Characters of a name, of a room's name, and of what is said at once. */
const MAX_NAME = 24;
const MAX_ROOM = 32;
const MAX_TEXT = 500;
/** Events that a room remembers for who comes later. */
const MAX_HISTORY = 50;
/** Bytes that may wait for a member who does not take them; then it has to go. */
const MAX_WAITING = 256 * 1024;

/** What the page is told. Times are milliseconds since 1970. */
type ChatEvent =
  | {
    readonly type: "welcome";
    readonly name: string;
    readonly members: readonly string[];
    readonly history: readonly ChatEvent[];
  }
  | { readonly type: "joined" | "left"; readonly name: string; readonly time: number }
  | {
    readonly type: "said";
    readonly name: string;
    readonly text: string;
    readonly time: number;
  };

/** Those who are in a room, and what happened there. */
class Room {
  readonly #members = new Map<string, ChatHandler>();
  readonly #history: ChatEvent[] = [];

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  /** Lets somebody in. Gives the name, which is one that nobody else has there. */
  join(member: ChatHandler, wanted: string): string {
    let name = wanted;
    for (let i = 2; this.#members.has(name); i++) name = `${wanted} ${i}`;
    const members = [...this.#members.keys()];
    member.notify(encode({ type: "welcome", name, members, history: this.#history }));
    this.#members.set(name, member);
    this.tell({ type: "joined", name, time: Date.now() });
    return name;
  }

  leave(name: string): void {
    this.#members.delete(name);
    this.tell({ type: "left", name, time: Date.now() });
  }

  /** Tells everybody, and remembers it. */
  tell(event: ChatEvent): void {
    this.#history.push(event);
    if (this.#history.length > MAX_HISTORY) this.#history.shift();
    // Once for all of them, where an object given to each would be made JSON of for each.
    const text = encode(event);
    for (const member of this.#members.values()) member.notify(text);
  }
}

function encode(event: ChatEvent): string {
  return JSON.stringify(event);
}

/** One visitor's connection. */
class ChatHandler extends WebSocketHandler {
  readonly #rooms: Map<string, Room>;
  #roomName = "";
  #room: Room | undefined;
  #name = "";

  /** The rooms are the third element of the route. */
  constructor(rooms: Map<string, Room>) {
    super();
    this.#rooms = rooms;
  }

  /** Refuses who has no name before there is a connection. */
  override prepare(): Response | void {
    const name = new URL(this.request.url).searchParams.get("name")?.trim() ?? "";
    if (name === "" || name.length > MAX_NAME || /\p{Cc}/u.test(name)) {
      return new Response(`A name of 1 to ${MAX_NAME} characters is needed.\n`, { status: 400 });
    }
    this.#name = name;
  }

  override open(roomName: string): void {
    if (roomName.length > MAX_ROOM) {
      void this.close(CloseCode.PolicyViolation, "The name of the room is too long");
      return;
    }
    const room = this.#rooms.get(roomName) ?? new Room();
    this.#rooms.set(roomName, room);
    this.#roomName = roomName;
    this.#room = room;
    this.#name = room.join(this, this.#name);
  }

  override onMessage(message: Message): void {
    if (typeof message !== "string") {
      void this.close(CloseCode.UnsupportedData, "Only text is understood here");
      return;
    }
    const text = message.trim().slice(0, MAX_TEXT);
    if (text === "") return;
    this.#room?.tell({ type: "said", name: this.#name, text, time: Date.now() });
  }

  override onClose(): void {
    const room = this.#room;
    if (room === undefined) return;
    room.leave(this.#name);
    if (room.isEmpty) this.#rooms.delete(this.#roomName);
  }

  /** Sends an event without waiting, since one slow member must not hold up the others. */
  notify(event: string): void {
    void this.writeMessage(event);
  }
}

const router = new WebSocketRouter([
  ["/chat/:room", ChatHandler, new Map<string, Room>()],
], {
  compression: true,
  // In bytes, of which a character has up to three.
  maxMessageSize: 3 * MAX_TEXT,
  maxBufferedAmount: MAX_WAITING,
});

/** The page may load nothing from elsewhere, and nobody may put it into a frame. */
const pageHeaders = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; " +
    "script-src 'unsafe-inline'; img-src data:; connect-src 'self'; frame-ancestors 'none'",
};

async function handle(request: Request): Promise<Response> {
  const response = await router.handle(request, upgradeWebSocket);
  if (response !== undefined) return response;
  if (new URL(request.url).pathname === "/") return new Response(page, { headers: pageHeaders });
  return new Response("Not found\n", { status: 404 });
}

const { options } = readCommandLine("chat.ts [options]", {
  port: { type: "number", help: `the port to listen on (${DEFAULT_PORT}), 0 for a free one` },
  hostname: { type: "text", help: "the address to listen on (127.0.0.1)" },
});

const signal = stopSignal();

function listen(port: number): void {
  serveTcp({
    port,
    hostname: options.hostname ?? "127.0.0.1",
    maxConnections: 1000,
    signal,
    onListen: (address) => console.log(`The chat is at http://${formatAddress(address)}/`),
  }, handle);
}

const port = options.port ?? DEFAULT_PORT;
try {
  listen(port);
} catch (error) {
  if ((error as { readonly code?: string }).code !== "EADDRINUSE") throw error;
  if (options.port !== undefined) {
    console.error(`Port ${port} is taken: choose another one with --port, or 0 for a free one.`);
    exit(1);
  }
  console.error(`Port ${port} is taken; here is one that is free.`);
  listen(0);
}
