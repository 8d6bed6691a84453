/**
 * One HTTP/1.1 request and its response over a byte transport, which ends as a WebSocket or closes:
 * there is no second request on a connection, so nothing of a body can be taken for one.
 */

import { Timeout } from "../connection/alarms.ts";
import type { WebSocketConnection } from "../connection/connection.ts";
import type { ByteTransport, TransportSink } from "../connection/transport.ts";
import { type HeadLimits, RequestHeadReader } from "../handshake/http1.ts";
import { EarlyBytes } from "../http/early_bytes.ts";
import type { Clock, RemoteAddress } from "../types.ts";
import { RETURN_TIMEOUT, returnTimeoutError } from "./agreed_upgrade.ts";
import { type IncomingRequest, interpretHead } from "./incoming_request.ts";
import { type RawUpgrade, registerRequest } from "./raw_upgrade.ts";
import { RequestBody } from "./request_body.ts";
import { writeResponse } from "./response_writer.ts";
import type { ServerRefusal } from "./serve_options.ts";
import { retireRequest } from "./upgrade_registry.ts";

/** Who sent a request. */
export interface PeerInfo {
  /** The address of the peer, where the host knows it. */
  readonly remoteAddress: RemoteAddress | undefined;
  /** Whether TLS protects the connection. */
  readonly secure: boolean;
}

/**
 * The application's function: a request in, a response out. The request's `signal` is aborted when
 * the client ends its direction, which goes unnoticed while a body waits that nobody reads. The
 * body of GET and HEAD is not read; methods other than DELETE, GET, HEAD, OPTIONS, PATCH, POST and
 * PUT are answered with 501 without asking the function, and so is `OPTIONS *`.
 */
export type RequestHandler = (request: Request, peer: PeerInfo) => Response | Promise<Response>;

/** How an exchange ended. */
export interface ExchangeEnd {
  /** The connection, where the response was a 101. */
  readonly connection?: WebSocketConnection;
  /** What the server itself answered instead of the application. */
  readonly refusal?: Response;
  /** What cut it short: a timeout, a lost transport. */
  readonly error?: unknown;
}

/** What an exchange needs to know. Times are milliseconds. */
export interface ExchangeOptions {
  /** Whether TLS carries the transport. */
  readonly secure: boolean;
  /** The limits on the head of the request. */
  readonly headLimits: HeadLimits;
  /** How long the head may take; 0 for no limit. */
  readonly handshakeTimeout: number;
  /**
   * How long the peer may stand still while it is waited for, neither sending its body nor taking
   * the response; 0 for no limit.
   */
  readonly stallTimeout: number;
  /** The source of time. */
  readonly clock: Clock;
  /** Told what the application threw or did wrong. Must not throw. */
  onError(error: unknown): void;
  /** Told what is answered without the application. Must not throw. */
  onRefuse(refusal: ServerRefusal): void;
  /** Told once that the exchange is over. Must not throw. */
  onEnd(end: ExchangeEnd): void;
}

const CONTINUE = new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n");

/**
 * What the peer may still send once it has been answered, so that the answer is not lost to a
 * reset.
 */
const LINGER_SIZE = 65_536;
const LINGER_TIMEOUT = 1_000;

/** `readyState` of a connection that has ended. */
const CLOSED = 3;

/**
 * Where an exchange stands.
 *
 * | phase     | bytes received are   | left when                             |
 * | --------- | -------------------- | ------------------------------------- |
 * | Head      | the head             | it is complete, or refused            |
 * | Handling  | the body, then early | the response is written               |
 * | Lingering | dropped              | the peer ends, or has had its time    |
 * | Over      | somebody else's      |                                       |
 */
const Phase = { Head: 0, Handling: 1, Lingering: 2, Over: 3 } as const;
type Phase = typeof Phase[keyof typeof Phase];

/** A write that the transport has not taken yet. */
type PendingWrite = PromiseWithResolvers<void>;

