import { check, checkEqual } from "../assert.ts";
import { firstDifference } from "../bits.ts";
import type { SuiteTest } from "../suiteTest.ts";
import { readGrads } from "./gradients.ts";
import { inputsOf, load, trainingLaw } from "./harness.ts";
import { type Scan, selective, ssd } from "./scans.ts";

/** A residual of a scan serves any number of backward calls. */
function serves(scan: Scan): SuiteTest {
  const what = `a residual of a ${scan.name} serves any number of backward calls, and is freed once`;
  return trainingLaw(what, async (kernel, scope) => {
    const args = load(kernel, scope, inputsOf(scan.forwardCase));
    const before = kernel.memory();
    const { y, finalState, residual } = scan.keep(kernel, args);
    checkEqual("disposed after the forward", residual.disposed, false);
    finalState.dispose();
    // The output serves as its own gradient: any numbers do.
    const first = await readGrads(kernel, scope, scan.backward(kernel, y, args, residual));
    checkEqual("disposed after a backward", residual.disposed, false);
    const second = await readGrads(kernel, scope, scan.backward(kernel, y, args, residual));
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
    const inputs = Object.keys(args).length;
    checkEqual("live tensors at the end", kernel.memory().tensors, before.tensors - inputs);
  });
}

/** A residual of a scan is a fraction of the bytes of the states of all positions. */
function keeps(scan: Scan): SuiteTest {
  const what = `a residual of a ${scan.name} keeps states at chunk boundaries, not at every position`;
  return trainingLaw(what, async (kernel, scope) => {
    const args = load(kernel, scope, inputsOf(scan.forwardCase));
    const before = kernel.memory().bytes;
    const { y, finalState, residual } = scan.keep(kernel, args);
    y.dispose();
    const state = finalState.shape.reduce((a, b) => a * b, 1);
    finalState.dispose();
    const kept = kernel.memory().bytes - before;
    residual.dispose();
    const states = 4 * scan.L * state;
    check(kept <= states / 4, `${kept} bytes were kept, all states would be ${states}`);
    checkEqual("bytes afterwards", kernel.memory().bytes, before);
    return Promise.resolve();
  });
}

export const residualTests: readonly SuiteTest[] = [
  serves(selective(2, 40, 5, 4)),
  serves(ssd(2, 70, 4, 3, 2, 5)),
  keeps(selective(2, 1024, 8, 16)),
  keeps(ssd(1, 1024, 2, 4, 1, 16)),
];
