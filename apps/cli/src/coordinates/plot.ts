import { svgDocument, svgText } from "../svg.ts";
import type { Fit } from "./fit.ts";
import { parametrizations } from "./measure.ts";

const panel = { width: 330, height: 330, top: 60, left: 64, gap: 26 };
const legendWidth = 120;
const titles = { mup: "muP", standard: "standard parametrization" };

/** The colours of Okabe and Ito, which people with any colour vision tell apart. */
const colours = ["#000", "#0072b2", "#56b4e9", "#009e73", "#cc79a7", "#e69f00", "#d55e00", "#999", "#f0e442"];

/**
 * The change of every layer's output since the start, after the last step, against the width: one panel for muP and one
 * without, both axes logarithmic and the same. Equal layers of different blocks have one colour.
 */
export function coordinatesSvg(fits: readonly Fit[], widths: readonly number[], title: string): string {
  const last = (fit: Fit) => fit.change.at(-1) ?? [];
  const decades = fits.flatMap((fit) => last(fit).map(Math.log10)).filter(Number.isFinite);
  const [low, high] = [Math.floor(Math.min(...decades)), Math.ceil(Math.max(...decades))];
  const [narrow, wide] = [Math.log(widths[0] ?? NaN), Math.log(widths.at(-1) ?? NaN)];
  const bottom = panel.top + panel.height;
  const y = (value: number) => bottom - ((Math.log10(value) - low) / (high - low)) * panel.height;
  const x = (width: number) => 12 + ((Math.log(width) - narrow) / (wide - narrow)) * (panel.width - 24);
  const kinds = [...new Set(fits.map(({ module }) => kindOf(module)))];
  const colourOf = (kind: string) => colours[kinds.indexOf(kind) % colours.length];

  const parts = [svgText(panel.left, 22, "start", title)];
  parametrizations.forEach((parametrization, column) => {
    const left = panel.left + column * (panel.width + panel.gap);
    parts.push(svgText(left + panel.width / 2, panel.top - 10, "middle", titles[parametrization]));
    for (let decade = low; decade <= high; decade++) {
      const height = y(10 ** decade);
      parts.push(`<path d="M${left} ${height.toFixed(1)}h${panel.width}" stroke="#ddd"/>`);
      if (column === 0) parts.push(svgText(left - 8, height + 4, "end", decadeLabel(decade)));
    }
    for (const width of widths) parts.push(svgText(left + x(width), bottom + 18, "middle", String(width)));
    for (const fit of fits.filter((one) => one.parametrization === parametrization)) {
      const line = last(fit).map(
        (value, i) => `${(left + x(widths[i] ?? NaN)).toFixed(1)},${y(value).toFixed(1)}`,
      );
      const colour = colourOf(kindOf(fit.module));
      parts.push(`<polyline points="${line.join(" ")}" fill="none" stroke="${colour}" stroke-width="1.5"/>`);
    }
    parts.push(svgText(left + panel.width / 2, bottom + 40, "middle", "width"));
  });
  const legend = panel.left + 2 * (panel.width + panel.gap);
  kinds.forEach((kind, i) => {
    const height = panel.top + 10 + 20 * i;
    parts.push(`<path d="M${legend} ${height}h20" stroke="${colourOf(kind)}" stroke-width="2.5"/>`);
    parts.push(svgText(legend + 28, height + 4, "start", kind));
  });
  return svgDocument(legend + legendWidth, bottom + 52, parts);
}

/** `layers.1.in_proj` -> `in_proj` */
function kindOf(module: string): string {
  return module.replace(/^layers\.\d+\./, "");
}

function decadeLabel(decade: number): string {
  return Math.abs(decade) <= 3 ? String(Number((10 ** decade).toPrecision(1))) : `1e${decade}`;
}
