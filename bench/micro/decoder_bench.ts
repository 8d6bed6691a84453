/**
 * Masked frames to messages, checks and limits included: our `Protocol` against `ws`'s Receiver.
 */
import { Buffer } from "node:buffer";
import { Protocol } from "../../src/protocol/protocol.ts";
import { makePayload } from "../load/frames.ts";
import { contest } from "./contest.ts";
import { BATCHES, deafSink, LIMITS, makeRead } from "./frames.ts";
import { Receiver } from "./ws.ts";

for (const kind of ["binary", "text"] as const) {
  for (const { name, size, count } of BATCHES) {
    const wire = makeRead(kind, makePayload(kind, size), count);
    const protocol = new Protocol({ role: "server", ...LIMITS }, deafSink);
    protocol.deliverTo(deafSink);
    protocol.tuneFor("Bun" in globalThis ? "JavaScriptCore" : "V8");
    const receiver = new Receiver({ isServer: true, maxPayload: LIMITS.maxMessageSize });
    // What a text is used for begins with a string.
    receiver.on("message", (data, isBinary) => isBinary ? data : data.toString());
    // Both unmask in place, so that each round needs the frames anew.
    const chunk = Buffer.alloc(wire.length);
    contest(`decode ${name}, ${kind}`, {
      "ws Receiver": {
        work: () => {
          chunk.set(wire);
          receiver.write(chunk);
        },
      },
      Protocol: {
        work: () => {
          chunk.set(wire);
          protocol.receiveData(chunk);
        },
      },
    });
  }
}
