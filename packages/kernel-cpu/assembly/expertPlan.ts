// The host sorts the choices (row, expert) of a call by expert: src/expertPlan.ts. A plan in memory is
//
//   tiles   for each tile of choices of one expert, four i32: the expert, the tile's first place in `order`, the number of its choices, and
//           the offset in bytes of its rows in int8, of quantizeExpertRows
//   order   the choices, by expert, then in ascending order
//   quads   for each group of rows of x that is rounded to int8 together, six i32: the offset in bytes, the number of lanes, and the
//           rows of four lanes, -1 for none

@unmanaged
export class ExpertTile {
  expert!: i32;
  first!: i32;
  count!: i32;
  offset!: i32;
}

@inline
export function tileAt(plan: usize, tile: i32): ExpertTile {
  return changetype<ExpertTile>(plan + ((<usize>tile) << 4));
}

/** The address of the choices of a tile. */
@inline
export function choicesOf(plan: usize, order: i32, tile: ExpertTile): usize {
  return plan + ((<usize>(order + tile.first)) << 2);
}

/** The rows of x that belong to choices: the choice divided by `perRow`. */
@inline
export function rowAt(choices: usize, i: i32, perRow: i32): i32 {
  return load<i32>(choices + ((<usize>i) << 2)) / perRow;
}

/** Copies columns [from, from + columns) of the rows of `count` choices to dense rows. */
export function gatherChoices(
  x: usize,
  stride: i32,
  choices: usize,
  count: i32,
  perRow: i32,
  from: i32,
  columns: i32,
  to: usize,
): void {
  const bytes = (<usize>columns) << 2;
  for (let i = 0; i < count; i++) {
    const row = <usize>rowAt(choices, i, perRow);
    memory.copy(to, x + ((row * stride + from) << 2), bytes);
    to += bytes;
  }
}
