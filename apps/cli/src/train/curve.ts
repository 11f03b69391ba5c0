import { plot } from "asciichart";
import { svgDocument, svgText } from "../svg.ts";

/** A loss at a step. */
export interface Point {
  readonly step: number;
  readonly loss: number;
}

/** The steps and losses of a log, one JSON object per line; other lines are passed over. */
export function parseLog(text: string): Point[] {
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Partial<Point>)
    .filter((point): point is Point => typeof point.step === "number" && typeof point.loss === "number");
}

/** At most `count` points: means over equally many neighbours, at the last of their steps. */
export function condense(points: readonly Point[], count: number): Point[] {
  const size = Math.ceil(points.length / count);
  return Array.from({ length: Math.ceil(points.length / size) }, (_, i) => {
    const group = points.slice(i * size, (i + 1) * size);
    const loss = group.reduce((sum, point) => sum + point.loss, 0) / group.length;
    return { step: group.at(-1)?.step ?? 0, loss };
  });
}

/** The curve in characters, for a terminal. */
export function drawCurve(points: readonly Point[]): string {
  const losses = condense(points, 72).map(({ loss }) => loss);
  return `${plot(losses, { height: 10, format: (value) => value.toFixed(3).padStart(9) })}\n`;
}

const width = 720;
const height = 400;
const margin = { left: 64, right: 16, top: 36, bottom: 44 };

/** The curve as an SVG picture of its own, from 0 up. */
export function curveSvg(points: readonly Point[], title: string): string {
  const shown = condense(points, 600);
  const last = Math.max(...shown.map(({ step }) => step));
  const top = niceStep(Math.max(...shown.map(({ loss }) => loss)) / 5) * 5;
  const x = (step: number) => margin.left + (step / last) * (width - margin.left - margin.right);
  const y = (loss: number) => height - margin.bottom - (loss / top) * (height - margin.top - margin.bottom);
  const at = (value: number) => value.toFixed(1);
  const rows = [0, 1, 2, 3, 4, 5].map((i) => {
    const loss = (top * i) / 5;
    const line = `<path d="M${margin.left} ${at(y(loss))}H${width - margin.right}" stroke="#ddd"/>`;
    return line + svgText(margin.left - 8, y(loss) + 4, "end", String(Number(loss.toPrecision(3))));
  });
  const columns = [0, 0.25, 0.5, 0.75, 1].map((share) =>
    svgText(x(share * last), height - margin.bottom + 18, "middle", String(Math.round(share * last))),
  );
  const line = shown.map(({ step, loss }) => `${at(x(step))},${at(y(loss))}`).join(" ");
  return svgDocument(width, height, [
    svgText(margin.left, 20, "start", title),
    ...rows,
    ...columns,
    svgText(width / 2, height - 8, "middle", "step"),
    `<polyline points="${line}" fill="none" stroke="#0b62a4" stroke-width="1.5"/>`,
  ]);
}

/** The least of 1, 2, 2.5 and 5 times a power of ten that is at least `value`. */
function niceStep(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-9)));
  return power * ([1, 2, 2.5, 5].find((factor) => factor * power >= value) ?? 10);
}
