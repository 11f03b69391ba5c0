import type { ScanArgs } from "@mamba/kernel";
import { check, checkEqual } from "../assert.ts";
import { firstDifference } from "../bits.ts";
import { scanForwardCase } from "../ops/selectiveScanForward.ts";
import type { SuiteTest } from "../suiteTest.ts";
import { readGrads } from "./gradients.ts";
import { inputsOf, load, trainingLaw } from "./harness.ts";

const flags = {
  D: true,
  z: true,
  deltaBias: true,
  softplus: true,
  initialState: false,
  sequenceIds: false,
  dFinalState: false,
  view: false,
};

export const residualTests: readonly SuiteTest[] = [
  trainingLaw("a residual serves any number of backward calls, and is freed once", async (kernel, scope) => {
    const tensors = load(kernel, scope, inputsOf(scanForwardCase([2, 40, 5, 4], flags)));
    const args = { ...tensors, deltaSoftplus: true } as unknown as ScanArgs;
    const before = kernel.memory();
    const { y, finalState, residual } = kernel.selectiveScanForward(args);
    checkEqual("disposed after the forward", residual.disposed, false);
    finalState.dispose();
    // The output serves as its own gradient: any numbers do.
    const first = await readGrads(kernel, scope, kernel.selectiveScanBackward(y, args, residual));
    checkEqual("disposed after a backward", residual.disposed, false);
    const second = await readGrads(kernel, scope, kernel.selectiveScanBackward(y, args, residual));
    for (const [name, data] of Object.entries(first)) {
      const at = firstDifference(second[name], data);
      const same = at === undefined || !kernel.capabilities.deterministic;
      check(same, `d ${name}: element ${at} differs the second time`);
    }
    scope.dispose();
    y.dispose();
    residual.dispose();
    checkEqual("disposed at the end", residual.disposed, true);
    residual.dispose();
    residual[Symbol.dispose]();
    const inputs = Object.keys(tensors).length;
    checkEqual("live tensors at the end", kernel.memory().tensors, before.tensors - inputs);
  }),
  trainingLaw("a residual keeps states at chunk boundaries, not at every position", async (kernel, scope) => {
    const [B, L, D, N] = [2, 1024, 8, 16];
    const tensors = load(kernel, scope, inputsOf(scanForwardCase([B, L, D, N], flags)));
    const args = { ...tensors, deltaSoftplus: true } as unknown as ScanArgs;
    const before = kernel.memory().bytes;
    const { y, finalState, residual } = kernel.selectiveScanForward(args);
    y.dispose();
    finalState.dispose();
    const kept = kernel.memory().bytes - before;
    residual.dispose();
    const states = 4 * B * L * D * N;
    check(kept <= states / 4, `${kept} bytes were kept, all states would be ${states}`);
    checkEqual("bytes afterwards", kernel.memory().bytes, before);
    return Promise.resolve();
  }),
];
