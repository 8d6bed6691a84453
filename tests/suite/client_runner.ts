/** Runs cases against a client, which dials. */

import { createServer, type Server, type Socket } from "node:net";
import type { SuiteCase } from "./case.ts";
import { Countdown } from "./countdown.ts";
import { formatResponse, type Head, readHead } from "./handshake.ts";
import { formatParameters, isOffered, type Parameters } from "./negotiation.ts";
import { Peer } from "./peer.ts";
import { RawSocket } from "./raw_socket.ts";
import {
  casesFor,
  inParallel,
  type Outcomes,
  type RunOptions,
  withoutConnection,
} from "./runner.ts";
import type { Outcome } from "./verdict.ts";

/** Connects a client under test to the URL, and resolves when its connection has ended. */
export type Connect = (url: string) => Promise<void>;

/** Runs the cases that fit against a client that is asked to connect, and to echo until the end. */
export async function runAgainstClient(
  connect: Connect,
  cases: readonly SuiteCase[],
  options: RunOptions,
): Promise<Outcomes> {
  const fitting = casesFor("client", cases);
  const server = new ClientTester(fitting, options);
  const port = await server.listen();
  try {
    await inParallel(fitting, options.concurrency, async (testCase) => {
      const limit = new AbortController();
      const left = connect(`ws://127.0.0.1:${port}/${testCase.id}`).catch(() => {});
      const outcome = await server.outcome(testCase, left);
      // The client has to be done when its transport has ended.
      const isDone = await Promise.race([left.then(() => true), pause(options.silence, limit)]);
      limit.abort();
      server.settle(testCase, isDone ? outcome : { ...outcome, behaviour: "hung" });
    });
  } finally {
    await server.close();
  }
  return server.outcomes;
}

/** A client has come, and said which case it is. */
interface Visit {
  readonly outcome: Promise<Outcome>;
}

/** A server that tests whoever connects, by the case whose id is the path. */
class ClientTester {
  readonly outcomes: Map<string, Outcome> = new Map();
  readonly #cases: ReadonlyMap<string, SuiteCase>;
  readonly #options: RunOptions;
  readonly #server: Server;
  readonly #visits = new Map<string, PromiseWithResolvers<Visit>>();
  readonly #open = new Set<Promise<void>>();

  constructor(cases: readonly SuiteCase[], options: RunOptions) {
    this.#cases = new Map(cases.map((testCase) => [testCase.id, testCase]));
    this.#options = options;
    for (const { id } of cases) this.#visits.set(id, Promise.withResolvers());
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      const done = this.#serve(socket).finally(() => this.#open.delete(done));
      this.#open.add(done);
    });
  }

  /** Listens, and returns the port. */
  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(0, "127.0.0.1", () => {
        resolve((this.#server.address() as { readonly port: number }).port);
      });
    });
  }

  /** Stops listening; resolves when all connections are gone. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    await Promise.all(this.#open);
    await closed;
  }

  /** The outcome of a case, once it was played, or `left` was settled without a connection. */
  async outcome(testCase: SuiteCase, left: Promise<void>): Promise<Outcome> {
    const limit = new AbortController();
    // What it has sent may still be on its way to us.
    const gone = left.then(() => pause(this.#options.silence, limit));
    const visit = await Promise.race([this.#visits.get(testCase.id)!.promise, gone]);
    limit.abort();
    if (visit !== false) return await visit.outcome;
    return withoutConnection(testCase.script(), "wrong", "the client did not connect");
  }

  /** Notes an outcome. */
  settle(testCase: SuiteCase, outcome: Outcome): void {
    this.outcomes.set(testCase.id, outcome);
    this.#options.onOutcome?.(testCase, outcome);
  }

  async #serve(connection: Socket): Promise<void> {
    const socket = new RawSocket(connection);
    try {
      const head = await readHead(socket, this.#options.silence);
      const id = head.startLine.split(" ")[1]?.slice(1) ?? "";
      const testCase = this.#cases.get(id);
      if (testCase === undefined) return;
      const outcome = this.#test(socket, testCase, head);
      this.#visits.get(id)!.resolve({ outcome });
      await outcome;
    } catch {
      // It went away before it had said which case it is.
    } finally {
      await socket.destroy();
    }
  }

  async #test(socket: RawSocket, testCase: SuiteCase, { fields }: Head): Promise<Outcome> {
    const script = testCase.script();
    const { handshake } = testCase;
    const key = fields.get("sec-websocket-key") ?? "";
    let extensions: string | undefined;
    let agreed: Parameters | undefined;
    if (handshake?.kind === "agree") {
      if (!isOffered(fields.get("sec-websocket-extensions") ?? "", handshake.parameters)) {
        return withoutConnection(script, "declined", "the extension was not offered");
      }
      agreed = handshake.parameters;
      extensions = formatParameters(agreed);
    } else if (handshake?.kind === "respond") {
      extensions = handshake.header;
    }
    const patience = this.#options;
    const peer = new Peer(socket, script, { tested: "client", agreed, patience });
    return await peer.play(formatResponse(key, extensions));
  }
}

/** Resolves after so many milliseconds, or when aborted. */
function pause(time: number, { signal }: AbortController): Promise<false> {
  return new Promise((resolve) => {
    const countdown = new Countdown(signal.aborted ? 0 : time, () => resolve(false));
    signal.addEventListener("abort", () => {
      countdown.stop();
      resolve(false);
    }, { once: true });
  });
}
