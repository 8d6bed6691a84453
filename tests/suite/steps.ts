/**
 * The words in which cases are written.
 */

import type { Data, End, Expectation, Script, Step } from "./case.ts";
import { BINARY, CLOSE, CONTINUATION, type FrameSpec, join, PING, PONG, TEXT } from "./frames.ts";

/** What else a frame has. */
export type Parts = Partial<Omit<FrameSpec, "opcode" | "payload">>;

const encoder = new TextEncoder();

/** A text message. */
export function text(source: string | Uint8Array): Data {
  return { type: "text", payload: toBytes(source) };
}

/** A binary message. */
export function binary(source: string | Uint8Array): Data {
  return { type: "binary", payload: toBytes(source) };
}

/** A message of the type. */
export function data(type: Data["type"], source: string | Uint8Array): Data {
  return { type, payload: toBytes(source) };
}

/** UTF-8 of a string, bytes as they are. */
export function toBytes(source: string | Uint8Array): Uint8Array {
  return typeof source === "string" ? encoder.encode(source) : source;
}

/** Bytes from hexadecimal digits; spaces are passed over. */
export function hex(digits: string): Uint8Array {
  const pairs = digits.replaceAll(" ", "").match(/../g) ?? [];
  return Uint8Array.from(pairs, (pair) => parseInt(pair, 16));
}

/** So many bytes, all values among them, in an order without short periods. */
export function filler(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 7 + (i >> 8) * 13) & 0xff;
  return bytes;
}

/** So many bytes of ASCII text. */
export function letters(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = 0x20 + (i * 7 + (i >> 8) * 13) % 95;
  return bytes;
}

/** A message of so many bytes. */
export function sized(type: Data["type"], length: number): Data {
  return { type, payload: type === "text" ? letters(length) : filler(length) };
}

/** The opcode that starts a message. */
export function opcodeOf({ type }: Data): number {
  return type === "text" ? TEXT : BINARY;
}

/** A frame. */
export function frame(
  opcode: number,
  payload: string | Uint8Array = "",
  parts: Parts = {},
): Step {
  return { kind: "frame", frame: { opcode, payload: toBytes(payload), ...parts } };
}

/** A message in one frame. */
export function whole(message: Data, parts: Parts = {}): Step {
  return frame(opcodeOf(message), message.payload, parts);
}

/** A message in fragments of these sizes; the last takes what is left. */
export function fragments(message: Data, sizes: readonly number[]): Step[] {
  const steps: Step[] = [];
  let at = 0;
  for (const size of sizes) {
    const opcode = steps.length === 0 ? opcodeOf(message) : CONTINUATION;
    steps.push(frame(opcode, message.payload.subarray(at, at += size), { fin: false }));
  }
  const opcode = steps.length === 0 ? opcodeOf(message) : CONTINUATION;
  steps.push(frame(opcode, message.payload.subarray(at)));
  return steps;
}

/** A message in fragments of one size. */
export function evenFragments(message: Data, size: number): Step[] {
  const count = Math.ceil(message.payload.length / size) - 1;
  return fragments(message, new Array<number>(Math.max(0, count)).fill(size));
}

/** A fragment: the first of a message by its opcode, or a later one, and not the last unless told. */
export function fragment(
  opcode: number,
  payload: string | Uint8Array = "",
  parts: Parts = {},
): Step {
  return frame(opcode, payload, { fin: false, ...parts });
}

/** A ping. */
export function ping(payload: string | Uint8Array = "", parts: Parts = {}): Step {
  return frame(PING, payload, parts);
}

/** A pong. */
export function pong(payload: string | Uint8Array = "", parts: Parts = {}): Step {
  return frame(PONG, payload, parts);
}

/** The payload of a Close. */
export function closePayload(code: number, reason: string | Uint8Array = ""): Uint8Array {
  return join([Uint8Array.of(code >> 8, code & 0xff), toBytes(reason)]);
}

/** A Close. */
export function close(code = 1000, reason: string | Uint8Array = "", parts: Parts = {}): Step {
  return frame(CLOSE, closePayload(code, reason), parts);
}

/** Waits for what has to come back. */
export function awaited(messages: number, pongs = 0): Step {
  return { kind: "await", messages, pongs };
}

/** The connection has to be failed before what follows is sent. */
export const awaitFailure: Step = { kind: "await failure" };

/** What else a script says. */
export type ScriptParts = Omit<Script, "steps" | "expect">;

/** What has to come back, in the words of a table. */
export interface Answers {
  readonly messages?: readonly Data[];
  readonly pongs?: readonly (string | Uint8Array)[];
  readonly pongsFirst?: number;
}

