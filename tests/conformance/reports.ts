/** What the application of the battery tells of its connections, and holds up for a test. */

import { type WebSocketConnection, WebSocketHandler } from "@gale/websocket";

/** How a connection ended, in JSON. */
export interface ReportedEnd {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
  readonly error?: string | undefined;
}

/** What became of one connection, as `/reports/:id` gives it. */
export interface Report {
  /** Messages that the handler has taken. */
  received: number;
  /** Bytes of all messages that have arrived, whether or not the handler has taken them. */
  arrivedBytes: number;
  /** Messages whose `send` has resolved. */
  sent: number;
  /** The largest `bufferedAmount` seen. */
  mostBuffered: number;
  /** Pings and pongs seen, by their payloads. */
  readonly pings: string[];
  readonly pongs: string[];
  /** What reached `onError`. */
  readonly errors: string[];
  /** How often `onClose` ran. */
  closings: number;
  /** `undefined` while the connection lasts. */
  end: ReportedEnd | undefined;
}

/** What `/stats` gives. */
export interface Stats {
  /** Connections opened so far. */
  readonly opened: number;
  /** Those that have not ended. */
  readonly open: number;
  /** Those whose objects the garbage collector has taken. */
  readonly collected: number;
}

const reports = new Map<string, Report>();
const released = new Set<string>();
const open = new Set<WebSocketConnection>();
let opened = 0;
let collected = 0;

const collections = new FinalizationRegistry<undefined>(() => collected++);

/** The report of the connection that was asked for with `?id=`. */
export function reportOf(url: string): Report {
  const id = new URL(url).searchParams.get("id") ?? "";
  let report = reports.get(id);
  if (report === undefined) {
    report = {
      received: 0,
      arrivedBytes: 0,
      sent: 0,
      mostBuffered: 0,
      pings: [],
      pongs: [],
      errors: [],
      closings: 0,
      end: undefined,
    };
    // Those without a name are too many to be kept.
    if (id !== "") reports.set(id, report);
  }
  return report;
}

/** The report by its name, once there is one. */
export function findReport(id: string): Report | undefined {
  return reports.get(id);
}

/** Counts a connection, and reports its end. */
export function follow(connection: WebSocketConnection, report: Report): void {
  opened++;
  open.add(connection);
  collections.register(connection, undefined);
  void connection.closed.then(({ code, reason, wasClean, error }) => {
    open.delete(connection);
    report.end = { code, reason, wasClean, error: error === undefined ? error : String(error) };
  });
}

/** The counts. */
export function stats(): Stats {
  return { opened, open: open.size, collected };
}

/** Closes all that is open, for a host that does not do so when it is shut down. */
export async function closeAll(): Promise<void> {
  await Promise.all(Array.from(open, (connection) => connection.close(1001, "Server shuts down")));
}

/** Lets the handler go on that waits in {@linkcode untilReleased}. */
export function release(id: string): void {
  released.add(id);
}

/**
 * Waits for {@linkcode release}, and looks meanwhile. In a Worker, nothing that belongs to another
 * request may be waited for: it has to be polled.
 */
export async function untilReleased(url: string, look: () => void): Promise<void> {
  const id = new URL(url).searchParams.get("id")!;
  while (!released.has(id)) {
    look();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A handler that reports. */
export abstract class ReportingHandler extends WebSocketHandler {
  /** The report of this connection. */
  get report(): Report {
    return reportOf(this.request.url);
  }

  override open(..._groups: (string | undefined)[]): void | Promise<void> {
    follow(this.connection, this.report);
  }

  override onClose(): void | Promise<void> {
    this.report.closings++;
  }

  override onError(error: unknown): void {
    this.report.errors.push(String(error));
  }
}
