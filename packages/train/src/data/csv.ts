import { didYouMean } from "@mamba/core";
import { CsvError, parse } from "csv-parse/browser/esm/sync";
import { TrainError } from "../errors.ts";
import { dataError, quoted } from "./dataError.ts";
import { fingerprint } from "./fingerprint.ts";

/**
 * The treatment of a cell that is empty or spells a missing number (`NA`, `NaN`, `null`, `-`):
 *
 * - `"refuse"`: an error that names the line and the column
 * - `"previous"`: the last number above it; an error in the first row
 * - `"ignore"`: NaN, which as a target does not count
 */
export type MissingRule = "refuse" | "previous" | "ignore";

export interface CsvOptions {
  /** Default: the one of `,` `;` and tab that the first line has most of. */
  readonly delimiter?: "," | ";" | "\t" | undefined;
}

/** A table with a header line. */
export interface CsvTable {
  /** The file, for messages. */
  readonly name: string;
  readonly columns: readonly string[];
  /** Number of rows, without the header. */
  readonly rows: number;
  /** Distinguishes tables with other contents. */
  readonly fingerprint: string;
  /** @throws TrainError `DATA` when there is no such column */
  text(column: string): readonly string[];
  /**
   * The numbers of a column.
   *
   * @param missing default `"refuse"`
   * @throws TrainError `DATA` when there is no such column, a cell is not a finite number, or all cells are empty
   */
  numbers(column: string, missing?: MissingRule): Float64Array;
  /** The line of the file, from 1, in which a row begins. */
  line(row: number): number;
}

const missingWords = new Set(["", "na", "nan", "n/a", "null", "none", "-"]);
/** A decimal number; JavaScript's `Number` would also take "0x10", "" and "Infinity". */
const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/**
 * Parses comma-separated values (RFC 4180) with a header: quoted cells, a byte order mark and any line ends are understood,
 * and empty lines skipped.
 *
 * @param name the file, for messages
 * @throws TrainError `DATA` when a row has more or fewer cells than the header, a name of a column is empty or occurs twice,
 * a quote does not close, or there is no row: `file, line N: expected, got`
 */
export function parseCsv(text: string, name: string, { delimiter }: CsvOptions = {}): CsvTable {
  const rows: string[][] = [];
  const lines: number[] = [];
  let columns: readonly string[] | undefined;
  const accept = (cells: string[], end: number) => {
    const line = end - cells.reduce((sum, cell) => sum + lineBreaks(cell), 0);
    if (columns === undefined) {
      columns = cells.map((cell) => cell.trim());
      checkHeader(name, line, columns);
      return;
    }
    if (cells.length !== columns.length) {
      const expected = `expected ${columns.length} cells, one for each column of the header`;
      throw dataError(`${name}, line ${line}`, expected, String(cells.length));
    }
    rows.push(cells);
    lines.push(line);
  };
  try {
    parse(text, {
      bom: true,
      delimiter: delimiter ?? likelyDelimiter(text),
      record_delimiter: ["\r\n", "\n", "\r"],
      relax_column_count: true,
      skip_empty_lines: true,
      onRecord: (cells, { lines: end }) => {
        accept(cells, end);
        return null;
      },
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const reason = error.message.replace(/ at line \d+/, "");
    const line = typeof error["lines"] === "number" ? `, line ${error["lines"]}` : "";
    throw new TrainError("DATA", `${name}${line}: not CSV: ${reason}`, { cause: error });
  }
  if (columns === undefined) throw dataError(name, "expected a header line", "no text");
  if (rows.length === 0) throw dataError(name, "expected rows below the header", "none");
  return new ParsedTable(name, columns, rows, lines);
}

class ParsedTable implements CsvTable {
  readonly name: string;
  readonly columns: readonly string[];
  readonly #rows: readonly (readonly string[])[];
  readonly #lines: readonly number[];
  #fingerprint: string | undefined;

  constructor(name: string, columns: readonly string[], rows: readonly string[][], lines: readonly number[]) {
    this.name = name;
    this.columns = columns;
    this.#rows = rows;
    this.#lines = lines;
  }

  get rows(): number {
    return this.#rows.length;
  }

  get fingerprint(): string {
    const text = () => this.#rows.map((cells) => cells.join("\u0000")).join("\u0001");
    return (this.#fingerprint ??= fingerprint([new TextEncoder().encode(text())]));
  }

  line(row: number): number {
    return this.#lines[row] ?? NaN;
  }

  text(column: string): string[] {
    const at = this.columns.indexOf(column);
    if (at === -1) {
      const hint = didYouMean(column, this.columns) || `; the columns are ${this.columns.join(", ")}`;
      throw new TrainError("DATA", `${this.name}: there is no column ${quoted(column)}${hint}`);
    }
    return this.#rows.map((cells) => cells[at] ?? "");
  }

  numbers(column: string, missing: MissingRule = "refuse"): Float64Array {
    const cells = this.text(column).map((cell) => cell.trim());
    if (cells.every((cell) => missingWords.has(cell.toLowerCase()))) {
      throw dataError(`${this.name}, column ${column}`, "expected numbers", "only empty cells");
    }
    const numbers = new Float64Array(cells.length);
    cells.forEach((cell, row) => {
      const where = () => `${this.name}, line ${this.line(row)}, column ${column}`;
      if (!missingWords.has(cell.toLowerCase())) {
        const value = decimal.test(cell) ? Number(cell) : NaN;
        if (!Number.isFinite(value))
          throw dataError(where(), `expected a number${hintFor(cell)}`, quoted(cell));
        numbers[row] = value;
        return;
      }
      const previous = missing === "previous" ? numbers[row - 1] : undefined;
      if (missing !== "ignore" && previous === undefined) {
        throw dataError(where(), "expected a number", cell === "" ? "an empty cell" : quoted(cell));
      }
      numbers[row] = previous ?? NaN;
    });
    return numbers;
  }
}

function checkHeader(name: string, line: number, columns: readonly string[]): void {
  columns.forEach((column, i) => {
    const where = `${name}, line ${line}, column ${i + 1}`;
    if (column === "") throw dataError(where, "expected a name", "an empty cell");
    if (columns.indexOf(column) !== i) {
      throw dataError(where, "expected a name that no other column has", quoted(column));
    }
  });
}

function likelyDelimiter(text: string): "," | ";" | "\t" {
  const header = (/^[^\r\n]*/.exec(text.slice(0, 65536))?.[0] ?? "").replaceAll(/"[^"]*"/g, "");
  const count = (delimiter: string) => header.split(delimiter).length;
  return ([";", "\t"] as const).reduce<"," | ";" | "\t">(
    (best, other) => (count(other) > count(best) ? other : best),
    ",",
  );
}

function lineBreaks(cell: string): number {
  return cell.match(/\r\n|\n|\r/g)?.length ?? 0;
}

function hintFor(cell: string): string {
  return /^[+-]?\d+,\d+$/.test(cell) ? " with a decimal point" : "";
}
