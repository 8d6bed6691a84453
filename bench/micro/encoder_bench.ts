/** Messages to frames, of a server and of a client: our `Protocol` against `ws`'s Sender. */
import { Protocol } from "../../src/protocol/protocol.ts";
import { makePayload } from "../load/frames.ts";
import { contest } from "./contest.ts";
import { BATCHES, deafSink, LIMITS } from "./frames.ts";
import { Sender } from "./ws.ts";

for (const role of ["server", "client"] as const) {
  for (const { name, size, count } of BATCHES) {
    const payload = makePayload("binary", size);
    const protocol = new Protocol({ role, ...LIMITS }, deafSink);
    const sender = new Sender({ cork() {}, uncork() {}, write() {} });
    const options = { binary: true, fin: true, mask: role === "client", compress: false };
    contest(`encode ${name}, ${role}`, {
      "ws Sender": {
        work: () => {
          for (let i = 0; i < count; i++) sender.send(payload, options);
        },
      },
      Protocol: {
        work: () => {
          for (let i = 0; i < count; i++) protocol.sendBinary(payload);
          while (protocol.output.take() !== undefined) protocol.output.giveBack();
        },
      },
    });
  }
}
