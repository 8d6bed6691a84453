/** One handshake over a transport: a request out, a response in. */

import { connectionOver, type WebSocketConnection } from "../connection/connection.ts";
import { resolveConnectionOptions } from "../connection/options.ts";
import { quiet } from "../connection/promises.ts";
import { ProtocolLink } from "../connection/protocol_link.ts";
import type { ByteTransport, TransportSink } from "../connection/transport.ts";
import { WebSocketHandshakeError } from "../errors.ts";
import type { ClientHandshake, ClientHandshakeAgreement } from "../handshake/client.ts";
import { type HeadLimits, type ResponseHead, ResponseHeadReader } from "../handshake/http1.ts";
import { EarlyBytes } from "../http/early_bytes.ts";
import type { ConnectionOptions } from "../types.ts";
import { ResponseBody } from "./response_body.ts";

/** What an exchange needs to know. */
export interface ExchangeInit {
  /** The request, and the judge of the response. */
  readonly handshake: ClientHandshake;
  /** The URL that the connection is to show. */
  readonly url: string;
  /** Options of the connection. */
  readonly options: ConnectionOptions;
  /** The limits on the head of the response. */
  readonly headLimits: HeadLimits;
  /** The bytes that are wanted of the body of a response other than 101. */
  readonly bodyLimit: (head: ResponseHead) => number;
  /** Told of a 101 that is in order, before it becomes a connection. */
  readonly onAccepted: (head: ResponseHead) => Promise<void>;
  /** Gives the exchange up. */
  readonly signal: AbortSignal;
}

/** A response other than 101. */
export interface Refusal {
  /** Its head. */
  readonly head: ResponseHead;
  /** Its body, or as much of it as was wanted and came. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** What cut the body short. */
  readonly cause: unknown;
}

/**
 * Where an exchange stands.
 *
 * | phase    | bytes received are | left when                                   |
 * | -------- | ------------------ | ------------------------------------------- |
 * | Head     | the head           | it is complete, or malformed                |
 * | Checking | kept               | a 101 is judged, and the request is written |
 * | Body     | the body           | there is no more of it, or it is cut short  |
 * | Over     | somebody else's    |                                             |
 */
const Phase = { Head: 0, Checking: 1, Body: 2, Over: 3 } as const;
type Phase = typeof Phase[keyof typeof Phase];

/**
 * Drives one handshake. It owns the transport, which it closes unless a connection comes of it.
 */
export class ClientExchange implements TransportSink {
  readonly #transport: ByteTransport;
  readonly #init: ExchangeInit;
  readonly #outcome: PromiseWithResolvers<WebSocketConnection | Refusal> = Promise.withResolvers();
  /** Settled once the transport has taken the request, and a frame may be written. */
  readonly #requestWritten: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #early = new EarlyBytes();
  #phase: Phase = Phase.Head;
  #reader: ResponseHeadReader;
  #head: ResponseHead | undefined;
  #body: ResponseBody | undefined;
  #peerEnded = false;
  /** Why nothing can be written any more. */
  #writeError: unknown;

  /** Creates an exchange over a transport that nobody is attached to; {@linkcode run} begins it. */
  constructor(transport: ByteTransport, init: ExchangeInit) {
    this.#transport = transport;
    this.#init = init;
    this.#reader = new ResponseHeadReader(init.headLimits);
  }

