/** An exchange whose peer is the test, and what such a peer sends. */

import {
  type ExchangeEnd,
  type ExchangeOptions,
  HttpExchange,
  type RequestHandler,
} from "../../src/server/http_exchange.ts";
import type { ServerRefusal } from "../../src/server/serve_options.ts";
import { ManualClock } from "../../src/testing.ts";
import { FakeTransport, http } from "./fakes.ts";

export const GET: string = "GET / HTTP/1.1\nHost: example.com\n\n";
export const UPGRADE: string =
  "GET /ws HTTP/1.1\nHost: example.com\nUpgrade: websocket\nConnection: Upgrade\n" +
  "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n\n";
/** The 101 that answers it (RFC 6455 section 1.3). */
export const SWITCHING: string =
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
/** A masked text message "Hi", the mask being zero. */
export const HI: Uint8Array = Uint8Array.of(0x81, 0x82, 0, 0, 0, 0, 0x48, 0x69);
/** A masked Close with 1000. */
export const CLOSE: Uint8Array = Uint8Array.of(0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8);

/** An exchange with everything about it. */
export class ExchangeFixture {
  readonly transport: FakeTransport = new FakeTransport();
  readonly clock: ManualClock = new ManualClock();
  readonly errors: unknown[] = [];
  readonly refusals: ServerRefusal[] = [];
  readonly ends: ExchangeEnd[] = [];
  readonly exchange: HttpExchange;

  constructor(handler: RequestHandler, options: Partial<ExchangeOptions> = {}) {
    this.exchange = new HttpExchange(this.transport, handler, {
      secure: false,
      headLimits: {},
      handshakeTimeout: 10_000,
      stallTimeout: 30_000,
      clock: this.clock,
      onError: (error) => this.errors.push(error),
      onRefuse: (refusal) => this.refusals.push(refusal),
      onEnd: (end) => this.ends.push(end),
      ...options,
    });
    this.exchange.start();
  }

  /** Sends a request and waits for the answer. */
  async request(text: string): Promise<string> {
    this.transport.feed(http(text));
    await this.transport.answered();
    return this.transport.text;
  }

  get status(): number {
    return Number(this.transport.text.split(" ")[1]);
  }
}
