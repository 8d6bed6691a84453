/**
 * The workloads, and the names they have on the command line and in the result.
 */

/**
 * What messages are: bytes, ASCII text, text with characters of two to four bytes, or JSON records.
 */
export type MessageKind = "binary" | "text" | "unicode" | "json";

/** Whether a compressed connection keeps its window across messages, or starts anew with each. */
export type Compression = "takeover" | "anew";

/** Messages sent and echoed, with a number of them in flight on each connection. */
export interface Echo {
  /** The name on the command line and in the result. */
  readonly name: string;
  /** `echo` loads servers, `client` loads clients from an echo server. */
  readonly measures: "echo" | "client";
  /** What the messages are. */
  readonly kind: MessageKind;
  /** Bytes of payload in a message. */
  readonly size: number;
  /** The number of connections. */
  readonly connections: number;
  /** Messages in flight on each connection. */
  readonly depth: number;
  /** Where messages are compressed. */
  readonly compression?: Compression;
}

/** One message sent to all connections, and the next one when all have it. */
export interface Broadcast {
  readonly name: string;
  readonly measures: "broadcast";
  readonly size: number;
  readonly connections: number;
}

/** Connections opened and closed, some at a time. */
export interface Connect {
  readonly name: string;
  readonly measures: "connect";
  /** How many are under way at a time. */
  readonly connections: number;
}

/** Connections that say nothing. */
export interface Idle {
  readonly name: string;
  readonly measures: "idle";
  readonly connections: number;
}

/** One way of loading a program. */
export type Workload = Echo | Broadcast | Connect | Idle;

/** What a workload measures; a peer may not be able to do each of them. */
export type Measured = Workload["measures"] | "compression";

/** What a peer must be able to do for a workload. */
export function measuredBy(workload: Workload): Measured {
  return workload.measures === "echo" && workload.compression !== undefined
    ? "compression"
    : workload.measures;
}

/** How the names are made; for `--help`. */
export const grammar: string =
  `[client-][text-|unicode-|json-]SIZE-CONNECTIONSxDEPTH   echo; 1k is 1024
    json-[anew-]SIZE-CONNECTIONSxDEPTH   compressed, with context takeover or without
    broadcast-SIZE-CONNECTIONS           one message to all
    connect-NUMBER                       open and close, so many at a time
    idle-CONNECTIONS                     memory of connections that say nothing`;

const UNITS: Readonly<Record<string, number>> = { k: 1024, m: 1024 * 1024 };

/** Reads the name of a workload. Throws a `RangeError` where there is none of that name. */
export function parseWorkload(name: string): Workload {
  const number = "([1-9]\\d{0,6})";
  const size = "(\\d{1,7})([km]?)";
  const echo = new RegExp(`^(client-)?(text-|unicode-|json-)?(anew-)?${size}-${number}x${number}$`)
    .exec(name);
  if (echo !== null) {
    const [, client, kind = "binary-", anew, count, unit, connections, depth] = echo;
    const json = kind === "json-";
    if (json ? client !== undefined : anew !== undefined) throw unknownName(name);
    return {
      name,
      measures: client === undefined ? "echo" : "client",
      kind: kind.slice(0, -1) as MessageKind,
      size: toBytes(count!, unit!),
      connections: Number(connections),
      depth: Number(depth),
      ...(json && { compression: anew === undefined ? "takeover" : "anew" }),
    };
  }
  const broadcast = new RegExp(`^broadcast-${size}-${number}$`).exec(name);
  if (broadcast !== null) {
    const [, count, unit, connections] = broadcast;
    const bytes = toBytes(count!, unit!);
    return { name, measures: "broadcast", size: bytes, connections: Number(connections) };
  }
  const other = new RegExp(`^(connect|idle)-${number}$`).exec(name);
  if (other === null) throw unknownName(name);
  return { name, measures: other[1] as "connect" | "idle", connections: Number(other[2]) };
}

const kindTitles: Readonly<Record<MessageKind, string>> = {
  binary: "Binary",
  text: "Text",
  unicode: "Text beyond ASCII",
  json: "JSON",
};

/** Says what a workload is; `50 × 64` are 50 connections with 64 messages in flight on each. */
export function describeWorkload(workload: Workload): string {
  const { connections } = workload;
  switch (workload.measures) {
    case "echo":
    case "client": {
      const { kind, size, depth, compression } = workload;
      const context = compression === undefined
        ? ""
        : `, ${compression === "anew" ? "no " : ""}context takeover`;
      return `${kindTitles[kind]}, ${formatBytes(size)}${context}, ${connections} × ${depth}`;
    }
    case "broadcast":
      return `${formatBytes(workload.size)} to each of ${connections} connections`;
    case "connect":
      return `Connections opened and closed, ${connections} at a time`;
    case "idle":
      return `${connections} connections that say nothing`;
  }
}

/** What the figures of a workload count, as `µs of CPU for each message`. */
export function unitOf({ measures }: Workload): string {
  if (measures === "idle") return "KiB for each connection";
  const item = measures === "broadcast"
    ? "delivery"
    : measures === "connect"
    ? "connection"
    : "message";
  return `µs of CPU for each ${item}`;
}

function formatBytes(size: number): string {
  if (size >= 1024 * 1024) return `${size / 1024 / 1024} MiB`;
  return size >= 1024 ? `${size / 1024} KiB` : `${size} B`;
}

function toBytes(count: string, unit: string): number {
  return Number(count) * (UNITS[unit] ?? 1);
}

function unknownName(name: string): RangeError {
  return new RangeError(`There is no workload "${name}"; names are made so:\n    ${grammar}`);
}

/** Sets of workloads that have a name together. */
export const workloadSets: Readonly<Record<string, readonly string[]>> = {
  default: [
    "16-50x64",
    "text-16-50x64",
    "16-1x1",
    "16-100x1",
    "125-10x16",
    "1k-10x16",
    "64k-4x4",
    "text-64k-4x4",
    "1m-1x2",
    "text-1m-1x2",
    "json-200-10x16",
    "json-2k-10x16",
    "json-64k-4x4",
    "broadcast-16-1000",
    "broadcast-1k-1000",
    "connect-16",
    "client-16-1x1",
    "client-16-50x64",
    "client-64k-4x4",
    "idle-10000",
  ],
  quick: ["16-50x64", "16-1x1", "64k-4x4", "json-2k-10x16"],
  grid: grid(""),
  "text-grid": grid("text-"),
  large: ["64k-4x4", "text-64k-4x4", "1m-1x2", "text-1m-1x2"],
  compression: ["200-10x16", "2k-10x16", "64k-4x4"]
    .flatMap((shape) => [`json-${shape}`, `json-anew-${shape}`]),
  broadcast: ["broadcast-16-1000", "broadcast-1k-1000"],
  clients: ["client-16-1x1", "client-16-50x64", "client-text-16-50x64", "client-64k-4x4"],
};

/** Every combination of three sizes, two depths and four numbers of connections. */
function grid(kind: string): string[] {
  return ["16", "125", "1k"].flatMap((size) =>
    [1, 64].flatMap((depth) =>
      [1, 10, 50, 100].map((connections) => `${kind}${size}-${connections}x${depth}`)
    )
  );
}

/** Reads a list of names of workloads and of sets of them; each workload comes once. */
export function parseWorkloads(list: string): Workload[] {
  const names = list.split(",").flatMap((name) => workloadSets[name] ?? [name]);
  return [...new Set(names)].map(parseWorkload);
}
