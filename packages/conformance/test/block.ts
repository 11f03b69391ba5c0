import { type Golden, reference } from "../src/index.ts";

// The Mamba block of a golden in the float64 reference, one-directional or bidirectional, and its gradients.

/** Results and gradients by the names that the goldens have. */
type Named = Record<string, Float64Array>;

/** Sizes of a block golden. */
interface Sizes {
  dInner: number;
  dState: number;
  dConv: number;
  dtRank: number;
}

/** Columns [start, start + count) of rows of `width`. */
function columns(data: Float64Array, width: number, start: number, count: number): Float64Array {
  return Float64Array.from(
    { length: (data.length / width) * count },
    (_, i) => data[Math.floor(i / count) * width + start + (i % count)] ?? NaN,
  );
}

/** Joins the rows of several matrices: the inverse of `columns`. */
function beside(chunks: readonly { data: Float64Array; width: number }[]): Float64Array {
  const width = chunks.reduce((sum, chunk) => sum + chunk.width, 0);
  const rows = (chunks[0]?.data.length ?? 0) / (chunks[0]?.width ?? 1);
  const all = new Float64Array(rows * width);
  let start = 0;
  for (const chunk of chunks) {
    chunk.data.forEach((value, i) => {
      all[Math.floor(i / chunk.width) * width + start + (i % chunk.width)] = value;
    });
    start += chunk.width;
  }
  return all;
}

/** One direction of a block, from x|z to the gated output, and back. */
function direction(
  golden: Golden,
  x: Float64Array,
  z: Float64Array,
  [B, L]: [number, number],
  suffix: "" | "_b",
) {
  const { dInner: E, dState: N, dConv: W, dtRank: R } = golden.meta as unknown as Sizes;
  const get = (name: string) => golden.tensors[name]?.data ?? new Float32Array();
  const convArgs = {
    x,
    weight: get(`conv1d${suffix}.weight`),
    bias: get(`conv1d${suffix}.bias`),
    activation: "silu" as const,
  };
  const conv = reference.causalConv1d(B, L, E, W, convArgs);
  const wide = reference.linear(B * L, E, R + 2 * N, conv.y, get(`x_proj${suffix}.weight`));
  const { innerNorms, innerNormsEps: eps = NaN } = golden.meta as {
    innerNorms?: string;
    innerNormsEps?: number;
  };
  const normed = innerNorms === "jamba" || innerNorms === "falcon";
  const chunk = (start: number, size: number, name: string) => {
    const weight = innerNorms === "jamba" ? get(`${name}_layernorm.weight`) : undefined;
    const bare = columns(wide, R + 2 * N, start, size);
    const values = normed ? reference.rmsNorm(B * L, size, bare, weight, eps) : bare;
    return { name, size, weight, bare, values };
  };
  const chunks = { dt: chunk(0, R, "dt"), b: chunk(R, N, "b"), c: chunk(R + N, N, "c") };
  const delta = reference.linear(B * L, R, E, chunks.dt.values, get(`dt_proj${suffix}.weight`));
  const scanArgs = {
    u: conv.y,
    delta,
    A: reference.negExp(get(suffix ? "A_b_log" : "A_log")),
    B: chunks.b.values,
    C: chunks.c.values,
    D: get(suffix ? "D_b" : "D"),
    z,
    deltaBias: get(`dt_proj${suffix}.bias`),
    deltaSoftplus: true,
  };
  const scan = reference.selectiveScan(B, L, E, N, scanArgs);

  const backward = (dy: Float64Array): { x: Float64Array; z: Float64Array; parameters: Named } => {
    const grads = reference.selectiveScanBackward(B, L, E, N, dy, scanArgs);
    const parameters: Named = {
      // A = -exp(A_log), so that dA / dA_log is A itself.
      [suffix ? "A_b_log" : "A_log"]: reference.mul(grads.A, scanArgs.A),
      [suffix ? "D_b" : "D"]: grads.D,
      [`dt_proj${suffix}.bias`]: grads.deltaBias,
      [`dt_proj${suffix}.weight`]: reference.linearBackwardWeight(B * L, R, E, grads.delta, chunks.dt.values),
    };
    const dDt = reference.linearBackwardInput(B * L, R, E, grads.delta, get(`dt_proj${suffix}.weight`));
    const flows = [
      { of: chunks.dt, d: dDt },
      { of: chunks.b, d: grads.B },
      { of: chunks.c, d: grads.C },
    ];
    const dWide = beside(
      flows.map(({ of: { name, size, weight, bare }, d }) => {
        if (!normed) return { data: d, width: size };
        const { dx, dWeight } = reference.rmsNormBackward(B * L, size, d, bare, weight, eps);
        if (weight) parameters[`${name}_layernorm.weight`] = dWeight;
        return { data: dx, width: size };
      }),
    );
    const weight = get(`x_proj${suffix}.weight`);
    parameters[`x_proj${suffix}.weight`] = reference.linearBackwardWeight(B * L, E, R + 2 * N, dWide, conv.y);
    const du = reference.add(grads.u, reference.linearBackwardInput(B * L, E, R + 2 * N, dWide, weight));
    const dConv = reference.causalConv1dBackward(B, L, E, W, du, convArgs);
    parameters[`conv1d${suffix}.weight`] = dConv.weight;
    parameters[`conv1d${suffix}.bias`] = dConv.bias;
    return { x: dConv.x, z: grads.z, parameters };
  };
  return { y: scan.y, convInputs: conv.finalState, state: scan.finalState, backward };
}

