import { piecesOf } from "../pieces.ts";
import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";

// Positions of equal ids make a chain: links[2i] says whether i is the first of its id, links[2i + 1] is the next position
// of that id, or `count`. Then the sums need no atomics, and their order is that of the positions.
const embeddingLinksShader = defineShader({
  name: "embeddingBackward links",
  read: { ids: "i32" },
  write: { links: "u32" },
  params: { count: "u32", vocabSize: "i32" },
  code: /* wgsl */ `
fn idAt(i: u32) -> i32 { return clamp(ids[p.ids_at + i], 0, p.vocabSize - 1); }
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let id = idAt(i);
  var before = i;
  while (before > 0u && idAt(before - 1u) != id) { before--; }
  var next = i + 1u;
  while (next < p.count && idAt(next) != id) { next++; }
  links[2u * i] = select(0u, 1u, before == 0u);
  links[2u * i + 1u] = next;
}`,
});

// A workgroup for 64 features of a chain, for the ids in this piece of the table.
const embeddingBackwardShader = defineShader({
  name: "embeddingBackward",
  read: { dy: "f32", ids: "i32", links: "u32" },
  write: { dWeight: "f32" },
  params: { count: "u32", vocabSize: "i32", features: "u32", strips: "u32", first: "i32", rows: "i32" },
  code: /* wgsl */ `
fn run(group: u32, lane: u32) {
  var i = group / p.strips;
  let feature = (group % p.strips) * workgroupSize + lane;
  if (feature >= p.features || links[2u * i] == 0u) { return; }
  let row = clamp(ids[p.ids_at + i], 0, p.vocabSize - 1) - p.first;
  if (row < 0 || row >= p.rows) { return; }
  var sum = 0.0;
  while (i < p.count) {
    sum += dy[p.dy_at + i * p.dy_stride + feature];
    i = links[2u * i + 1u];
  }
  dWeight[p.dWeight_at + u32(row) * p.features + feature] = sum;
}`,
});

export const embeddingBackward: Op<"embeddingBackward"> = (
  runtime,
  { count, features },
  dy,
  ids,
  vocabSize,
) => {
  const op = "embeddingBackward";

  const dWeight = runtime.result(op, [vocabSize, features]);
  const links = runtime.result(op, [2 * count], "i32");
  const chains = Math.ceil(count / 64);
  runtime.run(op, embeddingLinksShader, { ids, links }, { count, vocabSize }, chains);
  // Rows that no id names.
  runtime.commands.clear(op, dWeight.storage.buffer, 0, dWeight.storage.bytes);
  runtime.commands.write(dWeight.storage);
  const strips = Math.ceil(features / 64);
  for (const piece of piecesOf(runtime, dWeight)) {
    const params = { count, vocabSize, features, strips, first: piece.first, rows: piece.rows };
    const buffers = { dy, ids, links, dWeight: piece };
    runtime.run(op, embeddingBackwardShader, buffers, params, count * strips);
  }
  links.dispose();
  return dWeight;
};
