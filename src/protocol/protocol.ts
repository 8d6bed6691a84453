/**
 * The WebSocket protocol as a machine without I/O (RFC 6455 sections 5–7).
 *
 * Bytes go in by `receiveData` and `receiveEof`; what they mean leaves through the sink given at
 * construction, and the bytes to send gather in `output`. Nothing here awaits, reads a clock or
 * knows a host.
 *
 * The closing handshake, by what has been sent and received:
 *
 * | Close sent | Close received | a Close arrives             | data arrives | we send data | we close        |
 * | ---------- | -------------- | --------------------------- | ------------ | ------------ | --------------- |
 * | no         | no             | it is answered: both        | delivered    | sent         | sent            |
 * | no         | yes            | ignored                     | ignored      | sent         | answers it      |
 * | yes        | no             | the handshake is done: both | delivered    | throws       | throws          |
 * | yes        | yes            | ignored                     | ignored      | throws       | throws          |
 *
 * "Received, not sent" is where the sink has asked in `onClose` for time to answer the messages before.
 * A violation sends a Close in place of the answer, and from then on no input is looked at.
 */

import { copyOf, encodeUtf8 } from "../bytes.ts";
import type { Engine } from "../engine.ts";
import { WebSocketProtocolError } from "../errors.ts";
import {
  Compressor,
  Decompressor,
  type PermessageDeflateInit,
} from "../extensions/permessage_deflate.ts";
import { MAX_CONTROL_PAYLOAD, Opcode } from "../opcode.ts";
import type { Message } from "../types.ts";
import { ByteQueue } from "./byte_queue.ts";
import { type Close, encodeClose, parseClose } from "./close.ts";
import {
  FrameDecoder,
  frameHeaderSize,
  frameRules,
  type FrameSink,
  type FrameViolation,
  writeFrameHeader,
  writeShortHeader,
} from "./frame.ts";
import { withRoom } from "./header_room.ts";
import { applyMask, createMaskKey } from "./mask.ts";
import { copyBytes } from "./copy.ts";
import { MessageAssembler, type MessageLimits } from "./message_assembler.ts";
import { encodeAsciiInto, encodeUtf8Into } from "./utf8.ts";

/** Where whole messages go, without a call in between: there may be millions in a second. */
export interface MessageSink {
  /** A whole message. Does not throw. */
  push(message: Message): void;
}

/** Who receives what else the bytes mean. */
export interface ProtocolSink {
  /** A ping; the pong is already queued. */
  onPing(payload: Uint8Array): void;
  /** A pong. */
  onPong(payload: Uint8Array): void;
  /**
   * The peer's Close frame. With `true` it is answered at once, by the same code, unless ours was
   * sent before; with `false` the sink answers by `sendClose` itself, once it has answered the
   * messages before (RFC 6455 section 5.5.1).
   */
  onClose(close: Close): boolean;
  /**
   * A violation of the peer's is about to be answered by our Close frame: the last call in which
   * something can be sent, in answer to the messages before.
   */
  onFailing(): void;
  /** It is answered: nothing but the end of the transport follows. */
  onFailed(error: WebSocketProtocolError): void;
}

/** How a protocol is set up. */
export interface ProtocolInit extends MessageLimits {
  /** Which side of the connection this is. */
  readonly role: "server" | "client";
  /** permessage-deflate, where it is agreed. */
  readonly compression?: PermessageDeflateInit | undefined;
  /**
   * A payload of more bytes than this, or one with room for its header that exceeds it together with
   * that, is sent by a server without being copied: the caller's array must not change until it is written.
   */
  readonly copyLimit: number;
}

/**
 * While this many bytes wait to be written, pings are not answered one by one: only the latest is,
 * as RFC 6455 section 5.5.3 allows, so that a flood of them holds no memory.
 */
const PONG_LIMIT = 16 * 1024;

/** Up to this many UTF-16 units a text is given room for three bytes each. */
const SHORT_TEXT = 4 * 1024;
/**
 * Up to this many it is given one byte each, which will do for ASCII, in a buffer that serves again: on
 * Deno 64 KiB take 1.5 µs so, and 30 in a fresh array. All others are encoded into an array of their own.
 */
const LONG_TEXT = 96 * 1024;

const EMPTY = new Uint8Array(0);

/** One side of a connection. */
export class Protocol implements FrameSink {
  /** The bytes to send. */
  readonly output: ByteQueue = new ByteQueue();
  readonly #sink: ProtocolSink;
  #messages: MessageSink | undefined;
  readonly #decoder: FrameDecoder;
  readonly #assembler: MessageAssembler;
  #compressor: Compressor | undefined;
  readonly #masking: boolean;
  readonly #copyLimit: number;

