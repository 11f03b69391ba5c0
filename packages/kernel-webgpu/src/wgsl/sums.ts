/** Invocations that process one row together. */
export const lanesPerRow = 16;

/** Rows of a workgroup of 64 invocations. */
export const rowsPerGroup = 64 / lanesPerRow;

/**
 * WGSL that declares `row`, which is `place` unless that is past the last of `p.rows`, and `first`, the invocation's number in its row.
 * All invocations must reach the barrier: those past the last row compute that row again, and store nothing.
 */
export const rowOfLane = /* wgsl */ `
  let place = group * ${rowsPerGroup}u + lane / ${lanesPerRow}u;
  let row = min(place, p.rows - 1u);
  let first = lane % ${lanesPerRow}u;`;

/**
 * WGSL `name(lane, value)`: combines the values of the 16 invocations of one row, in the order of the lanes. It has one
 * barrier, because barriers are slow on software adapters. A shader calls it once; it may have several of other names.
 *
 * @param combined WGSL of the combination of `a` and `b`
 */
export function reduction(type: string, name: string, combined: string): string {
  return /* wgsl */ `
var<workgroup> ${name}Each_: array<${type}, workgroupSize>;
fn ${name}Combine_(a: ${type}, b: ${type}) -> ${type} { return ${combined}; }
fn ${name}(lane: u32, value: ${type}) -> ${type} {
  ${name}Each_[lane] = value;
  workgroupBarrier();
  let first = lane - lane % ${lanesPerRow}u;
  var all = ${name}Each_[first];
  for (var i = 1u; i < ${lanesPerRow}u; i++) { all = ${name}Combine_(all, ${name}Each_[first + i]); }
  return all;
}`;
}

/**
 * WGSL for `count` sums over a workgroup: `putTerm(lane, k, value)`, then a barrier, then `totalOf(k)`, which returns to every
 * invocation the sum of all values put under k. WebGPU does not define which invocations form a subgroup, so the code does not
 * depend on it: one element of `sums` per subgroup holds the sum of the subgroup, the others hold 0.
 */
export function subgroupSums(count: number): string {
  return /* wgsl */ `
var<workgroup> sums: array<f32, ${count}u * workgroupSize>;
fn putTerm(lane: u32, k: u32, value: f32) {
  let sum = subgroupAdd(value);
  sums[k * workgroupSize + lane] = select(0.0, sum, subgroupElect());
}
fn totalOf(k: u32) -> f32 {
  let count = subgroupAdd(1u);
  var sum = 0.0;
  for (var i = subgroupExclusiveAdd(1u); i < workgroupSize; i += count) { sum += sums[k * workgroupSize + i]; }
  return subgroupAdd(sum);
}`;
}

/** WGSL `sumOfAll(lane, value)`: returns to every invocation the sum of the values of the workgroup. A shader calls it once. */
export function sumOfAll(subgroups: boolean): string {
  if (subgroups) {
    return /* wgsl */ `
${subgroupSums(1)}
fn sumOfAll(lane: u32, value: f32) -> f32 {
  putTerm(lane, 0u, value);
  workgroupBarrier();
  return totalOf(0u);
}`;
  }
  return /* wgsl */ `
var<workgroup> sums: array<f32, workgroupSize>;
fn sumOfAll(lane: u32, value: f32) -> f32 {
  sums[lane] = value;
  for (var half = workgroupSize / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { sums[lane] += sums[lane + half]; }
  }
  workgroupBarrier();
  return sums[0];
}`;
}
