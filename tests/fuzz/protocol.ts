/**
 * `Protocol`'s receiving side against the model, in both roles, whatever arrives in whatever pieces;
 * and what it answers, however much waits to be written.
 */

import { assert, assertEquals } from "@std/assert";
import type { PermessageDeflateParameters } from "../../src/extensions/permessage_deflate_negotiation.ts";
import { type ProtocolEvent, RecordedProtocol } from "../protocol/frames.ts";
import { Answers } from "./answers.ts";
import { assertSame, Chunking, type Fuzzer, randomChunking, Settings } from "./fuzzer.ts";
import { type ModelEvent, type ModelRules, readWire } from "./model.ts";
import { Random } from "./random.ts";
import { randomWire } from "./wire.ts";

/** Limits, mostly generous ones. */
const SIZES = [10_485_760, 10_485_760, 5_000, 1_000, 100, 1, 0];
const FRAGMENTS = [131_072, 131_072, 131_072, 3, 2, 1];

/** How an endpoint is set up, from the front of an input. */
interface Setup {
  readonly role: "server" | "client";
  readonly parameters: PermessageDeflateParameters | undefined;
  readonly maxMessageSize: number;
  readonly maxFragments: number;
  readonly keepsChunks: boolean;
  /** Whether a chunk stays as it is while delivery is paused. */
  readonly holdsChunks: boolean;
  readonly engine: "V8" | "JavaScriptCore";
  /** Whether the peer's Close is answered at once. */
  readonly answers: boolean;
  /** Whether the application spoils the payloads of pings, which are its own. */
  readonly spoils: boolean;
  /** Seeds when delivery is paused; 0 for never. */
  readonly pauses: number;
  /** Seeds what the application sends meanwhile, and when it is written; 0 for nothing, and at once. */
  readonly waits: number;
  readonly chunking: Chunking;
}

/** Reads a setup. */
function readSetup(settings: Settings): Setup {
  const flags = settings.byte();
  const windows = settings.byte();
  return {
    role: (flags & 1) === 0 ? "server" : "client",
    parameters: (flags & 2) === 0 ? undefined : {
      serverNoContextTakeover: (flags & 4) !== 0,
      clientNoContextTakeover: (flags & 8) !== 0,
      serverMaxWindowBits: 15 - (windows & 7),
      clientMaxWindowBits: 15 - ((windows >> 3) & 7),
    },
    keepsChunks: (flags & 16) !== 0,
    holdsChunks: (windows & 64) !== 0,
    engine: (flags & 32) === 0 ? "V8" : "JavaScriptCore",
    answers: (flags & 64) === 0,
    spoils: (flags & 128) !== 0,
    maxMessageSize: settings.pick(SIZES),
    maxFragments: settings.pick(FRAGMENTS),
    pauses: settings.byte(),
    waits: settings.byte(),
    chunking: new Chunking(settings),
  };
}

function rulesOf({ role, parameters, maxMessageSize, maxFragments }: Setup): ModelRules {
  return {
    role,
    maxMessageSize,
    maxFragments,
    compression: parameters && (role === "server"
      ? {
        windowBits: parameters.clientMaxWindowBits,
        contextTakeover: !parameters.clientNoContextTakeover,
      }
      : {
        windowBits: parameters.serverMaxWindowBits,
        contextTakeover: !parameters.serverNoContextTakeover,
      }),
  };
}

/** What the library made of a wire. */
interface Outcome {
  readonly events: ModelEvent[];
  readonly failure: number | undefined;
}

