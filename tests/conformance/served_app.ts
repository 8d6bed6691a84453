/** A host that serves the application, as the cases of the battery see it. */

import { type ConnectOptions, connectWebSocket, type WebSocketConnection } from "@gale/websocket";
import type { TestOptions } from "../harness.ts";
import type { Host, HostProcess } from "./host_process.ts";
import {
  type Destination,
  PATIENCE,
  RawClient,
  type RawResponse,
  type RequestParts,
  requestText,
  TEXT,
} from "./raw_client.ts";
import type { Report, ReportedEnd, Stats } from "./reports.ts";

/** Registers a case; its name is preceded by the host's. */
export type HostTest = (
  name: string,
  run: (server: ServedApp) => Promise<void>,
  options?: TestOptions,
) => void;

/** Registers the cases of one theme for a host. */
export type Cases = (host: Host, test: HostTest) => void;

/** Mebibytes that wait for whoever does not read: more than kernels and hosts buffer together. */
export const PILE = 32;

let visits = 0;

function pageRequest(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
}

/** How connections are made to an application, where not as they usually are. */
export interface Route {
  /** The port, where it is not the process's own; pages are asked for at that one anyway. */
  readonly port?: number;
  /** Milliseconds that anything may take. */
  readonly patience?: number;
  /** What our own client connects with, unless a case says otherwise. */
  readonly connectOptions?: ConnectOptions;
}

/** What a test has opened. */
type Opened = RawClient | WebSocketConnection;

/** A process that serves the application. */
export class ServedApp implements Destination {
  /** The port on 127.0.0.1 that connections are made to. */
  readonly port: number;
  /** Milliseconds that the application may take to come to know something. */
  readonly patience: number;
  /** What our own client connects with. */
  readonly connectOptions: ConnectOptions;
  readonly #process: HostProcess;
  readonly #visits: Visit[] = [];
  readonly #opened: Promise<Opened>[] = [];

  constructor(process: HostProcess, route: Route = {}) {
    this.#process = process;
    this.port = route.port ?? process.port;
    this.patience = route.patience ?? PATIENCE;
    this.connectOptions = { maxMessageSize: 1 << 25, ...route.connectOptions };
  }

  /** Its process. */
  get process(): HostProcess {
    return this.#process;
  }

  /** A connection to be made to a path. */
  visit(path: string): Visit {
    const visit = new Visit(this, path);
    this.#visits.push(visit);
    return visit;
  }

  /** Notes what is being opened, for {@linkcode letGo}. */
  note<T extends Opened>(opening: Promise<T>): Promise<T> {
    this.#opened.push(opening);
    opening.catch(() => {}); // whoever asked for it has to do with that
    return opening;
  }

  /** Ends whatever cases that failed have left open, and the application's waiting for them. */
  async letGo(): Promise<void> {
    for (const visit of this.#visits) await visit.release(); // one connection is enough
    for (const opened of await Promise.allSettled(this.#opened)) {
      if (opened.status === "rejected") continue;
      if (opened.value instanceof RawClient) {
        await opened.value[Symbol.asyncDispose]();
      } else {
        opened.value.abort();
        await opened.value.closed;
      }
    }
  }

  /** Gets a page, as JSON, by a connection of its own, which is gone then. */
  async page<T>(path: string): Promise<T> {
    const { body } = await RawClient.exchange(this.#process, pageRequest(path));
    return JSON.parse(body) as T;
  }

  /** Sends a request of a handshake and reads the response to it. */
  handshake(path: string, parts?: RequestParts): Promise<RawResponse> {
    return RawClient.exchange(this, requestText(path, parts));
  }

  /** The counts, once they are as wanted. */
  stats(wanted: (stats: Stats) => boolean = () => true): Promise<Stats> {
    return this.poll(() => this.page<Stats>("/stats"), wanted, "the counts");
  }

  /** Looks until something is as wanted. */
  async poll<T>(
    look: () => T | Promise<T>,
    wanted: (seen: T) => boolean,
    what: string,
  ): Promise<T> {
    const deadline = Date.now() + this.patience;
    for (let delay = 1;; delay = Math.min(2 * delay, 50)) {
      const seen = await look();
      if (wanted(seen)) return seen;
      if (Date.now() > deadline) throw new Error(`Waiting for ${what}: ${JSON.stringify(seen)}`);
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
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
    const server = this.#server;
    return server.note(connectWebSocket(this.url, { ...server.connectOptions, ...options }));
  }

  /** Connects by hand. */
  async open(parts?: RequestParts): Promise<RawClient> {
    return (await this.openWithResponse(parts)).client;
  }

  /** Connects by hand, and gives the 101 as well. */
  openWithResponse(parts?: RequestParts): Promise<{ client: RawClient; response: RawResponse }> {
    const opening = RawClient.open(this.#server, this.#target, parts);
    void this.#server.note(opening.then(({ client }) => client));
    return opening;
  }

  /** Connects by hand to a `pile`, which has sent all that it is to; nothing of it is read. */
  async openUnread(): Promise<RawClient> {
    const client = await this.open();
    client.pause();
    client.send(TEXT, "send");
    await this.report(({ mostBuffered }) => mostBuffered > 0);
    return client;
  }

  /** Asks for the connection by hand, to be refused. */
  handshake(parts?: RequestParts): Promise<RawResponse> {
    return this.#server.handshake(this.#target, parts);
  }

  /** What the application reports, once it is as wanted. */
  async report(wanted: (report: Report) => boolean = () => true): Promise<Report> {
    const report = await this.#server.poll(
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
    const deadline = Date.now() + this.#server.patience;
    // A host that was stopped may report once before it takes what has arrived meanwhile.
    for (let last = await this.report(), looks = 0;;) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      const now = await this.report();
      looks = count(now) === count(last) && count(now) > 0 ? looks + 1 : 0;
      if (looks === 5) return now;
      if (Date.now() > deadline) throw new Error(`No standstill: ${JSON.stringify(now)}`);
      last = now;
    }
  }

  /** Lets the application go on that waits. */
  async release(): Promise<void> {
    await this.#server.page(`/release/${this.#id}`);
  }
}
