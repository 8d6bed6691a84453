/**
 * The link over a WebSocket of the host, such as those of `Deno.serve`, `Bun.serve` and Workers.
 * The host frames; this makes up for what it lacks, as far as that can be done from outside.
 *
 * It holds messages back while the connection does not want them and the host cannot stop reading;
 * keeps what is sent while the host takes no more; enforces the limits that the host does not have;
 * and tells of one end only, however many events the host makes of it.
 */

import { copyOf, exceedsUtf8 } from "../bytes.ts";
import { CloseCode } from "../close_code.ts";
import { WebSocketProtocolError } from "../errors.ts";
import type { Capabilities, Clock, Message, RemoteAddress } from "../types.ts";
import { type DrainHint, DrainWatch } from "./drain_watch.ts";
import { GatheredMessage } from "./gathered_message.ts";
import type { Link, LinkSink, MessageSink } from "./link.ts";
import { MessageQueue } from "./message_queue.ts";
import type { ResolvedConnectionOptions } from "./options.ts";

/**
 * A socket of the host, which an adapter hands to {@linkcode HostLink.open}. The adapter calls the
 * link's `receive…`, `drained`, `closed` and `lost`. Of the methods here, only `close` and
 * `terminate` may do so before they return.
 */
export interface HostSocket extends DrainHint {
  /** Bytes that the host has taken and not yet written; 0 where it does not tell. */
  readonly bufferedAmount: number;
  /**
   * Whether the adapter calls {@linkcode HostLink.drained}; otherwise `bufferedAmount` is watched.
   */
  readonly reportsDrain: boolean;
  /**
   * Whether something that was sent waits for `flush`. A socket that never gathers leaves it out.
   */
  readonly gathers?: boolean;
  /** Sends text. `false`: it was taken, but nothing more is until {@linkcode HostLink.drained}. */
  sendText(text: string, compress: boolean | undefined): boolean;
  /** Sends bytes, which may change once it has returned. Returns what `sendText` does. */
  sendBinary(data: Uint8Array, compress: boolean | undefined): boolean;
  /**
   * Hands what was gathered to the host. Returns what `sendText` does. Called only where `gathers`.
   */
  flush?(): boolean;
  /** Sends a ping; called only where `capabilities.ping`. */
  ping(payload: Uint8Array): void;
  /** Begins the closing handshake; a code of 1005 stands for an empty Close frame. */
  close(code: number, reason: string): void;
  /** Drops the socket, as far as the host lets one. */
  terminate(): void;
  /** Stops reading; called only where `capabilities.inboundBackpressure`. */
  pause(): void;
  /** Reads on; called only where `pause` is. */
  resume(): void;
}

/** What is known of a host's WebSocket before it is open. */
export interface HostLinkInit {
  /** The name of the host for errors, such as `"Deno.serve"`. */
  readonly host: string;
  /**
   * What has the capabilities that the host lacks, for errors, such as
   * `"serveTcp of @gale/websocket/deno"`.
   */
  readonly alternative: string;
  /** The URL, `ws:` or `wss:`. */
  readonly url: string;
  /** The subprotocol, or the empty string. */
  readonly protocol: string;
  /** The extensions, as in the header, or the empty string. */
  readonly extensions: string;
  /** The address of the peer, where it is known. */
  readonly remoteAddress: RemoteAddress | undefined;
  /** What the host can do. */
  readonly capabilities: Capabilities;
  /**
   * Whether the host answers the peer's Close by itself; where it does not, the adapter calls
   * {@linkcode HostLink.receiveClose}.
   * @default true
   */
  readonly answersClose?: boolean;
}

/** Something to be sent. */
type Outgoing =
  | { readonly kind: "text"; readonly data: string; readonly compress: boolean | undefined }
  | { readonly kind: "binary"; readonly data: Uint8Array; readonly compress: boolean | undefined }
  | { readonly kind: "ping"; readonly data: Uint8Array }
  | { readonly kind: "close"; readonly code: number; readonly reason: string };

/** The most that a host may count for a message besides its bytes: the header of its frame. */
const HEADER = 14;

