/** What holds for the listener of each host. */

import { connect } from "node:net";
import process from "node:process";
import { assertEquals } from "@std/assert";
import type { ByteTransport } from "../../src/connection/transport.ts";
import type { Listener } from "../../src/server/listener.ts";
import { type ListenTarget, resolveListenOptions } from "../../src/server/serve_options.ts";
import { runtime, test } from "../harness.ts";
import { Program } from "../tools/program.ts";

const PROGRAM = "tests/adapters/listening_program.ts";

function run(...args: string[]): Program {
  const options = runtime === "deno" ? ["run", "-A", "--no-check"] : ["run"];
  return new Program(process.execPath, [...options, PROGRAM, ...args]);
}

/** Registers the tests of a listener. */
export function testHostListener(
  name: string,
  create: (target: ListenTarget) => Listener,
  skip: string | undefined,
): void {
  test(
    `${name} lets a client wait until it is started, and hands it over with its bytes`,
    async () => {
      const listener = create(resolveListenOptions({ port: 0, hostname: "127.0.0.1" }));
      const { transport: kind, hostname, port } = listener.address;
      assertEquals([kind, hostname], ["tcp", "127.0.0.1"]);
      const client = connect(port, "127.0.0.1");
      await new Promise((resolve) => client.once("connect", resolve));
      client.write("early");
      const accepted = Promise.withResolvers<ByteTransport>();
      await listener.start({ accept: accepted.resolve, onError: accepted.reject });
      const transport = await accepted.promise;
      const received = Promise.withResolvers<string>();
      let text = "";
      transport.attach({
        receive(chunk) {
          text += new TextDecoder().decode(chunk);
          if (text === "early") received.resolve(text);
        },
        receiveEof() {},
        drained() {},
        writeFailed: received.reject,
        lost: received.reject,
      });
      assertEquals(await received.promise, "early");
      const closed = new Promise((resolve) => client.once("close", resolve));
      transport.close();
      await closed;
      listener.close();
    },
    { skip },
  );

  test(`${name} keeps its process alive where it is to, and only there`, async () => {
    await using unheld = run("unref");
    assertEquals(await unheld.exited, 0, unheld.output);
    await using held = run("unref", "ref");
    const [, port] = await held.outputMatching(/port (\d+)/);
    const page = await fetch(`http://127.0.0.1:${port}/`);
    assertEquals(await page.text(), "a page");
  }, { skip });
}
