import { rule } from "../rules.mjs";

const integer = "u8|s8|u16|s16|u32|s32|u64|s64";
const nearest = "rni|rzi|rmi|rpi";

/**
 * @param {(value: string, m: import("../rules.mjs").Modifiers) => string} value
 * @returns {import("../rules.mjs").Rule["write"]}
 */
const convert = (value) => (m, emit) => {
  const { to = "", from = "" } = m;
  emit.operands(2);
  const flush = m["ftz"] === "ftz";
  const source = emit.read(emit.operand(1), from, "wide");
  const result = value(flush && from === "f32" ? `ftz(${source})` : source, m);
  const saturated = m["sat"] === "sat" && to === "f32" ? `saturate(${result})` : result;
  return emit.write(emit.operand(0), to, flush && to === "f32" ? `ftz(${saturated})` : saturated, "wide");
};

/** Conversions. */
export const convertRules = [
  ...rule(
    "cvt",
    `sat? to:${integer} from:${integer}`,
    convert((a, { to = "", sat }) => (sat === "sat" ? `clamp_to<${to}>(${a})` : `${to}(${a})`)),
  ),
  // Numbers out of the target's range give its nearest number. NaN gives 0 or, to or from 64 bits, only the highest bit.
  ...rule(
    "cvt",
    `round:${nearest} ftz? sat? to:${integer} from:f32|f64`,
    convert((a, { round = "", to = "" }) => `to_integer<${to}>(round_to_integer<${round}>(${a}))`),
  ),
  ...rule(
    "cvt",
    `round:rn to:f32|f64 from:${integer}`,
    convert((a, { to = "" }) => `${to}(${a})`),
  ),
  ...rule(
    "cvt",
    `round:rz|rm|rp to:f32 from:u8|s8|u16|s16|u32|s32`,
    convert((a, { round = "" }) => `narrow<${round}>(f64(${a}), 0.0)`),
  ),
  ...rule(
    "cvt",
    `round:${nearest} ftz? sat? to:f32 from:f32`,
    convert((a, { round = "" }) => `round_to_integer<${round}>(${a})`),
  ),
  ...rule(
    "cvt",
    `round:${nearest} to:f64 from:f64`,
    convert((a, { round = "" }) => `round_to_integer<${round}>(${a})`),
  ),
  ...rule(
    "cvt",
    "ftz? sat? to:f32 from:f32",
    convert((a) => a),
  ),
  ...rule(
    "cvt",
    "round:rn|rz|rm|rp ftz? sat? to:f32 from:f64",
    convert((a, { round = "" }) => `narrow<${round}>(${a}, 0.0)`),
  ),
  ...rule(
    "cvt",
    "ftz? to:f64 from:f32",
    convert((a) => `f64(${a})`),
  ),
  ...rule(
    "cvt",
    "ftz? sat? to:f32 from:f16",
    convert((a) => `half_to_f32(${a})`),
  ),
  ...rule(
    "cvt",
    "round:rn ftz? to:f16 from:f32",
    convert((a) => `f32_to_half(${a})`),
  ),
];
