/**
 * The opening handshake as the suite makes it, from either side (RFC 6455 section 4).
 */

import { createHash } from "node:crypto";
import { Countdown } from "./countdown.ts";
import type { RawSocket } from "./raw_socket.ts";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const MAX_HEAD = 64 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

/** A head, read. */
export interface Head {
  readonly startLine: string;
  /** Field values by name in lower case; several of one name are joined by commas. */
  readonly fields: ReadonlyMap<string, string>;
}

/** The accept value for a key. */
export function acceptFor(key: string): string {
  return createHash("sha1").update(key + GUID).digest("base64");
}

/** A key. */
export function createKey(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))));
}

/** The request for a WebSocket. */
export function formatRequest(url: URL, key: string, extensions: string | undefined): Uint8Array {
  return encoder.encode([
    `GET ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${key}`,
    "Sec-WebSocket-Version: 13",
    ...(extensions === undefined ? [] : [`Sec-WebSocket-Extensions: ${extensions}`]),
    "\r\n",
  ].join("\r\n"));
}

/** The response that opens a WebSocket. */
export function formatResponse(key: string, extensions: string | undefined): Uint8Array {
  return encoder.encode([
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${acceptFor(key)}`,
    ...(extensions === undefined ? [] : [`Sec-WebSocket-Extensions: ${extensions}`]),
    "\r\n",
  ].join("\r\n"));
}

/**
 * Reads a head from a socket, and leaves what follows it to who listens next; rejects where the socket
 * ends or says nothing for so many milliseconds.
 */
export function readHead(socket: RawSocket, timeout: number): Promise<Head> {
  return new Promise((resolve, reject) => {
    let head = "";
    const countdown = new Countdown(
      timeout,
      () => reject(new Error("no answer to the handshake")),
    );
    const stop = (error: Error) => {
      countdown.stop();
      reject(error);
    };
    socket.listen((bytes) => {
      head += decoder.decode(bytes);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) {
        if (head.length > MAX_HEAD) stop(new Error("an endless head"));
        return;
      }
      countdown.stop();
      socket.unlisten(bytes.slice(bytes.length - (head.length - end - 4)));
      resolve(parseHead(head.slice(0, end)));
    }, () => stop(new Error("the connection ended before the handshake was done")));
  });
}

function parseHead(text: string): Head {
  const [startLine = "", ...lines] = text.split("\r\n");
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = fields.get(name);
    fields.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return { startLine, fields };
}
