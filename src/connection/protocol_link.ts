/**
 * The link over bytes: our own codec between the connection and a transport.
 */

import { toPlainBytes } from "../bytes.ts";
import type { PermessageDeflateInit } from "../extensions/permessage_deflate.ts";
import type { WebSocketProtocolError } from "../errors.ts";
import type { Close } from "../protocol/close.ts";
import { Protocol, type ProtocolSink } from "../protocol/protocol.ts";
import type { Capabilities, RemoteAddress } from "../types.ts";
import type { Link, LinkSink, MessageSink } from "./link.ts";
import type { ResolvedConnectionOptions } from "./options.ts";
import type { ByteTransport, TransportSink } from "./transport.ts";

/** What the opening handshake settled. */
export interface ProtocolLinkInit {
  /** Which side of the connection this is. */
  readonly role: "server" | "client";
  /** The URL, `ws:` or `wss:`. */
  readonly url: string;
  /** The subprotocol, or the empty string. */
  readonly protocol: string;
  /** The extensions, as in the header, or the empty string. */
  readonly extensions: string;
  /** permessage-deflate, where it is agreed. */
  readonly compression?: PermessageDeflateInit | undefined;
  /**
   * The transport that the link will be opened with, where it is known already. Until then it is
   * only asked for the peer's address and told of Nagle's algorithm.
   */
  readonly transport?: ByteTransport;
}

/** {@linkcode Link} by way of {@linkcode Protocol} and a {@linkcode ByteTransport}. */
export class ProtocolLink implements Link, TransportSink, ProtocolSink {
  /** The URL of the connection. */
  readonly url: string;
  /** The subprotocol agreed. */
  readonly protocol: string;
  /** The extensions agreed. */
  readonly extensions: string;
  /** Whether and when the peer's Close is answered is up to the connection. */
  readonly answersClose = false;
  readonly #core: Protocol;
  readonly #server: boolean;
  readonly #compression: boolean;
  readonly #sendLowWaterMark: number;
  #transport: ByteTransport | undefined;
  /** Whether a read is being handed over; all that is sent meanwhile is written after it. */
  #receiving = false;
  #isOpen = false;
  #sink: LinkSink | undefined;
  /** Bytes of the chunk that the transport has borrowed. */
  #writing = 0;
  #bytesSent = 0;
  #bytesReceived = 0;
  #paused = false;
  /** Whether what was held is being delivered. */
  #resuming = false;
  /** Whether the peer's end of the transport was told while reading was paused. */
  #eofHeld = false;
  #writeClosed = false;
  /** Why nothing can be written any more. */
  #writeError: unknown;
  #ended = false;

