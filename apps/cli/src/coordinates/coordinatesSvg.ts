import { linearScale, logScale, Plot, svgDocument, svgElement, svgText } from "@mamba/display";
import type { Fit } from "./fit.ts";
import { parametrizations } from "./measure.ts";

const panel = { width: 330, height: 330, top: 60, left: 64, gap: 26 };
/** Space between the axis and the first and last width. */
const inset = 12;
const legendWidth = 120;
const titles = { mup: "muP", standard: "standard parametrization" };

/** The colours of Okabe and Ito, which are distinct with any colour vision. */
const colours = ["#000", "#0072b2", "#56b4e9", "#009e73", "#cc79a7", "#e69f00", "#d55e00", "#999", "#f0e442"];

/**
 * The change of every layer's output since the start, after the last step, against the width: one panel for muP and one
 * for the standard parametrization, with the same logarithmic axes. The same layer of different blocks has one colour.
 */
export function coordinatesSvg(fits: readonly Fit[], widths: readonly number[], title: string): string {
  const decades = fits.flatMap((fit) => lastChange(fit).map(Math.log10)).filter(Number.isFinite);
  const [low, high] = [Math.floor(Math.min(...decades)), Math.ceil(Math.max(...decades))];
  const kinds = [...new Set(fits.map(({ module }) => kindOf(module)))];
  const colourOf = (kind: string) => colours[kinds.indexOf(kind) % colours.length] ?? "#000";
  const widthScale = logScale(widths[0] ?? NaN, widths.at(-1) ?? NaN);
  const xScale = (width: number) => (inset + widthScale(width) * (panel.width - 2 * inset)) / panel.width;
  const decadeScale = linearScale(low, high);

  const elements = [svgText(panel.left, 22, "start", title)];
  parametrizations.forEach((parametrization, column) => {
    const left = panel.left + column * (panel.width + panel.gap);
    const plot = new Plot({ ...panel, left }, xScale, (value) => decadeScale(Math.log10(value)));
    const middle = left + panel.width / 2;
    elements.push(svgText(middle, panel.top - 10, "middle", titles[parametrization]));
    for (let decade = low; decade <= high; decade++) {
      elements.push(plot.level(10 ** decade, { stroke: "#ddd" }));
      if (column === 0) elements.push(plot.yLabel(10 ** decade, decadeLabel(decade)));
    }
    for (const width of widths) elements.push(plot.xLabel(width, String(width)));
    for (const fit of fits.filter((one) => one.parametrization === parametrization)) {
      const points = lastChange(fit).map((value, i) => [widths[i] ?? NaN, value] as const);
      const stroke = colourOf(kindOf(fit.module));
      elements.push(plot.line(points, { fill: "none", stroke, "stroke-width": "1.5" }));
    }
    elements.push(svgText(middle, plot.bottom + 40, "middle", "width"));
  });
  const legend = panel.left + 2 * (panel.width + panel.gap);
  kinds.forEach((kind, i) => {
    const y = panel.top + 10 + 20 * i;
    elements.push(
      svgElement("path", { d: `M${legend} ${y}h20`, stroke: colourOf(kind), "stroke-width": "2.5" }),
    );
    elements.push(svgText(legend + 28, y + 4, "start", kind));
  });
  return svgDocument(legend + legendWidth, panel.top + panel.height + 52, elements);
}

/** By width. */
function lastChange({ change }: Fit): readonly number[] {
  return change.at(-1) ?? [];
}

/** `layers.1.in_proj` -> `in_proj` */
function kindOf(module: string): string {
  return module.replace(/^layers\.\d+\./, "");
}

function decadeLabel(decade: number): string {
  return Math.abs(decade) <= 3 ? String(Number((10 ** decade).toPrecision(1))) : `1e${decade}`;
}
