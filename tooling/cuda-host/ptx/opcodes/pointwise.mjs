/**
 * Writes `d = f(a, b, …)`; all operands have the type of the modifier `type`.
 *
 * @param {number} count of sources
 * @param {(sources: string[], m: import("../rules.mjs").Modifiers, opcode: string) => string} value
 * @returns {import("../rules.mjs").Rule["write"]}
 */
export function pointwise(count, value) {
  return (m, emit) => {
    const [d, ...sources] = emit.operands(1 + count);
    const { type } = m;
    if (d === undefined || type === undefined) throw emit.error("no destination or type");
    const read = sources.map((source) => emit.read(source, type));
    return emit.write(d, type, value(read, m, emit.opcode));
  };
}
