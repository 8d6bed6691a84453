/**
 * What the examples need in addition to Web standards, from whichever runtime runs them. A program
 * for one runtime needs none of this: it imports `@gale/websocket/deno`, or `@gale/websocket/bun`.
 */

import type { ListenAddress } from "@gale/websocket/deno";

/** The part of Bun that is used here. */
interface BunHost {
  readonly argv: readonly string[];
  readonly stdin: { stream(): ReadableStream<Uint8Array> };
  file(path: string): { text(): Promise<string> };
}

/** The part of Bun's `process` that is used here. */
interface BunProcess {
  on(signal: string, listener: () => void): void;
  off(signal: string, listener: () => void): void;
  exit(code: number): never;
}

const { Bun: bun, process } = globalThis as unknown as { Bun?: BunHost; process: BunProcess };

type Server = Pick<typeof import("@gale/websocket/deno"), "serveTcp" | "upgradeWebSocket">;

const server: Server = bun === undefined
  ? await import("@gale/websocket/deno")
  : await import("@gale/websocket/bun");

/** The runtime's `serveTcp`. */
export const serveTcp: Server["serveTcp"] = server.serveTcp;
/** The runtime's `upgradeWebSocket`. */
export const upgradeWebSocket: Server["upgradeWebSocket"] = server.upgradeWebSocket;

/** The arguments of the command line. */
export const args: readonly string[] = bun === undefined ? Deno.args : bun.argv.slice(2);

/** Reads a file of text. */
export function readTextFile(path: string): Promise<string> {
  return bun === undefined ? Deno.readTextFile(path) : bun.file(path).text();
}

/** The lines of the standard input, to its end. */
export async function* readLines(): AsyncGenerator<string, void> {
  const stdin = bun === undefined ? Deno.stdin.readable : bun.stdin.stream();
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stdin) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    yield* lines.map((line) => line.replace(/\r$/, ""));
  }
  if (rest !== "") yield rest;
}

/**
 * Aborts at the first SIGINT (^C) or SIGTERM; a second one ends the process as if nobody listened.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const names = ["SIGINT", "SIGTERM"] as const;
  const listener = () => {
    for (const name of names) {
      if (bun !== undefined) process.off(name, listener);
      else Deno.removeSignalListener(name, listener);
    }
    controller.abort();
  };
  for (const name of names) {
    if (bun !== undefined) process.on(name, listener);
    else Deno.addSignalListener(name, listener);
  }
  return controller.signal;
}

/** An address as it stands in a URL. */
export function formatAddress({ hostname, port }: ListenAddress): string {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

/** Ends the process. */
export function exit(code: number): never {
  return bun === undefined ? Deno.exit(code) : process.exit(code);
}
