import { type HostArray, type Kernel, Scope, type Tensor } from "@mamba/kernel";
import { check } from "../assert.ts";
import type { CaseInput, OpCase } from "../case.ts";
import { checkNoLeak } from "../leak.ts";
import { loadInput } from "../load.ts";
import { disagreement } from "../nmse.ts";
import type { SuiteTest } from "../suite.ts";

/** Uploads inputs, runs `body`, frees everything and checks that nothing leaked. */
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

/** The inputs of a case, all there. */
export function inputsOf(item: OpCase): Record<string, CaseInput> {
  return Object.fromEntries(
    Object.entries(item.inputs()).flatMap(([name, input]) => (input ? [[name, input]] : [])),
  );
}

/** Uploads the inputs that are there. */
export function load(
  kernel: Kernel,
  scope: Scope,
  inputs: Readonly<Record<string, CaseInput>>,
): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => [name, loadInput(kernel, input, scope).tensor]),
  );
}

/** Positions [from, to) along axis 1 of [B, L, last] data. */
export function slicePositions(input: CaseInput, from: number, to: number): CaseInput {
  const [B = 1, L = 1, last = 1] = input.shape;
  const data = input.data.slice(0, B * (to - from) * last);
  for (let b = 0; b < B; b++) {
    data.set(input.data.subarray((b * L + from) * last, (b * L + to) * last), b * (to - from) * last);
  }
  return { ...input, data, shape: [B, to - from, last] };
}

/** One float32 result. */
export async function readFloats(kernel: Kernel, tensor: Tensor): Promise<Float32Array> {
  const [data] = await kernel.read(tensor);
  check(data instanceof Float32Array, `read: expected a Float32Array, got ${data?.constructor.name}`);
  return data;
}

/** Two ways to the same result agree to float32 rounding. */
export function checkAgree(what: string, actual: HostArray, expected: HostArray, tolerance = 1e-10): void {
  const why = disagreement(actual, Float64Array.from(expected), tolerance);
  check(why === undefined, `${what}: ${why}`);
}
