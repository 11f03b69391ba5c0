import { rule } from "../rules.mjs";

const orders = "lt|le|gt|ge";
const unordered = "equ|neu|ltu|leu|gtu|geu|num|nan";

/** @type {import("../rules.mjs").Rule["write"]} */
const setp = (m, emit) => {
  const { compare = "", join = "", type = "" } = m;
  emit.operands(join === "" ? 3 : 4);
  const flush = m["ftz"] === "ftz";
  const sources = [1, 2].map((i) => {
    const source = emit.read(emit.operand(i), type);
    return flush ? `ftz(${source})` : source;
  });
  const holds = `compare_${compare}(${sources.join(", ")})`;
  const other = join === "" ? "" : ` ${symbols[join] ?? ""} ${emit.read(emit.operand(3), "pred")}`;
  const d = emit.operand(0);
  if (d.kind !== "pair") return emit.write(d, "pred", `bool(${holds}${other})`);
  const [p, q] = d.items;
  if (p === undefined || q === undefined) throw emit.error("two destinations expected");
  // q is the negated comparison combined with the same other predicate, which may be in register p.
  return `{ const bool holds = ${holds}; const bool yes = holds${other}; const bool no = !holds${other}; ${emit.write(p, "pred", "yes")} ${emit.write(q, "pred", "no")} }`;
};

/** @type {Record<string, string>} */
const symbols = { and: "&", or: "|", xor: "^" };

/** Comparisons and choices. */
export const compareRules = [
  ...rule("setp", `compare:eq|ne join:and|or|xor? type:b16|b32|b64|u16|u32|u64|s16|s32|s64`, setp),
  ...rule("setp", `compare:${orders} join:and|or|xor? type:u16|u32|u64|s16|s32|s64`, setp),
  ...rule("setp", `compare:eq|ne|${orders}|${unordered} join:and|or|xor? ftz? type:f32|f64`, setp),
  ...rule("selp", "type:b16|b32|b64|u16|u32|u64|s16|s32|s64|f32|f64", (m, emit) => {
    const { type = "" } = m;
    emit.operands(4);
    const [a, b] = [emit.read(emit.operand(1), type), emit.read(emit.operand(2), type)];
    return emit.write(emit.operand(0), type, `${emit.read(emit.operand(3), "pred")} ? ${a} : ${b}`);
  }),
];
