/** The type of a value, by PTX's name. `predicate` results are stored as 0 or 1. */
export type TypeName =
  | "b16" | "u16" | "s16" | "b32" | "u32" | "s32" | "b64" | "u64" | "s64" | "f32" | "f64" | "predicate"; // prettier-ignore

/** Inputs, then the results. Floats are numbers, everything else bigints or numbers. */
export type Row = readonly (number | bigint)[];

/** PTX that runs once for each row. */
export interface Case {
  /** Instructions that compute %d, and optionally %e, from %a, %b and %c. */
  readonly code: string;
  readonly inputs: readonly TypeName[];
  readonly results: readonly TypeName[];
  readonly rows: readonly Row[];
  /** Tolerance of a float result. */
  readonly within: (expected: number) => number;
}

const inputNames = ["a", "b", "c"];
const resultNames = ["d", "e"];

/**
 * @param types of the inputs, then after `->` of the results: "s32 s32 -> s32"
 */
export function testCase(
  code: string,
  types: string,
  rows: readonly Row[],
  within: Case["within"] = () => 0,
): Case {
  const [inputs = [], results = []] = types.split("->").map((side) => side.trim().split(" ") as TypeName[]);
  return { code, inputs, results, rows, within };
}

const registerType = (type: TypeName) => (type === "predicate" ? "pred" : type.replace(/^[us]/, "b"));

/** A GPU kernel that runs one row per thread, with 4 inputs and 2 results of 64 bits. */
export function kernelOf({ code, inputs, results }: Case, name: string): string {
  const declarations = [...zip(inputNames, inputs), ...zip(resultNames, results)].map(
    ([register, type]) => `  .reg .${registerType(type)} %${register};`,
  );
  const loads = zip(inputNames, inputs).map(([register, type], i) =>
    type === "predicate"
      ? `  ld.global.u32 %r0, [%in+${8 * i}];\n  setp.ne.u32 %${register}, %r0, 0;`
      : `  ld.global.${type} %${register}, [%in+${8 * i}];`,
  );
  const stores = zip(resultNames, results).map(([register, type], i) =>
    type === "predicate"
      ? `  selp.b32 %r0, 1, 0, %${register};\n  st.global.u32 [%out+${8 * i}], %r0;`
      : `  st.global.${type} [%out+${8 * i}], %${register};`,
  );
  return `
.visible .entry ${name}(.param .u64 ${name}_param_0, .param .u64 ${name}_param_1)
{
  .reg .b64 %in, %out, %wide;
  .reg .b32 %thread, %r0;
  .reg .pred %p1;
${declarations.join("\n")}
  ld.param.u64 %in, [${name}_param_0];
  ld.param.u64 %out, [${name}_param_1];
  cvta.to.global.u64 %in, %in;
  cvta.to.global.u64 %out, %out;
  mov.u32 %thread, %tid.x;
  mul.wide.u32 %wide, %thread, 32;
  add.s64 %in, %in, %wide;
  mul.wide.u32 %wide, %thread, 16;
  add.s64 %out, %out, %wide;
${loads.join("\n")}
  ${code}
${stores.join("\n")}
  ret;
}`;
}

const zip = (names: readonly string[], types: readonly TypeName[]) =>
  types.map((type, i) => [names[i] ?? "", type] as const);

/** The 64 bits of a value in memory; the unused bytes are those of the stand-in's fresh memory. */
export function bitsOf(type: TypeName, value: number | bigint): bigint {
  const words = new DataView(new ArrayBuffer(8));
  if (type === "f32" || type === "f64") {
    if (type === "f32") words.setFloat32(0, Number(value), true);
    else words.setFloat64(0, Number(value), true);
    return words.getBigUint64(0, true);
  }
  return BigInt.asUintN(type === "predicate" ? 32 : Number(type.slice(1)), BigInt(value));
}

export function valueOf(type: TypeName, bits: bigint): number | bigint {
  const words = new DataView(new ArrayBuffer(8));
  words.setBigUint64(0, bits, true);
  if (type === "f32") return words.getFloat32(0, true);
  if (type === "f64") return words.getFloat64(0, true);
  const width = type === "predicate" ? 32 : Number(type.slice(1));
  return type.startsWith("s") ? BigInt.asIntN(width, bits) : BigInt.asUintN(width, bits);
}
