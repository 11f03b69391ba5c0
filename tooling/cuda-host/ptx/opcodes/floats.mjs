import { rule } from "../rules.mjs";
import { pointwise } from "./pointwise.mjs";

/**
 * `.ftz` replaces subnormal sources and results with zero; `.sat` clamps the result to [0, 1].
 *
 * @param {(sources: string, m: import("../rules.mjs").Modifiers, opcode: string) => string} value
 * @param {number} count of sources
 * @returns {import("../rules.mjs").Rule["write"]}
 */
const float = (count, value) =>
  pointwise(count, (sources, m, opcode) => {
    const flush = m["ftz"] === "ftz";
    const result = value((flush ? sources.map((s) => `ftz(${s})`) : sources).join(", "), m, opcode);
    const saturated = m["sat"] === "sat" ? `saturate(${result})` : result;
    return flush ? `ftz(${saturated})` : saturated;
  });

/**
 * The default rounding is to nearest even. The compiler of the machine code may fuse a mul and an add without a rounding; this
 * translation does not.
 *
 * @type {(sources: string, m: import("../rules.mjs").Modifiers, opcode: string) => string}
 */
const rounded = (sources, m, opcode) => `${opcode}<${m["round"] || "rn"}>(${sources})`;

/** Float arithmetic. f64 rounds to nearest only. */
export const floatRules = [
  ...rule("add sub mul", "round:rn|rz|rm|rp? ftz? sat? type:f32", float(2, rounded)),
  ...rule("add sub mul", "round:rn? type:f64", float(2, rounded)),
  ...rule("fma", "round:rn|rz|rm|rp ftz? sat? type:f32", float(3, rounded)),
  ...rule("fma", "round:rn type:f64", float(3, rounded)),
  ...rule(
    "mad",
    "round:rn|rz|rm|rp ftz? sat? type:f32",
    float(3, (s, m) => rounded(s, m, "fma")),
  ),
  ...rule("div", "round:rn ftz? type:f32", float(2, rounded)),
  ...rule("div", "round:rn type:f64", float(2, rounded)),
  ...rule(
    "div",
    "accuracy:approx|full ftz? type:f32",
    float(2, (s, m) => `div_${m["accuracy"] ?? ""}(${s})`),
  ),
  ...rule(
    "rcp",
    "round:rn ftz? type:f32",
    float(1, (s) => `div<rn>(1.0f, ${s})`),
  ),
  ...rule(
    "rcp",
    "round:rn type:f64",
    float(1, (s) => `div<rn>(1.0, ${s})`),
  ),
  ...rule("sqrt", "round:rn ftz? type:f32", float(1, rounded)),
  ...rule("sqrt", "round:rn type:f64", float(1, rounded)),
  ...rule(
    "rcp sqrt rsqrt sin cos lg2 ex2",
    "approx ftz? type:f32",
    float(1, (s, _, opcode) => `${opcode}_approx(${s})`),
  ),
  ...rule(
    "tanh",
    "approx type:f32",
    float(1, (s) => `tanh_approx(${s})`),
  ),
  ...rule(
    "neg",
    "ftz? type:f32|f64",
    float(1, (s) => `-${s}`),
  ),
  ...rule(
    "abs",
    "ftz? type:f32|f64",
    float(1, (s) => `absolute(${s})`),
  ),
  ...rule(
    "min max",
    "ftz? type:f32|f64",
    float(2, (s, _, opcode) => `${opcode}imum(${s})`),
  ),
  // The sign comes from the first source, the magnitude from the second.
  ...rule(
    "copysign",
    "type:f32|f64",
    float(2, (s) => `copy_sign(${s})`),
  ),
];
