/** A host that serves the application, as the cases of the battery see it. */

import { type ConnectOptions, connectWebSocket, type WebSocketConnection } from "@gale/websocket";
import type { TestOptions } from "../harness.ts";
import type { Host, HostProcess } from "./host_process.ts";
import { RawClient, type RawResponse, type RequestParts, requestText } from "./raw_client.ts";
import type { Report, ReportedEnd, Stats } from "./reports.ts";

/** Milliseconds that the application may take to come to know something. */
const TIMEOUT = 15_000;

/** Registers a case; its name is preceded by the host's. */
export type HostTest = (
  name: string,
  run: (server: ServedApp) => Promise<void>,
  options?: TestOptions,
) => void;

/** Registers the cases of one theme for a host. */
export type Cases = (host: Host, test: HostTest) => void;

let visits = 0;

/** A process that serves the application. */
export class ServedApp {
  readonly #process: HostProcess;

  constructor(process: HostProcess) {
    this.#process = process;
  }

  /** Its port on 127.0.0.1. */
  get port(): number {
    return this.#process.port;
  }

  /** Its process. */
  get process(): HostProcess {
    return this.#process;
  }

  /** A connection to be made to a path. */
  visit(path: string): Visit {
    return new Visit(this, path);
  }

  /** Gets a page, as JSON. */
  async page<T>(path: string): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`);
    return await response.json() as T;
  }

  /** Sends a request of a handshake and reads the response to it. */
  handshake(path: string, parts?: RequestParts): Promise<RawResponse> {
    return RawClient.exchange(this.port, requestText(path, parts));
  }

  /** The counts, once they are as wanted. */
  stats(wanted: (stats: Stats) => boolean = () => true): Promise<Stats> {
    return poll(() => this.page<Stats>("/stats"), wanted, "the counts");
  }
}

/** One connection to the application, which reports on it by a name of its own. */
export class Visit {
  readonly #server: ServedApp;
  readonly #id = `visit-${++visits}`;
  readonly #target: string;

  constructor(server: ServedApp, path: string) {
    this.#server = server;
    this.#target = `${path}${path.includes("?") ? "&" : "?"}id=${this.#id}`;
  }

  /** Where it goes. */
  get url(): string {
    return `ws://127.0.0.1:${this.#server.port}${this.#target}`;
  }

  /** Connects by the project's own client. */
  connect(options: ConnectOptions = {}): Promise<WebSocketConnection> {
    return connectWebSocket(this.url, { maxMessageSize: 1 << 25, ...options });
  }

  /** Connects by hand. */
  async open(parts?: RequestParts): Promise<RawClient> {
    return (await this.openWithResponse(parts)).client;
  }

  /** Connects by hand, and gives the 101 as well. */
  openWithResponse(parts?: RequestParts): Promise<{ client: RawClient; response: RawResponse }> {
    return RawClient.open(this.#server.port, this.#target, parts);
  }

  /** Asks for the connection by hand, to be refused. */
  handshake(parts?: RequestParts): Promise<RawResponse> {
    return this.#server.handshake(this.#target, parts);
  }

  /** What the application reports, once it is as wanted. */
  async report(wanted: (report: Report) => boolean = () => true): Promise<Report> {
    const report = await poll(
      () => this.#server.page<Report | null>(`/reports/${this.#id}`),
      (report) => report !== null && wanted(report),
      `the report of ${this.#target}`,
    );
    return report!;
  }

  /** How the connection ended for the application, once it has. */
  async end(): Promise<ReportedEnd> {
    return (await this.report((report) => report.end !== undefined)).end!;
  }

  /** The report once a count of it has stopped to change: somebody is held up then. */
  async standstill(count: (report: Report) => number): Promise<Report> {
    for (let last = await this.report();;) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      const now = await this.report();
      if (count(now) === count(last) && count(now) > 0) return now;
      last = now;
    }
  }

  /** Lets the application go on that waits. */
  async release(): Promise<void> {
    await this.#server.page(`/release/${this.#id}`);
  }
}

async function poll<T>(
  look: () => Promise<T>,
  wanted: (seen: T) => boolean,
  what: string,
): Promise<T> {
  const deadline = Date.now() + TIMEOUT;
  for (let delay = 1;; delay = Math.min(2 * delay, 50)) {
    const seen = await look();
    if (wanted(seen)) return seen;
    if (Date.now() > deadline) throw new Error(`Waiting for ${what}: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, delay));
  }
}
