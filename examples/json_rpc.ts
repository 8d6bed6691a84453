/**
 * JSON-RPC 2.0 over WebSocket, in both directions: `deno run -A examples/json_rpc.ts`, or
 * `bun run examples/json_rpc.ts`. Call it with `examples/client.ts ws://localhost:8003`:
 *
 * - `{"jsonrpc": "2.0", "id": 1, "method": "add", "params": [1, 2]}`
 * - `{"jsonrpc": "2.0", "id": 2, "method": "greet"}`, which asks you for your `name` before it
 *   answers: reply with `{"jsonrpc": "2.0", "id": 1, "result": "Ada"}`
 *
 * The specification is at https://www.jsonrpc.org/specification.
 */

import {
  CloseCode,
  type CloseInfo,
  type Message,
  WebSocketClosedError,
  WebSocketHandler,
  WebSocketRouter,
} from "@gale/websocket";
import { readCommandLine } from "./command_line.ts";
import { formatAddress, serveTcp, stopSignal, upgradeWebSocket } from "./host.ts";

/** Bytes of a message, and calls in a batch. */
const MAX_MESSAGE = 64 * 1024;
const MAX_BATCH = 100;
/** Calls of ours that one client may leave without a reply. */
const MAX_PENDING = 100;

type Json = null | boolean | number | string | Json[] | JsonObject;
type JsonObject = { [name: string]: Json };

/** By position or by name. */
type Params = Json[] | JsonObject | undefined;

/** What can be called. What it throws is the reply: an {@linkcode RpcError} as it is. */
type Method = (params: Params) => Json | Promise<Json>;

type Id = string | number | null;

type Reply =
  | { jsonrpc: "2.0"; id: Id; result: Json }
  | { jsonrpc: "2.0"; id: Id; error: { code: number; message: string } };

/**
 * Codes of the specification (section 5.1); those from -32000 down to -32099 are a server's own.
 */
const ErrorCode = {
  ParseError: -32700,
  InvalidRequest: -32600,
  MethodNotFound: -32601,
  InvalidParams: -32602,
  InternalError: -32603,
  Busy: -32000,
} as const;

/** What a caller is to be told. */
class RpcError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** The peer has answered a call of ours with an error, in place of a result. */
class RemoteError extends Error {
  /** The error as it came. */
  readonly error: Json;

  constructor(error: Json) {
    super("The peer answered with an error");
    this.error = error;
  }
}

/** A peer that calls our methods, and whose methods we call. */
abstract class JsonRpcHandler extends WebSocketHandler {
  /** What the peer may call. */
  abstract readonly methods: ReadonlyMap<string, Method>;
  /** Our calls that wait for their reply, by their ids. */
  readonly #pending = new Map<Json | undefined, PromiseWithResolvers<Json>>();
  #lastId = 0;
  /** Lets the next message come. */
  #proceed = () => {};

  /**
   * Calls a method of the peer's. Rejects with a {@linkcode RemoteError} if it answers with an
   * error, and with a WebSocketClosedError if the connection ends first.
   *
   * Do not await it in `open`: no message comes before `open` is done.
   */
  async call(method: string, params?: Params): Promise<Json> {
    if (this.#pending.size >= MAX_PENDING) {
      throw new RpcError(ErrorCode.Busy, "Too many calls wait for your reply");
    }
    const id = ++this.#lastId;
    const reply = Promise.withResolvers<Json>();
    this.#pending.set(id, reply);
    try {
      const sent = this.writeMessage({ jsonrpc: "2.0", id, method, params });
      this.#proceed();
      const [result] = await Promise.all([reply.promise, sent]);
      return result;
    } finally {
      this.#pending.delete(id);
    }
  }

  /** Tells the peer something that has no reply. */
  notify(method: string, params?: Params): Promise<void> {
    return this.writeMessage({ jsonrpc: "2.0", method, params });
  }

