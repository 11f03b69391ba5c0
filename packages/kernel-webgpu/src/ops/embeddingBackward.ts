import { rowChunks } from "../memory/chunks.ts";
import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";

// Positions of equal ids form a linked list: links[2i] is 1 when i is the first position of its id, links[2i + 1] is the next
// position of that id, or `count`. The sums then need no atomics and are made in the order of the positions.
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

// dWeight[id] = the sum of dy over the positions of the id, for the ids in this chunk of the table. One workgroup per
// position and 64 features; only those at the first position of an id do work.
const embeddingBackwardShader = defineShader({
  name: "embeddingBackward",
  read: { dy: "f32", ids: "i32", links: "u32" },
  write: { dWeight: "f32" },
  params: { count: "u32", vocabSize: "i32", features: "u32", columnGroups: "u32", first: "i32", rows: "i32" },
  code: /* wgsl */ `
fn run(group: u32, lane: u32) {
  var i = group / p.columnGroups;
  let feature = (group % p.columnGroups) * workgroupSize + lane;
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
  const linkGroups = Math.ceil(count / 64);
  runtime.run(op, embeddingLinksShader, { ids, links }, { count, vocabSize }, linkGroups);
  // Rows without an id are 0.
  runtime.commands.clear(op, dWeight.storage.buffer, 0, dWeight.storage.bytes);
  runtime.commands.write(dWeight.storage);
  const columnGroups = Math.ceil(features / 64);
  for (const chunk of rowChunks(runtime, dWeight)) {
    const params = { count, vocabSize, features, columnGroups, first: chunk.first, rows: chunk.rows };
    const buffers = { dy, ids, links, dWeight: chunk };
    runtime.run(op, embeddingBackwardShader, buffers, params, count * columnGroups);
  }
  links.dispose();
  return dWeight;
};
