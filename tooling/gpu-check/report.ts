import { join } from "node:path";
import { replaceFile } from "@mamba/files";
import type { Row } from "./rows.ts";

/** The most details of a row that the tables show; the JSON file has all. */
const shownDetails = 20;

/** All rows so far. They are written to disk as they come, so that a run that is cut short keeps them. */
export class Report {
  readonly #rows = new Map<string, Row>();
  readonly #out: string;
  #saved = Promise.resolve();
  #scheduled = false;

  /** @param out the folder for gpu-check.json and gpu-check.md */
  constructor(out: string) {
    this.#out = out;
  }

  get rows(): readonly Row[] {
    return [...this.#rows.values()];
  }

  row(name: string): Row | undefined {
    return this.#rows.get(name);
  }

  add(row: Row): void {
    this.#rows.set(row.name, row);
    this.#save();
  }

  /** Resolves when all rows are on disk. */
  saved(): Promise<void> {
    return this.#saved;
  }

  /** True when nothing failed. Parts that could not run do not count as failures. */
  get good(): boolean {
    return this.rows.every(({ state }) => state === "ok" || state === "not run");
  }

  #save(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#saved = this.#saved.then(async () => {
      this.#scheduled = false;
      const { rows } = this;
      const json = `${JSON.stringify({ rows }, undefined, 2)}\n`;
      await replaceFile(join(this.#out, "gpu-check.json"), Buffer.from(json));
      await replaceFile(join(this.#out, "gpu-check.md"), Buffer.from(markdown(rows)));
    });
  }
}

/** The table: name, result and reference of each row, with its failures below it. */
export function plainTable(rows: readonly Row[]): string {
  const lines = rows.map((row) => ({ ...row, result: resultOf(row), beside: row.beside ?? "" }));
  const first = Math.max(...lines.map(({ name }) => name.length));
  // A long result without a reference may extend beyond its column.
  const second = Math.max(...lines.map(({ result, beside }) => (beside === "" ? 0 : result.length)));
  return lines
    .flatMap((row) => [
      `${row.name.padEnd(first)}  ${row.result.padEnd(second)}  ${row.beside}`.trimEnd(),
      ...shown(row).map((line) => `  ${line}`),
    ])
    .join("\n");
}

function markdown(rows: readonly Row[]): string {
  const cells = rows.flatMap((row) => [
    [row.name, resultOf(row), row.beside ?? ""],
    ...shown(row).map((line) => ["", line, ""]),
  ]);
  const lines = cells.map((row) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`);
  return `|  | result | beside |\n| --- | --- | --- |\n${lines.join("")}`;
}

const prefixes = { ok: "", failed: "FAILED: ", "not run": "NOT RUN: ", unfinished: "UNFINISHED: " } as const;

const resultOf = ({ state, result }: Row): string => prefixes[state] + onOneLine(result);

function shown({ details = [] }: Row): string[] {
  const more = details.length - shownDetails;
  const lines = details.slice(0, shownDetails).map(onOneLine);
  return more > 0 ? [...lines, `and ${more} more, in gpu-check.json`] : lines;
}

const onOneLine = (text: string): string => text.trim().replaceAll(/\s*\n\s*/g, "; ");
