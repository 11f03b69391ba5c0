import { rule } from "../rules.mjs";
import { pointwise } from "./pointwise.mjs";

const anyInteger = "type:u16|s16|u32|s32|u64|s64";
const bits = "type:b32|b64";

/** @type {import("../rules.mjs").Rule["write"]} */
const wide = (m, emit) => {
  const { type = "" } = m;
  const double = `${type[0] ?? ""}${2 * Number(type.slice(1))}`;
  const sources = emit.opcode === "mad" ? 3 : 2;
  emit.operands(1 + sources);
  const product = `mul_wide(${emit.read(emit.operand(1), type)}, ${emit.read(emit.operand(2), type)})`;
  const value = sources === 3 ? `add(${product}, ${emit.read(emit.operand(3), double)})` : product;
  return emit.write(emit.operand(0), double, value);
};

/**
 * d is 32 bits wide for any width of the source.
 * @type {import("../rules.mjs").Rule["write"]}
 */
const count = (m, emit) => {
  const { type = "", shift = "" } = m;
  emit.operands(2);
  const name = shift === "" ? emit.opcode : `${emit.opcode}_${shift}`;
  return emit.write(emit.operand(0), "u32", `${name}(${emit.read(emit.operand(1), type)})`);
};

/**
 * The last `n` sources have type u32; d and the other sources have the type of the modifier `type`.
 * @param {number} sources
 * @param {number} n
 * @param {(m: import("../rules.mjs").Modifiers, opcode: string) => string} name
 * @returns {import("../rules.mjs").Rule["write"]}
 */
const withCounts = (sources, n, name) => (m, emit) => {
  const { type = "" } = m;
  const [d, ...given] = emit.operands(1 + sources);
  if (d === undefined) throw emit.error("no destination");
  const read = given.map((source, i) => emit.read(source, i < sources - n ? type : "u32"));
  return emit.write(d, type, `${name(m, emit.opcode)}(${read.join(", ")})`);
};

/** Integer arithmetic and bit operations. */
export const integerRules = [
  ...rule(
    "add sub",
    anyInteger,
    pointwise(2, (s, _, opcode) => `${opcode}(${s.join(", ")})`),
  ),
  ...rule(
    "min max",
    anyInteger,
    pointwise(2, (s, _, opcode) => `${opcode}imum(${s.join(", ")})`),
  ),
  ...rule(
    "abs neg",
    "type:s16|s32|s64",
    pointwise(1, ([a], _, opcode) => (opcode === "abs" ? `absolute(${a ?? ""})` : `negative(${a ?? ""})`)),
  ),
  ...rule("div rem", anyInteger, (m, emit) => {
    const { type = "" } = m;
    emit.operands(3);
    const [a, b] = [emit.read(emit.operand(1), type), emit.read(emit.operand(2), type)];
    return emit.write(emit.operand(0), type, `${emit.opcode}(${a}, ${b}, ${emit.line})`);
  }),
  ...rule(
    "mul",
    `part:lo|hi ${anyInteger}`,
    pointwise(2, (s, { part = "" }) => `mul_${part}(${s.join(", ")})`),
  ),
  ...rule(
    "mad",
    `part:lo|hi ${anyInteger}`,
    pointwise(3, ([a, b, c], { part = "" }) => `add(mul_${part}(${a ?? ""}, ${b ?? ""}), ${c ?? ""})`),
  ),
  ...rule("mul mad", "wide type:u16|s16|u32|s32", wide),
  ...rule("popc clz", bits, count),
  ...rule("bfind", "shift:shiftamt? type:u32|s32|u64|s64", count),
  ...rule(
    "brev",
    bits,
    pointwise(1, ([a]) => `brev(${a ?? ""})`),
  ),
  ...rule(
    "bfe",
    "type:u32|s32|u64|s64",
    withCounts(3, 2, () => "bfe"),
  ),
  ...rule(
    "bfi",
    bits,
    withCounts(4, 2, () => "bfi"),
  ),
  ...rule(
    "shl",
    "type:b16|b32|b64",
    withCounts(2, 1, () => "shl"),
  ),
  ...rule(
    "shr",
    "type:b16|b32|b64|u16|u32|u64|s16|s32|s64",
    withCounts(2, 1, () => "shr"),
  ),
  ...rule(
    "shf",
    "direction:l|r mode:wrap|clamp type:b32",
    withCounts(3, 1, ({ direction = "", mode = "" }) => `shf_${direction}_${mode}`),
  ),
  ...rule(
    "prmt",
    "type:b32",
    pointwise(3, (s) => `prmt(${s.join(", ")})`),
  ),
  ...rule(
    "and or xor",
    "type:pred|b16|b32|b64",
    pointwise(2, (s, { type = "" }, opcode) => `${type}(${s.join(symbols[opcode] ?? "")})`),
  ),
  ...rule(
    "not",
    "type:pred|b16|b32|b64",
    pointwise(1, ([a = ""], { type = "" }) => (type === "pred" ? `!${a}` : `${type}(~${a})`)),
  ),
  ...rule("lop3", "type:b32", (_, emit) => {
    emit.operands(5);
    const sources = [1, 2, 3].map((i) => emit.read(emit.operand(i), "b32"));
    const table = emit.operand(4);
    if (table.kind !== "integer") throw emit.error("the table is not a number");
    return emit.write(emit.operand(0), "b32", `lop3(${sources.join(", ")}, ${table.value})`);
  }),
];

/** @type {Record<string, string>} */
const symbols = { and: " & ", or: " | ", xor: " ^ " };
