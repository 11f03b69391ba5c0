/** One line of the result: a figure, a check, or a part that could not run and why. */
export interface Row {
  readonly name: string;
  /** A running part emits `unfinished` rows. Such a row remains when the part ends before it is done. */
  readonly state: "ok" | "failed" | "not run" | "unfinished";
  /** The figure in words, or the reason. */
  readonly result: string;
  /** The figure compared with its reference. */
  readonly beside?: string;
  /** The same as numbers. */
  readonly figures?: Readonly<Record<string, number>>;
  /** Failures, one line each. */
  readonly details?: readonly string[];
}

/** Takes a row. It replaces an earlier row of the same name. */
export type Emit = (row: Row) => void;

const mark = "\x1erow ";

/** A row as a line of a program's output. */
export const encodeRow = (row: Row): string => `${mark}${JSON.stringify(row)}\n`;

/** The row in a line of output; undefined for any other line, and for a row that is cut off. */
export function decodeRow(line: string): Row | undefined {
  if (!line.startsWith(mark)) return undefined;
  try {
    return JSON.parse(line.slice(mark.length)) as Row;
  } catch {
    return undefined;
  }
}

/** `62 %` */
export const percent = (fraction: number): string => `${(fraction * 100).toFixed(0)} %`;
