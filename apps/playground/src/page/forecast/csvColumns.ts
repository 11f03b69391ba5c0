import { type CsvTable, parseCsv } from "@mamba/train/data";
import { seriesLengths } from "../../protocol.ts";

const maxBytes = 50e6;
/** Rows of which four fifths are enough to train on. */
const leastRows = Math.ceil(seriesLengths.least / 0.8);

/** The columns of a CSV file. */
export class CsvColumns {
  readonly #table: CsvTable;

  private constructor(table: CsvTable) {
    this.#table = table;
  }

  /** @throws TrainError `DATA` when the file is not CSV; Error when it is too large */
  static async read(file: File): Promise<CsvColumns> {
    if (file.size > maxBytes) throw new Error(`${file.name}: expected at most ${maxBytes / 1e6} MB`);
    return new CsvColumns(parseCsv(await file.text(), file.name));
  }

  /** The name of the file. */
  get file(): string {
    return this.#table.name;
  }

  get names(): readonly string[] {
    return this.#table.columns;
  }

  /** The column to begin with: the first whose first cell is a number. */
  get first(): string {
    const isNumeric = (column: string): boolean => {
      const cell = this.#table.text(column)[0]?.trim() ?? "";
      return cell !== "" && Number.isFinite(Number(cell));
    };
    return this.names.find(isNumeric) ?? this.names[0] ?? "";
  }

  /**
   * The values of a column, in the order of the rows; of a long one the last.
   *
   * @throws TrainError `DATA` when a cell is not a number, naming file, line and column; Error when there are too few rows
   */
  values(column: string): number[] {
    const values = [...this.#table.numbers(column)].slice(-seriesLengths.most);
    if (values.length >= leastRows) return values;
    throw new Error(`${this.file}: expected at least ${leastRows} rows to train on, got ${values.length}`);
  }
}
