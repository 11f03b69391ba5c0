import { colored, plot, yellow } from "asciichart";
import { svgDocument, svgText } from "../svg.ts";

/** A loss at a step. */
export interface Point {
  readonly step: number;
  readonly loss: number;
}

/** What a log says about the losses. */
export interface Curves {
  readonly training: readonly Point[];
  /** Empty when nothing was judged during the run. */
  readonly heldOut: readonly Point[];
}

/** The steps and losses of a log, one JSON object per line; other lines are passed over. */
export function parseLog(text: string): Curves {
  const lines = text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Partial<Point> & { readonly evaluation?: Partial<Point> });
  const pointsOf = (lossOf: (line: (typeof lines)[number]) => number | undefined): Point[] =>
    lines.flatMap((line) => {
      const [step, loss] = [line.step, lossOf(line)];
      return typeof step === "number" && typeof loss === "number" ? [{ step, loss }] : [];
    });
  return { training: pointsOf(({ loss }) => loss), heldOut: pointsOf(({ evaluation }) => evaluation?.loss) };
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

/** The curves in characters and colour, for a terminal; the held-out one is drawn over the other. */
export function drawCurve({ training, heldOut }: Curves): string {
  const shown = condense(training, 72);
  const lines = [shown.map(({ loss }) => loss)];
  if (heldOut.length > 0) lines.push(shown.map(({ step }) => lossAt(heldOut, step)));
  const format = (value: number) => value.toFixed(3).padStart(9);
  const legend = heldOut.length > 0 ? `${" ".repeat(11)}${colored("held out", yellow)}\n` : "";
  return `${plot(lines, { height: 10, format, colors: [undefined, yellow] })}\n${legend}`;
}

/** On the straight line between the neighbours of a step; beyond the ends, what the end has. */
function lossAt(points: readonly Point[], step: number): number {
  const next = points.find((point) => point.step >= step);
  const before = points.filter((point) => point.step <= step).at(-1);
  if (!next || !before) return (next ?? before)?.loss ?? NaN;
  const share = next.step === before.step ? 0 : (step - before.step) / (next.step - before.step);
  return before.loss + share * (next.loss - before.loss);
}

const width = 720;
const height = 400;
const margin = { left: 64, right: 16, top: 36, bottom: 44 };

/** The curves as an SVG picture of its own, from 0 up. */
export function curveSvg({ training, heldOut }: Curves, title: string): string {
  const lines = [
    { points: condense(training, 600), colour: "#0b62a4", name: "training" },
    { points: condense(heldOut, 600), colour: "#d35400", name: "held out" },
  ].filter(({ points }) => points.length > 0);
  const shown = lines.flatMap(({ points }) => points);
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
  const drawn = lines.map(({ points, colour, name }, i) => {
    const line = points.map(({ step, loss }) => `${at(x(step))},${at(y(loss))}`).join(" ");
    const legend = `<g fill="${colour}">${svgText(width - margin.right, 20 + 16 * i, "end", name)}</g>`;
    const drawing = `<polyline points="${line}" fill="none" stroke="${colour}" stroke-width="1.5"/>`;
    return lines.length > 1 ? drawing + legend : drawing;
  });
  return svgDocument(width, height, [
    svgText(margin.left, 20, "start", title),
    ...rows,
    ...columns,
    svgText(width / 2, height - 8, "middle", "step"),
    ...drawn,
  ]);
}

/** The least of 1, 2, 2.5 and 5 times a power of ten that is at least `value`. */
function niceStep(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-9)));
  return power * ([1, 2, 2.5, 5].find((factor) => factor * power >= value) ?? 10);
}
