import { Scope, type Tensor } from "@mamba/kernel";
import { type CaseInput, floats } from "../case.ts";
import { selectiveScan } from "../ops/selectiveScan.ts";
import { selectiveScanBackward } from "../ops/selectiveScanBackward.ts";
import { ssdResidualOf, ssdScalars } from "../cases/ssdInputs.ts";
import { ssdScan } from "../ops/ssdScan.ts";
import { ssdScanBackward } from "../ops/ssdScanBackward.ts";
import { Random } from "../random.ts";
import type { SuiteTest } from "../suiteTest.ts";
import { readGrads } from "./gradients.ts";
import { checkAgree, copyPositions, lawTest, load, readFloats, trainingLaw } from "./harness.ts";

// A state that decays by 1e-4 per position is a product of thousands of exponentials near 1. An exponential with an error of one
// sign, however small, accumulates: one that loses x² gives an NMSE of 3e-10 after 2048 positions, correctly rounded ones give 4e-12.

const tolerance = 3e-11;
const [D, N] = [5, 6];

/** Inputs of a scan whose states keep most of their value over `length` positions. */
function slowInputs(length: number) {
  const random = new Random(`slow decay ${length}`);
  return {
    u: floats(random.normals(length * D), [1, length, D]),
    delta: floats(random.uniforms(length * D, 0.5e-4, 1.5e-4), [1, length, D]),
    A: floats(random.uniforms(D * N, -1.5, -0.5), [D, N]),
    B: floats(random.normals(length * N), [1, length, N]),
    C: floats(random.normals(length * N), [1, length, N]),
    initialState: floats(random.normals(D * N), [1, D, N]),
  };
}

type Inputs = ReturnType<typeof slowInputs>;
type Values = { readonly [K in keyof Inputs]: Float64Array };
type Tensors = { readonly [K in keyof Inputs]: Tensor };

/** The reference of the forward on the same inputs. */
function expected(inputs: Inputs, length: number) {
  return selectiveScan.reference(1, length, D, N, valuesOf(inputs));
}

function valuesOf(inputs: Inputs): Values {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { data }]) => [name, Float64Array.from(data)]),
  ) as Values;
}

const forward = lawTest("a scan of 4096 positions with slow decay keeps its state", async (kernel, scope) => {
  const inputs = slowInputs(4096);
  const reference = expected(inputs, 4096);
  const { y, finalState } = kernel.selectiveScan(load(kernel, scope, inputs) as Tensors, {
    finalState: true,
  });
  checkAgree("y", await readFloats(kernel, scope.use(y)), reference.y, tolerance);
  checkAgree("finalState", await readFloats(kernel, scope.use(finalState)), reference.finalState, tolerance);
});

const steps = lawTest("2048 state updates with slow decay keep the state", async (kernel, scope) => {
  // The tokens repeat, so that fewer tensors are uploaded. They are many enough for the rounding errors of their exponentials to
  // cancel.
  const [length, different] = [2048, 256];
  const inputs = slowInputs(different);
  const repeated = (input: CaseInput): CaseInput => {
    const row = input.data.length / different;
    const data = new Float32Array(length * row).map((_, i) => input.data[i % input.data.length] ?? 0);
    return { ...input, data, shape: [1, length, row] };
  };
  const { A, initialState, ...sequences } = inputs;
  const { u, delta, B, C } = sequences;
  const whole = {
    ...{ A, initialState },
    ...{ u: repeated(u), delta: repeated(delta), B: repeated(B), C: repeated(C) },
  };
  const reference = expected(whole, length);
  const own = load(kernel, scope, { A, state: initialState }) as { A: Tensor; state: Tensor };
  const tokens = Array.from({ length: different }, (_, l) => {
    const row = Object.entries(sequences).map(([name, input]) => {
      const [, , last = 1] = input.shape;
      return [name, { ...copyPositions(input, l, l + 1), shape: [1, last] }] as const;
    });
    return load(kernel, scope, Object.fromEntries(row)) as Omit<Tensors, "A" | "initialState">;
  });
  for (let l = 0; l < length; l += different) {
    for (const token of tokens) kernel.selectiveStateUpdate(own.state, { ...token, A: own.A }).dispose();
  }
  checkAgree("state", await readFloats(kernel, own.state), reference.finalState, tolerance);
});

const backward = trainingLaw(
  "the gradients of a scan of 2048 positions with slow decay keep theirs",
  async (kernel, scope) => {
    const length = 2048;
    const inputs = slowInputs(length);
    const random = new Random("slow decay, gradients");
    const gradients = {
      dy: floats(random.normals(length * D, 0.01), [1, length, D]),
      dFinalState: floats(random.normals(D * N), [1, D, N]),
    };
    const reference = selectiveScanBackward.reference(
      ...([1, length, D, N] as const),
      Float64Array.from(gradients.dy.data),
      valuesOf(inputs),
      Float64Array.from(gradients.dFinalState.data),
    );
    const args = load(kernel, scope, inputs) as Tensors;
    const { dy, dFinalState } = load(kernel, scope, gradients) as { dy: Tensor; dFinalState: Tensor };
    const { y, finalState, residual } = kernel.selectiveScanForward(args);
    for (const result of [y, finalState, residual]) scope.use(result);
    using results = new Scope();
    const found = kernel.selectiveScanBackward(dy, args, residual, dFinalState);
    for (const [name, tensor] of Object.entries(found)) {
      if (tensor === undefined) continue;
      const data = await readFloats(kernel, results.use(tensor));
      checkAgree(`d ${name}`, data, reference[name as keyof Inputs], tolerance);
    }
  },
);

