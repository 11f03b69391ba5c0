import type { HostArray, Tensor } from "@mamba/kernel";
import { expect, test } from "vitest";
import { openCpuKernel } from "../src/create.ts";
import type { CpuKernel } from "../src/kernel.ts";

const [batch, length, heads, headDim, groups] = [2, 100, 6, 5, 2];
const tokens = 20;
const stateSizes = [1, 5, 8, 22];

interface Inputs {
  readonly x: Tensor;
  readonly B: Tensor;
  readonly C: Tensor;
  readonly logDecay: Tensor;
  readonly weight: Tensor;
  readonly D: Tensor;
  readonly heads: number;
  readonly groups: number;
}

/** Numbers from -1 to 1 that look random. */
function numbers(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(seed + i * i * 0.37 + i));
}

/** Returns a function that uploads the inputs of positions [from, to), always the same numbers for a position. */
function inputsOf(kernel: CpuKernel, stateSize: number): (from: number, to: number) => Inputs {
  const rows = (columns: number, seed: number, map = (value: number) => value) => {
    const all = numbers(batch * length * columns, seed).map(map);
    return (from: number, to: number): Tensor => {
      const count = (to - from) * columns;
      const data = new Float32Array(batch * count);
      for (let b = 0; b < batch; b++) {
        const start = (b * length + from) * columns;
        data.set(all.subarray(start, start + count), b * count);
      }
      return kernel.upload(data, [batch, to - from, columns], "f32");
    };
  };
  const x = rows(heads * headDim, 1);
  const B = rows(groups * stateSize, 2);
  const C = rows(groups * stateSize, 3);
  const logDecay = rows(heads, 4, (value) => -Math.abs(value));
  const weight = rows(heads, 5, Math.abs);
  const D = kernel.upload(numbers(heads, 6), [heads], "f32");
  return (from, to) => ({
    ...{ x: x(from, to), B: B(from, to), C: C(from, to) },
    ...{ logDecay: logDecay(from, to), weight: weight(from, to), D, heads, groups },
  });
}

function firstDifference(actual: HostArray | undefined, expected: HostArray | undefined): number | undefined {
  return expected?.findIndex((value, i) => !Object.is(value, actual?.[i]));
}

/** Returns y of positions [from, to) of the whole result. */
function positions(y: HostArray | undefined, from: number, to: number): Float32Array {
  const width = heads * headDim;
  const result = new Float32Array(batch * (to - from) * width);
  for (let b = 0; b < batch; b++) {
    const start = (b * length + from) * width;
    result.set((y as Float32Array).subarray(start, start + (to - from) * width), b * (to - from) * width);
  }
  return result;
}

test.each(stateSizes)("a scan has the same bits at once, in chunks and token by token (N %i)", async (N) => {
  await using kernel = await openCpuKernel(2, { shareAbove: 0, wakeAbove: 0 });
  const inputs = inputsOf(kernel, N);
  const whole = kernel.ssdScan(inputs(0, length), { finalState: true });
  const [y, finalState] = await kernel.read(whole.y, whole.finalState);
  let initialState: Tensor = kernel.zeros([batch, heads, headDim, N], "f32");
  const lengths = [1, 7, 30, 62];
  let from = 0;
  for (const count of lengths) {
    const args = { ...inputs(from, from + count), initialState };
    const chunk = kernel.ssdScan(args, { finalState: true });
    const [part] = await kernel.read(chunk.y);
    expect(firstDifference(part, positions(y, from, from + count))).toBe(-1);
    initialState = chunk.finalState;
    from += count;
  }
  expect(from).toBe(length);
  expect(firstDifference((await kernel.read(initialState))[0], finalState)).toBe(-1);

  const state = kernel.zeros([batch, heads, headDim, N], "f32");
  for (let l = 0; l < tokens; l++) {
    const [token] = await kernel.read(kernel.ssdStateUpdate(state, inputs(l, l + 1)));
    expect(firstDifference(token, positions(y, l, l + 1))).toBe(-1);
  }
});

test.each(stateSizes)("an infinite input meets no number beyond the state (N %i)", async (N) => {
  await using kernel = await openCpuKernel(1);
  const ones = (columns: number) =>
    kernel.upload(new Float32Array(3 * columns).fill(1), [1, 3, columns], "f32");
  const args = {
    ...{ B: ones(N), C: ones(N), logDecay: ones(1), weight: ones(1), heads: 1, groups: 1 },
    x: kernel.upload(Float32Array.of(1, 1, 1, Infinity, 1, 1), [1, 3, 2], "f32"),
  };
  const { y } = kernel.ssdScan(args);
  const [values] = await kernel.read(y);
  expect([...(values as Float32Array)].map((value) => Number.isFinite(value))).toEqual([
    ...[true, true, true, false, true, false],
  ]);
  expect([values?.[3], values?.[5]]).toEqual([Infinity, Infinity]);
  const state = kernel.zeros([1, 1, 2, N], "f32");
  const one = (columns: number) => kernel.upload(new Float32Array(columns).fill(1), [1, columns], "f32");
  const token = kernel.ssdStateUpdate(state, {
    ...{ B: one(N), C: one(N), logDecay: one(1), weight: one(1), heads: 1, groups: 1 },
    x: kernel.upload(Float32Array.of(Infinity, 1), [1, 2], "f32"),
  });
  expect([...((await kernel.read(token))[0] as Float32Array)]).toEqual([Infinity, N]);
});
