/** A real browser at our servers; our own client drives it. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { test } from "../harness.ts";
import { startExample } from "../tools/program.ts";
import { Chromium, missingChromium, type Page } from "./devtools.ts";

const options = { skip: missingChromium, timeout: 120_000 };

/** The texts of the elements that a selector finds. */
function texts(page: Page, selector: string): Promise<string[]> {
  const list = `document.querySelectorAll(${JSON.stringify(selector)})`;
  return page.evaluate(`Array.from(${list}, (element) => element.textContent)`);
}

async function enter(page: Page, name: string): Promise<void> {
  await page.until("document.querySelector('#entrance').open");
  await page.evaluate("document.querySelector('#name').select()");
  await page.type(name);
  await page.until(
    "document.querySelector('#state.open') && !document.querySelector('#text').disabled",
  );
}

test("two tabs of Chromium chat with each other", async () => {
  await using chat = startExample("chat.ts", "--port", "0");
  const [, url] = await chat.outputMatching(/^The chat is at (\S+)$/m);
  await using browser = await Chromium.start();

  const ada = await browser.open(`${url}#tea%20room`);
  await enter(ada, "Ada");
  const bob = await browser.open(`${url}#tea%20room`);
  await enter(bob, "Bob");
  await ada.until("document.querySelectorAll('#members li').length === 2");

  const markup = "<img src=x onerror=alert(1)> & co.";
  await ada.type("Hello, Bob 🌊");
  await bob.until("document.querySelectorAll('.bubble').length === 1");
  await bob.type(markup);
  await ada.until("document.querySelectorAll('.bubble').length === 2");
  for (const page of [ada, bob]) {
    await page.until("document.querySelectorAll('.bubble').length === 2");
    assertEquals(await texts(page, ".bubble"), ["Hello, Bob 🌊", markup]);
    assertEquals(await texts(page, ".who .name"), ["Ada", "Bob"]);
    assertEquals(await page.evaluate("document.querySelectorAll('#log img').length"), 0);
    assertEquals(page.complaints, []);
  }

  // A tab that goes elsewhere leaves the room.
  await bob.evaluate("void (location.hash = 'coffee')");
  await ada.until("document.querySelectorAll('#members li').length === 1");
  await bob.until("document.querySelector('#room').textContent === '# coffee'");
  await bob.until("document.querySelectorAll('.bubble').length === 0");
  await bob.until("document.querySelector('#state.open')");

  // The server goes, and the page waits to try again.
  assertEquals(await chat.stop(), 0);
  await ada.until("!document.querySelector('#offline').hidden");
  assertMatch((await texts(ada, "#offline-text"))[0]!, /Trying again in \d+ s/);
}, options);

/** What becomes of a socket that a page opens: the extensions and the echo of a message, or nothing. */
const echoThrough = (url: string) =>
  `new Promise((resolve) => {
  const socket = new WebSocket(${JSON.stringify(url)});
  const text = "wave after wave, ".repeat(60_000);
  socket.onopen = () => socket.send(text);
  socket.onmessage = ({ data }) => {
    resolve({ extensions: socket.extensions, same: data === text });
    socket.close();
  };
  socket.onclose = ({ code }) => resolve({ code });
})`;

test("Chromium negotiates compression with us, and is refused from another origin", async () => {
  await using echo = startExample("echo.ts", "--port", "0", "--compression");
  const [, url] = await echo.outputMatching(/^Listening on (\S+)$/m);
  await using browser = await Chromium.start();

  const own = await browser.open(url!.replace("ws:", "http:"));
  assertMatch(await own.evaluate("document.body.innerText"), /This is a WebSocket endpoint/);
  const result = await own.evaluate<{ extensions: string; same: boolean }>(echoThrough(url!));
  assert(result.same);
  assertMatch(result.extensions, /^permessage-deflate/);

  const other = await browser.open(url!.replace("ws://127.0.0.1", "http://localhost"));
  assertEquals(await other.evaluate("location.hostname"), "localhost");
  assertEquals(await other.evaluate(echoThrough(url!)), { code: 1006 } as object);
  assertMatch(other.complaints.join("\n"), /WebSocket connection to .* 403/);
}, options);
