import { type HostArray, type Kernel, Scope, type Tensor, type TrainingKernel } from "@mamba/kernel";
import { check } from "../assert.ts";
import { type CaseInput, type OpCase, trainingKernel, trainingSkipReason } from "../case.ts";
import { checkNoLeak } from "../leak.ts";
import { loadInput } from "../load.ts";
import { disagreement } from "../nmse.ts";
import type { Positions } from "../sequences.ts";
import type { SuiteTest } from "../suiteTest.ts";

/** The calls and checks of a law. `scope` owns its tensors. */
export type Body = (kernel: Kernel, scope: Scope) => Promise<void>;

export function lawTest(name: string, body: Body): SuiteTest {
  return {
    name: `laws: ${name}`,
    body: async (session) => {
      const kernel = await session.kernel();
      await checkNoLeak(name, kernel, async () => {
        using scope = new Scope();
        await body(kernel, scope);
      });
    },
  };
}

/** A law of the training ops. It is skipped when the kernel has none. */
export function trainingLaw(
  name: string,
  body: (kernel: TrainingKernel, scope: Scope) => Promise<void>,
): SuiteTest {
  const test = lawTest(name, async (kernel, scope) => body(trainingKernel(name, kernel), scope));
  return { ...test, skip: trainingSkipReason };
}

/** Returns the inputs of a case without the absent ones. */
export function inputsOf(item: OpCase): Record<string, CaseInput> {
  return Object.fromEntries(
    Object.entries(item.inputs()).flatMap(([name, input]) => (input ? [[name, input]] : [])),
  );
}

/** Uploads inputs; `scope` owns the tensors. */
export function load(
  kernel: Kernel,
  scope: Scope,
  inputs: Readonly<Record<string, CaseInput>>,
): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => [name, loadInput(kernel, input, scope).tensor]),
  );
}

/** Uploads the input `name`, which the case has. */
export function loadOne(
  kernel: Kernel,
  scope: Scope,
  inputs: Readonly<Record<string, CaseInput>>,
  name: string,
): Tensor {
  const input = inputs[name];
  check(input !== undefined, `the case has ${name}`);
  return loadInput(kernel, input, scope).tensor;
}

/** The chunks of a sequence of `length` positions that is cut at these positions. */
export function chunksAt(length: number, cuts: readonly number[]): { from: number; to: number }[] {
  const ends = [...cuts, length];
  return ends.map((to, i) => ({ from: ends[i - 1] ?? 0, to }));
}

/** Copies positions [from, to) of [B, L, last] data. */
export function copyPositions(input: CaseInput, from: number, to: number): CaseInput {
  return pickPositions(
    input,
    Array.from({ length: to - from }, (_, i) => from + i),
  );
}

/** Copies these positions of [B, L, last] data. */
export function pickPositions(input: CaseInput, positions: Positions): CaseInput {
  const [B = 1, L = 1, last = 1] = input.shape;
  const count = positions.length;
  const data = input.data.slice(0, B * count * last);
  for (let b = 0; b < B; b++) {
    positions.forEach((l, i) => {
      data.set(input.data.subarray((b * L + l) * last, (b * L + l + 1) * last), (b * count + i) * last);
    });
  }
  return { ...input, data, shape: [B, count, last] };
}

/** Joins chunks of [B, L, last] data along L: the inverse of `copyPositions`. */
export function joinPositions(
  chunks: readonly { data: Float32Array; length: number }[],
  B: number,
): Float32Array {
  const L = chunks.reduce((sum, { length }) => sum + length, 0);
  const last = (chunks[0]?.data.length ?? 0) / (B * (chunks[0]?.length ?? 1));
  const out = new Float32Array(B * L * last);
  let from = 0;
  for (const { data, length } of chunks) {
    for (let b = 0; b < B; b++) {
      out.set(data.subarray(b * length * last, (b + 1) * length * last), (b * L + from) * last);
    }
    from += length;
  }
  return out;
}

/** Reads a float32 tensor. */
export async function readFloats(kernel: Kernel, tensor: Tensor): Promise<Float32Array> {
  const [data] = await kernel.read(tensor);
  check(data instanceof Float32Array, `read: expected a Float32Array, got ${data?.constructor.name}`);
  return data;
}

/** Checks that two results agree to float32 rounding. */
export function checkAgree(what: string, actual: HostArray, expected: HostArray, tolerance = 1e-10): void {
  const why = disagreement(actual, Float64Array.from(expected), tolerance);
  check(why === undefined, `${what}: ${why}`);
}
