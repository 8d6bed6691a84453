/**
 * The application of the battery: one for all hosts, of which it imports none. `hosts/` mounts it on
 * each by that host's `upgradeWebSocket`.
 */

import {
  type Message,
  type Upgrade,
  WebSocketClosedError,
  type WebSocketConnection,
  type WebSocketFunction,
  WebSocketRouter,
} from "@gale/websocket";
import { NodeBuffer } from "../node_buffer.ts";
import {
  findReport,
  follow,
  release,
  ReportingHandler,
  reportOf,
  stats,
  untilReleased,
} from "./reports.ts";

/** One mebibyte. */
const MIB = 1 << 20;

/** Gives every message back. */
class Echo extends ReportingHandler {
  override async onMessage(message: Message): Promise<void> {
    this.report.received++;
    await this.writeMessage(message);
    this.report.sent++;
  }
}

/** Answers JSON with an object, which goes as JSON. */
class Json extends ReportingHandler {
  override onMessage(message: Message): Promise<void> {
    return this.writeMessage({ received: JSON.parse(message as string), list: [1, "two", null] });
  }
}

/** Selects "b" where it is offered. */
class Subprotocol extends ReportingHandler {
  override selectSubprotocol(offered: readonly string[]): string | undefined {
    return offered.find((name) => name === "b");
  }

  override onMessage(): Promise<void> {
    return this.writeMessage({
      handler: this.selectedSubprotocol ?? null,
      connection: this.connection.protocol,
    });
  }
}

/** Selects what nobody offers. */
class Unoffered extends Subprotocol {
  override selectSubprotocol(): string {
    return "unoffered";
  }
}

/** Closes with a code and a reason, as it opens or when it is told to. */
class Close extends ReportingHandler {
  override async open(when: string, code: string): Promise<void> {
    super.open();
    if (when === "now") await this.#close(code);
  }

  override async onMessage(message: Message): Promise<void> {
    await this.#close(message as string);
  }

  async #close(code: string): Promise<void> {
    const reason = new URL(this.request.url).searchParams.get("reason") ?? "";
    try {
      await this.close(Number(code), reason);
    } catch (error) {
      const { name, message } = error as Error;
      await this.writeMessage({ name, message });
    }
  }
}

/** Throws where it is told to. */
class Throw extends ReportingHandler {
  override prepare(): void {
    this.#throwIn("prepare");
  }

  override open(): void {
    super.open();
    this.#throwIn("open");
  }

  override onMessage(): Promise<void> {
    this.#throwIn("onMessage");
    return Promise.reject(new Error("rejected onMessage"));
  }

  override onClose(): void {
    super.onClose();
    this.#throwIn("onClose");
  }

  #throwIn(method: string): void {
    if (this.request.url.includes(`/throw/${method}?`)) throw new Error(`thrown in ${method}`);
  }
}

/** Refuses, redirects, or sets headers of the 101. */
class Prepare extends ReportingHandler {
  override prepare(): Response | void {
    if (this.request.headers.has("authorization")) {
      this.responseHeaders.append("x-conformance", "yes");
      this.responseHeaders.append("set-cookie", "a=1");
      this.responseHeaders.append("set-cookie", "b=2");
    } else {
      return new Response("Sign in first\n", {
        status: 401,
        headers: { "www-authenticate": "Basic" },
      });
    }
  }

  override onMessage(): void {}
}

/** Tells of the connection, and of the request long after it was answered. */
class Facts extends ReportingHandler {
  override open(group: string): void {
    super.open();
    void this.writeMessage({ group });
  }

  override async onMessage(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 1));
    const { connection, request } = this;
    await this.writeMessage({
      capabilities: connection.capabilities,
      requestUrl: request.url,
      method: request.method,
      colour: request.headers.get("x-colour"),
      url: connection.url,
      protocol: connection.protocol,
      extensions: connection.extensions,
      remoteAddress: connection.remoteAddress ?? null,
    });
  }
}

