import type { LossCurves } from "./lossChart.ts";
import { condense, lossAt } from "./points.ts";

const columns = 72;
const height = 10;
const labelWidth = 9;
const yellow = "\u001B[33m";

/** The curves in box-drawing characters, for a terminal; the held-out one is yellow and drawn over the other. */
export function lossChartText({ training, heldOut }: LossCurves): string {
  const shown = condense(training, columns);
  const curves: Curve[] = [{ values: shown.map(({ loss }) => loss), colour: undefined }];
  if (heldOut.length === 0) return `${draw(curves)}\n`;
  curves.push({ values: shown.map(({ step }) => lossAt(heldOut, step)), colour: yellow });
  return `${draw(curves)}\n${" ".repeat(labelWidth + 2)}${coloured("held out", yellow)}\n`;
}

interface Curve {
  /** One per column. */
  readonly values: readonly number[];
  readonly colour: string | undefined;
}

/** Rows of characters from top to bottom, each with its label and the axis. */
function draw(curves: readonly Curve[]): string {
  const all = curves.flatMap(({ values }) => values);
  const [min, max] = [Math.min(...all), Math.max(...all)];
  const rowsPerUnit = max > min ? height / (max - min) : 1;
  const levelOf = (value: number) => Math.round(value * rowsPerUnit);
  const [bottom, top] = [levelOf(min), levelOf(max)];

  // cells.get(level) holds the axis, and then a character per column.
  const cells = new Map<number, string[]>();
  for (let level = top; level >= bottom; level--) {
    cells.set(level, ["┤", ...Array<string>(columns).fill(" ")]);
  }
  for (const { values, colour } of curves) {
    const put = (level: number, column: number, character: string) => {
      const row = cells.get(level);
      if (row) row[column] = coloured(character, colour);
    };
    const levels = values.map(levelOf);
    levels.forEach((to, i) => {
      const from = levels[i - 1];
      if (from === undefined) put(to, 0, "┼");
      else if (from === to) put(to, i, "─");
      else {
        put(to, i, from > to ? "╰" : "╭");
        put(from, i, from > to ? "╮" : "╯");
        for (let level = Math.min(from, to) + 1; level < Math.max(from, to); level++) put(level, i, "│");
      }
    });
  }
  return [...cells]
    .map(([level, row]) => {
      const value = top > bottom ? max - ((top - level) * (max - min)) / (top - bottom) : max;
      return `${value.toFixed(3).padStart(labelWidth)} ${row.join("")}`.trimEnd();
    })
    .join("\n");
}

/** `text` in a colour; undefined leaves the terminal's own. */
function coloured(text: string, colour: string | undefined): string {
  return colour === undefined ? text : `${colour}${text}\u001B[0m`;
}