  /** Creates a link whose transport is still to come: what is sent waits for {@linkcode open}. */
  constructor(init: ProtocolLinkInit, options: ResolvedConnectionOptions) {
    this.url = init.url;
    this.protocol = init.protocol;
    this.extensions = init.extensions;
    this.#transport = init.transport;
    this.#server = init.role === "server";
    this.#compression = init.compression !== undefined;
    this.#sendLowWaterMark = options.sendLowWaterMark;
    this.#core = new Protocol({
      role: init.role,
      compression: init.compression,
      maxMessageSize: options.maxMessageSize,
      maxFragments: options.maxFragments,
      // The promise of a frame above the mark is held back until it is written, so that it may be
      // lent.
      copyLimit: options.sendHighWaterMark,
    }, this);
  }

  /** The address of the peer, once the transport is there. */
  get remoteAddress(): RemoteAddress | undefined {
    return this.#transport?.remoteAddress;
  }

  /** All that WebSocket has; no-delay where the transport has it. */
  get capabilities(): Capabilities {
    return {
      ping: true,
      compression: this.#compression,
      inboundBackpressure: true,
      outboundBackpressure: true,
      noDelay: this.#transport?.supportsNoDelay ?? false,
    };
  }

  /** Frames wait for {@linkcode flush}. */
  get gathers(): boolean {
    return !this.#receiving;
  }

  /** Bytes not yet taken by the transport. */
  get bufferedAmount(): number {
    return this.#core.output.length + this.#writing;
  }

  /** Asks for {@linkcode bufferedAmount}, which costs nothing here. */
  buffersAtMost(bytes: number): boolean {
    return this.#core.output.length + this.#writing <= bytes;
  }

  /** Bytes that the transport has taken. */
  get bytesSent(): number {
    if (this.#writing === 0) return this.#bytesSent;
    return this.#bytesSent - (this.#transport!.unwritten ?? this.#writing);
  }

  /** The same as {@linkcode bytesSent}. */
  get progress(): number {
    return this.bytesSent;
  }

  /** Bytes taken from the transport. */
  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  /** Names the receiver. */
  attach(sink: LinkSink, messages: MessageSink): void {
    this.#sink = sink;
    this.#core.deliverTo(messages);
  }

  /** The handshake is done: takes the transport over, and the bytes that followed the handshake. */
  open(transport: ByteTransport, rest?: Uint8Array): void {
    if (this.#ended) {
      transport.close();
      return;
    }
    this.#transport = transport;
    this.#isOpen = true;
    if (transport.givesChunks) this.#core.keepChunks();
    else if (transport.holdsChunks) this.#core.holdChunks();
    if (transport.engine !== undefined) this.#core.tuneFor(transport.engine);
    transport.attach(this);
    this.#sink?.onOpen();
    if (this.#paused) transport.pause();
    this.flush();
    if (rest !== undefined && rest.length > 0) this.receive(rest);
  }

  // From the connection ----------------------------------------------------------------------

  /** Sends a text message. */
  sendText(text: string, compress: boolean | undefined): void {
    this.#core.sendText(text, compress);
  }

  /** Sends a binary message. */
  sendBinary(data: Uint8Array, compress: boolean | undefined): void {
    this.#core.sendBinary(data, compress);
  }

  /** Begins a message in fragments. */
  beginMessage(type: "text" | "binary", data: Uint8Array, compress: boolean | undefined): void {
    this.#core.beginMessage(type, data, compress);
  }

  /** Sends a further fragment. */
  sendFragment(data: Uint8Array, last: boolean): void {
    this.#core.sendFragment(data, last);
  }

  /** Sends a ping. */
  ping(payload: Uint8Array): void {
    this.#core.sendPing(payload);
  }

  /** Sends the Close frame, unless one was sent. */
  close(code: number, reason: string): void {
    if (this.#core.closeSent === undefined) this.#core.sendClose(code, reason);
    this.flush();
  }

  /** Drops the transport. */
  abort(error: unknown): void {
    this.#end(error);
  }

  /** Writes what has gathered. */
  flush(): void {
    const transport = this.#transport;
    if (transport === undefined || !this.#isOpen || this.#writing > 0 || this.#ended) return;
    if (this.#writeError !== undefined) return;
    const output = this.#core.output;
    for (;;) {
      // Before each write, since an application that always has something to say leaves no gap.
      this.#core.flushPong();
      const chunk = output.take();
      if (chunk === undefined) break;
      const length = output.takenLength;
      this.#bytesSent += length;
      // Set before the write, within which the transport may be lost.
      this.#writing = length;
      if (!writeStart(transport, chunk, length)) return;
      this.#writing = 0;
      output.giveBack();
      if (this.#ended) return;
    }
    this.#sink?.onDrain();
    this.#advanceClosing();
  }

  /** Stops delivering, and reading. */
  pause(): void {
    this.#paused = true;
    this.#core.pause();
    if (this.#isOpen) this.#transport!.pause();
  }

  /** Delivers on. */
  resume(): void {
    if (!this.#paused || this.#ended) return;
    this.#paused = false;
    this.#deliverHeld();
    // From within a delivery of what is held: the next read would overwrite what is left of it.
    if (this.#resuming) return;
    this.#afterInput();
    // What was held may have filled the queue again.
    if (this.#paused) return;
    if (this.#eofHeld) this.receiveEof();
    else if (this.#isOpen) this.#transport!.resume();
  }

  /** Switches Nagle's algorithm. */
  setNoDelay(noDelay: boolean): void {
    this.#transport?.setNoDelay(noDelay);
  }

  // From the transport -----------------------------------------------------------------------

  /** Bytes arrived. */
  receive(chunk: Uint8Array): void {
    if (this.#ended) return;
    this.#bytesReceived += chunk.length;
    this.#receiving = true;
    this.#sink!.onActivity();
    this.#core.receiveData(toPlainBytes(chunk));
    this.#afterInput();
    this.#receiving = false;
  }

  /** The peer ended its direction. */
  receiveEof(): void {
    // What the core holds comes first: the peer's Close may be among it.
    this.#eofHeld = this.#paused;
    if (this.#paused) return;
    this.#core.receiveEof();
    if (this.#core.closeExpected || this.#core.closeReceived !== undefined) {
      // Where the peer's Close is still to be answered, its other direction may be open.
      this.#advanceClosing();
    } else {
      const error = new Error("The peer ended the transport without a Close frame");
      this.#end(this.#writeError ?? error);
    }
  }

  /** The chunk lent is written. */
  drained(): void {
    this.#core.output.giveBack();
    this.#writing = 0;
    this.flush();
    if (this.#writing > 0 && this.bufferedAmount <= this.#sendLowWaterMark) this.#sink!.onDrain();
  }

  /**
   * Nothing can be written any more. What the peer has sent before is still read, except where
   * reading is paused: then nobody can say for how long.
   */
  writeFailed(error: unknown): void {
    if (this.#ended) return;
    this.#writeError = error;
    if (this.#isReadEnough) this.lost(error);
    else this.#sink!.onWriteFailed(error);
  }

  /** The transport is lost. */
  lost(error: unknown): void {
    if (this.#ended) return;
    this.#isOpen = false;
    // Before the transport is closed, which may give away the memory that this is in.
    this.#releaseHeld();
    this.#transport!.close();
    // Once both sides have said all and it has left, it no longer matters how the transport ends.
    const isDone = this.#core.closeExpected && this.bufferedAmount === 0;
    this.#end(isDone ? undefined : this.#writeError ?? error);
  }

  // From the protocol ------------------------------------------------------------------------

  /** A ping. */
  onPing(payload: Uint8Array): void {
    this.#sink!.onPing(payload);
  }

  /** A pong. */
  onPong(payload: Uint8Array): void {
    this.#sink!.onPong(payload);
  }

  /** The peer's Close frame. */
  onClose({ code, reason }: Close): boolean {
    return this.#sink!.onClose(code, reason);
  }

  /**
   * Our Close frame is about to answer a violation: before it, the connection may answer messages.
   */
  onFailing(): void {
    this.#sink!.onTurnEnd();
  }

  /** The violation is answered. */
  onFailed(error: WebSocketProtocolError): void {
    this.#sink!.onFailure(error);
  }

  #deliverHeld(): void {
    const nested = this.#resuming;
    this.#resuming = true;
    this.#core.resume();
    this.#resuming = nested;
  }

  /**
   * Delivers what arrived before the end; the peer's Close may be among it. Not where it may be
   * compressed: then a little of it may be more than any limit allows.
   */
  #releaseHeld(): void {
    if (!this.#paused || this.#compression) return;
    do {
      this.#paused = false;
      this.#core.resume();
    } while (this.#paused);
    this.#afterInput();
  }

  #afterInput(): void {
    this.#sink!.onTurnEnd();
    if (this.#ended) return;
    if (this.#writeError !== undefined && this.#isReadEnough) return this.lost(this.#writeError);
    if (this.#core.output.length > 0 || this.#core.closeExpected) this.flush();
  }

  /**
   * The end of the transport, once all is said and written (RFC 6455 section 7.1.1): the server
   * ends its direction first and drains the other; the client waits for the server, unless it has
   * failed the connection. The closing timeout of the connection bounds either wait.
   */
  #advanceClosing(): void {
    if (!this.#core.closeExpected || this.bufferedAmount > 0 || this.#ended) return;
    if (this.#core.eof) {
      this.#end(undefined);
    } else if (!this.#writeClosed && (this.#server || this.#core.failure !== undefined)) {
      this.#writeClosed = true;
      this.#transport!.closeWrite();
    }
  }

  /** Whether nothing that the peer still sends is waited for, where it cannot be answered. */
  get #isReadEnough(): boolean {
    const { closeReceived, failure } = this.#core;
    return this.#paused || closeReceived !== undefined || failure !== undefined;
  }

  #end(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    const isCut = this.bufferedAmount > 0;
    this.#bytesSent = this.bytesSent;
    this.#writing = 0;
    if (this.#isOpen) this.#transport!.close();
    this.#core.end();
    this.#sink?.onEnd(error ?? this.#core.failure, isCut);
  }
}

function writeStart(transport: ByteTransport, chunk: Uint8Array, length: number): boolean {
  if (transport.writeStart !== undefined) return transport.writeStart(chunk, length);
  return transport.write(length === chunk.length ? chunk : chunk.subarray(0, length));
}
