// What the host calls. Ops go by number (src/ops.ts has the same list); their records lie where `args` points.

export { scratchOf, unitsOf, execute } from "./ops";
export { post, pending, faulted, fault, stop, work } from "./jobs";
export { madProbeFlops } from "./ceilings";

/** The first byte that belongs to the host. */
export function heapBase(): usize {
  return __heap_base;
}

/** Gathers rows that stand `sourceStride` bytes apart. */
export function copyRows(to: usize, from: usize, rows: i32, rowBytes: usize, sourceStride: usize): void {
  if (rowBytes == sourceStride) {
    memory.copy(to, from, <usize>rows * rowBytes);
    return;
  }
  for (let row = 0; row < rows; row++) {
    memory.copy(to, from, rowBytes);
    to += rowBytes;
    from += sourceStride;
  }
}

export function fillZero(at: usize, bytes: usize): void {
  memory.fill(at, 0, bytes);
}
