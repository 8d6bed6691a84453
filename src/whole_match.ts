/** Regular expressions that are meant for the whole of a text. */

/**
 * The pattern, made to match whole texts only: one meant for `https://a.example` would otherwise
 * let `https://a.example.attacker.example` in. The flags `g` and `y`, which would make it remember
 * its last use, and `m`, with which lines would do for the whole, are left out.
 */
export function wholeMatch({ source, flags }: RegExp): RegExp {
  return new RegExp(`^(?:${source})$`, flags.replace(/[gmy]/g, ""));
}
