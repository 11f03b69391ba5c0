/** What one line of the result says: a figure, a check that was made, or what could not run and why. */
export interface Row {
  readonly name: string;
  /** `unfinished` is what a part says on its way; it stays when the part ends before it is done. */
  readonly state: "ok" | "failed" | "not run" | "unfinished";
  /** The figure in words, or the reason. */
  readonly result: string;
  /** The figure beside what it is measured by. */
  readonly beside?: string;
  /** The same as numbers. */
  readonly figures?: Readonly<Record<string, number>>;
  /** What failed, one line each. */
  readonly details?: readonly string[];
}

/** Takes a row; one of the same name takes the place of the one before. */
export type Emit = (row: Row) => void;

const mark = "\x1erow ";

/** A row as a line of a part's output. */
export const encodeRow = (row: Row): string => `${mark}${JSON.stringify(row)}\n`;

/** The row in a line of output; undefined when it is something else, or cut off where its program was ended. */
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
