/**
 * The WebSocket protocol as a machine without I/O (RFC 6455 sections 5–7).
 *
 * Bytes go in by `receiveData` and `receiveEof`; what they mean leaves through the sink given at
 * construction, and the bytes to send gather in `output`. Nothing here awaits, reads a clock or
 * knows a host.
 *
 * The closing handshake, by what has been sent and received:
 *
 * | Close sent | Close received | a Close arrives      | data arrives | we send data | we close   |
 * | ---------- | -------------- | -------------------- | ------------ | ------------ | ---------- |
 * | no         | no             | it is answered: both | delivered    | sent         | sent       |
 * | no         | yes            | ignored              | ignored      | sent         | answers it |
 * | yes        | no             | handshake done: both | delivered    | throws       | throws     |
 * | yes        | yes            | ignored              | ignored      | throws       | throws     |
 *
 * "Received, not sent" is where the sink has asked in `onClose` for time to answer the earlier
 * messages. A violation sends a Close in place of the answer, and from then on no input is looked
 * at.
 */

import type { Engine } from "../engine.ts";
import { WebSocketProtocolError } from "../errors.ts";
import { Decompressor } from "../extensions/permessage_deflate.ts";
import { MAX_CONTROL_PAYLOAD, Opcode } from "../opcode.ts";
import type { Message } from "../types.ts";
import type { ByteQueue } from "./byte_queue.ts";
import { type Close, encodeClose, parseClose } from "./close.ts";
import { FrameDecoder, type FrameSink } from "./frame_decoder.ts";
import { frameRules } from "./frame_header.ts";
import { FrameWriter, type FrameWriterInit } from "./frame_writer.ts";
import { MessageAssembler, type MessageLimits } from "./message_assembler.ts";
import { isViolation, type Violation } from "./violation.ts";

/** Where whole messages go, without a call in between: there may be millions per second. */
export interface MessageSink {
  /** A whole message. Does not throw. */
  push(message: Message): void;
}

/** Who receives all else that the bytes mean. */
export interface ProtocolSink {
  /** A ping; the pong is already queued. */
  onPing(payload: Uint8Array): void;
  /** A pong. */
  onPong(payload: Uint8Array): void;
  /**
   * The peer's Close frame. With `true` it is answered at once, by the same code, unless ours was
   * sent before; with `false` the sink answers by `sendClose` itself, once it has answered the
   * earlier messages (RFC 6455 section 5.5.1).
   */
  onClose(close: Close): boolean;
  /**
   * A violation by the peer is about to be answered by our Close frame. This is the last call in
   * which something can be sent, in answer to earlier messages.
   */
  onFailing(): void;
  /** The violation is answered: nothing but the end of the transport follows. */
  onFailed(error: WebSocketProtocolError): void;
}

/** How a protocol is set up. */
export interface ProtocolInit extends FrameWriterInit, MessageLimits {}

/**
 * While this many bytes wait to be written, pings are not answered one by one: only the latest is,
 * as RFC 6455 section 5.5.3 allows, so that a flood of them holds no memory.
 */
const PONG_LIMIT = 16 * 1024;

const EMPTY = new Uint8Array(0);

/** One side of a connection. */
export class Protocol implements FrameSink {
  /** The bytes to send. */
  readonly output: ByteQueue;
  readonly #sink: ProtocolSink;
  #messages: MessageSink | undefined;
  readonly #decoder: FrameDecoder;
  readonly #assembler: MessageAssembler;
  readonly #writer: FrameWriter;

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
  #holdsChunks = false;
  /** Input that has waited since delivery was paused, from `#heldAt` on. */
  #held: Uint8Array = EMPTY;
  #heldAt = 0;
  #paused = false;
  /** Whether input is being decoded, and the sink may be calling back. */
  #decoding = false;
  #ended = false;

  /** Creates one side of a connection whose opening handshake is done. */
  constructor(init: ProtocolInit, sink: ProtocolSink) {
    this.#sink = sink;
    const { compression } = init;
    this.#decoder = new FrameDecoder(frameRules(init.role, compression !== undefined), this);
    this.#assembler = new MessageAssembler(
      init,
      compression && new Decompressor(init.role, compression.parameters),
    );
    this.#writer = new FrameWriter(init);
    this.output = this.#writer.output;
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

  /** Called by the decoder: whether large pieces of the frame under way are passed on masked. */
  get unmasks(): boolean {
    return this.#opcode < Opcode.Close && this.#assembler.unmasks;
  }

  /** Names who receives messages; to be called before any arrives. */
  deliverTo(messages: MessageSink): void {
    this.#messages = messages;
  }

  /** Chooses what is fast in this engine; before it is called, what is fast in V8. */
  tuneFor(engine: Engine): void {
    this.#decoder.tuneFor(engine);
    this.#assembler.tuneFor(engine);
  }

  /** From now on the chunks given to `receiveData` are its own: messages may be views of them. */
  keepChunks(): void {
    this.#assembler.keepChunks();
    this.#holdsChunks = true;
  }

  /** From now on the last chunk given to `receiveData` is its own while delivery is paused. */
  holdChunks(): void {
    this.#holdsChunks = true;
  }

  // Input ------------------------------------------------------------------------------------

