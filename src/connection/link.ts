/**
 * The one seam inside a connection. Above it is all that a user touches; below it is all of
 * RFC 6455, done by our own codec (`ProtocolLink`) or by a socket of the host (`HostLink`).
 */

import type { WebSocketProtocolError } from "../errors.ts";
import type { MessageSink } from "../protocol/protocol.ts";
import type { Capabilities, Message, RemoteAddress } from "../types.ts";

export type { MessageSink };

/** Who receives everything else from a link: the connection. None of these may throw. */
export interface LinkSink {
  /**
   * A whole message that came by itself: {@linkcode onActivity}, {@linkcode MessageSink.push} and
   * {@linkcode onTurnEnd} in one.
   */
  onLoneMessage(message: Message): void;
  /**
   * The handshake is answered: nothing has left or arrived before. Called at most once, and not
   * where the link ends before that.
   */
  onOpen(): void;
  /** A ping, already answered. */
  onPing(payload: Uint8Array): void;
  /** A pong. */
  onPong(payload: Uint8Array): void;
  /**
   * Something arrived, if only a part of a frame: the peer is alive. Called before what it brought.
   */
  onActivity(): void;
  /** All that arrived with one read has been handed over: time to look at it. */
  onTurnEnd(): void;
  /**
   * The peer's Close frame. With `true` it is answered at once, unless {@linkcode Link.close} was
   * called before; with `false` the answer is left to that method. A link that answers by itself
   * does not look at the result. Nothing but {@linkcode onActivity}, {@linkcode onTurnEnd},
   * {@linkcode onDrain} and {@linkcode onEnd} follows.
   */
  onClose(code: number, reason: string): boolean;
  /**
   * The peer broke a rule, and was told so. Nothing but {@linkcode onActivity},
   * {@linkcode onTurnEnd}, {@linkcode onDrain} and {@linkcode onEnd} follows.
   */
  onFailure(error: WebSocketProtocolError): void;
  /**
   * Nothing that was or will be sent leaves any more; what the peer has sent before may still
   * arrive. {@linkcode onEnd} follows once it has, or sooner if {@linkcode Link.abort} is called.
   */
  onWriteFailed(error: unknown): void;
  /** `bufferedAmount` is at the low-water mark or below, even where nothing has been written. */
  onDrain(): void;
  /**
   * The link is over; the last call. `error` says why, where it was not a closing handshake: a
   * violation, or a lost transport. `isCut` says that something which was sent has not left.
   */
  onEnd(error: unknown, isCut?: boolean): void;
}

/** One end of an opened WebSocket. */
export interface Link {
  /** The subprotocol agreed, or the empty string. */
  readonly protocol: string;
  /** The extensions agreed, as in the header, or the empty string. */
  readonly extensions: string;
  /** The URL of the connection, `ws:` or `wss:`. */
  readonly url: string;
  /** The address of the peer, where the host knows it. */
  readonly remoteAddress: RemoteAddress | undefined;
  /** What this link can do. */
  readonly capabilities: Capabilities;
  /** Whether what is sent waits for {@linkcode flush}; if not, it is on its way already. */
  readonly gathers: boolean;
  /** Whether the peer's Close is answered by the host, before the connection hears of it. */
  readonly answersClose: boolean;
  /** Bytes accepted for sending and not yet taken by the transport. */
  readonly bufferedAmount: number;
  /** Bytes that the transport has taken. */
  readonly bytesSent: number;
  /** Grows while the peer takes what was sent; its value means nothing else. */
  readonly progress: number;
  /** Bytes taken from the transport. */
  readonly bytesReceived: number;

  /** Begins the delivery: messages go to `messages`, all the rest to `sink`. */
  attach(sink: LinkSink, messages: MessageSink): void;
  /** Whether `bufferedAmount` is at most this, which may cost less than asking how much it is. */
  buffersAtMost(bytes: number): boolean;
  /** Sends a text message. */
  sendText(text: string, compress: boolean | undefined): void;
  /** Sends a binary message. */
  sendBinary(data: Uint8Array, compress: boolean | undefined): void;
  /** Begins a message in fragments: until its last one, only control frames go in between. */
  beginMessage(type: "text" | "binary", data: Uint8Array, compress: boolean | undefined): void;
  /** Sends a further fragment. */
  sendFragment(data: Uint8Array, last: boolean): void;
  /**
   * Sends a ping.
   *
   * @throws {DOMException} "NotSupportedError" if the link cannot.
   */
  ping(payload: Uint8Array): void;
  /** Sends the Close frame, unless one was sent; a code of 1005 stands for an empty one. */
  close(code: number, reason: string): void;
  /** Drops the transport at once. `onEnd(error)` follows, unless the link is over already. */
  abort(error: unknown): void;
  /**
   * Writes what has gathered. A link also writes with {@linkcode close}, after what a read has
   * brought, and when a write is done.
   */
  flush(): void;
  /** Stops delivering messages, and reading. */
  pause(): void;
  /** Delivers on. */
  resume(): void;
  /**
   * Switches Nagle's algorithm.
   *
   * @throws {DOMException} "NotSupportedError" if the link cannot.
   */
  setNoDelay(noDelay: boolean): void;
}
