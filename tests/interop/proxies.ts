/** nginx and HAProxy, each started with a configuration of its own in front of a server. */

import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { server as certificate } from "../deps/tls/certificates.ts";
import { Program } from "../tools/program.ts";

/** A kind of proxy. */
export interface Proxy {
  readonly name: string;
  /** Why it is not there, or `undefined`. */
  readonly missing: string | undefined;
  /** Status of its answer where nobody listens behind it. */
  readonly unreachable: number;
  /** The command that runs it in the foreground. */
  readonly command: (folder: string) => readonly [program: string, ...args: string[]];
  /**
   * Its configuration: `/renamed/` reaches the server under another Host, `/impatient/` is cut off
   * after two seconds of silence.
   */
  readonly configure: (ports: ProxyPorts, folder: string) => string;
}

/** Where it listens, and what is behind it. */
export interface ProxyPorts {
  readonly front: number;
  /** The same over TLS, which ends here. */
  readonly secure: number;
  readonly back: number;
}

function missing(path: string): string | undefined {
  return existsSync(path) ? undefined : `there is no ${path}`;
}

const NGINX = "/usr/sbin/nginx";
const HAPROXY = "/usr/sbin/haproxy";

/** nginx, configured as its documentation of WebSocket proxying says. */
export const nginx: Proxy = {
  name: "nginx",
  missing: missing(NGINX),
  unreachable: 502,
  command: (folder) => [NGINX, "-p", folder, "-c", `${folder}/config`, "-e", "stderr"],
  configure: ({ front, secure, back }, folder) =>
    `daemon off;
user root;
pid ${folder}/pid;
worker_processes 1;
events { worker_connections 256; }
http {
  access_log off;
  ${
      ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map((kind) => `${kind}_temp_path ${folder}/${kind};`).join("\n  ")
    }
  map $http_upgrade $connection_upgrade { default upgrade; '' close; }
  server {
    listen 127.0.0.1:${front};
    listen 127.0.0.1:${secure} ssl;
    ssl_certificate ${folder}/certificate;
    ssl_certificate_key ${folder}/certificate;
    proxy_http_version 1.1;
    location / {
      proxy_pass http://127.0.0.1:${back};
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Host $http_host;
    }
    location /renamed/ {
      proxy_pass http://127.0.0.1:${back};
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Host internal.example:8080;
    }
    location /impatient/ {
      proxy_pass http://127.0.0.1:${back};
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Host $http_host;
      proxy_read_timeout 2s;
    }
  }
}
`,
};

/** HAProxy, which knows of WebSocket by itself. */
export const haproxy: Proxy = {
  name: "HAProxy",
  missing: missing(HAPROXY),
  unreachable: 503,
  command: (folder) => [HAPROXY, "-db", "-f", `${folder}/config`],
  configure: ({ front, secure, back }, folder) =>
    `global
  maxconn 100
defaults
  mode http
  retries 0
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout tunnel 30s
frontend front
  bind 127.0.0.1:${front}
  bind 127.0.0.1:${secure} ssl crt ${folder}/certificate
  use_backend renamed if { path_beg /renamed/ }
  use_backend impatient if { path_beg /impatient/ }
  default_backend plain
backend plain
  server gale 127.0.0.1:${back}
backend renamed
  http-request set-header Host internal.example:8080
  server gale 127.0.0.1:${back}
backend impatient
  timeout tunnel 2s
  server gale 127.0.0.1:${back}
`,
};

/** Two ports that nobody listens on. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    ports.push((server.address() as { port: number }).port);
  }
  for (const server of servers) await new Promise<void>((resolve) => server.close(() => resolve()));
  return ports as [number, number];
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
    socket.on("close", (hadError) => resolve(!hadError));
  });
}

/** A proxy in front of a port. Leaving its scope ends it. */
export class RunningProxy implements AsyncDisposable {
  readonly #proxy: Proxy;
  readonly #folder: string;
  readonly #ports: ProxyPorts;
  #program: Program;
  #stopped = false;

  private constructor(proxy: Proxy, { folder, ports }: { folder: string; ports: ProxyPorts }) {
    this.#proxy = proxy;
    this.#folder = folder;
    this.#ports = ports;
    this.#program = this.#run();
  }

  /** Starts it, and waits until it listens. */
  static async start(proxy: Proxy, back: number): Promise<RunningProxy> {
    const folder = mkdtempSync(`${tmpdir()}/gale-proxy-`);
    const [front, secure] = await freePorts();
    const ports = { front, secure, back };
    writeFileSync(`${folder}/certificate`, certificate.cert + certificate.key);
    writeFileSync(`${folder}/config`, proxy.configure(ports, folder));
    const running = new RunningProxy(proxy, { folder, ports });
    try {
      await running.#listening();
      return running;
    } catch (error) {
      await running[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Where it listens. */
  get url(): string {
    return `ws://127.0.0.1:${this.#ports.front}`;
  }

  /** Where it listens with TLS. */
  get secureUrl(): string {
    return `wss://localhost:${this.#ports.secure}`;
  }

  /** Ends it, as the host's service manager does. */
  async stop(): Promise<void> {
    this.#stopped = true;
    try {
      await this.#program.stop();
    } catch {
      await this.#program.exited; // it had ended by itself
    }
  }

  /** Starts it again, on the same port. */
  async restart(): Promise<void> {
    this.#program = this.#run();
    this.#stopped = false;
    await this.#listening();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Killed at once, nginx would leave its workers behind.
    if (!this.#stopped) await this.stop();
    await this.#program[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #run(): Program {
    const [program, ...args] = this.#proxy.command(this.#folder);
    return new Program(program, args);
  }

  async #listening(): Promise<void> {
    for (let attempts = 0; !await isListening(this.#ports.front); attempts++) {
      if (attempts === 500) throw new Error(`It does not listen:\n${this.#program.output}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