function expectation({ messages = [], pongs = [], pongsFirst }: Answers, end: End): Expectation {
  return {
    messages,
    pongs: pongs.map(toBytes),
    end,
    ...(pongsFirst === undefined ? {} : { pongsFirst }),
  };
}

/** All is well: these answers come, and then our Close 1000 is answered. */
export function accepts(
  steps: readonly Step[],
  answers: Answers,
  parts: ScriptParts = {},
): Script {
  const { messages = [], pongs = [] } = answers;
  return {
    steps: [...steps, awaited(messages.length, pongs.length), close()],
    expect: expectation(answers, { kind: "closed", codes: [1000] }),
    ...parts,
  };
}

/** All is well: the messages come back as they are. */
export function echoes(
  steps: readonly Step[],
  messages: readonly Data[],
  parts: ScriptParts = {},
): Script {
  return accepts(steps, { messages }, parts);
}

/** One of the steps is a Close, and is answered by one of the codes. */
export function closes(
  steps: readonly Step[],
  codes: readonly number[],
  answers: Answers & ScriptParts = {},
): Script {
  const { messages, pongs, pongsFirst, ...parts } = answers;
  return { steps, expect: closed(codes, { messages, pongs, pongsFirst } as Answers), ...parts };
}

/**
 * Messages and a Close in one write, to an endpoint whose application is at work: it has echoed the
 * first message by itself. An endpoint need not wait for the application (RFC 6455 section 5.5.1).
 */
export function closesBehind(
  messages: readonly Data[],
  sent: readonly Step[] = messages.slice(1).map((message) => whole(message)),
): Script {
  return {
    steps: [whole(messages[0]!), awaited(1), ...sent, close()],
    expect: closed([1000], { messages }),
    tolerate: { ...closed([1000], { messages }), mayLack: true },
    writes: "joined",
  };
}

/** The answers, and then a Close that answers ours. */
export function closed(codes: readonly number[], answers: Answers = {}): Expectation {
  return expectation(answers, { kind: "closed", codes });
}

/** The answers, and then a failure. */
export function failed(codes: readonly number[], answers: Answers = {}): Expectation {
  return expectation(answers, { kind: "failed", codes });
}

/** The steps break a rule, and the connection is failed with one of the codes. */
export function fails(
  steps: readonly Step[],
  codes: number | readonly number[],
  answers: Answers & ScriptParts = {},
): Script {
  const { messages, pongs, pongsFirst, ...parts } = answers;
  return {
    steps,
    expect: failed(
      typeof codes === "number" ? [codes] : codes,
      { messages, pongs, pongsFirst } as Answers,
    ),
    ...parts,
  };
}

/**
 * A message is echoed, and the steps behind it break a rule. Together with them in one write it need
 * not be: nothing binds an endpoint to answer first what it is just about to be asked no more.
 */
export function failsBehind(
  message: Data,
  steps: readonly Step[],
  codes: number | readonly number[],
  { together = false, sent = [whole(message)] }: {
    readonly together?: boolean;
    readonly sent?: readonly Step[];
  } = {},
): Script {
  const messages = [message];
  if (!together) return fails([...sent, awaited(1), ...steps], codes, { messages });
  const script = fails([...sent, ...steps], codes, { messages, writes: "joined" });
  return { ...script, or: { ...script.expect, mayLack: true } };
}

/**
 * A frame's first two bytes break a rule: the connection is to be failed before more is sent. One who
 * waits for the whole header, or the whole frame, is late.
 */
export function failsByHeader(
  opcode: number,
  payload: Uint8Array | string,
  parts: Parts = {},
): Script {
  const key = [0x37, 0xfa, 0x21, 0x3d];
  return fails([
    frame(opcode, payload, { ...parts, key, to: 2 }),
    awaitFailure,
    frame(opcode, payload, { ...parts, key, from: 2 }),
  ], PROTOCOL_ERROR);
}

/** A Close code that the RFC gives to violations of framing. */
export const PROTOCOL_ERROR = 1002;
/** The code for data that is not what its message's type says. */
export const INVALID_PAYLOAD = 1007;
/** The code for a message that is too large. */
export const TOO_BIG = 1009;

/** How a size is written in a title. */
export function sizeName(bytes: number): string {
  const units = [[1 << 20, "MiB"], [1 << 10, "KiB"]] as const;
  for (const [unit, name] of units) {
    if (bytes >= unit && bytes % unit === 0) return `${bytes / unit} ${name}`;
  }
  return `${bytes} ${bytes === 1 ? "byte" : "bytes"}`;
}