const heads = { H: 2, P: 2, G: 1, N: 3 };

/** Inputs of a scan of heads whose states keep most of their value over thousands of positions. */
function slowHeads(length: number) {
  const { H, P, G, N } = heads;
  const random = new Random(`slow decay of heads ${length}`);
  return {
    x: floats(random.normals(length * H * P), [1, length, H * P]),
    B: floats(random.normals(length * G * N), [1, length, G * N]),
    C: floats(random.normals(length * G * N), [1, length, G * N]),
    logDecay: floats(random.uniforms(length * H, -1.5e-4, -0.5e-4), [1, length, H]),
    weight: floats(random.uniforms(length * H, 0.5e-4, 1.5e-4), [1, length, H]),
    initialState: floats(random.normals(H * P * N), [1, H, P, N]),
  };
}

type HeadInputs = ReturnType<typeof slowHeads>;
type HeadValues = { readonly [K in keyof HeadInputs]: Float64Array };
type HeadTensors = { readonly [K in keyof HeadInputs]: Tensor };

function headValues(inputs: HeadInputs): HeadValues {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { data }]) => [name, Float64Array.from(data)]),
  ) as HeadValues;
}

const forwardHeads = lawTest(
  "a scan of heads of 20000 positions with slow decay keeps its state",
  async (kernel, scope) => {
    const length = 20_000;
    const inputs = slowHeads(length);
    const reference = ssdScan.reference({ B: 1, L: length, ...heads }, headValues(inputs));
    const args = { ...(load(kernel, scope, inputs) as HeadTensors), ...ssdScalars(heads) };
    const { y, finalState } = kernel.ssdScan(args, { finalState: true });
    // The rounding errors of the positions add up like a random walk: their NMSE grows with the length. Recurrences in float32 with
    // correctly rounded exponentials have 1e-11 to 1.1e-10 here, an exponential that loses x² has 3e-8.
    const bound = (tolerance * length) / 4096;
    checkAgree("y", await readFloats(kernel, scope.use(y)), reference.y, tolerance);
    checkAgree("state", await readFloats(kernel, scope.use(finalState)), reference.finalState, bound);
  },
);

const stepsOfHeads = lawTest(
  "1024 state updates of heads with slow decay keep the state",
  async (kernel, scope) => {
    // The tokens repeat, so that fewer tensors are uploaded.
    const [length, different] = [1024, 128];
    const { initialState, ...sequences } = slowHeads(different);
    const repeated = Object.entries(headValues({ ...sequences, initialState })).map(([name, data]) => [
      name,
      name === "initialState"
        ? data
        : Float64Array.from(
            { length: (data.length / different) * length },
            (_, i) => data[i % data.length] ?? NaN,
          ),
    ]);
    const { finalState } = ssdScan.reference(
      { B: 1, L: length, ...heads },
      Object.fromEntries(repeated) as HeadValues,
    );
    const state = scope.use(kernel.upload(initialState.data, initialState.shape, "f32"));
    const tokens = Array.from({ length: different }, (_, l) => {
      const row = Object.entries(sequences).map(([name, input]) => {
        const [, , last = 1] = input.shape;
        return [name, { ...copyPositions(input, l, l + 1), shape: [1, last] }] as const;
      });
      return load(kernel, scope, Object.fromEntries(row)) as Omit<HeadTensors, "initialState">;
    });
    for (let l = 0; l < length; l += different) {
      for (const token of tokens) kernel.ssdStateUpdate(state, { ...token, ...ssdScalars(heads) }).dispose();
    }
    checkAgree("state", await readFloats(kernel, state), finalState, tolerance);
  },
);

const backwardHeads = trainingLaw(
  "the gradients of a scan of heads of 2048 positions with slow decay keep theirs",
  async (kernel, scope) => {
    const length = 2048;
    const { H, P, N } = heads;
    const inputs = slowHeads(length);
    const random = new Random("slow decay of heads, gradients");
    const gradients = {
      dy: floats(random.normals(length * H * P, 0.01), [1, length, H * P]),
      dFinalState: floats(random.normals(H * P * N), [1, H, P, N]),
    };
    const reference = ssdScanBackward.reference(
      { B: 1, L: length, ...heads },
      Float64Array.from(gradients.dy.data),
      headValues(inputs),
      Float64Array.from(gradients.dFinalState.data),
    );
    const args = { ...(load(kernel, scope, inputs) as HeadTensors), ...ssdScalars(heads) };
    const { dy, dFinalState } = load(kernel, scope, gradients) as { dy: Tensor; dFinalState: Tensor };
    const residual = scope.use(ssdResidualOf(kernel, args));
    const found = await readGrads(kernel, scope, kernel.ssdScanBackward(dy, args, residual, dFinalState));
    for (const [name, data] of Object.entries(found)) {
      checkAgree(`d ${name}`, data, reference[name as keyof typeof reference], tolerance);
    }
  },
);

export const slowDecayTests: readonly SuiteTest[] = [
  forward,
  steps,
  backward,
  forwardHeads,
  stepsOfHeads,
  backwardHeads,
];
