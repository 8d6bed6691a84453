/** Chromium without a window, driven through its DevTools protocol by our own client. */

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { connectWebSocket, type WebSocketConnection } from "@gale/websocket";
import { Program } from "../tools/program.ts";

const CHROMIUM = "/usr/bin/chromium";

/** Why Chromium cannot be used here, or `undefined`. */
export const missingChromium: string | undefined = existsSync(CHROMIUM)
  ? undefined
  : `there is no ${CHROMIUM}`;

/** Milliseconds that Chromium may take to answer, and a page to become what is waited for. */
const ANSWER_TIMEOUT = 30_000;

const FLAGS = [
  "--headless",
  "--no-sandbox", // which root may not have
  "--disable-gpu",
  "--disable-quic",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  "--window-size=960,720",
  "--remote-debugging-port=0",
];

interface Reply {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
  readonly method?: string;
  readonly params?: unknown;
  readonly sessionId?: string;
}

type Listener = (method: string, params: unknown) => void;

/** A browser of its own, with an empty profile. Leaving its scope ends it and forgets the profile. */
export class Chromium implements AsyncDisposable {
  readonly #program: Program;
  readonly #profile: string;
  readonly #connection: WebSocketConnection;
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #listeners = new Map<string, Listener>();
  #lastId = 0;

  private constructor(program: Program, profile: string, connection: WebSocketConnection) {
    this.#program = program;
    this.#profile = profile;
    this.#connection = connection;
    void this.#read();
  }

  /** Starts it. */
  static async start(): Promise<Chromium> {
    const profile = mkdtempSync(`${tmpdir()}/gale-chromium-`);
    const program = new Program(CHROMIUM, [...FLAGS, `--user-data-dir=${profile}`, "about:blank"]);
    try {
      const [, url] = await program.outputMatching(/^DevTools listening on (ws:\S+)$/m);
      const connection = await connectWebSocket(url!, { maxMessageSize: 64 * 1024 * 1024 });
      return new Chromium(program, profile, connection);
    } catch (error) {
      await program[Symbol.asyncDispose]();
      rmSync(profile, { recursive: true });
      throw error;
    }
  }

  /** Opens a tab, and resolves once its page is loaded. */
  async open(url: string): Promise<Page> {
    const { targetId } = await this.call<{ targetId: string }>("Target.createTarget", {
      url: "about:blank",
    });
    const { sessionId } = await this.call<{ sessionId: string }>("Target.attachToTarget", {
      targetId,
      flatten: true,
    });
    const page = new Page(this, sessionId);
    this.#listeners.set(sessionId, (method, params) => page.notice(method, params));
    for (const domain of ["Page", "Runtime", "Log"]) await page.call(`${domain}.enable`);
    await page.call("Page.navigate", { url });
    await page.until("document.readyState === 'complete' && location.href !== 'about:blank'");
    return page;
  }

  /** Calls a method of the protocol, for the browser or for the page of a session. */
  async call<T>(method: string, params: object = {}, sessionId?: string): Promise<T> {
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<unknown>();
    this.#pending.set(id, answer);
    const timer = setTimeout(
      () => answer.reject(new Error(`Chromium did not answer ${method}`)),
      ANSWER_TIMEOUT,
    );
    try {
      await this.#connection.send({ id, method, params, ...sessionId && { sessionId } });
      return await answer.promise as T;
    } finally {
      clearTimeout(timer);
      this.#pending.delete(id);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.call("Browser.close");
      await this.#connection.closed;
    } catch {
      // Then it is killed.
      this.#connection.abort();
    }
    await this.#program[Symbol.asyncDispose]();
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  async #read(): Promise<void> {
    for (;;) {
      const message = await this.#connection.receive();
      if (message === null) break;
      const { id, result, error, method, params, sessionId }: Reply = JSON.parse(String(message));
      if (method !== undefined) {
        this.#listeners.get(sessionId ?? "")?.(method, params);
      } else if (error !== undefined) {
        this.#pending.get(id!)?.reject(new Error(error.message));
      } else {
        this.#pending.get(id!)?.resolve(result);
      }
    }
    for (const { reject } of this.#pending.values()) reject(new Error("Chromium has gone"));
  }
}

/** A tab. */
export class Page {
  /** What went wrong in it: errors and warnings in the console, exceptions, failed requests. */
  readonly complaints: string[] = [];
  readonly #browser: Chromium;
  readonly #sessionId: string;

  constructor(browser: Chromium, sessionId: string) {
    this.#browser = browser;
    this.#sessionId = sessionId;
  }

  /** Calls a method of the protocol for this page. */
  call<T>(method: string, params: object = {}): Promise<T> {
    return this.#browser.call(method, params, this.#sessionId);
  }

  /** The value of an expression in the page; a promise's, where it is one. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.call<{
      result: { value: T };
      exceptionDetails?: { text: string; exception?: { description?: string } };
    }>("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails !== undefined) {
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    }
    return result.value;
  }

  /** Waits until an expression is true in the page. */
  async until(condition: string): Promise<void> {
    for (const start = Date.now(); Date.now() < start + ANSWER_TIMEOUT;) {
      if (await this.evaluate(`Boolean(${condition})`).catch(() => false)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const text = await this.evaluate("document.body.innerText");
    throw new Error(`Not true in the page: ${condition}\n${text}\n${this.complaints.join("\n")}`);
  }

  /** Types text into the field that has the focus, and then Enter. */
  async type(text: string): Promise<void> {
    await this.call("Input.insertText", { text });
    const key = { key: "Enter", code: "Enter", windowsVirtualKeyCode: 13, text: "\r" };
    await this.call("Input.dispatchKeyEvent", { type: "keyDown", ...key });
    await this.call("Input.dispatchKeyEvent", { type: "keyUp", ...key });
  }

  /** Is told what happens in the page. */
  notice(method: string, params: unknown): void {
    const event = params as {
      readonly type?: string;
      readonly args?: readonly { readonly value?: unknown; readonly description?: string }[];
      readonly entry?: { readonly level: string; readonly text: string };
      readonly exceptionDetails?: { readonly exception?: { readonly description?: string } };
    };
    if (method === "Runtime.exceptionThrown") {
      this.complaints.push(event.exceptionDetails?.exception?.description ?? "an exception");
    } else if (method === "Runtime.consoleAPICalled" && event.type !== "log") {
      this.complaints.push(event.args!.map((arg) => arg.value ?? arg.description).join(" "));
    } else if (method === "Log.entryAdded" && event.entry!.level !== "info") {
      this.complaints.push(event.entry!.text);
    }
  }
}
