import type { Kernel, Scope, Tensor } from "@mamba/kernel";
import { check } from "../assert.ts";
import type { CaseInput } from "../case.ts";
import { checkAgree, copyPositions, joinPositions, readFloats } from "./harness.ts";

// Helpers of the laws of gradients of scan and convolution. Gradients have the names of their arguments.

export type Inputs = Readonly<Record<string, CaseInput>>;

/** Gradients on the host. */
export type HostGrads = Readonly<Record<string, Float32Array>>;

/** Copies positions [from, to) of the arguments that are sequences, and keeps the others. */
export function cut(inputs: Inputs, sequences: readonly string[], from: number, to: number): Inputs {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => [
      name,
      sequences.includes(name) ? copyPositions(input, from, to) : input,
    ]),
  );
}

/** Reads gradients; `scope` owns their tensors. */
export async function readGrads(
  kernel: Kernel,
  scope: Scope,
  grads: Readonly<Record<string, Tensor | undefined>>,
): Promise<HostGrads> {
  const entries = Object.entries(grads).flatMap(([name, tensor]) => (tensor ? [{ name, tensor }] : []));
  for (const { tensor } of entries) scope.use(tensor);
  const all = entries.map(async ({ name, tensor }) => [name, await readFloats(kernel, tensor)] as const);
  return Object.fromEntries(await Promise.all(all));
}

/**
 * Checks the gradients of a whole sequence against those of its chunks, which are in order: gradients of sequences are
 * joined, the others added.
 */
export function checkChunks(
  whole: HostGrads,
  chunks: readonly { grads: HostGrads; length: number }[],
  sequences: readonly string[],
  B: number,
): void {
  for (const [name, expected] of Object.entries(whole)) {
    const own = chunks.map(({ grads, length }) => ({ data: gradientOf(grads, name), length }));
    const sum = expected.map((_, i) => own.reduce((total, { data }) => total + data[i]!, 0));
    // The first chunk starts from the initial state of the whole.
    const actual = sequences.includes(name)
      ? joinPositions(own, B)
      : name === "initialState"
        ? gradientOf(chunks[0]?.grads ?? {}, name)
        : sum;
    checkAgree(`d ${name}`, actual, expected);
  }
}

/** Returns the gradient of the argument `name`. */
export function gradientOf(grads: HostGrads, name: string): Float32Array {
  const data = grads[name];
  check(data !== undefined, `the gradient of ${name} is missing`);
  return data;
}