/** The whole block of a golden: its results, and with `dy` the gradients as `d_<name>`. */
export function block(golden: Golden): Named {
  const { tensors, meta } = golden;
  const { dInner: E } = meta as unknown as Sizes;
  const [B = 0, L = 0, M = 0] = tensors["x"]?.shape ?? [];
  const rows = B * L;
  const get = (name: string) => tensors[name]?.data ?? new Float32Array();
  const inner = reference.linear(
    rows,
    M,
    2 * E,
    get("x"),
    get("in_proj.weight"),
    tensors["in_proj.bias"]?.data,
  );
  const [x, z] = [columns(inner, 2 * E, 0, E), columns(inner, 2 * E, E, E)];
  const flip = (data: Float64Array) => reference.flip(B, L, E, data);
  const factor = meta["divideOutput"] ? 0.5 : 1;
  const forward = direction(golden, x, z, [B, L], "");
  const second = "divideOutput" in meta ? direction(golden, flip(x), flip(z), [B, L], "_b") : undefined;
  const y = second ? reference.scale(reference.add(forward.y, flip(second.y)), factor) : forward.y;
  const results = {
    y: reference.linear(rows, E, M, y, get("out_proj.weight"), tensors["out_proj.bias"]?.data),
    convInputs: forward.convInputs,
    state: forward.state,
  };
  const dy = tensors["dy"]?.data;
  if (dy === undefined) return results;

  const dInner = reference.scale(
    reference.linearBackwardInput(rows, E, M, dy, get("out_proj.weight")),
    factor,
  );
  const one = forward.backward(dInner);
  const two = second?.backward(flip(dInner));
  const both = (a: Float64Array, b: Float64Array | undefined) => (b ? reference.add(a, flip(b)) : a);
  const dXz = beside([
    { data: both(one.x, two?.x), width: E },
    { data: both(one.z, two?.z), width: E },
  ]);
  const grads: Named = {
    ...one.parameters,
    ...two?.parameters,
    x: reference.linearBackwardInput(rows, M, 2 * E, dXz, get("in_proj.weight")),
    "in_proj.weight": reference.linearBackwardWeight(rows, M, 2 * E, dXz, get("x")),
    "in_proj.bias": reference.sumRows(rows, 2 * E, dXz),
    "out_proj.weight": reference.linearBackwardWeight(rows, E, M, dy, y),
    "out_proj.bias": reference.sumRows(rows, M, dy),
  };
  return {
    ...results,
    ...Object.fromEntries(Object.entries(grads).map(([name, data]) => [`d_${name}`, data])),
  };
}
