/**
 * What a case of the suite is: what one side sends, and what has to come back.
 */

import type { Parameters } from "./negotiation.ts";
import type { FrameSpec, Role } from "./frames.ts";

/** A message, as it is sent and as it is expected back. */
export interface Data {
  readonly type: "text" | "binary";
  readonly payload: Uint8Array;
}

/** One step of what the suite's side does. */
export type Step =
  /** Sends a frame. */
  | { readonly kind: "frame"; readonly frame: FrameSpec }
  /** Compresses a message by what was agreed, and sends it, in fragments of as many bytes if told. */
  | { readonly kind: "compressed"; readonly data: Data; readonly fragmentSize?: number }
  /** Sends bytes as they are. */
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** Waits until as many messages and pongs have come back since the beginning. */
  | { readonly kind: "await"; readonly messages: number; readonly pongs: number }
  /** The connection has to be failed by now: before what follows is sent. */
  | { readonly kind: "await failure" }
  /** Waits a moment in which nothing may come, and the connection may not end. */
  | { readonly kind: "quiet" }
  /** Ends our direction of the transport. */
  | { readonly kind: "end" };

/** How the connection is to end. */
export type End =
  /** Our Close is answered by one with one of these codes, 1005 being none. */
  | { readonly kind: "closed"; readonly codes: readonly number[] }
  /** It is failed: with a Close with one of these codes, and without waiting for ours. */
  | { readonly kind: "failed"; readonly codes: readonly number[] }
  /** The transport is given up, since our side of it ended. */
  | { readonly kind: "dropped" }
  /** The client does not open it, since the handshake was wrong. */
  | { readonly kind: "refused" };

/** What has to come back. */
export interface Expectation {
  /** In order. */
  readonly messages: readonly Data[];
  /** The payloads of the pongs, in order. */
  readonly pongs: readonly Uint8Array[];
  /** How many pongs have to come before the first message does. */
  readonly pongsFirst?: number;
  /** Whether the last of the messages may be lacking. */
  readonly mayLack?: boolean;
  readonly end: End;
}

/** What is sent, and what is right in answer to it. */
export interface Script {
  readonly steps: readonly Step[];
  readonly expect: Expectation;
  /** Another answer that the RFC leaves open. */
  readonly or?: Expectation;
  /** An answer that breaks no rule and is not the one to wish for. */
  readonly tolerate?: Expectation;
  /**
   * How the bytes are cut into writes: a step at a time, all that lies between two waits at once,
   * as many bytes at a time, or behind so many of the bytes.
   * @default "steps"
   */
  readonly writes?: "steps" | "joined" | number | { readonly cuts: readonly number[] };
  /** Whether the first bytes leave with the response of the handshake; for clients. */
  readonly withHandshake?: boolean;
}

/** What is agreed in the opening handshake. */
export type Handshake =
  /** Compression with these parameters, or with those that a server makes of them if that will do. */
  | { readonly kind: "agree"; readonly parameters: Parameters; readonly flexible?: boolean }
  /** A server is offered this, some of which it may accept; where that is nothing, it has to decline. */
  | { readonly kind: "offer"; readonly header: string; readonly accepts: readonly Parameters[] }
  /** A client is answered this, whatever it has offered. */
  | { readonly kind: "respond"; readonly header: string };

/** One case. */
export interface SuiteCase {
  /** Theme, group and number, as in "2.3.1". */
  readonly id: string;
  /** What a right endpoint does, as in "echoes a text message of 126 bytes". */
  readonly title: string;
  /** As in "RFC 6455 5.2". */
  readonly section: string;
  /** Which endpoints it tests, where not both. */
  readonly role?: Role;
  /** @default nothing but the WebSocket */
  readonly handshake?: Handshake;
  /** Made when the case is run: some are large. */
  readonly script: () => Script;
}

/** A case whose id is still to be given. */
export type Entry = Omit<SuiteCase, "id" | "section"> & { readonly section?: string };

/** A theme: a file of cases. */
export interface Theme {
  readonly id: string;
  readonly name: string;
  readonly cases: readonly SuiteCase[];
}

/** A group of cases about one section. */
export interface Group {
  readonly section: string;
  readonly cases: readonly Entry[];
}

/** Numbers the groups of a theme and their cases, from 1. */
export function theme(id: string, name: string, groups: readonly Group[]): Theme {
  const cases = groups.flatMap((group, g) =>
    group.cases.map((entry, c): SuiteCase => ({
      ...entry,
      id: `${id}.${g + 1}.${c + 1}`,
      section: entry.section ?? group.section,
    }))
  );
  return { id, name, cases };
}

/** The name under which a case is reported. */
export function caseName({ id, title, section }: SuiteCase, role: Role): string {
  return `suite ${id} ${role} ${title} (${section})`;
}