/** Drives one exchange. It owns the transport until it ends. */
export class HttpExchange implements TransportSink {
  readonly #transport: ByteTransport;
  readonly #handler: RequestHandler;
  readonly #options: ExchangeOptions;
  readonly #reader: RequestHeadReader;
  readonly #early = new EarlyBytes();
  /** Aborted once the peer sends no more: whoever works for it may stop. */
  readonly #peerEnded = new AbortController();
  /** Aborted once the peer cannot be answered any more. */
  readonly #lost = new AbortController();
  #phase: Phase = Phase.Head;
  #timeout: Timeout | undefined;
  #body: RequestBody | undefined;
  #continuePending = false;
  #upgrade: RawUpgrade | undefined;
  /** Why the upgrade was given up before its response came. */
  #expiry: Error | undefined;
  #responseStarted = false;
  #pendingWrite: PendingWrite | undefined;
  #refusal: Response | undefined;
  #lingered = 0;

  /** Creates an exchange; {@linkcode start} begins it. */
  constructor(transport: ByteTransport, handler: RequestHandler, options: ExchangeOptions) {
    this.#transport = transport;
    this.#handler = handler;
    this.#options = options;
    this.#reader = new RequestHeadReader(options.headLimits);
  }

  /**
   * Whether the application has no part in it: the head is awaited, or was refused and the peer has
   * not taken the answer.
   */
  get isUnasked(): boolean {
    return this.#phase === Phase.Head ||
      this.#refusal !== undefined && this.#pendingWrite !== undefined;
  }