  /**
   * The promise returned here holds the next message back, so that nothing is read from a client
   * that calls faster than it is served. It must not wait for a method that itself waits for a
   * message of the same client, which could never come. So it resolves when the method is done, or
   * as soon as a method calls the client.
   */
  override onMessage(message: Message): Promise<void> | void {
    if (typeof message !== "string") {
      void this.close(CloseCode.UnsupportedData, "Only text is understood here");
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#proceed = resolve;
    void this.#serve(message).then(resolve);
    return promise;
  }

  /** Ends the calls that wait; to be called by an `onClose` that overrides this one. */
  override onClose(info: CloseInfo): void {
    const error = new WebSocketClosedError("Cannot receive reply: connection is closed", info);
    for (const { reject } of this.#pending.values()) reject(error);
  }

  /** Never rejects: nobody else would hear of it, once the next message has been let in. */
  async #serve(text: string): Promise<void> {
    try {
      const reply = await this.#answer(text);
      if (reply !== undefined) await this.writeMessage(reply);
    } catch (error) {
      // Nobody is there to be answered any more.
      if (error instanceof WebSocketClosedError) return;
      // A result that is not JSON. The caller would wait forever.
      void this.close(CloseCode.InternalError);
      void this.#report(error);
    }
  }

  /** Gives the reply to a message, or to the calls of a batch; none if nothing asks for one. */
  async #answer(text: string): Promise<Reply | Reply[] | undefined> {
    let message: Json;
    try {
      message = JSON.parse(text);
    } catch {
      return failure(null, ErrorCode.ParseError, "Parse error");
    }
    if (!Array.isArray(message)) return await this.#answerOne(message);
    if (message.length === 0 || message.length > MAX_BATCH) return invalidRequest(null);
    const replies = await Promise.all(message.map((each) => this.#answerOne(each)));
    const given = replies.filter((reply) => reply !== undefined);
    return given.length === 0 ? undefined : given;
  }

  async #answerOne(message: Json): Promise<Reply | undefined> {
    if (!isObject(message)) return invalidRequest(null);
    const { jsonrpc, id, method, params } = message;
    if (method === undefined && ("result" in message || "error" in message)) {
      return this.#settle(message);
    }
    // A notification has none at all.
    if (id !== undefined && !isId(id)) return invalidRequest(null);
    if (jsonrpc !== "2.0" || typeof method !== "string" || !isParams(params)) {
      return invalidRequest(id ?? null);
    }
    try {
      const called = this.methods.get(method);
      if (called === undefined) throw new RpcError(ErrorCode.MethodNotFound, "Method not found");
      const result = await called(params);
      return id === undefined ? undefined : { jsonrpc: "2.0", id, result };
    } catch (error) {
      const told = error instanceof RpcError
        ? error
        : new RpcError(ErrorCode.InternalError, "Internal error");
      if (told !== error) void this.#report(error);
      return id === undefined ? undefined : failure(id, told.code, told.message);
    }
  }

  /** A reply has come. One that nobody waits for is dropped: answering it could go on forever. */
  #settle({ id, result, error }: JsonObject): undefined {
    const pending = this.#pending.get(id);
    if (error === undefined) pending?.resolve(result!);
    else pending?.reject(new RemoteError(error));
  }

  /** Tells `onError`, as the base class does for what it awaits itself. Never rejects. */
  async #report(error: unknown): Promise<void> {
    // It is no error that the client has gone, and whatever waited for it must fail.
    if (error instanceof WebSocketClosedError && this.closeCode !== undefined) return;
    try {
      await this.onError(error);
    } catch (another) {
      console.error(another);
    }
  }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isId(value: Json | undefined): value is Id {
  return value === null || typeof value === "string" || typeof value === "number";
}

function isParams(value: Json | undefined): value is Params {
  return value === undefined || Array.isArray(value) || isObject(value);
}

function failure(id: Id, code: number, message: string): Reply {
  return { jsonrpc: "2.0", id, error: { code, message } };
}

function invalidRequest(id: Id): Reply {
  return failure(id, ErrorCode.InvalidRequest, "Invalid Request");
}

/** What this server offers. */
class Greeter extends JsonRpcHandler {
  override readonly methods: ReadonlyMap<string, Method> = new Map<string, Method>([
    ["add", (params) => {
      const [a, b] = Array.isArray(params) ? params : [params?.["a"], params?.["b"]];
      if (typeof a !== "number" || typeof b !== "number") {
        throw new RpcError(ErrorCode.InvalidParams, "Invalid params: two numbers are wanted");
      }
      return a + b;
    }],
    ["greet", () => this.#greet()],
  ]);

  override open(): Promise<void> {
    return this.notify("welcome", { methods: [...this.methods.keys()] });
  }

  async #greet(): Promise<Json> {
    try {
      return `Hello, ${await this.call("name")}`;
    } catch (error) {
      if (error instanceof WebSocketClosedError) {
        console.log(`A client left with ${error.code} before it told its name`);
      }
      throw error;
    }
  }
}

const { options } = readCommandLine("json_rpc.ts [options]", {
  port: { type: "number", help: "the port to listen on (8003), 0 for a free one" },
  hostname: { type: "text", help: "the address to listen on (127.0.0.1)" },
});

const router = new WebSocketRouter([["/", Greeter]], { maxMessageSize: MAX_MESSAGE });

serveTcp({
  port: options.port ?? 8003,
  hostname: options.hostname ?? "127.0.0.1",
  signal: stopSignal(),
  onListen: (address) => console.log(`Listening on ws://${formatAddress(address)}/`),
}, async (request) => {
  const response = await router.handle(request, upgradeWebSocket);
  return response ?? new Response("Connect to /.\n", { status: 404 });
});
