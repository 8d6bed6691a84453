/** What every `Dial` must do, whatever host it belongs to. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Dial, DialTarget } from "../../src/connection/dial.ts";
import type { ByteTransport } from "../../src/connection/transport.ts";
import { RecordingSink } from "../connection/recording_sink.ts";
import { settled } from "../connection/transport_battery.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { createServer as createTlsServer } from "node:tls";
import { authority, client, server as serverCertificate } from "../deps/tls/certificates.ts";
import { test } from "../harness.ts";
import { listenForHello } from "./client_hello.ts";

/** How a server listens. */
interface ListenOptions {
  /** The address to listen on; absent for a Unix socket. */
  readonly hostname?: string;
  /** The path of a Unix socket. */
  readonly path?: string;
  /** Whether with TLS, by the tests' certificate. */
  readonly secure?: boolean;
  /** Whether a client certificate by the tests' authority is demanded. */
  readonly demandCertificate?: boolean;
  /** Whether nothing is echoed. */
  readonly silent?: boolean;
}

interface Server {
  readonly port: number;
  /** Connections accepted and not yet ended. */
  open(): number;
  /** Bytes received on all of them. */
  received(): number;
  stop(): void;
}

/** A server of `node:net` or `node:tls`, which both runtimes have; echoes, and ends when the peer does. */
async function listen(options: ListenOptions): Promise<Server> {
  const accepted = new Set<Socket>();
  let received = 0;
  const accept = (socket: Socket) => {
    accepted.add(socket);
    socket.on("close", () => accepted.delete(socket));
    socket.on("error", () => {});
    socket.on("data", (chunk) => received += chunk.length);
    if (options.silent) {
      socket.on("end", () => socket.end());
    } else {
      socket.pipe(socket);
    }
  };
  const certificates = {
    ...serverCertificate,
    ca: [authority],
    requestCert: options.demandCertificate ?? false,
    rejectUnauthorized: options.demandCertificate ?? false,
  };
  const server = options.secure
    ? createTlsServer(certificates, accept)
    : createServer({ allowHalfOpen: true }, accept);
  await new Promise<void>((resolve) => {
    if (options.path === undefined) server.listen(0, options.hostname, resolve);
    else server.listen(options.path, resolve);
  });
  const address = server.address();
  return {
    port: address !== null && typeof address === "object" ? address.port : 0,
    open: () => accepted.size,
    received: () => received,
    stop() {
      server.close();
      for (const socket of accepted) socket.destroy();
    },
  };
}

function temporaryFolder(): string {
  return mkdtempSync(`${tmpdir()}/gale-`);
}

const encoder = new TextEncoder();
const never = new AbortController().signal;

/** Sends a word, takes its echo, and ends both directions. */
async function exchange(transport: ByteTransport): Promise<string> {
  const sink = new RecordingSink();
  transport.attach(sink);
  transport.write(encoder.encode("hello"));
  await sink.until(() => sink.byteLength === 5 || sink.count("lost") > 0);
  transport.closeWrite();
  await sink.until(() => sink.count("eof") + sink.count("lost") > 0);
  transport.close();
  if (sink.count("lost") > 0) throw sink.error;
  return sink.text();
}

/** How a battery is run. */
export interface DialBatteryOptions {
  /** Why it cannot run here. */
  readonly skip: string | undefined;
  /** Whether an abort in the TLS handshake closes the TCP connection at once; Deno cannot. */
  readonly closesUnfinishedHandshakes: boolean;
}

