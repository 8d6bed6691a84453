/** What every `ByteTransport` must do, whatever carries it. */

import { assert, assertEquals, assertLess, assertNotEquals } from "@std/assert";
import type { ByteTransport } from "../../src/connection/transport.ts";
import { randomSource, test } from "../harness.ts";
import { RecordingSink } from "./recording_sink.ts";

/** Two transports joined to each other. */
export interface TransportPair {
  readonly near: ByteTransport;
  readonly far: ByteTransport;
  /** Releases what carried them. */
  dispose(): void | Promise<void>;
}

/** How a battery is run. */
export interface BatteryOptions {
  /** Why it cannot run here. */
  readonly skip?: string | undefined;
  /** Whether an end that vanishes with unread input is told as a loss; TLS ends in order. */
  readonly resets?: boolean;
  /** Whether `close()` ends the transport even while the peer takes nothing; TLS by Deno waits. */
  readonly closesUnread?: boolean;
}

const encoder = new TextEncoder();

/** Bytes nobody would get right by accident. */
export function noise(length: number, seed: number): Uint8Array {
  const random = randomSource(seed);
  return Uint8Array.from({ length }, () => random(256));
}

/** Writes all of `bytes` in chunks, each in the same memory, which is spoilt as soon as it is our own again. */
export async function pump(
  transport: ByteTransport,
  sink: RecordingSink,
  bytes: Uint8Array,
  chunkSize = 40_000,
): Promise<void> {
  // Longer than what is written of it, which a transport may be told apart.
  const chunk = new Uint8Array(chunkSize + 100);
  for (let at = 0; at < bytes.length; at += chunkSize) {
    const part = bytes.subarray(at, at + chunkSize);
    chunk.set(part);
    await written(transport, sink, chunk, part.length);
    chunk.fill(0xaa);
  }
}

/** Writes a chunk, or the start of it, and waits until it is our own again. */
export async function written(
  transport: ByteTransport,
  sink: RecordingSink,
  chunk: Uint8Array,
  length: number = chunk.length,
): Promise<void> {
  const before = sink.count("drained");
  const taken = transport.writeStart?.(chunk, length) ??
    transport.write(chunk.subarray(0, length));
  if (!taken) {
    await sink.until(() => sink.count("drained") > before || sink.hasFailed);
  }
}

/** Looks in a row that a number has to pass unchanged. */
const LOOKS = 10;

/**
 * Waits until a number has stopped to change for so many milliseconds: nothing more moves on a
 * connection. Its looks are timed one after the other: a process that is stopped for long comes too
 * late to one of them, and sees in the others what had come meanwhile.
 */
export async function settled(read: () => number, milliseconds = 50): Promise<void> {
  let last = read();
  for (let looks = 0; looks < LOOKS; looks++) {
    await new Promise((resolve) => setTimeout(resolve, milliseconds / LOOKS));
    const now = read();
    if (now === last) continue;
    last = now;
    looks = -1;
  }
}