  #closeSent: Close | undefined;
  #closeReceived: Close | undefined;
  #failure: WebSocketProtocolError | undefined;
  #eof = false;

  /** Whether a fragmented message is under way, inwards and outwards. */
  #inMessage = false;
  #outMessage: { readonly compressed: boolean } | undefined;
  /** The frame under way. */
  #opcode: number = Opcode.Continuation;
  #fin = true;
  /** The payload of a control frame that came in pieces. */
  #control: Uint8Array = EMPTY;
  #controlLength = 0;
  /** The latest ping that could not be answered yet. */
  #pongDue: Uint8Array | undefined;
  /** Input that waits since delivery was paused, from `#heldAt` on. */
  #held: Uint8Array = EMPTY;
  #heldAt = 0;
  #paused = false;
  /** Whether input is being decoded, and the sink may be calling back. */
  #decoding = false;
  #ended = false;

  /** Creates one side of a connection whose opening handshake is done. */
  constructor(init: ProtocolInit, sink: ProtocolSink) {
    this.#sink = sink;
    this.#masking = init.role === "client";
    this.#copyLimit = init.copyLimit;
    const { compression } = init;
    this.#decoder = new FrameDecoder(frameRules(init.role, compression !== undefined), this);
    this.#assembler = new MessageAssembler(
      init,
      compression && new Decompressor(init.role, compression.parameters),
    );
    this.#compressor = compression && new Compressor(init.role, compression);
  }

  /** The Close frame sent, if any. */
  get closeSent(): Close | undefined {
    return this.#closeSent;
  }

  /** The Close frame received, if any. */
  get closeReceived(): Close | undefined {
    return this.#closeReceived;
  }

  /** The violation that failed the connection, if any (RFC 6455 section 7.1.7). */
  get failure(): WebSocketProtocolError | undefined {
    return this.#failure;
  }

  /** Whether the peer ended its direction. */
  get eof(): boolean {
    return this.#eof;
  }

  /** Whether nothing is left to be said by either side: the transport is to be closed. */
  get closeExpected(): boolean {
    return this.#failure !== undefined ||
      (this.#closeSent !== undefined && this.#closeReceived !== undefined);
  }

  /** Whether a fragmented message is under way, inwards. */
  get inMessage(): boolean {
    return this.#inMessage;
  }

  /** Names who receives messages; to be called before any arrives. */
  deliverTo(messages: MessageSink): void {
    this.#messages = messages;
  }

  /** Takes the ways that are fast in the engine; until told, those of V8. */
  tuneFor(engine: Engine): void {
    this.#decoder.tuneFor(engine);
    this.#assembler.tuneFor(engine);
  }

  /** From now on the chunks given to `receiveData` are its own: messages may be views of them. */
  keepChunks(): void {
    this.#assembler.keepChunks();
  }

  // Input ------------------------------------------------------------------------------------

  /**
   * Takes bytes; overwrites them in place and, unless told to keep chunks, keeps no view of them.
   * Never throws.
   */
  receiveData(chunk: Uint8Array): void {
    if (this.#eof || this.#failure !== undefined || this.#closeReceived !== undefined) return;
    if (this.#ended) return;
    if (this.#paused) {
      this.#hold(chunk);
      return;
    }
    const at = this.#decode(chunk, 0);
    if (at < chunk.length) this.#hold(chunk.subarray(at));
  }

  /** The peer ended its direction. */
  receiveEof(): void {
    this.#eof = true;
  }

  /**
   * Stops delivering after the message under way; may be called from within the sink. What is
   * received while paused is held.
   */
  pause(): void {
    this.#paused = true;
    this.#decoder.halt();
  }

  /** Delivers what is held, and goes on; may be called from within the sink. */
  resume(): void {
    this.#paused = false;
    if (this.#held.length === 0 || this.#decoding) return;
    this.#heldAt = this.#decode(this.#held, this.#heldAt);
    if (this.#heldAt === this.#held.length) this.#dropHeld();
  }

  /**
   * The transport is gone: no input is looked at any more, that of the chunk at hand included, and what is
   * held of either direction is forgotten. May be called from within the sink.
   */
  end(): void {
    this.#ended = true;
    this.#decoder.halt();
    this.output.clear();
    this.#dropHeld();
    this.#assembler.release();
    this.#compressor = undefined;
    this.#pongDue = undefined;
  }

  /** Called by the decoder. */
  onHeader(
    fin: boolean,
    rsv1: boolean,
    opcode: number,
    length: number,
  ): FrameViolation | undefined {
    this.#opcode = opcode;
    if (opcode >= Opcode.Close) return undefined;
    this.#fin = fin;
    if (opcode !== Opcode.Continuation) {
      this.#inMessage = true;
      this.#assembler.begin(opcode === Opcode.Text, rsv1);
    }
    return this.#assembler.expect(length, fin);
  }

  /** Called by the decoder. */
  onWholeMessage(
    text: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
    key: number,
  ): FrameViolation | undefined {
    const message = this.#assembler.whole(text, bytes, start, end, key);
    if (typeof message !== "string" && !(message instanceof Uint8Array)) return message;
    this.#messages!.push(message);
    return undefined;
  }

  /** Called by the decoder. */
  onPayload(
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
  ): FrameViolation | undefined {
    if (this.#opcode >= Opcode.Close) return this.#receiveControl(bytes, start, end, last);
    if (!last || !this.#fin) return this.#assembler.append(bytes, start, end);
    const message = this.#assembler.finish(bytes, start, end);
    if (typeof message !== "string" && !(message instanceof Uint8Array)) return message;
    this.#inMessage = false;
    this.#messages!.push(message);
    return undefined;
  }

  #receiveControl(
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
  ): FrameViolation | undefined {
    let payload: Uint8Array;
    if (last && this.#controlLength === 0) {
      payload = bytes.slice(start, end);
    } else {
      if (this.#control.length === 0) this.#control = new Uint8Array(MAX_CONTROL_PAYLOAD);
      this.#control.set(bytes.subarray(start, end), this.#controlLength);
      this.#controlLength += end - start;
      if (!last) return undefined;
      payload = this.#control.slice(0, this.#controlLength);
      this.#controlLength = 0;
    }
    switch (this.#opcode) {
      case Opcode.Close:
        return this.#receiveClose(payload);
      case Opcode.Ping:
        this.#answerPing(payload);
        this.#sink.onPing(payload);
        return undefined;
      default:
        this.#sink.onPong(payload);
        return undefined;
    }
  }

  #receiveClose(payload: Uint8Array): FrameViolation | undefined {
    const close = parseClose(payload);
    if ("closeCode" in close) return close;
    this.#closeReceived = close;
    this.#decoder.halt();
    const answered = this.#sink.onClose(close);
    if (answered && this.#closeSent === undefined) this.sendClose(close.code, close.reason);
    return undefined;
  }

  #answerPing(payload: Uint8Array): void {
    if (this.#closeSent !== undefined) return;
    if (this.output.length < PONG_LIMIT) this.#writeFrame(Opcode.Pong, true, false, payload);
    // The sink is given the same array, and may change it.
    else this.#pongDue = payload.slice();
  }

  #fail({ closeCode, message }: FrameViolation): void {
    if (this.#closeSent === undefined) this.#sink.onFailing();
    if (this.#ended) return;
    // The sink may have sent one of its own.
    if (this.#closeSent === undefined) this.sendClose(closeCode, message);
    this.#failure = new WebSocketProtocolError(closeCode, message);
    this.#sink.onFailed(this.#failure);
  }

  /** Decodes, and returns where it was paused, or the end. */
  #decode(chunk: Uint8Array, at: number): number {
    const decoder = this.#decoder;
    this.#decoding = true;
    do {
      at = decoder.decode(chunk, at);
      if (decoder.violation !== undefined) this.#fail(decoder.violation);
      // What follows a Close frame or a violation is not looked at (RFC 6455 sections 1.4 and 7.1.7).
      if (this.#failure !== undefined || this.#closeReceived !== undefined) at = chunk.length;
      if (this.#ended) at = chunk.length;
      // The sink may have paused, which made the decoder return, and have resumed since.
    } while (at < chunk.length && !this.#paused);
    this.#decoding = false;
    this.#assembler.endChunk();
    return at;
  }

  #hold(chunk: Uint8Array): void {
    const waiting = this.#held.subarray(this.#heldAt);
    const joined = new Uint8Array(waiting.length + chunk.length);
    joined.set(waiting);
    joined.set(chunk, waiting.length);
    this.#held = joined;
    this.#heldAt = 0;
  }

  #dropHeld(): void {
    this.#held = EMPTY;
    this.#heldAt = 0;
  }

  // Output -----------------------------------------------------------------------------------

  /**
   * Sends a text message.
   *
   * @param compress whether to compress it, where that is agreed; by its size if undefined.
   */
  sendText(text: string, compress?: boolean): void {
    this.#checkData();
    if (this.#shouldCompress(text.length, compress)) {
      this.#writeCompressed(Opcode.Text, encodeUtf8(text));
    } else if (text.length <= SHORT_TEXT) {
      this.#writeText(text, compress);
    } else if (text.length > LONG_TEXT || !this.#writeAscii(text)) {
      const data = encodeUtf8(text);
      // Only now the bytes are counted.
      if (this.#shouldCompress(data.length, compress)) this.#writeCompressed(Opcode.Text, data);
      else this.#writeOwned(Opcode.Text, true, data);
    }
  }

  /** Sends a binary message. */
  sendBinary(data: Uint8Array, compress?: boolean): void {
    this.#checkData();
    if (this.#shouldCompress(data.length, compress)) this.#writeCompressed(Opcode.Binary, data);
    else this.#writeFrame(Opcode.Binary, true, false, data);
  }

  /** Starts a message that is sent in fragments; `sendFragment` follows, and nothing else but control frames. */
  beginMessage(type: "text" | "binary", data: Uint8Array, compress?: boolean): void {
    this.#checkData();
    const compressed = compress !== false && this.#compressor !== undefined;
    const opcode = type === "text" ? Opcode.Text : Opcode.Binary;
    const payload = compressed ? this.#compressor!.compress(data, false) : data;
    this.#outMessage = { compressed };
    if (compressed) this.#writeView(opcode, false, true, payload);
    else this.#writeFrame(opcode, false, false, payload);
  }

  /** Sends a further fragment of the message begun. */
  sendFragment(data: Uint8Array, last: boolean): void {
    this.#checkOpen("fragment");
    const message = this.#outMessage;
    if (message === undefined) throw new Error("Cannot send fragment: no message is begun");
    if (last) this.#outMessage = undefined;
    if (message.compressed) {
      this.#writeView(Opcode.Continuation, last, false, this.#compressor!.compress(data, last));
    } else {
      this.#writeFrame(Opcode.Continuation, last, false, data);
    }
  }

  /** Sends a ping of at most 125 bytes. */
  sendPing(payload: Uint8Array): void {
    this.#checkOpen("ping");
    if (payload.length > MAX_CONTROL_PAYLOAD) {
      throw new RangeError(
        `Cannot send ping: payload must be at most ${MAX_CONTROL_PAYLOAD} bytes, not ${payload.length}`,
      );
    }
    this.#writeFrame(Opcode.Ping, true, false, payload);
  }

  /** Sends the Close frame: the last one. A code of 1005 stands for an empty payload. */
  sendClose(code: number, reason: string): void {
    this.#checkOpen("Close");
    // Nothing follows a Close frame, so that a pong still owed has to precede it.
    this.flushPong();
    this.#writeFrame(Opcode.Close, true, false, encodeClose(code, reason));
    this.#closeSent = { code, reason };
    this.#outMessage = undefined;
  }

  /** Queues the pong that was held back, if any; to be called before each write. */
  flushPong(): void {
    const payload = this.#pongDue;
    if (payload === undefined) return;
    this.#pongDue = undefined;
    if (this.#closeSent === undefined) this.#writeFrame(Opcode.Pong, true, false, payload);
  }

  #checkOpen(what: string): void {
    if (this.#closeSent !== undefined) throw new Error(`Cannot send ${what}: Close was sent`);
  }

  #checkData(): void {
    if (this.#closeSent === undefined && this.#outMessage === undefined) return;
    this.#checkOpen("message");
    throw new Error("Cannot send message: a fragmented message is under way");
  }

  #shouldCompress(size: number, compress: boolean | undefined): boolean {
    if (this.#compressor === undefined) return false;
    return compress ?? size >= this.#compressor.threshold;
  }

  #writeCompressed(opcode: number, data: Uint8Array): void {
    this.#writeView(opcode, true, true, this.#compressor!.compress(data, true));
  }

  /** Writes what a compressor gave: a view that does not outlive its next call, so may not be lent. */
  #writeView(opcode: number, fin: boolean, rsv1: boolean, payload: Uint8Array): void {
    if (payload.length > this.#copyLimit) this.#writeOwned(opcode, fin, payload.slice(), rsv1);
    else this.#writeFrame(opcode, fin, rsv1, payload);
  }

  /** Writes a text if it is ASCII, and nothing otherwise; what was not committed may be left. */
  #writeAscii(text: string): boolean {
    const { length } = text;
    const masked = this.#masking;
    const size = frameHeaderSize(length, masked);
    const at = this.output.reserve(size + length);
    const { buffer } = this.output;
    if (!encodeAsciiInto(text, buffer, at + size)) return false;
    const key = masked ? createMaskKey() : undefined;
    writeFrameHeader(buffer, at, { fin: true, rsv1: false, opcode: Opcode.Text, length }, key);
    if (key !== undefined) applyMask(buffer, at + size, at + size + length, key);
    this.output.commit(size + length);
    return true;
  }

  /** Encodes straight behind the place of the header, whose size for ASCII is known beforehand. */
  #writeText(text: string, compress: boolean | undefined): void {
    const masked = this.#masking;
    const output = this.output;
    const guess = frameHeaderSize(text.length, masked);
    const at = output.reserve(text.length * 3 + 14);
    const buffer = output.buffer;
    const length = encodeUtf8Into(text, buffer, at + guess);
    // Only now the bytes are counted. What was written is not committed, so that it may be left.
    if (length > text.length && this.#shouldCompress(length, compress)) {
      this.#writeCompressed(Opcode.Text, buffer.subarray(at + guess, at + guess + length));
      return;
    }
    const size = frameHeaderSize(length, masked);
    if (size !== guess) buffer.copyWithin(at + size, at + guess, at + guess + length);
    const key = masked ? createMaskKey() : undefined;
    writeFrameHeader(buffer, at, { fin: true, rsv1: false, opcode: Opcode.Text, length }, key);
    if (key !== undefined) applyMask(buffer, at + size, at + size + length, key);
    output.commit(size + length);
  }

  /** The short way for an unmasked frame of at most 125 bytes, as most of a server's are. */
  #writeShortFrame(opcode: number, payload: Uint8Array): void {
    const { output } = this;
    const size = 2 + payload.length;
    const at = output.reserve(size);
    const { buffer } = output;
    writeShortHeader(buffer, at, opcode, payload.length);
    copyBytes(payload, buffer, at + 2);
    output.commit(size);
  }

  #writeFrame(opcode: number, fin: boolean, rsv1: boolean, payload: Uint8Array): void {
    const length = payload.length;
    if (length <= MAX_CONTROL_PAYLOAD && !this.#masking && fin && !rsv1) {
      return this.#writeShortFrame(opcode, payload);
    }
    const masked = this.#masking;
    const size = frameHeaderSize(length, masked);
    if (size + length > this.#copyLimit) {
      if (!masked && this.#writeInPlace(opcode, fin, rsv1, payload)) return;
      // Where only the header makes it exceed the limit, no more of it might be left to write than that
      // once the header has left, and its sender would be told that it may change.
      if (masked || length > this.#copyLimit) {
        return this.#writeOwned(opcode, fin, masked ? copyOf(payload) : payload, rsv1);
      }
    }
    const at = this.output.reserve(size + length);
    const buffer = this.output.buffer;
    const key = masked ? createMaskKey() : undefined;
    writeFrameHeader(buffer, at, { fin, rsv1, opcode, length }, key);
    copyBytes(payload, buffer, at + size);
    if (key !== undefined) applyMask(buffer, at + size, at + size + length, key);
    this.output.commit(size + length);
  }

  /**
   * Sends a whole binary message in one piece with its header, where there is room in front of it. The
   * same header may go there for many connections at a time, so that no other does.
   */
  #writeInPlace(opcode: number, fin: boolean, rsv1: boolean, payload: Uint8Array): boolean {
    if (opcode !== Opcode.Binary || !fin || rsv1) return false;
    const frame = withRoom(payload);
    if (frame === undefined) return false;
    writeFrameHeader(frame, 0, { fin, rsv1, opcode, length: payload.length }, undefined);
    this.output.append(frame);
    return true;
  }

  /** Sends a payload that nobody else will change: masked in place, and not copied. */
  #writeOwned(opcode: number, fin: boolean, payload: Uint8Array, rsv1 = false): void {
    const length = payload.length;
    const key = this.#masking ? createMaskKey() : undefined;
    const size = frameHeaderSize(length, this.#masking);
    const at = this.output.reserve(size);
    writeFrameHeader(this.output.buffer, at, { fin, rsv1, opcode, length }, key);
    this.output.commit(size);
    if (key !== undefined) applyMask(payload, 0, length, key);
    this.output.append(payload);
  }
}
