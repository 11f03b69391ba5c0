import { elementCount, isDense, lastExtent } from "@mamba/kernel";
import type { WebGpuTensor } from "../memory/tensor.ts";
import type { Runtime } from "../runtime.ts";
import { defineShader, type Shader } from "../shader.ts";

/** The shader of an op on one or two tensors, element by element. */
export type Elementwise = Shader<"a" | "b", "y", "count" | "width" | "period" | "factor">;

/**
 * Creates the shader of an elementwise op.
 *
 * @param name the op
 * @param formula WGSL of the result, from `a`, `b` (0 when absent) and `factor`
 * @param helpers WGSL functions that the formula calls
 * @param place WGSL of the element of `b` that belongs to element `i` of `a`
 */
export function elementwiseShader(
  name: string,
  formula: string,
  helpers = "",
  place = "i + row * (p.b_stride - p.width)",
): Elementwise {
  return defineShader({
    name,
    read: { a: "f32", b: "f32" },
    write: { y: "f32" },
    params: { count: "u32", width: "u32", period: "u32", factor: "f32" },
    code: /* wgsl */ `
${helpers}
fn value(a: f32, b: f32, factor: f32) -> f32 { return ${formula}; }
fn run(group: u32, lane: u32) {
  for (var k = 0u; k < 4u; k++) {
    let i = group * 256u + k * workgroupSize + lane;
    if (i >= p.count) { return; }
    let row = i / p.width;
    var other = 0.0;
    if (p.b_stride != 0u) { other = b[p.b_at + ${place}]; }
    y[i] = value(a[p.a_at + i + row * (p.a_stride - p.width)], other, p.factor);
  }
}`,
  });
}

/** The shaders of an op whose second tensor may be repeated. A remainder is slow, so that other calls do without. */
export interface Repeatable {
  readonly same: Elementwise;
  readonly repeated: Elementwise;
}

export function repeatableShaders(name: string, formula: string): Repeatable {
  return {
    same: elementwiseShader(name, formula),
    repeated: elementwiseShader(`${name} repeated`, formula, "", "i % p.period"),
  };
}

/** The operands of an elementwise op besides the first tensor. */
export interface Operands {
  readonly b?: WebGpuTensor;
  readonly factor?: number;
}

/** Runs the op. Dense operands are treated as one long row. */
export function elementwise(
  runtime: Runtime,
  op: string,
  shader: Elementwise,
  a: WebGpuTensor,
  { b, factor = 0 }: Operands = {},
): WebGpuTensor {
  const count = elementCount(a.shape);
  const dense = isDense(a) && (b === undefined || isDense(b));
  const width = dense ? count : lastExtent(a.shape);
  const y = runtime.result(op, a.shape);
  const params = { count, width, period: b ? elementCount(b.shape) : 0, factor };
  runtime.run(op, shader, { a, b, y }, params, Math.ceil(count / 256));
  return y;
}

/** Runs an op whose second tensor may be repeated over the leading axes of the first. */
export function repeatable(
  runtime: Runtime,
  op: string,
  { same, repeated }: Repeatable,
  a: WebGpuTensor,
  b: WebGpuTensor,
): WebGpuTensor {
  return elementwise(runtime, op, a.shape.length === b.shape.length ? same : repeated, a, { b });
}
