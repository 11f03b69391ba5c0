import { ColumnSums, columnSums, columnSumsUnits } from "./columnSums.ts";

// y[i] = sum_m x[m, i]

export function sumRowsUnits(args: ColumnSums): i32 {
  return columnSumsUnits(args);
}

export function sumRowsRun(args: ColumnSums, begin: i32, end: i32, scratch: usize): void {
  columnSums(args, begin, end, false);
}
