/**
 * The judgement of a case: what had to come back, against what has.
 */

import type { Data, End, Expectation, Script } from "./case.ts";
import type { Observation } from "./observer.ts";
import { sameBytes } from "./frames.ts";

/**
 * What an endpoint's behaviour is called. "strict": as the RFC has it in every word. "non-strict": a
 * MAY or a SHOULD was not taken up, such as a failure without a Close that says why. "wrong": a rule
 * was broken. "hung": what had to happen has not. "declined": the case's extension was not agreed on.
 */
export type Behaviour = "strict" | "non-strict" | "wrong" | "hung" | "declined";

/** All that there is, the best first. */
export const BEHAVIOURS: readonly Behaviour[] = [
  "strict",
  "declined",
  "non-strict",
  "wrong",
  "hung",
];

/** The outcome of a case. */
export interface Outcome {
  readonly behaviour: Behaviour;
  /** What had to come back. */
  readonly expected: string;
  /** What came. */
  readonly observed: string;
  /** How many messages came back compressed. */
  readonly compressed: number;
}

/** How a script went, besides what was seen of the endpoint. */
export interface Course {
  /** Whether a wait for something ended without it. */
  readonly timedOut: boolean;
  /** Whether a failure came later than the script wanted it. */
  readonly late: boolean;
  /** Whether the endpoint ended the transport where it had to wait for the other side. */
  readonly hasty: boolean;
}

/** Judges. */
export function judge(script: Script, seen: Observation, course: Course): Outcome {
  const right = [script.expect, ...(script.or === undefined ? [] : [script.or])];
  const tolerated = script.tolerate === undefined ? [] : [script.tolerate];
  const matches = right.map((expectation) => match(expectation, seen));
  const isStrict = matches.includes("strict") && !course.late && !course.hasty;
  const isAllowed = matches.some((each) => each !== undefined) ||
    tolerated.some((expectation) => match(expectation, seen) !== undefined);
  const behaviour = seen.fault !== undefined
    ? "wrong"
    : isStrict
    ? "strict"
    : isAllowed
    ? "non-strict"
    : course.timedOut && !isRefuted(script, seen)
    ? "hung"
    : "wrong";
  return {
    behaviour,
    expected: right.map(describeExpectation).join(" or "),
    observed: describeObservation(seen, course),
    compressed: seen.compressed,
  };
}

/** Whether nothing that is still to come can make an observation right. */
export function isRefuted(script: Script, { messages, pongs, fault }: Observation): boolean {
  const hopes = [script.expect, script.or, script.tolerate].filter((each) => each !== undefined);
  return fault !== undefined ||
    hopes.every((hope) =>
      messages.length > hope.messages.length || pongs.length > hope.pongs.length
    );
}

/** How well an expectation is met: to the letter, in a way that may pass, or not at all. */
function match(wanted: Expectation, seen: Observation): "strict" | "lenient" | undefined {
  if (seen.ended === undefined || seen.messages.length > wanted.messages.length) return undefined;
  if (!seen.messages.every((message, i) => sameData(message, wanted.messages[i]!))) {
    return undefined;
  }
  const end = matchEnd(wanted.end, seen);
  if (end === undefined) return undefined;
  const complete = seen.messages.length === wanted.messages.length || wanted.mayLack === true;
  // A failure may overtake the answers to what came before it, a closing handshake may not.
  if (!complete && wanted.end.kind === "closed") return undefined;
  const pongs = matchPongs(wanted, seen);
  if (pongs === undefined) return undefined;
  const prompt = seen.pongsFirst >= (wanted.pongsFirst ?? 0);
  return complete && prompt && end === "strict" && pongs === "strict" ? "strict" : "lenient";
}

function matchEnd(end: End, { closeCode }: Observation): "strict" | "lenient" | undefined {
  switch (end.kind) {
    case "closed":
      if (closeCode === undefined) return undefined;
      return end.codes.includes(closeCode) ? "strict" : "lenient";
    case "failed":
      return closeCode !== undefined && end.codes.includes(closeCode) ? "strict" : "lenient";
    case "dropped":
    case "refused":
      return "strict";
  }
}

/** Of several pings only the latest has to be answered (RFC 6455 section 5.5.3). */
function matchPongs(wanted: Expectation, seen: Observation): "strict" | "lenient" | undefined {
  let next = 0;
  for (const pong of seen.pongs) {
    while (next < wanted.pongs.length && !sameBytes(wanted.pongs[next]!, pong)) next++;
    if (next++ === wanted.pongs.length) return undefined;
  }
  if (seen.pongs.length === wanted.pongs.length) return "strict";
  return next === wanted.pongs.length || wanted.end.kind !== "closed" ? "lenient" : undefined;
}

function sameData(a: Data, b: Data): boolean {
  return a.type === b.type && sameBytes(a.payload, b.payload);
}

/** Says what had to come back. */
export function describeExpectation({ messages, pongs, mayLack, end }: Expectation): string {
  const codes = "codes" in end ? end.codes.join("/") : "";
  const ends: Record<End["kind"], string> = {
    closed: `a Close ${codes} in answer`,
    failed: `failure with ${codes}`,
    dropped: "the end of the transport",
    refused: "no connection",
  };
  const answers = describeAnswers(messages, pongs);
  return [...answers, ...(mayLack ? ["or less of that"] : []), ends[end.kind]].join(", ");
}

function describeObservation(seen: Observation, course: Course): string {
  const parts = describeAnswers(seen.messages, seen.pongs);
  if (seen.fault !== undefined) parts.push(`breach: ${seen.fault}`);
  if (seen.closeCode !== undefined) parts.push(`Close ${seen.closeCode}`);
  parts.push(seen.ended === undefined ? "no end of the transport" : `ended ${seen.ended}`);
  if (course.late) parts.push("failed late");
  if (course.hasty) parts.push("did not wait for the server");
  return parts.join(", ");
}

/** So many messages or pongs are told one by one. */
const TOLD = 3;

function describeAnswers(messages: readonly Data[], pongs: readonly Uint8Array[]): string[] {
  const told = messages.length > TOLD
    ? [`${messages.length} messages`]
    : messages.map(({ type, payload }) => `${type} ${describeBytes(payload)}`);
  if (pongs.length > TOLD) told.push(`${pongs.length} pongs`);
  else told.push(...pongs.map((payload) => `pong ${describeBytes(payload)}`));
  return told;
}

function describeBytes(bytes: Uint8Array): string {
  if (bytes.length > 16) return `of ${bytes.length} bytes`;
  if (bytes.every((byte) => byte >= 0x20 && byte < 0x7f)) {
    return JSON.stringify(new TextDecoder().decode(bytes));
  }
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
