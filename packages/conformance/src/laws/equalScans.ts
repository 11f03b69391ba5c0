import type { Kernel, ScanArgs, Scope, SsdArgs, Tensor } from "@mamba/kernel";
import { type CaseInput, floats } from "../case.ts";
import { Random } from "../random.ts";
import type { SuiteTest } from "../suiteTest.ts";
import { gradientOf, readGrads } from "./gradients.ts";
import { checkAgree, lawTest, load, loadOne, readFloats, trainingLaw } from "./harness.ts";

// A selective scan whose steps and A are equal for all channels of a head and all states is a scan of state space heads of one group:
// its step is the weight, and its step times A is the logarithm of the decay.

const [B, L, H, P, N] = [2, 100, 3, 4, 5];

/** Returns [B, L, H] data repeated for each column of a head: [B, L, H·P]. */
function perColumn(data: Float32Array): Float32Array {
  return Float32Array.from({ length: data.length * P }, (_, i) => data[Math.floor(i / P)] ?? NaN);
}

/** Inputs of both scans. Products of 16-bit numbers are exact, so that the decays of both are the same numbers. */
function inputsOfBoth() {
  const random = new Random("equal scans");
  const coarse = (count: number, least: number, most: number): Float32Array =>
    random.uniforms(count, least, most).map((x) => Math.round(x * 256) / 256);
  const weight = coarse(B * L * H, 0.01, 0.5);
  const rates = coarse(H, -2, -0.1);
  const decays = weight.map((dt, i) => dt * (rates[i % H] ?? NaN));
  const skips = random.normals(H);
  const shared = {
    B: floats(random.normals(B * L * N), [B, L, N]),
    C: floats(random.normals(B * L * N), [B, L, N]),
  };
  const x = floats(random.normals(B * L * H * P), [B, L, H * P]);
  const state = random.normals(B * H * P * N);
  return {
    rates,
    heads: {
      ...shared,
      x,
      logDecay: floats(decays, [B, L, H]),
      weight: floats(weight, [B, L, H]),
      D: floats(skips, [H]),
      initialState: floats(state, [B, H, P, N]),
    },
    channels: {
      ...shared,
      u: x,
      delta: floats(perColumn(weight), [B, L, H * P]),
      A: floats(
        Float32Array.from({ length: H * P * N }, (_, i) => rates[Math.floor(i / (P * N))] ?? NaN),
        [H * P, N],
      ),
      D: floats(perColumn(skips), [H * P]),
      initialState: floats(state, [B, H * P, N]),
    },
    gradients: {
      dy: floats(random.normals(B * L * H * P), [B, L, H * P]),
      dHeads: floats(random.normals(B * H * P * N), [B, H, P, N]),
    },
  };
}

/** The arguments of both scans; `scope` owns their tensors. */
function place(kernel: Kernel, scope: Scope) {
  const { rates, heads, channels, gradients } = inputsOfBoth();
  const own = (inputs: Readonly<Record<string, CaseInput>>): unknown => load(kernel, scope, inputs);
  const { dy, dHeads } = own(gradients) as Record<"dy" | "dHeads", Tensor>;
  return {
    ...{ rates, dy, dHeads },
    dChannels: loadOne(kernel, scope, { it: { ...gradients.dHeads, shape: [B, H * P, N] } }, "it"),
    // The inputs have all arguments under their names.
    heads: { ...(own(heads) as SsdArgs), heads: H, groups: 1 },
    channels: own(channels) as ScanArgs,
  };
}

/** Returns the sums over the columns of each head. */
function sumColumns(data: Float32Array): Float64Array {
  const sums = new Float64Array(data.length / P);
  data.forEach((value, i) => (sums[Math.floor(i / P)]! += value));
  return sums;
}

export const equalScanTests: readonly SuiteTest[] = [
  lawTest("ssdScan = selectiveScan with equal steps in each head", async (kernel, scope) => {
    const { heads, channels } = place(kernel, scope);
    const actual = kernel.ssdScan(heads, { finalState: true });
    const expected = kernel.selectiveScan(channels, { finalState: true });
    for (const name of ["y", "finalState"] as const) {
      const [a, b] = [scope.use(actual[name]), scope.use(expected[name])];
      checkAgree(name, await readFloats(kernel, a), await readFloats(kernel, b));
    }
  }),
  trainingLaw("gradients of ssdScan = those of an equal selectiveScan", async (kernel, scope) => {
    const { rates, heads, channels, dy, dHeads, dChannels } = place(kernel, scope);
    const kept = kernel.ssdScanForward(heads);
    const scanned = kernel.selectiveScanForward(channels);
    for (const { y, finalState, residual } of [kept, scanned]) {
      for (const result of [y, finalState, residual]) scope.use(result);
    }
    const read = async (grads: Readonly<Record<string, Tensor | undefined>>) =>
      readGrads(kernel, scope, grads);
    const actual = await read(kernel.ssdScanBackward(dy, heads, kept.residual, dHeads));
    const expected = await read(kernel.selectiveScanBackward(dy, channels, scanned.residual, dChannels));
    checkAgree("d x", gradientOf(actual, "x"), gradientOf(expected, "u"));
    for (const name of ["B", "C", "initialState"]) {
      checkAgree(`d ${name}`, gradientOf(actual, name), gradientOf(expected, name));
    }
    checkAgree("d D", gradientOf(actual, "D"), sumColumns(gradientOf(expected, "D")));
    // A step of the selective scan is the weight, and also in the decay.
    const dDecay = gradientOf(actual, "logDecay");
    const dStep = gradientOf(actual, "weight").map((w, i) => w + (rates[i % H] ?? NaN) * (dDecay[i] ?? NaN));
    checkAgree("d weight + A d logDecay", dStep, sumColumns(gradientOf(expected, "delta")));
  }),
];
