/** Lays out rows of cells in columns: the first one to the left, the others to the right. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0))
  );
  return [header, ...rows].map((row) =>
    "  " +
    row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)
    ).join("  ")
  ).join("\n");
}

/**
 * Writes a number with three significant digits, thousands grouped: `0.124`, `12.4`, `1,240,000`.
 */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const digits = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  if (digits < 3) return value.toFixed(Math.min(3, Math.max(0, 2 - digits)));
  const unit = 10 ** (digits - 2);
  return (Math.round(value / unit) * unit).toLocaleString("en-US");
}

/** Writes a share of 1 as a percentage without decimals. */
export function formatShare(share: number): string {
  return `${Math.round(share * 100)} %`;
}