/** Feeds a wire to a `Protocol`, pausing and resuming it, spoiling what it was only lent. */
function receive(wire: Uint8Array, setup: Setup): Outcome {
  const pauses = new Random(setup.pauses);
  const recorded = new RecordedProtocol(setup.role, {
    compression: setup.parameters && { parameters: setup.parameters, level: 6, threshold: 256 },
    maxMessageSize: setup.maxMessageSize,
    maxFragments: setup.maxFragments,
  });
  const { core } = recorded;
  const answers = new Answers(recorded, setup.waits);
  recorded.answers = setup.answers;
  recorded.onEvent = () => {
    const event = recorded.events.at(-1)!;
    if ("ping" in event) {
      answers.ping(Array.from(event.ping));
      if (setup.spoils) {
        recorded.events[recorded.events.length - 1] = { ping: event.ping.slice() };
        event.ping.fill(0xee);
      }
    }
    answers.event();
    if (setup.pauses === 0) return;
    if (pauses.chance(3)) {
      isPaused = true;
      core.pause();
    }
    if (pauses.chance(6)) {
      isPaused = false;
      core.resume();
    }
  };
  core.tuneFor(setup.engine);
  if (setup.keepsChunks) core.keepChunks();
  if (setup.holdsChunks) core.holdChunks();

  let isPaused = false;
  let lent = new Uint8Array(0);
  const spoil = () => {
    if (!setup.keepsChunks) lent.fill(0xee);
  };
  const resume = () => {
    isPaused = false;
    core.resume();
    if (!isPaused) spoil();
  };
  for (const chunk of setup.chunking.cut(wire)) {
    core.receiveData(chunk);
    spoil();
    lent = chunk;
    if (!setup.holdsChunks || !isPaused) spoil();
    answers.written();
    if (setup.pauses !== 0 && pauses.chance(2)) resume();
    answers.written();
  }
  if (setup.pauses !== 0) {
    // What is held may pause again with each event.
    for (let before = -1; before !== recorded.events.length;) {
      before = recorded.events.length;
      resume();
      answers.written();
    }
  }
  const close = core.closeReceived;
  if (close !== undefined && core.closeSent === undefined) {
    assert(!setup.answers, "the Close was not answered");
    core.sendClose(close.code, close.reason);
  }
  answers.takeAll();
  answers.check();
  const { closeSent } = core;
  const failure = core.failure?.closeCode;
  assertEquals(core.closeExpected, failure !== undefined || close !== undefined);
  if (core.closeExpected) assert(closeSent !== undefined, "no Close was sent");
  if (!answers.closesFirst) {
    assertEquals(closeSent?.code, failure ?? close?.code, "the code of the Close");
  }
  // Read only now, since what was delivered must not change any more.
  const events = recorded.events.map(toEvent);
  if (close !== undefined) events.push({ close: close.code, reason: close.reason });
  return { events, failure };
}

/** What was told, in the model's form. */
export function toEvent(event: ProtocolEvent): ModelEvent {
  if ("ping" in event) return { ping: Array.from(event.ping) };
  if ("pong" in event) return { pong: Array.from(event.pong) };
  const { message } = event;
  return typeof message === "string" ? { text: message } : { binary: Array.from(message) };
}

/** The receiving side of `Protocol`. */
export const protocolFuzzer: Fuzzer = {
  name: "protocol",

  generate(random) {
    const flags = random.below(256);
    const settings = Uint8Array.of(
      flags,
      random.pick([0, random.below(64)]),
      random.pick([0, random.below(256)]),
      random.pick([0, random.below(256)]),
      random.pick([0, random.below(256)]),
      random.pick([0, random.below(256)]),
      ...randomChunking(random),
    );
    const { role, compression } = rulesOf(readSetup(new Settings(settings)));
    const wire = randomWire(random, {
      role,
      compression,
      maxSize: random.chance(50) ? 70_000 : 400,
      hostile: random.chance(2),
    });
    return Uint8Array.from([...settings, ...wire]);
  },

  check(input) {
    const settings = new Settings(input);
    const setup = readSetup(settings);
    const wire = settings.rest();
    const expected = readWire(wire, rulesOf(setup));
    const outcome = receive(wire, setup);
    assertSame(outcome.events, expected.events);
    const { failure } = outcome;
    assert(
      failure === undefined ? expected.failure === undefined : expected.failure?.includes(failure),
      `failed with ${failure}, not ${expected.failure}`,
    );
  },
};
