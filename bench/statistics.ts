/** What several rounds of one measurement come to. */
export interface Summary {
  /** The middle value, or the mean of the two middle ones. */
  readonly median: number;
  /** The smallest value. */
  readonly min: number;
  /** The largest value. */
  readonly max: number;
  /** Half the distance from the smallest to the largest, in percent of the median. */
  readonly spread: number;
  /** The values, in the order they were measured. */
  readonly samples: readonly number[];
}

/** Sums up at least one value. */
export function summarize(samples: readonly number[]): Summary {
  if (samples.length === 0) throw new RangeError("Cannot summarize: there are no samples");
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle]!;
  const median = sorted.length % 2 === 1 ? upper : (sorted[middle - 1]! + upper) / 2;
  const min = sorted[0]!;
  const max = sorted[sorted.length - 1]!;
  const spread = median === 0 ? 0 : (max - min) / 2 / median * 100;
  return { median, min, max, spread, samples };
}
