/** The first byte that belongs to the host. */
export function heapBase(): usize {
  return __heap_base;
}

/** Copies rows that lie `sourceStride` bytes apart to consecutive addresses. */
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