/** {@linkcode Link} by way of a {@linkcode HostSocket}. */
export class HostLink implements Link {
  /** The URL of the connection. */
  readonly url: string;
  /** The subprotocol agreed. */
  readonly protocol: string;
  /** The extensions agreed. */
  readonly extensions: string;
  /** The address of the peer. */
  readonly remoteAddress: RemoteAddress | undefined;
  /** What the host can do. */
  readonly capabilities: Capabilities;
  /** Whether the host answers the peer's Close by itself. */
  readonly answersClose: boolean;
  readonly #init: HostLinkInit;
  readonly #clock: Clock;
  readonly #maxMessageSize: number;
  readonly #maxQueuedAmount: number;
  readonly #maxBufferedAmount: number;
  readonly #sendLowWaterMark: number;
  #socket: HostSocket | undefined;
  #sink: LinkSink | undefined;
  #messages: MessageSink | undefined;
  /** What the host does not take yet. */
  #waiting: Outgoing[] = [];
  #waitingBytes = 0;
  /** An upper bound of `bufferedAmount`. */
  #mostBuffered = 0;
  #blocked = true;
  /** The message that is being sent in fragments. */
  #gathered: GatheredMessage | undefined;
  /** Made when a host that does not tell when it has written is first behind. */
  #drainWatch: DrainWatch | undefined;
  /** What arrived while paused. */
  #held: MessageQueue | undefined;
  #paused = false;
  #closing = false;
  #closeSent = false;
  #closeReceived = false;
  #failed: WebSocketProtocolError | undefined;
  #ended = false;
  #bytesSent = 0;
  #bytesReceived = 0;

  /** Creates a link whose socket is still to open: what is sent waits for {@linkcode open}. */
  constructor(init: HostLinkInit, options: ResolvedConnectionOptions) {
    this.url = init.url;
    this.protocol = init.protocol;
    this.extensions = init.extensions;
    this.remoteAddress = init.remoteAddress;
    this.capabilities = init.capabilities;
    this.answersClose = init.answersClose ?? true;
    this.#init = init;
    this.#clock = options.clock;
    this.#maxMessageSize = options.maxMessageSize;
    this.#maxQueuedAmount = options.maxQueuedAmount;
    this.#maxBufferedAmount = options.maxBufferedAmount;
    this.#sendLowWaterMark = options.sendLowWaterMark;
  }

  /** Bytes that wait here and in the host. */
  get bufferedAmount(): number {
    return this.#waitingBytes + (this.#socket?.bufferedAmount ?? 0);
  }

