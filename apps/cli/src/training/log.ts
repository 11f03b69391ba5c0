import { readFile } from "node:fs/promises";
import type { LossCurves, Point } from "@mamba/display";
import { codeOf } from "../program/errors.ts";

/** The losses in a log file. They are empty when the file does not exist. */
export async function readLog(path: string): Promise<LossCurves> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (codeOf(error) !== "ENOENT") throw error;
    return "";
  });
  return parseLog(text);
}

/** The steps and losses of a log of one JSON object per line. Lines of other kinds are ignored. */
export function parseLog(text: string): LossCurves {
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