  /**
   * Takes bytes; overwrites them in place and, unless told to keep chunks, keeps no view of them.
   * Never throws.
   */
  receiveData(chunk: Uint8Array): void {
    if (this.#eof || this.#failure !== undefined || this.#closeReceived !== undefined) return;
    if (this.#ended) return;
    const at = this.#paused ? 0 : this.#decode(chunk, 0);
    if (at < chunk.length) this.#hold(chunk, at);
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
   * The transport is gone: no more input is looked at, not even the rest of the chunk at hand, and
   * what is held of either direction is forgotten. May be called from within the sink.
   */
  end(): void {
    this.#ended = true;
    this.#decoder.halt();
    this.#dropHeld();
    this.#assembler.release();
    this.#writer.release();
    this.#pongDue = undefined;
  }

  /** Called by the decoder. */
  onHeader(
    fin: boolean,
    rsv1: boolean,
    opcode: number,
    length: number,
  ): Violation | undefined {
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
  ): Violation | undefined {
    const message = this.#assembler.whole(text, bytes, start, end, key);
    // What `isViolation` asks; by a call of it an echo of 16 bytes takes 3 % longer on Deno.
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
    key: number,
  ): Violation | undefined {
    if (this.#opcode >= Opcode.Close) return this.#receiveControl(bytes, start, end, last);
    if (!last || !this.#fin) return this.#assembler.append(bytes, start, end, key);
    const message = this.#assembler.finish(bytes, start, end, key);
    if (isViolation(message)) return message;
    this.#inMessage = false;
    this.#messages!.push(message);
    return undefined;
  }

  #receiveControl(
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
  ): Violation | undefined {
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

  #receiveClose(payload: Uint8Array): Violation | undefined {
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
    if (this.output.length < PONG_LIMIT) this.#writer.writeControl(Opcode.Pong, payload);
    // The sink is given the same array, and may change it.
    else this.#pongDue = payload.slice();
  }

  #fail({ closeCode, message }: Violation): void {
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
      // What follows a Close frame or a violation is ignored (RFC 6455 sections 1.4 and 7.1.7).
      if (this.#failure !== undefined || this.#closeReceived !== undefined) at = chunk.length;
      if (this.#ended) at = chunk.length;
      // The sink may have paused, which made the decoder return, and resumed since.
    } while (at < chunk.length && !this.#paused);
    this.#decoding = false;
    this.#assembler.endChunk();
    return at;
  }

  /** Lets `chunk[at…]` wait. */
  #hold(chunk: Uint8Array, at: number): void {
    const waiting = this.#held.subarray(this.#heldAt);
    if (waiting.length === 0 && this.#holdsChunks) {
      this.#held = chunk;
      this.#heldAt = at;
      return;
    }
    const rest = chunk.subarray(at);
    const joined = new Uint8Array(waiting.length + rest.length);
    joined.set(waiting);
    joined.set(rest, waiting.length);
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
    this.#writer.writeText(text, compress);
  }

  /** Sends a binary message. */
  sendBinary(data: Uint8Array, compress?: boolean): void {
    this.#checkData();
    this.#writer.writeBinary(data, compress);
  }

  /**
   * Starts a message that is sent in fragments. Until the last `sendFragment`, only control frames
   * may be sent in between.
   */
  beginMessage(type: "text" | "binary", data: Uint8Array, compress?: boolean): void {
    this.#checkData();
    const compressed = compress !== false && this.#writer.compresses;
    this.#outMessage = { compressed };
    const opcode = type === "text" ? Opcode.Text : Opcode.Binary;
    this.#writer.writeFragment(opcode, data, { last: false, compressed });
  }

  /** Sends a further fragment of the message begun. */
  sendFragment(data: Uint8Array, last: boolean): void {
    this.#checkOpen("fragment");
    const message = this.#outMessage;
    if (message === undefined) throw new Error("Cannot send fragment: no message is begun");
    if (last) this.#outMessage = undefined;
    const { compressed } = message;
    this.#writer.writeFragment(Opcode.Continuation, data, { last, compressed });
  }

  /** Sends a ping of at most 125 bytes. */
  sendPing(payload: Uint8Array): void {
    this.#checkOpen("ping");
    if (payload.length > MAX_CONTROL_PAYLOAD) {
      throw new RangeError(
        `Cannot send ping: payload must be at most ${MAX_CONTROL_PAYLOAD} bytes, not ${payload.length}`,
      );
    }
    this.#writer.writeControl(Opcode.Ping, payload);
  }

  /** Sends the Close frame: the last one. A code of 1005 stands for an empty payload. */
  sendClose(code: number, reason: string): void {
    this.#checkOpen("Close");
    // Nothing follows a Close frame, so a pong still owed has to precede it.
    this.flushPong();
    this.#writer.writeControl(Opcode.Close, encodeClose(code, reason));
    this.#closeSent = { code, reason };
    this.#outMessage = undefined;
  }

  /** Queues the pong that was held back, if any; to be called before each write. */
  flushPong(): void {
    const payload = this.#pongDue;
    if (payload === undefined) return;
    this.#pongDue = undefined;
    if (this.#closeSent === undefined) this.#writer.writeControl(Opcode.Pong, payload);
  }

  #checkOpen(what: string): void {
    if (this.#closeSent !== undefined) throw new Error(`Cannot send ${what}: Close was sent`);
  }

  #checkData(): void {
    if (this.#closeSent === undefined && this.#outMessage === undefined) return;
    this.#checkOpen("message");
    throw new Error("Cannot send message: a fragmented message is under way");
  }
}