  /**
   * Asks the host only now and then: its answer takes 35 ns on Deno, and each message would need
   * two.
   */
  buffersAtMost(bytes: number): boolean {
    if (this.#mostBuffered <= bytes) return true;
    this.#mostBuffered = this.bufferedAmount;
    return this.#mostBuffered <= bytes;
  }

  /** Whether something waits for {@linkcode flush}; most hosts take each message at once. */
  get gathers(): boolean {
    return this.#socket?.gathers === true;
  }

  /** Bytes of messages that the host has written, as far as it tells. */
  get bytesSent(): number {
    // Among what it buffers, a host may count the headers of frames, and text in bytes.
    return Math.max(0, this.progress);
  }

  /** May be below zero, since the host may count text in bytes. */
  get progress(): number {
    return this.#bytesSent - this.bufferedAmount;
  }

  /** Bytes of messages that came from the host. */
  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  /** Names the receiver. */
  attach(sink: LinkSink, messages: MessageSink): void {
    this.#sink = sink;
    this.#messages = messages;
  }

  /** The host's socket is open: sends what was waiting for it. */
  open(socket: HostSocket): void {
    if (this.#ended) {
      socket.terminate();
      return;
    }
    this.#socket = socket;
    this.#sink?.onOpen();
    if (this.#paused && this.capabilities.inboundBackpressure) socket.pause();
    this.drained();
  }

  // From the connection ----------------------------------------------------------------------

  /** Sends a text message. */
  sendText(data: string, compress: boolean | undefined): void {
    if (this.#blocked) this.#wait({ kind: "text", data, compress }, data.length);
    else this.#blocked = !this.#socket!.sendText(data, compress);
    this.#bytesSent += data.length;
    this.#mostBuffered += 3 * data.length + HEADER;
  }

  /** Sends a binary message. */
  sendBinary(data: Uint8Array, compress: boolean | undefined): void {
    // The application may change what it has sent.
    if (this.#blocked) this.#wait({ kind: "binary", data: copyOf(data), compress }, data.length);
    else this.#blocked = !this.#socket!.sendBinary(data, compress);
    this.#bytesSent += data.length;
    this.#mostBuffered += data.length + HEADER;
  }

  /** Begins a message in fragments, which are gathered. */
  beginMessage(type: "text" | "binary", data: Uint8Array, compress: boolean | undefined): void {
    this.#gathered = new GatheredMessage(type, compress);
    this.#gathered.push(data);
  }

  /**
   * Takes a further fragment; the message leaves with the last one.
   *
   * @throws {RangeError} if what has gathered exceeds `maxBufferedAmount`.
   */
  sendFragment(data: Uint8Array, last: boolean): void {
    const message = this.#gathered!;
    message.push(data);
    if (message.size > this.#maxBufferedAmount) {
      this.#gathered = undefined;
      throw new RangeError(
        `Cannot send message: ${this.#init.host} sends its fragments as one message, and they ` +
          `exceed maxBufferedAmount, ${this.#maxBufferedAmount}; ` +
          `${this.#init.alternative} sends fragments`,
      );
    }
    if (!last) return;
    this.#gathered = undefined;
    const whole = message.whole();
    if (typeof whole === "string") this.sendText(whole, message.compress);
    else this.sendBinary(whole, message.compress);
  }

  /** Sends a ping, where the host can. */
  ping(data: Uint8Array): void {
    if (!this.capabilities.ping) throw this.#unsupported("send ping");
    this.#mostBuffered += data.length + HEADER;
    // What was sent before leaves first, and Bun may drop it.
    if (this.gathers) this.#blocked = !this.#socket!.flush!();
    if (this.#blocked) this.#wait({ kind: "ping", data: copyOf(data) }, data.length);
    else this.#socket!.ping(data);
  }

  /** Begins the closing handshake, after all that was sent. */
  close(code: number, reason: string): void {
    if (this.#closing || this.#ended) return;
    this.#closing = true;
    if (this.#blocked) this.#wait({ kind: "close", code, reason }, 0);
    else this.#sendClose(this.#socket!, code, reason);
  }

  /** Drops the socket. */
  abort(error: unknown): void {
    if (this.#ended) return;
    const socket = this.#socket;
    this.#end(error);
    socket?.terminate();
  }

  /**
   * Hands over what the socket gathers; all else is on its way already. Where the host does not
   * tell when it has written, watches it.
   */
  flush(): void {
    const socket = this.#socket;
    // What the connection does as it hears of the end may lead here.
    if (socket === undefined || this.#ended) return;
    if (this.gathers) this.#blocked = !socket.flush!();
    if (socket.reportsDrain || this.#drainWatch?.isRunning === true) return;
    if (this.buffersAtMost(this.#sendLowWaterMark)) return;
    this.#drainWatch ??= new DrainWatch(this.#clock, () => this.#noteDrained());
    this.#drainWatch.start(socket);
  }

  /** Stops delivering, and reading, where the host can. */
  pause(): void {
    this.#paused = true;
    if (this.capabilities.inboundBackpressure) this.#socket?.pause();
  }

  /** Delivers on. */
  resume(): void {
    if (!this.#paused || this.#ended) return;
    this.#paused = false;
    const held = this.#held;
    if (held !== undefined && held.length > 0) {
      while (!this.#paused && held.length > 0) this.#messages!.push(held.shift()!);
      this.#sink!.onTurnEnd();
    }
    if (!this.#paused && this.capabilities.inboundBackpressure) this.#socket?.resume();
  }

  /** Always throws: a host buffers what it frames as it likes. */
  setNoDelay(_noDelay: boolean): void {
    throw this.#unsupported("set noDelay");
  }

  // From the host ----------------------------------------------------------------------------

  /** A message arrived; the bytes are the receiver's. */
  receiveMessage(message: Message): void {
    if (this.#ended || this.#failed !== undefined) return;
    this.#bytesReceived += message.length;
    if (this.#isTooLong(message)) {
      return this.#fail(
        CloseCode.MessageTooBig,
        `message is larger than ${this.#maxMessageSize} bytes`,
      );
    }
    const sink = this.#sink!;
    if (!this.#paused) return sink.onLoneMessage(message);
    sink.onActivity();
    this.#hold(message);
  }

  /** A ping arrived, and the host has answered it. */
  receivePing(payload: Uint8Array): void {
    if (this.#ended) return;
    this.#sink!.onActivity();
    this.#sink!.onPing(payload);
  }

  /** A pong arrived. */
  receivePong(payload: Uint8Array): void {
    if (this.#ended) return;
    this.#sink!.onActivity();
    this.#sink!.onPong(payload);
  }

  /** The host takes more. */
  drained(): void {
    const socket = this.#socket;
    if (socket === undefined || this.#ended) return;
    this.#blocked = false;
    let sent = 0;
    while (!this.#blocked && sent < this.#waiting.length) {
      const next = this.#waiting[sent++]!;
      // The Close is the last, and the host may end at once: then nothing waits any more.
      if (next.kind === "close") this.#waiting = [];
      this.#send(socket, next);
    }
    this.#waiting.splice(0, sent);
    this.#afterWriting();
  }

  /** The peer's Close frame came, and the answer is left to {@linkcode close}. */
  receiveClose(code: number, reason: string): void {
    if (this.#ended || this.#failed !== undefined) return;
    this.#closeReceived = true;
    this.#releaseHeld();
    this.#noteDrained();
    if (this.#sink!.onClose(code, reason)) this.close(code, reason);
    this.#endIfClosed();
  }

  /** The peer's Close frame came and breaks a rule, as the answer says. */
  refuseClose(closeCode: number, message: string): void {
    if (this.#ended || this.#failed !== undefined) return;
    this.#closeReceived = true;
    this.#fail(closeCode, message);
    this.#endIfClosed();
  }

  /** The host's socket ended. A code of 0 or 1006 means that no Close frame came from the peer. */
  closed(code: number, reason: string): void {
    if (this.#ended) return;
    if (code === 0 || code === CloseCode.Abnormal) {
      return this.lost(new Error("The peer ended the transport without a Close frame"));
    }
    this.#releaseHeld();
    this.#noteDrained();
    if (this.#failed === undefined) this.#sink!.onClose(code, reason);
    this.#end(undefined);
  }

  /** The host's socket was lost. */
  lost(error: unknown): void {
    if (this.#ended) return;
    this.#releaseHeld();
    this.#end(error);
  }

  #wait(outgoing: Outgoing, bytes: number): void {
    this.#waiting.push(outgoing);
    this.#waitingBytes += bytes;
  }

  #send(socket: HostSocket, outgoing: Outgoing): void {
    switch (outgoing.kind) {
      case "text":
        this.#waitingBytes -= outgoing.data.length;
        // While it waited, it counted one byte for each UTF-16 unit.
        this.#mostBuffered += 2 * outgoing.data.length + HEADER;
        this.#blocked = !socket.sendText(outgoing.data, outgoing.compress);
        break;
      case "binary":
        this.#waitingBytes -= outgoing.data.length;
        this.#mostBuffered += HEADER;
        this.#blocked = !socket.sendBinary(outgoing.data, outgoing.compress);
        break;
      case "ping":
        this.#waitingBytes -= outgoing.data.length;
        this.#mostBuffered += HEADER;
        socket.ping(outgoing.data);
        break;
      case "close":
        // The host may end at once, and what it has written by then was sent.
        this.#noteDrained();
        this.#sendClose(socket, outgoing.code, outgoing.reason);
    }
  }

  #sendClose(socket: HostSocket, code: number, reason: string): void {
    this.#closeSent = true;
    try {
      socket.close(code, reason);
    } catch (error) {
      this.#closing = false;
      this.#closeSent = false;
      throw error;
    }
    this.#endIfClosed();
  }

  /** Once both Close frames are exchanged here, the host has nothing more to tell. */
  #endIfClosed(): void {
    // What the host still has to write precedes our Close, which it has as well.
    if (this.#closeSent && this.#closeReceived) this.#end(undefined, false);
  }

  #afterWriting(): void {
    if (!this.#ended && !this.#noteDrained()) this.flush();
  }

  /**
   * Tells the connection where little is left to be written: the end may come before the next look.
   */
  #noteDrained(): boolean {
    if (this.bufferedAmount > this.#sendLowWaterMark) return false;
    this.#sink!.onDrain();
    return true;
  }

  #hold(message: Message): void {
    this.#held ??= new MessageQueue();
    this.#held.push(message);
    // A host that can stop reading hands over only what it has read already.
    if (this.capabilities.inboundBackpressure || this.#held.bytes <= this.#maxQueuedAmount) return;
    this.#fail(CloseCode.TryAgainLater, "too many messages wait");
  }

  /** Hands over what was held: at the end it waits in the connection. */
  #releaseHeld(): void {
    const held = this.#held;
    if (held === undefined || this.#failed !== undefined) return;
    while (held.length > 0) this.#messages!.push(held.shift()!);
    this.#sink!.onTurnEnd();
  }

  #isTooLong(message: Message): boolean {
    const limit = this.#maxMessageSize;
    return typeof message === "string" ? exceedsUtf8(message, limit) : message.length > limit;
  }

  #fail(code: number, reason: string): void {
    this.#releaseHeld();
    this.#failed = new WebSocketProtocolError(code, reason);
    this.#sink!.onFailure(this.#failed);
    this.close(code, reason);
  }

  /** Whether a message that was sent still waits, here or in the host. */
  #isCut(): boolean {
    return (this.#socket?.bufferedAmount ?? 0) > 0 ||
      this.#waiting.some(({ kind }) => kind === "text" || kind === "binary");
  }

  #end(error: unknown, isCut = this.#isCut()): void {
    // What the connection does as it hears of the end may lead here again.
    if (this.#ended) return;
    this.#ended = true;
    this.#drainWatch?.stop();
    // What waits here has not been sent.
    for (const outgoing of this.#waiting) {
      if (outgoing.kind === "text" || outgoing.kind === "binary") {
        this.#bytesSent -= outgoing.data.length;
      }
    }
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#held = undefined;
    this.#gathered = undefined;
    this.#sink?.onEnd(error ?? this.#failed, isCut);
  }

  #unsupported(action: string): DOMException {
    const { host, alternative } = this.#init;
    return new DOMException(
      `Cannot ${action}: ${host} does not support it; use ${alternative}`,
      "NotSupportedError",
    );
  }
}
