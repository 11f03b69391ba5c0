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