/** Registers the battery for one host's `dial`. */
export function dialBattery(name: string, dial: Dial, options: DialBatteryOptions): void {
  const { skip } = options;
  const open = async (target: DialTarget, signal = never) =>
    await dial(target, signal) as ByteTransport;

  const connects = (
    behaviour: string,
    listening: ListenOptions,
    target: Omit<DialTarget, "port" | "secure">,
  ) => {
    test(`${name} connects ${behaviour}`, async () => {
      const server = await listen(listening);
      const { port } = server;
      const { secure = false } = listening;
      try {
        const transport = await open({ port, secure, ...target });
        assertEquals(transport.remoteAddress?.transport, "tcp");
        assertEquals(transport.remoteAddress?.port, port);
        assertEquals(await exchange(transport), "hello");
      } finally {
        server.stop();
      }
    }, { skip });
  };

  const refuses = (
    behaviour: string,
    listening: ListenOptions,
    target: Omit<DialTarget, "port" | "secure">,
    message: RegExp,
  ) => {
    test(`${name} rejects ${behaviour}`, async () => {
      const server = await listen(listening);
      try {
        const error = await assertRejects(async () => {
          const transport = await open({ port: server.port, secure: true, ...target });
          transport.close();
        }, Error);
        assert(message.test(error.message), error.message);
        await settled(server.open);
        assertEquals(server.open(), 0);
      } finally {
        server.stop();
      }
    }, { skip });
  };

  const caCerts = [authority];
  const plain = { hostname: "127.0.0.1" };
  const plain6 = { hostname: "::1" };
  const secure = { ...plain, secure: true };
  const secure6 = { ...plain6, secure: true };
  const demanding = { ...secure, demandCertificate: true };

  connects("by an IPv4 address", plain, { hostname: "127.0.0.1" });
  connects("by an IPv6 address in brackets", plain6, { hostname: "[::1]" });
  connects("by a name", plain, { hostname: "localhost" });
  connects("without noDelay", plain, { hostname: "127.0.0.1", noDelay: false });
  connects("over TLS to a name in the certificate", secure, { hostname: "localhost", caCerts });
  connects("over TLS to an IPv4 address in the certificate", secure, { ...plain, caCerts });
  connects("over TLS to an IPv6 address in brackets", secure6, { hostname: "[::1]", caCerts });
  connects("over TLS by another serverName", secure, {
    ...plain,
    serverName: "localhost",
    caCerts,
  });
  connects("over TLS with a client certificate", demanding, {
    hostname: "localhost",
    caCerts,
    ...client,
  });

  test(`${name} connects to a Unix socket`, async () => {
    const folder = temporaryFolder();
    const unixPath = `${folder}/socket`;
    const server = await listen({ path: unixPath });
    try {
      const transport = await open({ hostname: "localhost", port: 0, secure: false, unixPath });
      assertEquals(transport.remoteAddress?.transport, "unix");
      assertEquals(await exchange(transport), "hello");
    } finally {
      server.stop();
      rmSync(folder, { recursive: true });
    }
  }, { skip });

  refuses(
    "a certificate by an unknown authority",
    secure,
    { hostname: "localhost" },
    /verify|Unknown|self signed/,
  );
  refuses("an empty list of authorities as none", secure, {
    hostname: "localhost",
    caCerts: [],
  }, /verify|Unknown|self signed/);
  refuses("a certificate for another name", secure, {
    ...plain,
    serverName: "other.example",
    caCerts,
  }, /altnames|not valid for name/);
  refuses("a certificate for another address", { hostname: "127.0.0.2", secure: true }, {
    hostname: "127.0.0.2",
    caCerts,
  }, /altnames|not valid for name/);
  refuses("a server that does not speak TLS", plain, { ...plain, caCerts }, /./);

  const asksFor = (
    what: string,
    target: Omit<DialTarget, "port" | "secure">,
    expected: string[] | undefined,
  ) => {
    test(`${name} asks a TLS server for ${what} (RFC 6066 3)`, async () => {
      const listener = await listenForHello(target.hostname === "[::1]" ? "::1" : "127.0.0.1");
      try {
        const { port, serverNames } = listener;
        const [names] = await Promise.all([
          serverNames,
          // Nobody answers.
          assertRejects(() => open({ port, secure: true, caCerts, ...target }), Error),
        ]);
        assertEquals(names, expected);
      } finally {
        listener.stop();
      }
    }, { skip });
  };

  asksFor("the name that it dials", { hostname: "localhost" }, ["localhost"]);
  asksFor("the name that it dials, with a client certificate as well", {
    hostname: "localhost",
    ...client,
  }, ["localhost"]);
  asksFor("the serverName, also where it dials an address", {
    hostname: "127.0.0.1",
    serverName: "localhost",
  }, ["localhost"]);
  asksFor("no name where it dials an IPv4 address", { hostname: "127.0.0.1" }, undefined);
  asksFor("no name where it dials an IPv6 address", { hostname: "[::1]" }, undefined);

  test(`${name} has no connection with a server that demands a client certificate`, async () => {
    const server = await listen(demanding);
    try {
      // In TLS 1.3 the client is done before the server has looked: the loss follows.
      await assertRejects(async () => {
        await exchange(await open({ ...plain, port: server.port, secure: true, caCerts }));
      }, Error);
    } finally {
      server.stop();
    }
  }, { skip });

  test(`${name} rejects where nobody listens`, async () => {
    const server = await listen(plain);
    const { port } = server;
    server.stop();
    for (const secure of [false, true]) {
      await assertRejects(() => open({ ...plain, port, secure }), Error);
    }
    const unixPath = "/nowhere/at/all";
    await assertRejects(() => open({ ...plain, port, secure: false, unixPath }), Error);
  }, { skip });

  test(`${name} rejects with the signal's reason, and connects nowhere, once aborted`, async () => {
    const server = await listen(plain);
    try {
      const reason = new Error("changed my mind");
      const signal = AbortSignal.abort(reason);
      const target = { ...plain, port: server.port, secure: false };
      assertEquals(await assertRejects(() => open(target, signal)), reason);
      await settled(server.open);
      assertEquals(server.open(), 0);
    } finally {
      server.stop();
    }
  }, { skip });

  test(`${name} leaves nothing open where it is aborted while connecting`, async () => {
    const folder = temporaryFolder();
    const path = `${folder}/socket`;
    const cases: [ListenOptions, Partial<DialTarget>][] = [
      [plain, {}],
      [secure, { caCerts }],
      [secure, { caCerts, ...client }],
      [{ path }, { unixPath: path }],
    ];
    for (const [listening, rest] of cases) {
      const server = await listen(listening);
      try {
        const controller = new AbortController();
        const reason = new Error("changed my mind");
        const secure = listening.secure ?? false;
        const dialling = open({ ...plain, port: server.port, secure, ...rest }, controller.signal);
        controller.abort(reason);
        assertEquals(await assertRejects(() => dialling), reason);
        await settled(server.open);
        assertEquals(server.open(), 0);
      } finally {
        server.stop();
      }
    }
  }, { skip });

  test(
    `${name} rejects with the signal's reason where it is aborted in the TLS handshake`,
    async () => {
      const server = await listen({ ...plain, silent: true });
      try {
        const controller = new AbortController();
        const reason = new Error("changed my mind");
        const dialling = open({ ...plain, port: server.port, secure: true }, controller.signal);
        const rejected = assertRejects(() => dialling);
        while (server.received() === 0) await new Promise((resolve) => setTimeout(resolve, 0));
        controller.abort(reason);
        assertEquals(await rejected, reason);
        if (options.closesUnfinishedHandshakes) {
          await settled(server.open);
          assertEquals(server.open(), 0);
        }
      } finally {
        server.stop();
      }
    },
    { skip },
  );

  test(`${name} ignores a signal that is aborted later`, async () => {
    const server = await listen(plain);
    try {
      const controller = new AbortController();
      const target = { ...plain, port: server.port, secure: false };
      const transport = await open(target, controller.signal);
      controller.abort();
      assertEquals(await exchange(transport), "hello");
    } finally {
      server.stop();
    }
  }, { skip });
}
