/** What the messages of a workload are: bytes, ASCII text, or text with characters of two to four bytes. */
export type MessageKind = "binary" | "text" | "unicode";

/** One way of loading an echo server. */
export interface Workload {
  /** The name on the command line and in the result. */
  readonly name: string;
  /** What the messages are. */
  readonly kind: MessageKind;
  /** Bytes of payload in a message. */
  readonly size: number;
  /** The number of connections. */
  readonly connections: number;
  /** Messages in flight on each connection. */
  readonly depth: number;
}

/** The workloads, in the order they run. */
export const workloads: readonly Workload[] = [
  { name: "16-50x64", kind: "binary", size: 16, connections: 50, depth: 64 },
  { name: "text-16-50x64", kind: "text", size: 16, connections: 50, depth: 64 },
  { name: "16-1x1", kind: "binary", size: 16, connections: 1, depth: 1 },
  { name: "16-50x1", kind: "binary", size: 16, connections: 50, depth: 1 },
  { name: "125-10x16", kind: "binary", size: 125, connections: 10, depth: 16 },
  { name: "1k-10x16", kind: "binary", size: 1024, connections: 10, depth: 16 },
  { name: "text-1k-10x16", kind: "text", size: 1024, connections: 10, depth: 16 },
  { name: "unicode-1k-10x16", kind: "unicode", size: 1024, connections: 10, depth: 16 },
  { name: "64k-4x4", kind: "binary", size: 65536, connections: 4, depth: 4 },
  { name: "text-64k-4x4", kind: "text", size: 65536, connections: 4, depth: 4 },
  { name: "1m-1x2", kind: "binary", size: 1048576, connections: 1, depth: 2 },
];

/** The name that stands for the measurement of memory per idle connection. */
export const IDLE = "idle";

/** The workloads of a whole run that names none. */
export const defaultWorkloads: readonly string[] = [
  "16-50x64",
  "text-16-50x64",
  "16-1x1",
  "16-50x1",
  "125-10x16",
  "1k-10x16",
  "64k-4x4",
  "1m-1x2",
  IDLE,
];

/** The workloads of a quick run that names none. */
export const quickWorkloads: readonly string[] = ["16-50x64", "16-1x1", "64k-4x4"];
