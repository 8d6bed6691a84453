/** The buffers of `vector_memory.ts`, in the hands of tests. */

import {
  returnVectorBuffer,
  takeVectorBuffer,
  type VectorBufferUse,
} from "../../src/protocol/vector_memory.ts";

/** Runs a test while no buffer for this use is to be had. Returns how many there were. */
export function withoutVectorBuffers(use: VectorBufferUse, run?: () => void): number {
  const taken: Uint8Array<ArrayBuffer>[] = [];
  for (let next = takeVectorBuffer(use); next !== undefined; next = takeVectorBuffer(use)) {
    taken.push(next);
  }
  try {
    run?.();
  } finally {
    for (const buffer of taken) returnVectorBuffer(buffer);
  }
  return taken.length;
}

/** How many buffers to gather text in nobody has. */
export function countTextBuffers(): number {
  return withoutVectorBuffers("text");
}
