import { LinearArgs } from "./args.ts";
import { gemmRange, gemmScratch, gemmUnits } from "./gemm.ts";
import { gemvRange, gemvScratch, gemvUnits } from "./gemv.ts";

// linear: y = x · weightᵀ + bias. Few rows are bound by reading the weight, and dot products stream it best as it
// lies; from MANY_ROWS on it pays to repack the weight for the register tile of the matrix product.

const MANY_ROWS: i32 = 12;

export function linearUnits(at: usize): i32 {
  const args = changetype<LinearArgs>(at);
  return args.rows < MANY_ROWS ? gemvUnits(args) : gemmUnits(args);
}

export function linearScratch(at: usize): i32 {
  const args = changetype<LinearArgs>(at);
  return args.rows < MANY_ROWS ? gemvScratch(args) : gemmScratch(args);
}

export function linearRange(at: usize, begin: i32, end: i32, scratch: usize): void {
  const args = changetype<LinearArgs>(at);
  if (args.rows < MANY_ROWS) gemvRange(args, begin, end, scratch);
  else gemmRange(args, begin, end, scratch);
}
