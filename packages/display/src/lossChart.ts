import { linearScale, Plot, roundUp, tickLabel } from "./plot.ts";
import { condense, type Point } from "./points.ts";
import { svgDocument, svgText } from "./svg.ts";

/** The losses of a training run. */
export interface LossCurves {
  readonly training: readonly Point[];
  /** Empty when the run had no held-out examples. */
  readonly heldOut: readonly Point[];
}

const width = 720;
const height = 400;
const area = { left: 64, top: 36, width: 640, height: 320 };
/** More points than this are not visible at this width. */
const maxPoints = 600;

/** The curves as a complete SVG picture; the axis of the losses starts at 0. */
export function lossChartSvg({ training, heldOut }: LossCurves, title: string): string {
  const curves = [
    { points: condense(training, maxPoints), colour: "#0b62a4", name: "training" },
    { points: condense(heldOut, maxPoints), colour: "#d35400", name: "held out" },
  ].filter(({ points }) => points.length > 0);
  const shown = curves.flatMap(({ points }) => points);
  const last = Math.max(...shown.map(({ step }) => step));
  const top = roundUp(Math.max(...shown.map(({ loss }) => loss)) / 5) * 5;
  const plot = new Plot(area, linearScale(0, last), linearScale(0, top));

  const levels = [0, 1, 2, 3, 4, 5].map((i) => {
    const loss = (top * i) / 5;
    return plot.level(loss, { stroke: "#ddd" }) + plot.yLabel(loss, tickLabel(loss));
  });
  const steps = [0, 0.25, 0.5, 0.75, 1].map((fraction) => {
    const step = fraction * last;
    return plot.xLabel(step, String(Math.round(step)));
  });
  const lines = curves.map(({ points, colour, name }, i) => {
    const look = { fill: "none", stroke: colour, "stroke-width": "1.5" };
    const line = plot.line(
      points.map(({ step, loss }) => [step, loss]),
      look,
    );
    const right = area.left + area.width;
    const legend = `<g fill="${colour}">${svgText(right, 20 + 16 * i, "end", name)}</g>`;
    return curves.length > 1 ? line + legend : line;
  });
  return svgDocument(width, height, [
    svgText(area.left, 20, "start", title),
    ...levels,
    ...steps,
    svgText(width / 2, height - 8, "middle", "step"),
    ...lines,
  ]);
}
