/** What a connection is made over: a byte stream, or a link that is there already. */

import type { ByteStream, WebSocketConnectionOptions } from "../types.ts";
import type { Link } from "./link.ts";
import type { ResolvedConnectionOptions } from "./options.ts";

/** A link, and the options of the connection that is made over it. */
export interface ConfiguredLink {
  /** The link. */
  readonly link: Link;
  /** The options, checked and with their defaults. */
  readonly resolved: ResolvedConnectionOptions;
}

/** Makes a link over a byte stream in hand, which the options describe. */
export type StreamLinker = (
  stream: ByteStream,
  options: WebSocketConnectionOptions,
) => ConfiguredLink;

let createStreamLink: StreamLinker = () => {
  throw new TypeError(
    "Cannot take over a byte stream: import WebSocketConnection from @gale/websocket for that",
  );
};

/**
 * Says what makes links over byte streams. `stream_link.ts` does, as it is loaded: a static import
 * of it here would load the codec for hosts that frame by themselves.
 */
export function provideStreamLinks(create: StreamLinker): void {
  createStreamLink = create;
}

/**
 * A link in the place of a byte stream: `connectionOver` gives one to the constructor of
 * `WebSocketConnection`, which for its users takes streams alone.
 */
export class LinkSource implements ByteStream, ConfiguredLink {
  /** What the connection is made over. */
  readonly link: Link;
  /** What its options come to. */
  readonly resolved: ResolvedConnectionOptions;

  /** Wraps a link. */
  constructor(link: Link, resolved: ResolvedConnectionOptions) {
    this.link = link;
    this.resolved = resolved;
  }

  /** There is none. */
  get readable(): never {
    throw new TypeError("A link has no streams");
  }

  /** There is none. */
  get writable(): never {
    throw new TypeError("A link has no streams");
  }
}

/**
 * The link of a connection over `source`. What is no {@linkcode LinkSource} is taken for a stream.
 *
 * @throws {TypeError} if it is none, or an option is of a wrong type; see `createStreamLink`.
 * @throws {RangeError} if an option is out of its range.
 */
export function linkOver(
  source: ByteStream,
  options: WebSocketConnectionOptions,
): ConfiguredLink {
  return source instanceof LinkSource ? source : createStreamLink(source, options);
}
