/**
 * The processes of a run: started on a core of their own, and ended by their ids.
 */

/** The CPU that servers run on, and the one that the load generator runs on. */
export const SERVER_CPU = 0;
/** See {@linkcode SERVER_CPU}. */
export const LOAD_CPU = 1;

/** How long a process may take to say something, in milliseconds. */
const ANSWER_TIMEOUT = 30_000;

/** A started process that answers with lines of JSON. */
export class Child {
  readonly #process: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;

  constructor(command: readonly string[]) {
    const [program, ...args] = command;
    this.#process = new Deno.Command(program!, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#process.stdin.getWriter();
    this.#lines = this.#process.stdout
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(lineSplitter())
      .getReader();
  }

  /** The process id. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Writes a line to the process. */
  async tell(line: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(line + "\n"));
  }

  /** The next line of the process, parsed. */
  async answer<T>(): Promise<T> {
    // Ending the process ends its output, and so the read.
    const timer = setTimeout(() => this.#kill(), ANSWER_TIMEOUT);
    try {
      const { value, done } = await this.#lines.read();
      if (done) throw new Error(`Process ${this.pid} ended without an answer`);
      return JSON.parse(value) as T;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the process and waits until it is gone. */
  async end(): Promise<void> {
    this.#kill();
    await this.#lines.cancel();
    await this.#input.close().catch(() => {}); // a broken pipe, when the process was gone before
    await this.#process.status;
  }

  #kill(): void {
    try {
      this.#process.kill("SIGKILL");
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

/** Starts processes, and ends those that are left at the end of its scope. */
export class Processes implements AsyncDisposable {
  readonly #children = new Set<Child>();
  /** Those of the run, where these are a part of them. */
  readonly #all: Set<Child> | undefined;
  readonly #pin: boolean;

  private constructor(pin: boolean, all?: Set<Child>) {
    this.#pin = pin;
    this.#all = all;
  }

  /** Finds out whether processes can be pinned to a CPU. */
  static async create(): Promise<Processes> {
    return new Processes(await canRunOn(SERVER_CPU) && await canRunOn(LOAD_CPU));
  }

  /** Whether servers and load have a core each. */
  get pinned(): boolean {
    return this.#pin;
  }

  /** Starts a process on one CPU. */
  start(command: readonly string[], cpu: number): Child {
    const child = new Child(this.#pin ? ["taskset", "-c", String(cpu), ...command] : command);
    this.#children.add(child);
    this.#all?.add(child);
    return child;
  }

  /** Ends one process. */
  async end(child: Child): Promise<void> {
    await child.end();
    this.#children.delete(child);
    this.#all?.delete(child);
  }

  /** Processes of their own, which end with their scope or with these. */
  group(): Processes {
    return new Processes(this.#pin, this.#children);
  }

  /** Ends all processes: the latest first, so that no load sees its server go. */
  async [Symbol.asyncDispose](): Promise<void> {
    const children = [...this.#children].reverse();
    await Promise.all(children.map((child) => this.end(child)));
  }
}

async function canRunOn(cpu: number): Promise<boolean> {
  try {
    const args = ["-c", String(cpu), "true"];
    return (await new Deno.Command("taskset", { args, stderr: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function lineSplitter(): TransformStream<string, string> {
  let rest = "";
  return new TransformStream({
    transform(chunk, controller) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      for (const line of lines) controller.enqueue(line);
    },
  });
}
