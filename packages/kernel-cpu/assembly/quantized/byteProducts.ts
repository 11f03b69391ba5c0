import { Q6_K } from "../records.ts";
import { isScaled, pairUnit } from "./layout.ts";

// Products of bytes, for the types that multiply bytes: see multipliesBytes in layout.ts.

/** The sums of two products of signed bytes and bytes below 128, as 16-bit integers. */
@inline
export function dotBytes(signed: v128, codes: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? v128.relaxed_dot<i16>(signed, codes) : signed;
}

/** The sums in p, and in q unless 16 bits have room for all, times the unit of the type. */
@inline
export function scaledSum(p: v128, q: v128, type: i32): v128 {
  let sum = i32x4.extadd_pairwise_i16x8_s(p);
  if (!isScaled(type)) sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(q));
  if (pairUnit(type) == 1) return sum;
  return i32x4.shl(sum, type == Q6_K ? 6 : 8);
}
