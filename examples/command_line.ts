/** The command lines of the examples. */

import { args, exit } from "./host.ts";

/** An option: `--name value`, or `--name` alone for a flag. */
export interface Option {
  /** What it takes: a number is a whole one, not below zero; a list may be given more than once. */
  readonly type: "flag" | "text" | "number" | "list";
  /** What it is for. */
  readonly help: string;
}

type Options = Readonly<Record<string, Option>>;

/** A command line taken apart. */
export interface CommandLine<T extends Options> {
  /** The value of each option, `undefined` where it is not given. */
  readonly options: {
    readonly [Name in keyof T]: T[Name]["type"] extends "flag" ? boolean
      : T[Name]["type"] extends "list" ? readonly string[]
      : (T[Name]["type"] extends "number" ? number : string) | undefined;
  };
  /** The arguments that are not options. */
  readonly operands: readonly string[];
}

/**
 * Reads the command line of this program. If it asks for help, or is wrong, says so and ends the
 * process.
 */
export function readCommandLine<const T extends Options>(
  usage: string,
  options: T,
): CommandLine<T> {
  if (args.includes("--help")) {
    console.log(formatHelp(usage, options));
    exit(0);
  }
  try {
    return parseCommandLine(args, options);
  } catch (error) {
    console.error(`${(error as TypeError).message}\n\n${formatHelp(usage, options)}`);
    exit(2);
  }
}

/** Throws a TypeError that tells what is wrong. */
function parseCommandLine<const T extends Options>(
  args: readonly string[],
  options: T,
): CommandLine<T> {
  const values: Record<string, unknown> = {};
  for (const [name, { type }] of Object.entries(options)) {
    if (type === "flag") values[name] = false;
    if (type === "list") values[name] = [];
  }
  const operands: string[] = [];
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (!arg.startsWith("--")) {
      operands.push(arg);
      continue;
    }
    const name = arg.slice(2);
    const type = Object.hasOwn(options, name) ? options[name]!.type : undefined;
    if (type === undefined) throw new TypeError(`There is no option ${arg}`);
    if (type === "flag") {
      values[name] = true;
      continue;
    }
    const text = rest.shift();
    if (text === undefined) throw new TypeError(`${arg} takes a value`);
    if (type === "list") (values[name] as string[]).push(text);
    else values[name] = type === "number" ? parseNumber(arg, text) : text;
  }
  return { options: values as CommandLine<T>["options"], operands };
}

function parseNumber(arg: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new TypeError(`${arg} takes a number, not ${text}`);
  return Number(text);
}

function formatHelp(usage: string, options: Options): string {
  const rows = Object.entries(options).map((
    [name, { type, help }],
  ) => [type === "flag" ? `--${name}` : `--${name} <${type === "number" ? type : "text"}>`, help]);
  rows.push(["--help", "show this"]);
  const width = Math.max(...rows.map(([option]) => option!.length));
  const lines = rows.map(([option, help]) => `  ${option!.padEnd(width)}  ${help}`);
  return [`Usage: ${usage}`, "", ...lines].join("\n");
}
