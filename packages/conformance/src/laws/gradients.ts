import type { Kernel, Scope, Tensor } from "@mamba/kernel";
import { check } from "../assert.ts";
import type { CaseInput } from "../case.ts";
import { checkAgree, joinPositions, readFloats, slicePositions } from "./harness.ts";

// What the laws of the gradients of scan and convolution share. Names are those of the arguments.

export type Inputs = Readonly<Record<string, CaseInput>>;

/** Gradients on the host. */
export type HostGrads = Readonly<Record<string, Float32Array>>;

/** Positions [from, to) of the arguments that are sequences. */
export function cut(inputs: Inputs, sequences: readonly string[], from: number, to: number): Inputs {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => [
      name,
      sequences.includes(name) ? slicePositions(input, from, to) : input,
    ]),
  );
}

/** Brings gradients to the host and leaves the tensors to `scope`. */
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

/** The gradients of the whole from those of its pieces, the first first: sequences join, the rest adds up. */
export function checkPieces(
  whole: HostGrads,
  pieces: readonly { grads: HostGrads; length: number }[],
  sequences: readonly string[],
  B: number,
): void {
  for (const [name, expected] of Object.entries(whole)) {
    const own = pieces.map(({ grads, length }) => ({ data: part(grads, name), length }));
    const sum = expected.map((_, i) => own.reduce((total, { data }) => total + (data[i] as number), 0));
    // The state before the first piece is that before the whole.
    const actual = sequences.includes(name)
      ? joinPositions(own, B)
      : name === "initialState"
        ? part(pieces[0]?.grads ?? {}, name)
        : sum;
    checkAgree(`d ${name}`, actual, expected);
  }
}

/** With every row's range [start, end): the gradients of the slice alone, and exact zeros around it. */
export function checkRange(
  ranged: HostGrads,
  alone: HostGrads | undefined,
  sequences: readonly string[],
  [B, L, start, end]: readonly [B: number, L: number, start: number, end: number],
): void {
  for (const [name, data] of Object.entries(ranged)) {
    if (!sequences.includes(name)) {
      if (alone) checkAgree(`d ${name}`, data, part(alone, name));
      continue;
    }
    const last = data.length / (B * L);
    data.forEach((value, i) => {
      const l = Math.floor(i / last) % L;
      const outside = l < start || l >= end;
      check(!outside || value === 0, `d ${name} at position ${l} must be 0 outside the range, got ${value}`);
    });
    if (alone) {
      const rows = slicePositions({ data, shape: [B, L, last], dtype: "f32" }, start, end);
      checkAgree(`d ${name}`, rows.data, part(alone, name));
    }
  }
}

function part(grads: HostGrads, name: string): Float32Array {
  const data = grads[name];
  check(data !== undefined, `the gradient of ${name} is missing`);
  return data;
}
