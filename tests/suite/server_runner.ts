/** Runs cases against a server, which is dialled. */

import type { Handshake, SuiteCase } from "./case.ts";
import { acceptFor, createKey, formatRequest, type Head, readHead } from "./handshake.ts";
import {
  agreesOn,
  findAnswerFault,
  formatParameters,
  type Parameters,
  parseAnswer,
} from "./negotiation.ts";
import { Peer } from "./peer.ts";
import { RawSocket, type Target, type Trust } from "./raw_socket.ts";
import {
  casesFor,
  inParallel,
  type Outcomes,
  type RunOptions,
  withoutConnection,
} from "./runner.ts";
import type { Outcome } from "./verdict.ts";

/** How cases are run against a server. */
export interface ServerRunOptions extends RunOptions {
  /** The certificates that a server of `wss:` may have. */
  readonly trust?: Trust;
}

/**
 * Where a server is.
 *
 * @throws {TypeError} if the URL is none of `ws:`, `wss:`, `http:` and `https:`, or has a fragment or
 *   a user.
 */
export function toTarget(url: URL, trust: Trust = {}): Target {
  const { protocol, hash, username, password, port } = url;
  const secure = protocol === "wss:" || protocol === "https:";
  if (!secure && protocol !== "ws:" && protocol !== "http:") {
    throw new TypeError(`the URL must be ws:, wss:, http: or https:, not ${protocol}`);
  }
  if (hash !== "") throw new TypeError(`the URL must not have a fragment (${hash})`);
  if (username !== "" || password !== "") throw new TypeError("the URL must not have a user");
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  return secure
    ? { hostname, port: Number(port || 443), trust }
    : { hostname, port: Number(port || 80) };
}

/** Runs the cases that fit against a server. */
export async function runAgainstServer(
  url: URL,
  cases: readonly SuiteCase[],
  options: ServerRunOptions,
): Promise<Outcomes> {
  const outcomes = new Map<string, Outcome>();
  await inParallel(casesFor("server", cases), options.concurrency, async (testCase) => {
    const outcome = await testServer(url, testCase, options);
    outcomes.set(testCase.id, outcome);
    options.onOutcome?.(testCase, outcome);
  });
  return outcomes;
}

async function testServer(
  url: URL,
  testCase: SuiteCase,
  options: ServerRunOptions,
): Promise<Outcome> {
  const script = testCase.script();
  let socket: RawSocket;
  try {
    socket = await RawSocket.dial(toTarget(url, options.trust));
  } catch (error) {
    return withoutConnection(script, "wrong", `cannot connect: ${String(error)}`);
  }
  try {
    const key = createKey();
    await socket.write(formatRequest(url, key, offerOf(testCase.handshake)));
    const head = await readHead(socket, options.silence);
    const fault = findResponseFault(head, key);
    if (fault !== undefined) return withoutConnection(script, "wrong", fault);
    const answer = head.fields.get("sec-websocket-extensions");
    const negotiated = judgeAnswer(testCase.handshake, answer);
    if ("behaviour" in negotiated) {
      return withoutConnection(script, negotiated.behaviour, negotiated.observed);
    }
    const { agreed } = negotiated;
    return await new Peer(socket, script, { tested: "server", agreed, patience: options }).play();
  } catch (error) {
    return withoutConnection(script, "wrong", `no handshake: ${String(error)}`);
  } finally {
    await socket.destroy();
  }
}

/** What is offered to a server. */
function offerOf(handshake: Handshake | undefined): string | undefined {
  if (handshake?.kind === "agree") return formatParameters(handshake.parameters);
  return handshake?.kind === "offer" ? handshake.header : undefined;
}

function findResponseFault({ startLine, fields }: Head, key: string): string | undefined {
  if (!/^HTTP\/1\.1 101( |$)/.test(startLine)) return `the handshake was answered "${startLine}"`;
  if (fields.get("sec-websocket-accept") !== acceptFor(key)) return "Sec-WebSocket-Accept is wrong";
  return undefined;
}

/** What was agreed on, or the outcome where the case ends with it. */
type Negotiated =
  | { readonly agreed: Parameters | undefined }
  | { readonly behaviour: Outcome["behaviour"]; readonly observed: string };

const DECLINED: Negotiated = {
  behaviour: "declined",
  observed: "the extension, or these parameters of it, were not agreed on",
};

/** Judges what a server answered to an offer. */
function judgeAnswer(handshake: Handshake | undefined, answer: string | undefined): Negotiated {
  const wrong = (observed: string): Negotiated => ({ behaviour: "wrong", observed });
  if (handshake === undefined || handshake.kind === "respond") {
    if (answer === undefined) return { agreed: undefined };
    return wrong(`an extension that was not offered: ${answer}`);
  }
  const mayDecline = handshake.kind === "offer" && handshake.accepts.length === 0;
  if (answer === undefined) return mayDecline ? { agreed: undefined } : DECLINED;
  if (mayDecline) return wrong(`an invalid offer was accepted: ${answer}`);
  let agreed: Parameters;
  try {
    agreed = parseAnswer(answer);
  } catch (error) {
    return wrong((error as Error).message);
  }
  const offers = handshake.kind === "agree" ? [handshake.parameters] : handshake.accepts;
  const faults = offers.map((offer) => findAnswerFault(offer, agreed));
  if (!faults.includes(undefined)) return wrong(faults[0]!);
  const isFit = handshake.kind === "offer" || handshake.flexible ||
    agreesOn(handshake.parameters, agreed);
  return isFit ? { agreed } : DECLINED;
}
