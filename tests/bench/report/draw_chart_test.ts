import { assertEquals, assertStringIncludes } from "@std/assert";
import { drawChart } from "../../../bench/report/draw_chart.ts";
import { test } from "../../harness.ts";

const bar = (value: number) => ({ label: "a", value, kind: "peer" } as const);
const draw = (panels: number[][]) =>
  drawChart({
    title: "T",
    subtitle: "s",
    panels: panels.map((values, index) => ({ title: `p${index}`, bars: values.map(bar) })),
  });

test("drawChart scales the bars of each panel by its largest", () => {
  const svg = draw([[1, 2], [100]]);
  const widths = [...svg.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map((match) => Number(match[1]));
  assertEquals(widths, [95, 190, 190]);
});

test("drawChart puts two panels side by side and the next ones below", () => {
  const places = [...draw([[1, 2, 3], [1], [1]]).matchAll(/translate\((\d+) (\d+)\)/g)]
    .map(([, left, top]) => [Number(left), Number(top)]);
  assertEquals(places[0]![1], places[1]![1]);
  assertEquals(places[2]![0], 0);
  assertEquals(places[2]![1]! > places[0]![1]! + 3 * 20, true);
});

test("drawChart draws bars of nothing, and no markup that a label holds", () => {
  const svg = drawChart({
    title: "a < b & c",
    subtitle: "",
    panels: [{ title: "", bars: [bar(0)] }],
  });
  assertStringIncludes(svg, "a &lt; b &amp; c");
  assertStringIncludes(svg, 'width="1.0"');
});
