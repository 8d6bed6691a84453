/** The patterns of routes, and the groups that they find in a path. */

import { wholeMatch } from "./whole_match.ts";

/**
 * What the groups of a pattern have matched, percent-decoded; `undefined` for one that was left
 * out.
 */
export type Groups = readonly (string | undefined)[];

/**
 * Compiles the pattern of a route into a function that gives the groups of a URL, or `undefined`
 * where the URL is not the route's. A string is the pathname of a `URLPattern`; a RegExp must match
 * the whole pathname.
 *
 * @throws {TypeError} if a string is not a pathname of `URLPattern`, or matches none.
 */
export function compileRoute(
  pattern: string | URLPattern | RegExp,
): (url: URL) => Groups | undefined {
  if (pattern instanceof RegExp) {
    const whole = wholeMatch(pattern);
    return ({ pathname }) => whole.exec(pathname)?.slice(1).map(decode);
  }
  if (typeof pattern === "string" && !PATHNAME.test(pattern)) {
    throw new TypeError(`pattern ${JSON.stringify(pattern)} matches no path: one begins with "/"`);
  }
  const compiled = typeof pattern === "string" ? new URLPattern({ pathname: pattern }) : pattern;
  const names = groupNames(compiled.pathname);
  // On Bun, only testing takes a quarter of the time.
  if (names.length === 0) return ({ href }) => compiled.test(href) ? [] : undefined;
  return (url) => {
    const groups = compiled.exec(url.href)?.pathname.groups;
    return groups && names.map((name) => decode(groups[name]));
  };
}

/** How a pattern begins that may match the `/` that every pathname begins with. */
const PATHNAME = /^(?:[*({]|\\?\/|:[\p{ID_Start}$_][\p{ID_Continue}$]*\()/u;

/**
 * The names of a pattern's groups in their order. `URLPattern` gives the groups as an object, in
 * which those without a name come before the others, since their keys are numbers.
 */
function groupNames(pathname: string): string[] {
  // Regular expressions become "(" and escaped characters "-", so that neither can be mistaken.
  let plain = "";
  let depth = 0;
  for (const [token] of pathname.matchAll(/\\.|[^]/gsu)) {
    if (depth === 0) plain += token.startsWith("\\") ? "-" : token;
    if (token === "(") depth++;
    if (token === ")") depth--;
  }
  const names: string[] = [];
  let unnamed = 0;
  for (const [token, name] of plain.matchAll(GROUP)) {
    if (name !== undefined) names.push(name);
    else if (!token.startsWith("}")) names.push(String(unnamed++));
  }
  return names;
}

/** A group of a pattern, or the end of a part in braces; with the modifier that may follow. */
const GROUP = /(?::([\p{ID_Start}$_][\p{ID_Continue}$]*)\(?|[(*}])[*+?]?/gu;

/** A path may hold something that is not a percent-encoding: it is then given as it is. */
function decode(group: string | undefined): string | undefined {
  if (group === undefined) return undefined;
  try {
    return decodeURIComponent(group);
  } catch {
    return group;
  }
}