/** Calls what not every host can do, and tells what came of it. */
class Wishes extends ReportingHandler {
  override async onMessage(message: Message): Promise<void> {
    try {
      if (message === "ping") {
        await this.writeMessage({ result: typeof await this.ping("payload") });
      }
      if (message === "noDelay") await this.writeMessage({ result: typeof this.setNoDelay(true) });
    } catch (error) {
      const { name, message } = error as Error;
      await this.writeMessage({ name, message });
    }
  }

  override onPing(payload: Uint8Array): void {
    this.report.pings.push(new TextDecoder().decode(payload));
  }

  override onPong(payload: Uint8Array): void {
    this.report.pongs.push(new TextDecoder().decode(payload));
  }
}

/** Sends all kinds of messages at once, without waiting for one. */
class Order extends ReportingHandler {
  override async onMessage(): Promise<void> {
    const sends: Promise<void>[] = [];
    for (let i = 0; i < 100; i++) {
      const text = `message ${i}`;
      sends.push(this.writeMessage(
        [
          text,
          new TextEncoder().encode(text),
          new Blob([text]),
          ReadableStream.from(["message", " ", String(i)]),
          { message: i },
        ][i % 5]!,
      ));
    }
    await Promise.all(sends);
    this.report.sent = sends.length;
  }
}

/** Reports a connection that a function serves. */
function reported(serve: WebSocketFunction): WebSocketFunction {
  return async (connection, request, ...groups) => {
    follow(connection, reportOf(request.url));
    await serve(connection, request, ...groups);
  };
}

/** Takes no message before it is released. */
const slowReader = reported(async (connection, request) => {
  const report = reportOf(request.url);
  await untilReleased(request.url, () => {
    report.arrivedBytes = connection.stats().bytesReceived;
  });
  try {
    for await (const message of connection) {
      report.received++;
      report.arrivedBytes = connection.stats().bytesReceived;
      if (message.length === 0) await connection.send({ received: report.received });
    }
  } catch (error) {
    if (!(error instanceof WebSocketClosedError)) throw error;
  }
});

