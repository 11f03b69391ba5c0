import { elementCount, isDense, lastExtent } from "@mamba/kernel";
import type { WebGpuTensor } from "../memory/tensor.ts";
import type { Runtime } from "../runtime.ts";
import { defineShader, type Shader } from "../shader.ts";

/** The shader of an op on one or two tensors of one shape, element by element. */
export type Elementwise = Shader<"a" | "b", "y", "count" | "width" | "factor">;

/**
 * Creates the shader of an elementwise op.
 *
 * @param name the op
 * @param formula WGSL of the result, from `a`, `b` (0 when absent) and `factor`
 * @param helpers WGSL functions that the formula calls
 */
export function elementwiseShader(name: string, formula: string, helpers = ""): Elementwise {
  return defineShader({
    name,
    read: { a: "f32", b: "f32" },
    write: { y: "f32" },
    params: { count: "u32", width: "u32", factor: "f32" },
    code: /* wgsl */ `
${helpers}
fn value(a: f32, b: f32, factor: f32) -> f32 { return ${formula}; }
fn run(group: u32, lane: u32) {
  for (var k = 0u; k < 4u; k++) {
    let i = group * 256u + k * workgroupSize + lane;
    if (i >= p.count) { return; }
    let row = i / p.width;
    let column = i % p.width;
    var other = 0.0;
    if (p.b_stride != 0u) { other = b[p.b_at + row * p.b_stride + column]; }
    y[p.y_at + row * p.y_stride + column] = value(a[p.a_at + row * p.a_stride + column], other, p.factor);
  }
}`,
  });
}

/** Runs the op. Dense operands are treated as one long row. */
export function elementwise(
  runtime: Runtime,
  op: string,
  shader: Elementwise,
  a: WebGpuTensor,
  b: WebGpuTensor | undefined,
  factor: number,
): WebGpuTensor {
  const count = elementCount(a.shape);
  const dense = isDense(a) && (b === undefined || isDense(b));
  const width = dense ? count : lastExtent(a.shape);
  const y = runtime.result(op, a.shape);
  runtime.run(op, shader, { a, b, y }, { count, width, factor }, Math.ceil(count / 256));
  return y;
}
