import { formats, type QuantizedDType, type WeightDType } from "../dtype.ts";

const shorter: Partial<Record<QuantizedDType, QuantizedDType>> = { q4_k: "q5_0", q5_k: "q5_1", q6_k: "q8_0" };

/**
 * The type that a matrix with rows of `columns` elements gets when `dtype` was asked for, as in llama.cpp: `dtype` itself when
 * the rows are whole blocks; else for q4_k, q5_k and q6_k the next larger type with blocks of 32; f16 for rows that 32 does not
 * divide.
 */
export function fallbackType(dtype: QuantizedDType, columns: number): WeightDType {
  if (columns % formats[dtype].blockElements === 0) return dtype;
  const other = shorter[dtype];
  return other !== undefined && columns % formats[other].blockElements === 0 ? other : "f16";
}
