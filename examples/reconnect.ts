/**
 * A client of a feed that keeps a connection up: `deno run -A examples/reconnect.ts
 * ws://localhost:8001`, or `bun run examples/reconnect.ts …`. It prints what arrives, and connects
 * again if the connection is lost or could not be opened, after waits that grow. It ends on ^C, and
 * if another attempt would end as the last one did.
 */

import {
  CloseCode,
  type CloseInfo,
  connectWebSocket,
  type WebSocketConnection,
  WebSocketHandshakeError,
  WebSocketProtocolError,
} from "@gale/websocket";
import { readCommandLine } from "./command_line.ts";
import { exit, readTextFile, stopSignal } from "./host.ts";
import { formatClose, formatMessage, say } from "./terminal.ts";

/** Close codes after which the same client may be welcome again. */
const PASSING_CODES: readonly number[] = [
  CloseCode.GoingAway, // the server shuts down, and another one may take its place
  CloseCode.NoStatusReceived, // no reason is given, so that there is none against it
  CloseCode.Abnormal, // the network failed, the server vanished, or did not answer a ping
  CloseCode.InternalError,
  CloseCode.ServiceRestart,
  CloseCode.TryAgainLater,
  CloseCode.BadGateway,
];

/** Milliseconds that a server may ask to be left alone for, at most: one hour. */
const MAX_RETRY_AFTER = 3_600_000;

/** How an attempt ended, or the connection that came of it. */
interface Ending {
  /** What is told of it. */
  readonly text: string;
  /** The exit code, if another attempt is of no use. */
  readonly exitCode?: number;
  /** Whether the server was of use, so that the waits begin anew. */
  readonly resets?: boolean;
  /** Milliseconds that the server wants to be left alone. */
  readonly retryAfter?: number;
}

const { options, operands } = readCommandLine("reconnect.ts [options] <url>", {
  "token-file": {
    type: "text",
    help: "a file with the token to send, read for each attempt; replace it by renaming",
  },
  "connect-timeout": { type: "number", help: "milliseconds that an attempt may take (10000)" },
  "base-delay": { type: "number", help: "milliseconds that the first wait may take (500)" },
  "max-delay": { type: "number", help: "milliseconds that the backoff does not exceed (30000)" },
});
const {
  "token-file": tokenFile,
  "connect-timeout": connectTimeout = 10_000,
  "base-delay": baseDelay = 500,
  "max-delay": maxDelay = 30_000,
} = options;
const [url] = operands;
if (url === undefined || operands.length > 1) {
  say("Give one URL; --help tells more.");
  exit(2);
}

const stop = stopSignal();
exit(await run(url));

/** Connects again and again; resolves with the exit code. */
async function run(url: string): Promise<number> {
  for (let failures = 0;; failures++) {
    const ending = await connect(url).then(follow, judgeFailure);
    say(ending.text);
    if (stop.aborted) return 0;
    if (ending.exitCode !== undefined) return ending.exitCode;
    if (ending.resets) failures = 0;
    // The random part comes on top: those who are sent away together should not come back together.
    const retryAfter = Math.min(MAX_RETRY_AFTER, ending.retryAfter ?? 0);
    const delay = Math.round(retryAfter + backoff(failures));
    say(`Trying again in ${delay} ms`);
    await wait(delay);
    if (stop.aborted) return 0;
  }
}

/**
 * Milliseconds to wait, by truncated binary exponential backoff (RFC 6455 section 7.2.3). Each wait
 * is random, the first one too: a server that comes up again is not met by all its clients at once.
 */
function backoff(failures: number): number {
  return Math.random() * Math.min(maxDelay, baseDelay * 2 ** failures);
}

async function connect(url: string): Promise<WebSocketConnection> {
  // Not `stop` itself, which would later abort the connection instead of closing it.
  const attempt = new AbortController();
  const giveUp = () => attempt.abort(stop.reason);
  stop.addEventListener("abort", giveUp);
  try {
    const headers = await credentials();
    return await connectWebSocket(url, { headers, connectTimeout, signal: attempt.signal });
  } finally {
    stop.removeEventListener("abort", giveUp);
  }
}

/** What the server knows this client by. Asked for before each attempt, since tokens expire. */
async function credentials(): Promise<Record<string, string>> {
  if (tokenFile === undefined) return {};
  return { authorization: `Bearer ${(await readTextFile(tokenFile)).trim()}` };
}

/** Prints what arrives until the connection ends. */
async function follow(connection: WebSocketConnection): Promise<Ending> {
  say(`Connected to ${connection.url}`);
  const openedAt = performance.now();
  let isServed = false;
  const leave = () => void connection.close();
  stop.addEventListener("abort", leave);
  for (let message = await connection.receive(); message !== null;) {
    console.log(formatMessage(message));
    isServed = true;
    message = await connection.receive();
  }
  const end = await connection.closed;
  stop.removeEventListener("abort", leave);
  const ending = judgeEnd(end);
  // A server that only accepts is of as little use as one that refuses.
  return { ...ending, resets: isServed || performance.now() - openedAt > maxDelay };
}

/**
 * Whether to come back after a connection. 1000 says that the feed is over. A server may also say
 * so when it fails, such as when `await using` closes the connection: for such a server, add 1000
 * to the codes above. Codes that are not listed there say that the server does not want this
 * client, or what it does, and it would not think otherwise the next time. Only the application
 * knows what the codes from 3000 on mean; it should list its own.
 */
function judgeEnd(end: CloseInfo): Ending {
  const { code, error } = end;
  const text = formatClose(end);
  // Our side has ended it, and would do so again: what the server sends is malformed, or too large.
  if (error instanceof WebSocketProtocolError) {
    return { text: `${text}: ${error.message}`, exitCode: 1 };
  }
  if (!PASSING_CODES.includes(code)) return { text, exitCode: code === CloseCode.Normal ? 0 : 1 };
  return { text };
}

/** Whether to try again after an attempt that has failed. */
function judgeFailure(error: unknown): Ending {
  const text = stop.aborted ? "Stopped" : (error as Error).message;
  // The URL or an option is wrong.
  if (!(error instanceof WebSocketHandshakeError)) return { text, exitCode: 2 };
  const { status, response } = error;
  // A network or a server can recover; the same request will not be judged otherwise. Among the
  // 4xx, 408 and 429 are about the moment and not about the request.
  const isPassing = status === undefined || status >= 500 || status === 408 || status === 429;
  if (!isPassing) return { text, exitCode: 1 };
  // Seconds. It may be a date instead, which cannot be read without the server's clock.
  const retryAfter = response?.headers.get("retry-after") ?? "";
  return /^\d+$/.test(retryAfter) ? { text, retryAfter: Number(retryAfter) * 1000 } : { text };
}

/** Waits, but not any longer once the program is to stop. */
function wait(delay: number): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      stop.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, delay);
    stop.addEventListener("abort", end);
  });
}