/** Answers by a function for each message, and every other one takes its time. */
const each = reported(async (connection, request) => {
  const report = reportOf(request.url);
  await connection.forEach(async (message) => {
    if (report.received++ % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await connection.send(message);
  });
  report.sent = report.received;
});

/** Sends from one array that changes each time, a `Buffer` as well, and changes it once more. */
const reused = reported(async (connection) => {
  await connection.receive();
  // Not in answer to what arrives, so that a host may gather what is sent.
  await new Promise((resolve) => setTimeout(resolve, 1));
  for (const bytes of [new Uint8Array(4), new NodeBuffer(4)]) {
    for (let i = 0; i < 3; i++) {
      bytes.fill(i);
      void connection.send(bytes);
    }
    bytes.fill(0xff);
  }
});

/** Sends as many mebibytes as the path says, one after the other. */
const flood = reported(async (connection, request, count) => {
  const report = reportOf(request.url);
  for (let i = 0; i < Number(count); i++) {
    const sending = connection.send(new Uint8Array(MIB).fill(i));
    report.mostBuffered = Math.max(report.mostBuffered, connection.bufferedAmount);
    await sending;
    report.sent++;
  }
  await connection.close();
});

/** Sends as many, and waits for none. */
const broadcast = reported(async (connection, request, count) => {
  const report = reportOf(request.url);
  for (let i = 0; i < Number(count); i++) {
    connection.send(new Uint8Array(MIB).fill(i)).then(
      () => report.sent++,
      (error) => report.errors.push(error.name),
    );
    report.mostBuffered = Math.max(report.mostBuffered, connection.bufferedAmount);
    // A host takes a while to notice that its peer does not.
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await connection.closed;
});

/** At the first message, sends as many and waits for none; closes at the second. */
const pile = reported(async (connection, request, count) => {
  const report = reportOf(request.url);
  await connection.receive();
  for (let i = 0; i < Number(count); i++) {
    connection.send(new Uint8Array(MIB)).then(
      () => report.sent++,
      (error) => report.errors.push(error.name),
    );
  }
  report.mostBuffered = connection.bufferedAmount;
  if (await connection.receive() !== null) await connection.close(4000);
});

/** Tells what the router gave it as data. */
const data = reported((connection: WebSocketConnection) =>
  connection.send({ data: connection.data as string })
);

const routers = [
  new WebSocketRouter([
    ["/echo", Echo],
    ["/json", Json],
    ["/subprotocol", Subprotocol],
    ["/unoffered", Unoffered],
    ["/close/:when/:code", Close],
    ["/throw/:where", Throw],
    ["/throwing-function", reported(() => Promise.reject(new Error("thrown in a function")))],
    ["/prepare", Prepare],
    ["/wishes", Wishes],
    ["/order", Order],
    ["/each", each],
    ["/reused", reused],
    ["/slow-reader", slowReader],
    ["/flood/:count", flood],
  ], { maxMessageSize: 16 * MIB, onError: () => {} }),
  new WebSocketRouter([["/compressed", Echo], ["/facts/:group", Facts]], { compression: true }),
  new WebSocketRouter([["/origins", Echo]], { allowedOrigins: ["https://allowed.example"] }),
  new WebSocketRouter([["/named-subprotocols", Subprotocol]], { subprotocols: ["x", "y"] }),
  new WebSocketRouter([["/small", Echo]], { maxMessageSize: 1000 }),
  new WebSocketRouter([
    ["/impatient", Echo],
    ["/impatient/close/:when/:code", Close],
    ["/impatient/pile/:count", pile],
  ], { closeTimeout: 100 }),
  new WebSocketRouter([["/patient/close/:when/:code", Close]], { closeTimeout: 1_000 }),
  new WebSocketRouter([["/idle", Echo]], { idleTimeout: 300 }),
  new WebSocketRouter([["/keepalive", Wishes]], { pingInterval: 50, pingTimeout: 2_000 }),
  new WebSocketRouter([["/broadcast/:count", broadcast]], { maxBufferedAmount: 4 * MIB }),
  new WebSocketRouter([["/data", data]], { data: "Ada" }),
];

/** Applications that do not return what `upgradeWebSocket` gives them. */
const mistakes: Readonly<Record<string, (upgrade: () => unknown) => Response | Promise<Response>>> =
  {
    "/upgrade-and-throw": (upgrade) => {
      upgrade();
      throw new Error("thrown after the upgrade");
    },
    "/upgrade-and-reject": async (upgrade) => {
      upgrade();
      await new Promise((resolve) => setTimeout(resolve, 1));
      throw new Error("thrown after the upgrade");
    },
    "/upgrade-and-answer": (upgrade) => {
      upgrade();
      return new Response("a page");
    },
    "/upgrade-twice": (upgrade) => {
      upgrade();
      upgrade();
      return new Response("a page");
    },
  };

/** Frees what is no longer used, where the host can be asked to. */
type CollectGarbage = () => void;

/** Answers a request, whichever host it came from. */
export async function handle(
  request: Request,
  upgrade: Upgrade,
  options: { readonly host?: object; readonly collectGarbage?: CollectGarbage } = {},
): Promise<Response> {
  for (const router of routers) {
    const response = await router.handle(request, upgrade, options.host);
    if (response !== undefined) return response;
  }
  const mistake = mistakes[new URL(request.url).pathname];
  if (mistake !== undefined) return await mistake(() => upgrade(request, options.host));
  return await answerPage(request, options.collectGarbage);
}

async function answerPage(
  request: Request,
  collectGarbage: CollectGarbage = () => {},
): Promise<Response> {
  const { pathname } = new URL(request.url);
  const [, page, id = ""] = pathname.split("/");
  switch (page) {
    case "stats":
      collectGarbage();
      return Response.json(stats());
    case "reports":
      return Response.json(findReport(id) ?? null);
    case "release":
      release(id);
      return Response.json(null);
    default:
      return Response.json({
        method: request.method,
        pathname,
        upgrade: request.headers.get("upgrade"),
        body: await request.text(),
      });
  }
}
