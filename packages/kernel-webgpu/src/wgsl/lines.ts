/** Lines of WGSL, one per i below `count`. */
export const lines = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join("\n    ");

/** WGSL for each row and column of a tile, one line per row. */
export const grid = (rows: number, columns: number, code: (r: number, c: number) => string): string =>
  lines(rows, (r) => Array.from({ length: columns }, (_, c) => code(r, c)).join(" "));