  /**
   * Sends the request. Resolves with the connection, or with the response if it is not a 101.
   * Rejects with a {@linkcode WebSocketHandshakeError} if the response is malformed or does not
   * answer the request, with the reason of the signal, or with the error that the transport was
   * lost to.
   */
  run(): Promise<WebSocketConnection | Refusal> {
    const { signal, handshake } = this.#init;
    if (signal.aborted) {
      this.#onAbort();
    } else {
      signal.addEventListener("abort", this.#onAbort);
      this.#transport.attach(this);
      if (this.#transport.write(handshake.encodeRequest())) this.#requestWritten.resolve();
    }
    return this.#outcome.promise;
  }

  /** Bytes from the transport. */
  receive(chunk: Uint8Array): void {
    switch (this.#phase) {
      case Phase.Head:
        return this.#receiveHead(chunk);
      case Phase.Checking:
        return this.#early.push(chunk);
      case Phase.Body:
        return this.#receiveBody(chunk);
    }
  }

  /** The server ended its direction. */
  receiveEof(): void {
    this.#peerEnded = true;
    if (this.#phase === Phase.Head) {
      const error = new Error("The server ended the connection without a complete response");
      this.#fail(this.#writeError ?? error);
    } else if (this.#phase === Phase.Body) {
      this.#body!.receiveEof();
      this.#endBody();
    }
  }

  /** The request is written. */
  drained(): void {
    this.#requestWritten.resolve();
  }

  /** A server may refuse before it has read the request, so that its response is waited for. */
  writeFailed(error: unknown): void {
    this.#writeError = error;
    quiet(this.#requestWritten.promise);
    this.#requestWritten.reject(error);
  }

  /** The transport failed. */
  lost(error: unknown): void {
    this.#cutShort(this.#writeError ?? error);
  }

  #receiveHead(chunk: Uint8Array): void {
    let rest = chunk;
    for (;;) {
      const length = this.#reader.receive(rest);
      if (length === -1) return;
      rest = rest.subarray(length);
      const { head, violation } = this.#reader;
      if (head === undefined) {
        const reason = `the response is malformed: ${violation!.message}`;
        return this.#fail(new WebSocketHandshakeError(`Cannot open the WebSocket: ${reason}`));
      }
      if (head.status === 101 || head.status >= 200) return this.#receiveResponse(head, rest);
      // An interim response, which others follow (RFC 9110 section 15.2).
      this.#reader = new ResponseHeadReader(this.#init.headLimits);
    }
  }

  #receiveResponse(head: ResponseHead, rest: Uint8Array): void {
    if (head.status === 101) {
      this.#phase = Phase.Checking;
      // It is for the connection to see the end of the server's direction.
      this.#transport.pause();
      this.#early.push(rest);
      void this.#open(head);
    } else {
      this.#phase = Phase.Body;
      this.#head = head;
      this.#body = new ResponseBody(head, this.#init.bodyLimit(head));
      this.#receiveBody(rest);
    }
  }

  async #open(head: ResponseHead): Promise<void> {
    try {
      const agreement = this.#init.handshake.check(head);
      await this.#requestWritten.promise;
      if (this.#phase === Phase.Checking) await this.#init.onAccepted(head);
      if (this.#phase === Phase.Checking) this.#handOver(agreement);
    } catch (error) {
      this.#fail(error);
    }
  }

  #handOver(agreement: ClientHandshakeAgreement): void {
    const { url, options } = this.#init;
    const resolved = resolveConnectionOptions(options);
    const link = new ProtocolLink({
      role: "client",
      url,
      protocol: agreement.protocol,
      extensions: agreement.extensions,
      compression: agreement.compression,
    }, resolved);
    const connection = connectionOver(link, resolved, options);
    this.#end();
    this.#transport.resume();
    // Before anything is sent, which would count as written.
    if (this.#writeError !== undefined) link.writeFailed(this.#writeError);
    link.open(this.#transport, this.#early.take());
    if (this.#peerEnded) link.receiveEof();
    this.#outcome.resolve(connection);
  }

  #receiveBody(chunk: Uint8Array): void {
    this.#body!.receive(chunk);
    if (this.#body!.done) this.#endBody();
  }

  #endBody(): void {
    const { violation } = this.#body!;
    this.#refuse(violation === undefined ? undefined : new Error(violation));
  }

  #refuse(cause: unknown): void {
    this.#end();
    this.#transport.close();
    this.#outcome.resolve({ head: this.#head!, body: this.#body!.take(), cause });
  }

  #fail(error: unknown): void {
    this.#end();
    this.#transport.close();
    this.#outcome.reject(error);
  }

  /** Once the head of a response is there, it tells more than whatever has cut its body short. */
  #cutShort(error: unknown): void {
    if (this.#phase === Phase.Body) this.#refuse(error);
    else this.#fail(error);
  }

  readonly #onAbort = (): void => this.#cutShort(this.#init.signal.reason);

  #end(): void {
    this.#phase = Phase.Over;
    this.#init.signal.removeEventListener("abort", this.#onAbort);
  }
}
