/** The server of a soak: echoes, closes and aborts as it is asked to, and keeps account. */

import process from "node:process";
import type { WebSocketConnection } from "../../src/connection/connection.ts";
import { WebSocketClosedError } from "../../src/errors.ts";
import type { TcpServer } from "../../src/server/tcp_server.ts";
import { runtime } from "../harness.ts";
import { type Memory, sampleMemory } from "./memory.ts";

/** What a server has seen. */
export interface ServerTally {
  opened: number;
  /** Those whose `closed` has settled. */
  closed: number;
  received: number;
  echoed: number;
  /** Messages that could not be sent back since the connection had gone. */
  unanswered: number;
  /** What nobody caught, and what should not have happened. */
  readonly errors: string[];
}

/** A server with its account. */
export interface SoakServer {
  readonly tcp: TcpServer;
  readonly tally: ServerTally;
}

/** What a client may ask for, in place of an echo. */
export const REQUESTS = { close: "!close", abort: "!abort" } as const;

/**
 * Milliseconds, for many connections that begin at once on a machine that may be busy: what does not
 * come at all is found out all the same.
 */
export const PATIENCE: number = 60_000;

/** Options of all connections. */
export const PATIENT: Readonly<Record<"closeTimeout" | "pingTimeout", number>> = {
  closeTimeout: PATIENCE,
  pingTimeout: PATIENCE,
};

/** Starts a server on a free port of this machine. */
export async function startSoakServer(): Promise<SoakServer> {
  const { serveTcp, upgradeWebSocket } = runtime === "deno"
    ? await import("../../src/adapters/deno.ts")
    : await import("../../src/adapters/bun.ts");
  const tally: ServerTally = {
    opened: 0,
    closed: 0,
    received: 0,
    echoed: 0,
    unanswered: 0,
    errors: [],
  };
  const onError = (error: unknown) => void tally.errors.push(String(error));
  const times = {
    handshakeTimeout: PATIENCE,
    stallTimeout: PATIENCE,
    shutdownTimeout: PATIENCE,
  };
  const options = { hostname: "127.0.0.1", port: 0, ...times, onError };
  const tcp = serveTcp(options, (request) => {
    const { response, connection } = upgradeWebSocket(request, {
      ...PATIENT,
      compression: true,
    });
    if (connection !== undefined) serve(connection, tally).catch(onError);
    return response;
  });
  return { tcp, tally };
}

async function serve(connection: WebSocketConnection, tally: ServerTally): Promise<void> {
  tally.opened++;
  void connection.closed.then(() => tally.closed++);
  try {
    for await (const message of connection) {
      if (message === REQUESTS.close) {
        void connection.close(4_001, "asked");
      } else if (message === REQUESTS.abort) {
        connection.abort();
      } else {
        tally.received++;
        await connection.send(message).then(() => tally.echoed++, (error) => {
          tally.unanswered++;
          throw error;
        });
      }
    }
  } catch (error) {
    // A client that aborts is what is tested.
    if (!(error instanceof WebSocketClosedError)) throw error;
  }
}

/** What the process of a server answers to each line on its input. */
export interface ServerReport extends ServerTally {
  readonly memory: Memory;
}

/** Waits until no connection is open, their clients having done with them. */
async function allClosed(tally: ServerTally): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  while (tally.closed < tally.opened && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Serves until the input ends; a line asks for a report. */
async function main(): Promise<void> {
  const { tcp, tally } = await startSoakServer();
  process.on("unhandledRejection", (reason) => tally.errors.push(`unhandled: ${reason}`));
  console.log(`port ${tcp.addr.port};`);
  let reports = 0;
  process.stdin.on("data", async () => {
    await allClosed(tally);
    const memory = await sampleMemory();
    const report: ServerReport = { ...tally, memory };
    console.log(`report ${++reports} ${JSON.stringify(report)};`);
  });
  process.stdin.on("end", () => void tcp.shutdown().then(() => process.exit(0)));
}

if (import.meta.main) await main();