  /** Begins to read. */
  start(): void {
    this.#setTimeout(this.#options.handshakeTimeout, () => {
      this.#refuse(408, "The head of the request took too long");
    });
    this.#transport.attach(this);
  }

  /** Ends the exchange at once, whatever it is doing. */
  abort(error: unknown): void {
    if (this.#phase === Phase.Over) return;
    this.#transport.close();
    this.lost(error);
  }

  /** Bytes from the transport. */
  receive(chunk: Uint8Array): void {
    switch (this.#phase) {
      case Phase.Head:
        return this.#receiveHead(chunk);
      case Phase.Handling:
        return this.#receiveBody(chunk);
      case Phase.Lingering:
        this.#lingered += chunk.length;
        if (this.#lingered > LINGER_SIZE) this.#close();
    }
  }

  /** The peer ended its direction: it may still read the response. */
  receiveEof(): void {
    const error = new Error("The client ended the connection");
    switch (this.#phase) {
      case Phase.Head:
        this.#transport.close();
        return this.#end({ error });
      case Phase.Handling:
        this.#peerEnded.abort(error);
        return this.#body?.receiveEof();
      case Phase.Lingering:
        return this.#finish();
    }
  }

  /** The transport took what was written. */
  drained(): void {
    const write = this.#pendingWrite;
    this.#pendingWrite = undefined;
    write?.resolve();
    this.#watchPeer();
  }

  /** Nothing can be answered any more, so that nothing is to be read either. */
  writeFailed(error: unknown): void {
    this.abort(error);
  }

  /** The transport failed. */
  lost(error: unknown): void {
    if (this.#phase === Phase.Over) return;
    if (this.#phase === Phase.Lingering) return this.#finish();
    this.#lost.abort(error);
    this.#peerEnded.abort(error);
    this.#body?.fail(error);
    this.#pendingWrite?.reject(error);
    this.#upgrade?.abort(error);
    this.#end({ error, ...this.#refusal !== undefined && { refusal: this.#refusal } });
  }

  #receiveHead(chunk: Uint8Array): void {
    const length = this.#reader.receive(chunk);
    if (length === -1) return;
    this.#clearTimeout();
    const { head, violation } = this.#reader;
    if (head === undefined) return this.#refuse(violation!.status, violation!.message);
    const incoming = interpretHead(head, this.#options.secure);
    if ("status" in incoming) return this.#refuse(incoming.status, incoming.message);
    this.#phase = Phase.Handling;
    const request = this.#openRequest(incoming);
    registerRequest(request, {
      transport: this.#transport,
      head,
      isUpgraded: () => this.#upgrade !== undefined,
      beginUpgrade: (upgrade) => this.#beginUpgrade(upgrade),
    });
    if (length < chunk.length) this.#receiveBody(chunk.subarray(length));
    void this.#answer(request);
  }

  #openRequest({ method, url, headers, framing, expectsContinue }: IncomingRequest): Request {
    const signal = this.#peerEnded.signal;
    this.#continuePending = expectsContinue;
    // A body of GET or HEAD means nothing (RFC 9110 9.3.1), and is left unread.
    if (framing === 0 || method === "GET" || method === "HEAD") {
      return new Request(url, { method, headers, signal });
    }
    this.#transport.pause();
    this.#body = new RequestBody(framing, {
      wanted: () => void this.#readBody(),
      satisfied: () => this.#transport.pause(),
      // What still comes of it is read, as far as early bytes are: that shows when the peer goes
      // away.
      unwanted: () => this.#transport.resume(),
    });
    const init: RequestInit & { duplex: "half" } = {
      method,
      headers,
      signal,
      body: this.#body.stream,
      duplex: "half",
    };
    return new Request(url, init);
  }

  #beginUpgrade(upgrade: RawUpgrade): void {
    this.#upgrade = upgrade;
    if (this.#lost.signal.aborted) return upgrade.abort(this.#lost.signal.reason);
    // Meanwhile there is no body whose arrival would be timed.
    this.#setTimeout(RETURN_TIMEOUT, () => {
      // If the application has ended it, nobody waits for it any more.
      if (upgrade.connection.readyState === CLOSED) return;
      this.#expire(upgrade, returnTimeoutError());
    });
  }

  /** Answers in the stead of a function that has not returned the response of an upgrade in time. */
  #expire(upgrade: RawUpgrade, error: Error): void {
    this.#expiry = error;
    this.#options.onError(error);
    upgrade.abort(error);
    this.#writeResponse("GET", serverError()).then(
      () => this.#linger(),
      (error) => this.abort(error),
    );
  }

  #receiveBody(chunk: Uint8Array): void {
    const body = this.#body;
    if (body === undefined || body.over) {
      this.#early.push(chunk);
      if (this.#early.full) this.#transport.pause();
    } else {
      body.receive(chunk);
      // Reading on shows when the peer goes away.
      if (body.over) this.#transport.resume();
      this.#watchPeer();
    }
  }

  async #readBody(): Promise<void> {
    // After the head of the response it would be taken for a part of the response.
    if (this.#continuePending && !this.#responseStarted) {
      this.#continuePending = false;
      await this.#write(CONTINUE).catch(() => {});
    }
    this.#transport.resume();
    this.#watchPeer();
  }

  async #answer(request: Request): Promise<void> {
    let response: Response;
    try {
      const peer = { remoteAddress: this.#transport.remoteAddress, secure: this.#options.secure };
      response = await this.#handler(request, peer);
      if (!(response instanceof Response)) {
        throw new TypeError("The request function returned something else than a Response");
      }
    } catch (error) {
      this.#upgrade?.abort(error);
      response = this.#responseToError(error);
    }
    retireRequest(request);
    // It has been answered where an upgrade expired, and the timeout is that of the lingering.
    const isDropped = this.#lost.signal.aborted || this.#expiry !== undefined;
    if (this.#upgrade !== undefined && !isDropped) this.#clearTimeout();
    if (isDropped) void response.body?.cancel().catch(() => {});
    else await this.#respond(request.method, response);
  }

  async #respond(method: string, response: Response): Promise<void> {
    try {
      if (response.status === 101) return await this.#switchProtocols(response);
      this.#upgrade?.abort(
        new Error("The request function returned another response than the 101"),
      );
      await this.#writeResponse(method, response);
      this.#linger();
    } catch (error) {
      await this.#recover(method, error);
    }
  }

  async #switchProtocols(response: Response): Promise<void> {
    const upgrade = this.#upgrade;
    if (upgrade === undefined) {
      throw new TypeError("The request function returned a 101 without upgrading the request");
    }
    const head = upgrade.encodeResponse(response);
    // Due before a 101, whether or not there is a body (RFC 9110 section 7.8).
    if (this.#continuePending) await this.#write(CONTINUE);
    this.#responseStarted = true;
    await this.#write(head);
    if (this.#lost.signal.aborted) return;
    if (this.#early.full) this.#transport.resume();
    this.#phase = Phase.Over;
    upgrade.open(this.#transport, this.#early.take());
    // After the early bytes: its Close may be among them.
    if (this.#peerEnded.signal.aborted) upgrade.receiveEof();
    this.#options.onEnd({ connection: upgrade.connection });
  }

  /** Reports what kept a response from being sent, and sends another one if that is possible. */
  async #recover(method: string, error: unknown): Promise<void> {
    if (this.#lost.signal.aborted) return;
    this.#upgrade?.abort(error);
    if (this.#responseStarted) {
      this.#options.onError(error);
      return this.abort(error);
    }
    await this.#writeResponse(method, this.#responseToError(error)).then(
      () => this.#linger(),
      (failure) => this.abort(failure),
    );
  }

  #responseToError(error: unknown): Response {
    const violation = this.#body?.violation;
    if (violation !== undefined && isDueTo(error, violation)) {
      return textResponse(400, violation.message);
    }
    // A function that gave up because the peer had gone did nothing wrong, and an upgrade that
    // expired has been reported already.
    const wasTold = error === this.#peerEnded.signal.reason || error === this.#lost.signal.reason ||
      this.#expiry !== undefined && isDueTo(error, this.#expiry);
    if (error === undefined || !wasTold) this.#options.onError(error);
    return serverError();
  }

  /** Answers instead of the application. */
  #refuse(status: number, message: string): void {
    this.#phase = Phase.Handling;
    this.#refusal = textResponse(status, message);
    const { remoteAddress } = this.#transport;
    this.#options.onRefuse({ status, reason: message, remoteAddress });
    this.#writeResponse(this.#reader.head?.method ?? "GET", this.#refusal.clone()).then(
      () => this.#linger(),
      (error) => this.abort(error),
    );
  }

  #writeResponse(method: string, response: Response): Promise<void> {
    return writeResponse(response, {
      method,
      minorVersion: this.#reader.head?.minorVersion ?? 1,
      signal: this.#lost.signal,
      write: (chunk) => {
        this.#responseStarted = true;
        return this.#write(chunk);
      },
    });
  }

  /** Writes a chunk once what is under way is written. */
  async #write(chunk: Uint8Array): Promise<void> {
    while (this.#pendingWrite !== undefined) await this.#pendingWrite.promise;
    this.#lost.signal.throwIfAborted();
    if (this.#transport.write(chunk)) return;
    this.#pendingWrite = Promise.withResolvers();
    this.#watchPeer();
    await this.#pendingWrite.promise;
  }

  /** Restarts the time that the peer has for what is waited for. */
  #watchPeer(): void {
    if (this.#phase !== Phase.Handling) return;
    this.#clearTimeout();
    if (this.#pendingWrite === undefined && this.#body?.wanting !== true) return;
    this.#setTimeout(this.#options.stallTimeout, () => {
      // The application may not want the rest any more.
      if (this.#pendingWrite === undefined && this.#body?.wanting !== true) return;
      this.abort(new Error("The client neither sends nor receives"));
    });
  }

  /**
   * Ends our direction and waits a little for the peer to end its own: closing at once would reset
   * the connection while bytes are unread, and the response with it (RFC 9112 section 9.6).
   */
  #linger(): void {
    if (this.#phase === Phase.Over) return;
    this.#phase = Phase.Lingering;
    this.#body?.fail(new TypeError("The request has been answered"));
    this.#transport.closeWrite();
    if (this.#peerEnded.signal.aborted) return this.#finish();
    this.#setTimeout(LINGER_TIMEOUT, () => this.#close());
    this.#transport.resume();
  }

  #close(): void {
    this.#transport.close();
    this.#finish();
  }

  /** The transport is closed, or closes itself, since both directions end. */
  #finish(): void {
    this.#end(this.#refusal === undefined ? {} : { refusal: this.#refusal });
  }

  #end(end: ExchangeEnd): void {
    this.#clearTimeout();
    this.#phase = Phase.Over;
    this.#options.onEnd(end);
  }

  /** One timeout at a time; none where the delay is 0. */
  #setTimeout(delay: number, callback: () => void): void {
    this.#clearTimeout();
    if (delay > 0) this.#timeout = new Timeout(this.#options.clock, callback, delay);
  }

  #clearTimeout(): void {
    this.#timeout?.clear();
    this.#timeout = undefined;
  }
}

/** Whether an error is another one, or names it as its cause. */
function isDueTo(error: unknown, other: Error): boolean {
  return error === other || error instanceof Error && error.cause === other;
}

function serverError(): Response {
  return textResponse(500, "The server failed to answer the request");
}

function textResponse(status: number, message: string): Response {
  const text = `${message}\n`;
  return new Response(text, {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "content-length": String(new TextEncoder().encode(text).length),
    },
  });
}
