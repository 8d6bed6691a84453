import { assertRejects } from "@std/assert";
import { dial } from "../../src/adapters/deno_dial.ts";
import { authority, client } from "../deps/tls/certificates.ts";
import { runtime, test } from "../harness.ts";
import { dialBattery } from "./dial_battery.ts";

const skip = runtime === "deno" ? undefined : "dials by Deno's sockets";
const signal = new AbortController().signal;
const secure = { hostname: "127.0.0.1", port: 1, secure: true, caCerts: [authority] };

dialBattery("Deno's dial", dial, { skip, closesUnfinishedHandshakes: false });

test(
  "Deno's dial refuses a client certificate for another serverName, which Deno cannot do",
  async () => {
    await assertRejects(
      () => dial({ ...secure, ...client, serverName: "localhost" }, signal),
      Error,
      "serverName is not the hostname",
    );
  },
  { skip },
);

test("Deno's dial refuses TLS over a Unix socket, which Deno cannot do", async () => {
  await assertRejects(
    () => dial({ ...secure, unixPath: "/nowhere" }, signal),
    Error,
    "no TLS over Unix sockets",
  );
}, { skip });
