import type { Scope, SsdArgs, Tensor, TrainingKernel } from "@mamba/kernel";
import { check } from "../assert.ts";
import { ints } from "../case.ts";
import { ssdResidualOf } from "../cases/ssdInputs.ts";
import { ssdBackwardCase } from "../ops/ssdScanBackward.ts";
import type { SuiteTest } from "../suiteTest.ts";
import { checkChunks, readGrads } from "./gradients.ts";
import { checkAgree, chunksAt, inputsOf, load, loadOne, readFloats, trainingLaw } from "./harness.ts";
import { gradientOfResults, placeChunk, type Scan, selective, ssd } from "./scans.ts";

// The gradient of a scan can be computed in chunks, from the last to the first: the gradient of a chunk's initial state is
// the gradient of the final state of the chunk before.

type Chunk = ReturnType<typeof placeChunk>;

/** Reads the gradients; `dState` is the tensor of the gradient of `initialState`. */
async function gradientsOf(
  scan: Scan,
  kernel: TrainingKernel,
  scope: Scope,
  { dy, args }: Chunk,
  dFinalState: Tensor,
) {
  const residual = scope.use(scan.residual(kernel, args));
  const grads = scan.backward(kernel, gradientOfResults(dy), args, residual, dFinalState);
  const dState = grads["initialState"];
  check(dState !== undefined, "initialState was given and has a gradient");
  return { host: await readGrads(kernel, scope, grads), dState };
}

function splitTest(scan: Scan, cuts: readonly number[]): SuiteTest {
  const { name, B, L, label, sequences } = scan;
  const what = `gradient of a ${name} of ${L} = gradients of scans cut at ${cuts.join(", ")} (${label})`;
  return trainingLaw(what, async (kernel, scope) => {
    const inputs = inputsOf(scan.backwardCase);
    const dFinalState = loadOne(kernel, scope, inputs, "dFinalState");
    const place = (from: number, to: number, state?: Tensor): Chunk =>
      placeChunk(scan, kernel, scope, inputs, from, to, state);
    const whole = await gradientsOf(scan, kernel, scope, place(0, L), dFinalState);

    const chunks: (Chunk & { length: number })[] = [];
    let state: Tensor | undefined;
    for (const { from, to } of chunksAt(L, cuts)) {
      const chunk = place(from, to, state);
      chunks.push({ ...chunk, length: to - from });
      const { y, finalState } = scan.forward(kernel, chunk.args);
      scope.use(y);
      state = scope.use(finalState);
    }
    let flow = dFinalState;
    const found = [];
    for (const chunk of chunks.reverse()) {
      const { host, dState } = await gradientsOf(scan, kernel, scope, chunk, flow);
      found.unshift({ grads: host, length: chunk.length });
      flow = dState;
    }
    checkChunks(whole.host, found, sequences, B);
  });
}

function forwardTest(scan: Scan): SuiteTest {
  const { name, L, label } = scan;
  const op = scan.forwardCase.op;
  return trainingLaw(
    `the forward of a ${name} for its gradient = ${op} (L${L} ${label})`,
    async (kernel, scope) => {
      const { args } = placeChunk(scan, kernel, scope, inputsOf(scan.forwardCase), 0, L);
      const kept = scan.keep(kernel, args);
      scope.use(kept.residual);
      const plain = scan.forward(kernel, args);
      for (const name of ["y", "finalState"] as const) {
        const [a, b] = [scope.use(kept[name]), scope.use(plain[name])];
        checkAgree(name, await readFloats(kernel, a), await readFloats(kernel, b));
      }
    },
  );
}

/** Lengths of the sequences of a row. */
const packed = [1, 2, 61, 3, 64, 1];

const starts = trainingLaw(
  "a decay that multiplies zeros has a gradient of exactly 0",
  async (kernel, scope) => {
    const [B, L, H] = [2, packed.reduce((a, b) => a + b), 3];
    const flags = { D: true, initialState: false, sequenceIds: false, dFinalState: true, view: false };
    const inputs = inputsOf(ssdBackwardCase([B, L, H, 4, 1, 5], flags));
    const ids = packed.flatMap((length, id) => Array.from({ length }, () => id));
    const sequenceIds = ints([...ids, ...ids], [B, L]);
    const { dy, dFinalState, ...rest } = load(kernel, scope, { ...inputs, sequenceIds });
    const args = { ...rest, heads: H, groups: 1 } as unknown as SsdArgs;
    const residual = scope.use(ssdResidualOf(kernel, args));
    const grads = kernel.ssdScanBackward(gradientOfResults(dy), args, residual, dFinalState);
    const { logDecay } = await readGrads(kernel, scope, grads);
    logDecay?.forEach((value, i) => {
      const l = Math.floor(i / H) % L;
      const isStart = l === 0 || ids[l] !== ids[l - 1];
      check(
        isStart === (value === 0),
        `d logDecay at position ${l} must ${isStart ? "" : "not "}be 0, is ${value}`,
      );
    });
  },
);

export const scanGradientTests: readonly SuiteTest[] = [
  splitTest(selective(2, 37, 5, 16), [1]),
  splitTest(selective(1, 65, 3, 4), [16, 17, 40]),
  splitTest(selective(3, 129, 7, 5), [128]),
  splitTest(selective(2, 200, 4, 1), [63, 150]),
  forwardTest(selective(2, 33, 5, 16)),
  forwardTest(selective(1, 300, 9, 4)),
  splitTest(ssd(2, 37, 4, 3, 2, 8), [1]),
  splitTest(ssd(1, 150, 2, 5, 1, 7), [16, 17, 63, 127]),
  splitTest(ssd(2, 129, 3, 4, 3, 5), [64, 128]),
  forwardTest(ssd(2, 33, 4, 3, 2, 8)),
  forwardTest(ssd(1, 200, 3, 5, 1, 4)),
  starts,
];
