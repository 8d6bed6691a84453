/**
 * Bar charts as SVG: panels of horizontal bars, each panel with a scale of its own.
 */
import { formatNumber } from "./table.ts";

/** What a bar stands for, which decides its colour. */
export type BarKind = "ours" | "peer" | "limit";

/** One bar. */
export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly kind: BarKind;
}

/** Bars that are compared with one another. */
export interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
}

/** Panels that belong together. */
export interface Chart {
  readonly title: string;
  /** What the bars measure, and which way is better. */
  readonly subtitle: string;
  readonly panels: readonly Panel[];
}

const COLUMNS = 2;
const PANEL = { width: 440, gap: 20, title: 26, end: 18 } as const;
const BAR = { height: 15, pitch: 20, from: 196, longest: 190 } as const;
const HEAD = 56;

const style = `
text { font: 12px system-ui, sans-serif; fill: #1f2937 }
.title { font-size: 16px; font-weight: 600 }
.subtitle { fill: #6b7280 }
.panel { font-weight: 600 }
.label { text-anchor: end }
.ours { fill: #0d9488 }
.peer { fill: #94a3b8 }
.limit { fill: none; stroke: #94a3b8; stroke-dasharray: 3 2 }
@media (prefers-color-scheme: dark) {
text { fill: #e5e7eb }
.subtitle { fill: #9ca3af }
.ours { fill: #2dd4bf }
.peer, .limit { stroke: #64748b }
.peer { fill: #64748b }
}`;

/** Draws a chart. Panels come in rows of two. */
export function drawChart({ title, subtitle, panels }: Chart): string {
  const parts: string[] = [];
  let top = HEAD;
  for (let i = 0; i < panels.length; i += COLUMNS) {
    const row = panels.slice(i, i + COLUMNS);
    row.forEach((panel, column) => {
      parts.push(drawPanel(panel, column * (PANEL.width + PANEL.gap), top));
    });
    const bars = Math.max(...row.map(({ bars }) => bars.length));
    top += PANEL.title + bars * BAR.pitch + PANEL.end;
  }
  const width = COLUMNS * PANEL.width + PANEL.gap;
  return `<!-- deno-fmt-ignore-file -->
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top}" role="img">
<title>${escape(title)}</title>
<style>${style}
</style>
<text class="title" x="0" y="18">${escape(title)}</text>
<text class="subtitle" x="0" y="38">${escape(subtitle)}</text>
${parts.join("\n")}
</svg>
`;
}

function drawPanel({ title, bars }: Panel, left: number, top: number): string {
  const largest = Math.max(...bars.map(({ value }) => value));
  const lines = bars.map(({ label, value, kind }, index) => {
    const y = PANEL.title + index * BAR.pitch;
    const baseline = y + BAR.height - 3;
    const width = Math.max(1, largest === 0 ? 0 : value / largest * BAR.longest);
    const end = BAR.from + width + 6;
    return `<text class="label" x="${BAR.from - 6}" y="${baseline}">${escape(label)}</text>` +
      `<rect class="${kind}" x="${BAR.from}" y="${y}" width="${width.toFixed(1)}" ` +
      `height="${BAR.height}"/>` +
      `<text x="${end.toFixed(1)}" y="${baseline}">${formatNumber(value)}</text>`;
  });
  return `<g transform="translate(${left} ${top})">
<text class="panel" x="0" y="14">${escape(title)}</text>
${lines.join("\n")}
</g>`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
