/** What the types of handlers and routes let pass; `deno check` is what fails here. */

import { assertEquals } from "@std/assert";
import * as bun from "../src/adapters/bun.ts";
import * as cloudflare from "../src/adapters/cloudflare.ts";
import * as deno from "../src/adapters/deno.ts";
import * as tcp from "../src/adapters/tcp.ts";
import type { WebSocketConnection } from "../src/connection/connection.ts";
import { WebSocketHandler } from "../src/handler.ts";
import { type WebSocketFunction, type WebSocketRoute, WebSocketRouter } from "../src/router.ts";
import type { Upgrade } from "../src/server/upgrade.ts";
import type { CloseInfo, Message } from "../src/types.ts";
import { test } from "./harness.ts";
import { MemoryUpgrade, upgradeRequest } from "./upgrade_fixture.ts";

interface User {
  readonly name: string;
}

const ann: User = { name: "ann" };

/** A host that wants to know something besides. */
interface Host {
  readonly server?: { readonly id: number };
}

const memory = new MemoryUpgrade();
const upgradeOnHost: Upgrade<Host> = (request, options) => memory.upgrade(request, options);

test("A handler's methods may return whatever they end with", async () => {
  const members = new Set<WebSocketHandler>();
  class Member extends WebSocketHandler {
    override open() {
      return members.add(this);
    }
    override onMessage(_message: Message) {
      return this.close(4001, "full");
    }
    override onPing() {
      return this.ping();
    }
    override onPong() {
      return members.size;
    }
    override onClose(_info: CloseInfo) {
      return members.delete(this);
    }
    override onError(error: unknown) {
      return String(error);
    }
  }
  class Full extends WebSocketHandler {
    override open() {
      return this.close(4001, "full");
    }
    override onMessage() {}
  }
  const upgrade = new MemoryUpgrade();
  const router = new WebSocketRouter([["/", Member], ["/full", Full]], {
    onError: (error) => String(error),
  });
  await router.handle(upgradeRequest(), upgrade.upgrade);
  await upgrade.client.ping();
  assertEquals(members.size, 1);
  await upgrade.client.send("any");
  assertEquals((await upgrade.client.closed).code, 4001);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(members.size, 0);
  await router.handle(upgradeRequest("/full"), upgrade.upgrade);
  assertEquals((await upgrade.client.closed).code, 4001);
});

test("A handler's data has the type that it extends WebSocketHandler with", async () => {
  const greetings: string[] = [];
  class Chat extends WebSocketHandler<User> {
    override open() {
      greetings.push(this.data.name, this.connection.data.name);
      // @ts-expect-error -- a User has no age
      greetings.push(String(this.data.age));
    }
    override onMessage() {}
  }
  class Echo extends WebSocketHandler {
    override onMessage(message: Message) {
      // @ts-expect-error -- it is not said what data it has
      greetings.push(this.data.name);
      return this.writeMessage(message);
    }
  }
  const router = new WebSocketRouter([["/", Chat], ["/echo", Echo]]);
  const upgrade = new MemoryUpgrade();
  await router.handle(upgradeRequest(), upgrade.upgrade, { data: ann });
  assertEquals(greetings, ["ann", "ann", "undefined"]);
  await upgrade.client.close();
});

test("A function's data has the type that the router, its options or itself say", async () => {
  const names: string[] = [];
  const said = new WebSocketRouter<User>([["/", ({ data }) => names.push(data.name)]]);
  const given = new WebSocketRouter([["/", ({ data }) => names.push(data.name)]], { data: ann });
  const declared = new WebSocketRouter([
    ["/", ({ data }: WebSocketConnection<User>) => names.push(data.name)],
  ]);
  for (const router of [said, given, declared]) {
    const upgrade = new MemoryUpgrade();
    await router.handle(upgradeRequest(), upgrade.upgrade, { data: ann });
    // @ts-expect-error -- a number is no User
    await router.handle(new Request("http://a"), upgrade.upgrade, { data: 5 });
    await upgrade.client.close();
  }
  assertEquals(names, ["ann", "ann", "ann"]);
  // @ts-expect-error -- it is not said what data it has
  new WebSocketRouter([["/", ({ data }) => names.push(data.name)]]);
});

test("A function may declare a group that is always there as a string", async () => {
  const rooms: (string | undefined)[] = [];
  const join = (_connection: WebSocketConnection, _request: Request, room: string) =>
    rooms.push(room.toUpperCase());
  const declared: WebSocketFunction = join;
  const routes: readonly WebSocketRoute[] = [["/join/:room", declared]];
  const router = new WebSocketRouter([
    ...routes,
    ["/enter/:room", (_connection, _request, room: string) => rooms.push(room)],
    ["/leave/:room?", (_connection, _request, room) => {
      // @ts-expect-error -- what is not declared may be missing
      rooms.push(room.length === 0 ? "" : room);
    }],
  ]);
  // @ts-expect-error -- a group is no number
  const _seated: WebSocketFunction = (_connection, _request, seat: number) => seat;
  for (const path of ["/join/a", "/enter/b", "/leave/c"]) {
    const upgrade = new MemoryUpgrade();
    await router.handle(upgradeRequest(path), upgrade.upgrade);
    await upgrade.client.close();
  }
  assertEquals(rooms, ["A", "b", "c"]);
});

test("WebSocketRouter.handle takes what the host's upgrade takes, and no more", async () => {
  const router = new WebSocketRouter([["/", () => {}]]);
  await router.handle(upgradeRequest(), upgradeOnHost, { server: { id: 1 }, maxMessageSize: 5 });
  await memory.client.close();
  const plain = new Request("http://example.com/");
  // @ts-expect-error -- this server has no id
  await router.handle(plain, upgradeOnHost, { server: {} });
  // @ts-expect-error -- misspelt
  await router.handle(plain, upgradeOnHost, { sever: { id: 1 } });
  // @ts-expect-error -- the limit is a number
  await router.handle(plain, upgradeOnHost, { maxMessageSize: "5" });
  // @ts-expect-error -- misspelt, and of every host
  await router.handle(plain, memory.upgrade, { maxMesageSize: 5 });
  await router.handle(plain, (request, options) => memory.upgrade(request, options), { data: 5 });

  await router.handle(plain, deno.upgradeWebSocket, { info: undefined, data: 5 });
  await router.handle(plain, bun.upgradeWebSocket, { server: undefined, maxMessageSize: 5 });
  await router.handle(plain, cloudflare.upgradeWebSocket, { allowedOrigins: "*" });
  await router.handle(plain, tcp.upgradeWebSocket, { allowedOrigins: "*" });
  // @ts-expect-error -- of another host
  await router.handle(plain, deno.upgradeWebSocket, { server: undefined });
  // @ts-expect-error -- of another host
  await router.handle(plain, bun.upgradeWebSocket, { info: undefined });
  // @ts-expect-error -- of another host
  await router.handle(plain, tcp.upgradeWebSocket, { server: undefined });
});