/** Registers the battery for one kind of transport. */
export function transportBattery(
  name: string,
  open: () => Promise<TransportPair>,
  options: BatteryOptions = {},
): void {
  const scene = (
    behaviour: string,
    run: (
      pair: TransportPair & { nearSink: RecordingSink; farSink: RecordingSink },
    ) => Promise<void>,
  ) => {
    test(`${name} ${behaviour}`, async () => {
      const pair = await open();
      const nearSink = new RecordingSink();
      const farSink = new RecordingSink();
      try {
        pair.near.attach(nearSink);
        pair.far.attach(farSink);
        await run({ ...pair, nearSink, farSink });
      } finally {
        pair.near.close();
        pair.far.close();
        await pair.dispose();
      }
    }, { skip: options.skip });
  };

  scene("carries bytes both ways, in order and unharmed by lending", async (pair) => {
    const there = noise(1_000_003, 1);
    const back = noise(300_007, 2);
    await Promise.all([
      pump(pair.near, pair.nearSink, there),
      pump(pair.far, pair.farSink, back),
      pair.farSink.until(() => pair.farSink.byteLength === there.length),
      pair.nearSink.until(() => pair.nearSink.byteLength === back.length),
    ]);
    assertEquals(pair.farSink.bytes(), there);
    assertEquals(pair.nearSink.bytes(), back);
    assertEquals(pair.nearSink.count("lost") + pair.farSink.count("lost"), 0);
  });

  scene("tells drained once for each write that returned false", async (pair) => {
    let refused = 0;
    for (let i = 0; i < 20; i++) {
      const before = pair.nearSink.count("drained");
      if (pair.near.write(noise(1000, i))) continue;
      refused++;
      await pair.nearSink.until(() => pair.nearSink.count("drained") > before);
    }
    await pair.farSink.until(() => pair.farSink.byteLength === 20_000);
    assertEquals(pair.nearSink.count("drained"), refused);
  });

  scene("reads nothing while paused, so that the peer's writes stall", async (pair) => {
    const total = 48 * 1024 * 1024;
    const chunk = noise(65_536, 3);
    let sent = 0;
    pair.far.pause();
    const sending = (async () => {
      while (sent < total && pair.nearSink.count("lost") === 0) {
        await written(pair.near, pair.nearSink, chunk.slice());
        sent += chunk.length;
      }
    })();
    await settled(() => sent);
    assertLess(sent, total);
    // A read that was pending when pause() was called may still bring its chunk.
    assert(pair.farSink.count("receive") <= 1, `${pair.farSink.count("receive")} chunks`);
    pair.far.resume();
    await sending;
    await pair.farSink.until(() => pair.farSink.byteLength === total);
    assertEquals(pair.farSink.chunks.at(-1)!.at(-1), chunk.at(-1));
  });

  scene("obeys pause() from within receive", async (pair) => {
    const total = 4_000_000;
    let paused = 0;
    pair.farSink.onReceive = () => {
      pair.far.pause();
      paused++;
      setTimeout(() => pair.far.resume(), 0);
    };
    const sending = pump(pair.near, pair.nearSink, noise(total, 4), 65_536);
    await pair.farSink.until(() => pair.farSink.byteLength === total);
    await sending;
    assertEquals(paused, pair.farSink.count("receive"));
    assertEquals(pair.farSink.bytes(), noise(total, 4));
  });

  scene("leaves a chunk as it is while paused, if it says that it holds chunks", async (pair) => {
    const total = 400_000;
    const wrong: number[] = [];
    pair.farSink.onReceive = (chunk) => {
      pair.far.pause();
      // Behind the sink, which spoils the chunk as the contract allows.
      const held = () => chunk.every((byte) => byte === 0xee);
      setTimeout(() => {
        if (pair.far.holdsChunks && !held()) wrong.push(pair.farSink.count("receive"));
        pair.far.resume();
      }, 0);
    };
    const sending = pump(pair.near, pair.nearSink, noise(total, 6), 65_536);
    await pair.farSink.until(() => pair.farSink.byteLength === total);
    await sending;
    assertEquals(wrong, []);
    assertEquals(pair.farSink.bytes(), noise(total, 6));
  });

  scene("delivers nothing from within resume(), to the sink attached behind it", async (pair) => {
    const second = new RecordingSink();
    pair.farSink.onReceive = () => pair.far.pause();
    const bytes = noise(200_000, 8);
    const sending = pump(pair.near, pair.nearSink, bytes, bytes.length);
    await pair.farSink.called("receive");
    await settled(() => pair.farSink.byteLength);
    const { byteLength } = pair.farSink;
    pair.far.resume();
    assertEquals(pair.farSink.byteLength, byteLength);
    pair.far.attach(second);
    await second.until(() => byteLength + second.byteLength === bytes.length);
    await sending;
    assertEquals(pair.farSink.byteLength, byteLength);
  });

  scene("redirects to the sink attached from within receive", async (pair) => {
    const second = new RecordingSink();
    pair.farSink.onReceive = () => pair.far.attach(second);
    await written(pair.near, pair.nearSink, encoder.encode("head"));
    await pair.farSink.called("receive");
    await written(pair.near, pair.nearSink, encoder.encode("frame"));
    await second.until(() => second.byteLength === 5);
    pair.near.closeWrite();
    await second.called("eof");
    assertEquals(pair.farSink.text(), "head");
    assertEquals(second.text(), "frame");
    assertEquals(pair.farSink.calls, ["receive"]);
  });

  scene("half-closes each way", async (pair) => {
    await written(pair.near, pair.nearSink, encoder.encode("last words"));
    pair.near.closeWrite();
    pair.near.closeWrite();
    await pair.farSink.called("eof");
    assertEquals(pair.farSink.text(), "last words");
    await written(pair.far, pair.farSink, encoder.encode("still here"));
    await pair.nearSink.until(() => pair.nearSink.byteLength === 10);
    assertEquals(pair.nearSink.text(), "still here");
    pair.far.closeWrite();
    await pair.nearSink.called("eof");
    await settled(() => pair.nearSink.calls.length + pair.farSink.calls.length);
    assertEquals(pair.nearSink.calls.filter((call) => call !== "drained"), ["receive", "eof"]);
    assertEquals(pair.farSink.calls.filter((call) => call !== "drained"), ["receive", "eof"]);
  });

  scene("ends its direction behind the write under way", async (pair) => {
    const bytes = noise(9_000_000, 5);
    const taken = pair.near.write(bytes.slice());
    pair.near.closeWrite();
    await pair.farSink.called("eof");
    assertEquals(pair.farSink.byteLength, bytes.length);
    assertEquals(pair.farSink.bytes(), bytes);
    assertEquals(pair.nearSink.count("drained"), taken ? 0 : 1);
  });

  scene("is silent after close() during a read and a write", async (pair) => {
    pair.far.pause();
    pair.near.write(noise(9_000_000, 6));
    pair.near.close();
    pair.near.close();
    pair.near.pause();
    pair.near.resume();
    pair.near.closeWrite();
    assertEquals(pair.near.write(Uint8Array.of(1)), true);
    pair.far.resume();
    await pair.farSink.until(() => pair.farSink.count("eof") + pair.farSink.count("lost") > 0);
    await settled(() => pair.nearSink.calls.length);
    assertEquals(pair.nearSink.calls, []);
  });

  scene("may be closed from within receive", async (pair) => {
    pair.farSink.onReceive = () => pair.far.close();
    await pump(pair.near, pair.nearSink, noise(200_000, 7));
    await settled(() => pair.farSink.calls.length);
    assertEquals(pair.farSink.calls, ["receive"]);
  });

  if (options.resets === false) return;
  scene("tells once that the peer has gone away with input unread", async (pair) => {
    pair.far.pause();
    const writing = pump(pair.near, pair.nearSink, noise(16_000_000, 8), 1_000_000);
    await settled(() => pair.nearSink.count("drained"));
    pair.far.close();
    await writing;
    // The reset may be told to a write; then reading comes to its end as if in order.
    await pair.nearSink.until(() => pair.nearSink.count("lost") + pair.nearSink.count("eof") > 0);
    await settled(() => pair.nearSink.calls.length);
    assert(pair.nearSink.hasFailed);
    const told = pair.nearSink.calls.filter((call) => call !== "drained" && call !== "receive");
    assertEquals(new Set(told).size, told.length);
    assertNotEquals(pair.nearSink.calls.at(-1), "drained");
    assert(pair.nearSink.error !== undefined);
    assertEquals(pair.farSink.hasFailed, false);
    pair.near.close();
  });

  if (options.closesUnread === false) return;
  scene("tells that the peer has gone while neither side reads", async (pair) => {
    for (const [end, sink] of [[pair.near, pair.nearSink], [pair.far, pair.farSink]] as const) {
      sink.onReceive = () => end.pause();
    }
    const writing = Promise.all([
      pump(pair.near, pair.nearSink, new Uint8Array(16_000_000), 1_000_000),
      pump(pair.far, pair.farSink, new Uint8Array(16_000_000), 1_000_000),
    ]);
    await settled(() => pair.nearSink.calls.length + pair.farSink.calls.length);
    assertEquals(pair.nearSink.hasFailed, false);
    pair.far.close();
    pair.farSink.lost(undefined); // it is told nothing, and its writing is over
    await pair.nearSink.until(() => pair.nearSink.hasFailed);
    await writing;
    assertNotEquals(pair.nearSink.calls.at(-1), "drained");
    pair.near.close();
  });
}
