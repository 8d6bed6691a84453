/** The hosts of the battery: what each can do, and how its process is started. */

import { readdirSync } from "node:fs";
import type { Capabilities } from "@gale/websocket";
import { Program } from "../tools/program.ts";
import { type RuntimeName, runtimePath } from "../tools/runtimes.ts";
import { startWorker } from "../tools/workerd.ts";

/** A host, and in what it is expected to differ from the others. */
export interface Host {
  readonly name: string;
  /** Why it cannot be started here, or `undefined`. */
  readonly missing: string | undefined;
  /** Starts a process that serves the application. */
  readonly start: () => Promise<HostProcess>;
  /** What connections say that they can do. */
  readonly capabilities: Capabilities;
  /**
   * The statuses of handshakes that the host refuses by itself, before the application sees them; 101
   * for one that it accepts, since the application cannot see what is wrong.
   */
  readonly refusals: Readonly<Record<string, number>>;
  /**
   * Whether several fields of a name are one to the application, joined with commas, so that they are
   * refused for what they come to.
   */
  readonly joinsFields: boolean;
  /** What becomes of a peer's violations, where it is not a Close frame with the right code. */
  readonly violations: Readonly<Record<string, number | "dropped" | "accepted">>;
  /**
   * Who finds out that a peer is silent: the connection, by pings; the host, in seconds; nobody, where
   * there are no pings.
   */
  readonly keepalive: "connection" | "host" | "nobody";
  /** Whether a message in several frames of ours arrives in as many. */
  readonly sendsFragments: boolean;
  /** Whether connections know the address of their peer. */
  readonly tellsRemoteAddress: boolean;
  /** The code that the peer's empty Close is answered with; 1005 is none. */
  readonly answersEmptyClose: 1000 | 1005;
  /** Whether our Close reaches a peer that is still sending; otherwise it may see a bare end. */
  readonly closesWhileReceiving: boolean;
  /** Whether the upgrade takes place with the call, whatever the application returns then. */
  readonly upgradesAtOnce: boolean;
  /**
   * Whether the process lives on where the application's function rejects after the upgrade. Nothing
   * can be done about that from outside of the host.
   */
  readonly survivesRejections: boolean;
  /** Whether our Close waits for the peer's. */
  readonly closeWaits: boolean;
  /** Whether connections are closed with 1001 when the process is asked to end. */
  readonly shutsDown: boolean;
  /** Whether the transport ends with the connection where the peer does not answer our Close. */
  readonly endsTransport: boolean;
  /**
   * How the end is told where a client closes and does not read what waits for it: the host may take
   * that for sent, or say nothing before the client has left.
   */
  readonly endsUnread: "uncleanly" | "cleanly" | "silently";
  /** Whether the process lives on behind a shutdown while what was sent waits for a client. */
  readonly keptByUnread: boolean;
  /** What the host itself may write, line by line; otherwise nothing. */
  readonly writes?: RegExp;
  /** Whether the garbage collector can be asked to work. */
  readonly collectsGarbage: boolean;
}

/** A host that serves the application. */
export interface HostProcess extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** Resolves with its exit code when it has ended; with `null` where a signal had to end it. */
  readonly exited: Promise<number | null>;
  /** What it has written. */
  output(): string;
  /** Asks it to shut its server down. Once that is done, nothing may keep it: it has to end by itself. */
  shutDown(): Promise<void>;
}

/** Flags that a script is started with; Deno hands out its garbage collector only on demand. */
const FLAGS: Readonly<Record<RuntimeName, readonly string[]>> = {
  deno: ["run", "-A", "--quiet", "--no-check", "--v8-flags=--expose-gc"],
  bun: ["run"],
};

/** Starts a script of `hosts` under a runtime. */
export async function startHost(runtime: RuntimeName, script: string): Promise<HostProcess> {
  const path = `tests/conformance/hosts/${script}`;
  const program = new Program(runtimePath(runtime)!, [...FLAGS[runtime], path]);
  try {
    const [, port] = await program.outputMatching(/^port (\d+)$/m);
    return {
      port: Number(port),
      pid: program.pid,
      exited: program.exited,
      output: () => program.output.replace(/^(port \d+|shut down)\n/gm, ""),
      async shutDown() {
        void program.stop("SIGTERM");
        await program.outputMatching(/^shut down$/m);
        program.endInput();
      },
      [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
    };
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
}

/** Starts a worker of `hosts`, to be reached by its `fetch` or its `connect` handler. */
export async function startWorkerHost(
  script: string,
  handler: "fetch" | "connect",
): Promise<HostProcess> {
  const options = { tcp: handler === "connect", v8Flags: ["--expose-gc"] };
  const worker = await startWorker(`tests/conformance/hosts/${script}`, options);
  return {
    port: worker.tcpPort ?? worker.port,
    pid: worker.pid,
    exited: worker.exited,
    output: worker.output,
    shutDown: worker.stop,
    [Symbol.asyncDispose]: () => worker.stop(),
  };
}

/** Why a runtime cannot be started, or `undefined`. */
export function runtimeMissing(runtime: RuntimeName): string | undefined {
  return runtimePath(runtime) === undefined ? `npx finds no ${runtime}` : undefined;
}

/** How many files and sockets a process has open. */
export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
