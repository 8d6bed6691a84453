/**
 * Workers, run by workerd from npm: a module and all that it imports becomes one script, which a
 * process of its own serves on ports that are free.
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { projectRoot } from "./files.ts";
import { Program } from "./program.ts";
import { runtimePath } from "./runtimes.ts";

const WORKERD = "workerd@1.20261117.1";

/** Milliseconds that npm may take to fetch a program. */
const FETCH_TIMEOUT = 120_000;

/** How a worker is served. */
export interface WorkerOptions {
  /**
   * The day whose behaviour the runtime shows.
   * @default "2026-11-01"
   */
  readonly compatibilityDate?: string;
  /** Behaviours that are switched on or off besides. */
  readonly compatibilityFlags?: readonly string[];
  /** Flags of the engine. */
  readonly v8Flags?: readonly string[];
  /** The worker's text bindings. */
  readonly bindings?: Readonly<Record<string, string>>;
  /** Classes of Durable Objects that the worker exports, by the names of their bindings. */
  readonly durableObjects?: Readonly<Record<string, string>>;
  /** Certificates of authorities, in PEM, that outbound connections trust. */
  readonly trustedCertificates?: readonly string[];
  /**
   * Whether the worker is reached over TCP as well, by its `connect` handler.
   * @default false
   */
  readonly tcp?: boolean;
}

/** A worker that answers. Leaving its scope ends its process. */
export interface RunningWorker extends AsyncDisposable {
  /** `http://127.0.0.1:port`, without a slash at the end. */
  readonly url: string;
  /** The port of `url`. */
  readonly port: number;
  /** The port of the `connect` handler, where `tcp` asked for it. */
  readonly tcpPort: number | undefined;
  /** The process. */
  readonly pid: number;
  /** Resolves with its exit code when the process has ended; with `null` where a signal had to. */
  readonly exited: Promise<number | null>;
  /** What the worker has logged, and the runtime complained of. */
  output(): string;
  /** Ends the process, whatever it is at. */
  stop(): Promise<void>;
}

/** Why no worker can be run here, or `undefined`: a reason to skip tests. */
export function workerdMissing(): string | undefined {
  if (workerdPath() === undefined) return `npx finds no ${WORKERD}`;
  if (runtimePath("bun") === undefined) return "npx finds no Bun, which bundles workers";
  return undefined;
}

/**
 * Serves a worker, whose path is relative to the project, and waits until it listens.
 *
 * The bundle keeps imports of `cloudflare:…` as they are, as Wrangler does.
 */
export async function startWorker(
  entryFile: string,
  options: WorkerOptions = {},
): Promise<RunningWorker> {
  const folder = mkdtempSync(join(tmpdir(), "gale-worker-"));
  const config = join(folder, "config.capnp");
  try {
    writeFileSync(join(folder, "worker.js"), bundle(entryFile));
    writeFileSync(config, configuration(options));
    const args = ["serve", config, "--control-fd=1"];
    const program = new Program(workerdPath()!, args);
    return await whenListening(program, folder, options);
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
}

async function whenListening(
  program: Program,
  folder: string,
  options: WorkerOptions,
): Promise<RunningWorker> {
  const stop = async () => {
    await program[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  };
  const portOf = async (socket: string) => {
    const listening = new RegExp(`"event":"listen","socket":"${socket}","port":(\\d+)`);
    return Number((await program.outputMatching(listening))[1]);
  };
  try {
    const port = await portOf("http");
    return {
      url: `http://127.0.0.1:${port}`,
      port,
      tcpPort: options.tcp ? await portOf("tcp") : undefined,
      pid: program.pid,
      exited: program.exited,
      output: () => program.output,
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
}

/** The path of the program itself: `npx` in front of it would stay behind as its parent. */
function workerdPath(): string | undefined {
  // The environment is what all test files of a run share.
  process.env.TEST_WORKERD_PATH ??= findWorkerd();
  return process.env.TEST_WORKERD_PATH || undefined;
}

function findWorkerd(): string {
  const args = ["-y", `--package=${WORKERD}`, "--", "sh", "-c", "command -v workerd"];
  const { status, stdout } = spawnSync("npx", args, {
    stdio: ["ignore", "pipe", "ignore"],
    timeout: FETCH_TIMEOUT,
    encoding: "utf8",
  });
  return status === 0 ? realpathSync(String(stdout).trim()) : "";
}

const bundles = new Map<string, string>();

/** The script of a module and all that it imports, made once. */
function bundle(entryFile: string): string {
  const known = bundles.get(entryFile);
  if (known !== undefined) return known;
  const args = ["build", resolve(projectRoot, entryFile), "--target=browser"];
  const { status, stdout, stderr } = spawnSync(runtimePath("bun")!, [
    ...args,
    "--external=cloudflare:*",
  ], {
    cwd: projectRoot,
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) throw new Error(`Cannot bundle ${entryFile}: ${stderr}`);
  const script = String(stdout);
  bundles.set(entryFile, script);
  return script;
}

/** The runtime's configuration in Cap'n Proto's text form, whose strings JSON's are. */
function configuration(options: WorkerOptions): string {
  const { durableObjects = {}, trustedCertificates = [], bindings = {}, tcp = false } = options;
  const { compatibilityDate = "2026-11-01", compatibilityFlags = [], v8Flags = [] } = options;
  const text = (value: string) => JSON.stringify(value);
  const list = (values: readonly string[]) => `[${values.join(", ")}]`;
  const bound = [
    ...Object.entries(bindings).map(([name, value]) =>
      `(name = ${text(name)}, text = ${text(value)})`
    ),
    ...Object.entries(durableObjects).map(([name, className]) =>
      `(name = ${text(name)}, durableObjectNamespace = ${text(className)})`
    ),
    `(name = "self", service = "main")`,
  ];
  const namespaces = Object.values(durableObjects).map((name) =>
    `(className = ${text(name)}, uniqueKey = ${text(name)})`
  );
  const sockets = [
    `(name = "http", address = "127.0.0.1:0", http = (), service = "main")`,
    ...tcp ? [`(name = "tcp", address = "127.0.0.1:0", tcp = (), service = "main")`] : [],
  ];
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "internet", network = (
      allow = ["public", "private"],
      tlsOptions = (trustedCertificates = ${list(trustedCertificates.map(text))}),
    )),
  ],
  sockets = ${list(sockets)},
  v8Flags = ${list(v8Flags.map(text))},
);

const main :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = ${text(compatibilityDate)},
  compatibilityFlags = ${list(compatibilityFlags.map(text))},
  bindings = ${list(bound)},
  durableObjectNamespaces = ${list(namespaces)},
  durableObjectStorage = (inMemory = void),
);
`;
}
