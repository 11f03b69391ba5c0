/** Neighbours that share a row. */
export const sharers = 16;

/**
 * `name(lane, value)`: the values of the 16 invocations that share a row of a workgroup, combined in the order of the lanes.
 * One barrier, as software adapters take long for each; called once.
 *
 * @param combined WGSL of the combination of `a` and `b`
 */
export function reduction(type: string, name: string, combined: string): string {
  return /* wgsl */ `
var<workgroup> each_: array<${type}, workgroupSize>;
fn combine_(a: ${type}, b: ${type}) -> ${type} { return ${combined}; }
fn ${name}(lane: u32, value: ${type}) -> ${type} {
  each_[lane] = value;
  workgroupBarrier();
  let first = lane - lane % ${sharers}u;
  var all = each_[first];
  for (var i = 1u; i < ${sharers}u; i++) { all = combine_(all, each_[first + i]); }
  return all;
}`;
}

/**
 * `sums: array<f32, count * workgroupSize>`, and `leave(lane, k, value)`, then a barrier, then `taken(k)`: the sum of what all
 * invocations left under k, for each of them. Which invocations make up a subgroup is nowhere said, so nothing here depends
 * on it: of every subgroup one place holds its sum, and the others hold 0.
 */
export function subgroupSums(count: number): string {
  return /* wgsl */ `
var<workgroup> sums: array<f32, ${count}u * workgroupSize>;
fn leave(lane: u32, k: u32, value: f32) {
  let sum = subgroupAdd(value);
  sums[k * workgroupSize + lane] = select(0.0, sum, subgroupElect());
}
fn taken(k: u32) -> f32 {
  let count = subgroupAdd(1u);
  var sum = 0.0;
  for (var i = subgroupExclusiveAdd(1u); i < workgroupSize; i += count) { sum += sums[k * workgroupSize + i]; }
  return subgroupAdd(sum);
}`;
}

/** `sumOfAll(lane, value)`: the sum of the values of a workgroup, for each of its invocations; called once. */
export function sumOfAll(subgroups: boolean): string {
  if (subgroups) {
    return /* wgsl */ `
${subgroupSums(1)}
fn sumOfAll(lane: u32, value: f32) -> f32 {
  leave(lane, 0u, value);
  workgroupBarrier();
  return taken(0u);
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
