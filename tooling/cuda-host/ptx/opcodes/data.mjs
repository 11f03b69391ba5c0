import { rule } from "../rules.mjs";

/** @type {import("../rules.mjs").Rule["write"]} */
const mov = (m, emit) => {
  const { type = "" } = m;
  const [d, a] = emit.operands(2);
  if (d === undefined || a === undefined) throw emit.error("operands are missing");
  if (d.kind === "vector") {
    const { count, part } = parts(emit, type, d.items.length);
    const writes = d.items.map((item, i) =>
      emit.write(item, part, `${part}(whole >> ${(i * 8 * count.bytes) | 0})`),
    );
    return `{ const u64 whole = ${emit.read(a, type)}; ${writes.join(" ")} }`;
  }
  if (a.kind === "vector") {
    const { count, part } = parts(emit, type, a.items.length);
    const sum = a.items.map((item, i) => `u64(${emit.read(item, part)}) << ${i * 8 * count.bytes}`);
    return emit.write(d, type, `${type}(${sum.join(" | ")})`);
  }
  return emit.write(d, type, emit.read(a, type));
};

/**
 * @param {import("../emitter.mjs").Emitter} emit
 * @param {string} type of the whole
 * @param {number} items
 * @returns {{ count: { bytes: number }, part: string }}
 */
function parts(emit, type, items) {
  const bytes = Number(type.slice(1)) / 8 / items;
  if (!type.startsWith("b") || (bytes !== 2 && bytes !== 4)) throw emit.error(`${items} parts`);
  return { count: { bytes }, part: `b${8 * bytes}` };
}

/**
 * Global, local, constant and parameter addresses are addresses of this process, and therefore generic addresses; shared
 * addresses are 32-bit offsets.
 *
 * @type {import("../rules.mjs").Rule["write"]}
 */
const cvta = (m, emit) => {
  emit.operands(2);
  const address = emit.read(emit.operand(1), "u64");
  if (m["space"] !== "shared") return emit.write(emit.operand(0), "u64", address);
  const name = m["to"] === "to" ? "shared_offset" : "generic_address";
  return emit.write(emit.operand(0), "u64", `${name}(${emit.frame.sharedWindow}, ${address}, ${emit.line})`);
};

/** Moves, and conversions between address spaces. */
export const dataRules = [
  ...rule("mov", "type:pred|b16|b32|b64|u16|u32|u64|s16|s32|s64|f32|f64", mov),
  ...rule("cvta", "to? space:global|local|shared|const|param type:u64", cvta),
];
