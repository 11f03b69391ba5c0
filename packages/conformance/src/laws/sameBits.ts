import {
  type DType,
  type HostArray,
  isQuantized,
  type Kernel,
  type QuantizedDType,
  quantizedTypes,
  Scope,
  type Tensor,
} from "@mamba/kernel";
import { check } from "../assert.ts";
import { firstDifference } from "../bits.ts";
import { type CaseInput, type OpCase, skipReason, storageSkipReason } from "../case.ts";
import { convCase } from "../ops/causalConv1d.ts";
import { manyRows, type OpSuite } from "../opSuite.ts";
import { suites } from "../opSuites.ts";
import type { SuiteTest } from "../suiteTest.ts";
import { conv } from "./convState.ts";
import { chunksAt, inputsOf, joinPositions, lawTest, load, readFloats } from "./harness.ts";
import { runChunk, type Scan, selective, ssd } from "./scans.ts";

// A kernel with `capabilities.batchInvariant` gives a row the same bits whatever the number of the other rows, and a sequence
// whatever the chunks in which it is computed. `batch.ts` tests the content of the other rows.

/** Rows [from, to) of the results of `manyRows` rows. */
const chosenRows = [
  [0, 1],
  [0, 2],
  [0, 8],
  [0, 9],
  [8, 9],
  [manyRows - 1, manyRows],
] as const;

const chunkLengths = [1, 3, 7, 64, 512];

/** `ssdScan` keeps the bits at boundaries of 64 positions. */
const alignedLengths = [64, 128, 192];

/** @param weights the storage type that the law needs. Default: f32 */
export function bitsLaw(name: string, body: SuiteTest["body"], weights: DType = "f32"): SuiteTest {
  return {
    name: `laws: same bits: ${name}`,
    skip: (kernel) =>
      kernel.capabilities.batchInvariant
        ? storageSkipReason(weights, kernel)
        : "capabilities.batchInvariant is false",
    body,
  };
}

/** Returns rows [from, to) of an input, or the input when it has no rows. */
function rowsOf(
  input: CaseInput,
  names: readonly string[],
  name: string,
  from: number,
  to: number,
): CaseInput {
  if (!names.includes(name)) return input;
  const [, ...rest] = input.shape;
  const row = rest.reduce((a, b) => a * b, 1);
  return { ...input, data: input.data.slice(from * row, to * row), shape: [to - from, ...rest] };
}

/** Runs a case on rows [from, to). Returns the outputs and the states that were updated in place. */
async function run(
  kernel: Kernel,
  item: OpCase,
  names: readonly string[],
  from: number,
  to: number,
): Promise<Record<string, HostArray>> {
  using scope = new Scope();
  const inputs = Object.fromEntries(
    Object.entries(inputsOf(item)).map(([name, input]) => [name, rowsOf(input, names, name, from, to)]),
  );
  const tensors = load(kernel, scope, inputs);
  const results: Record<string, Tensor> = {};
  for (const [name, output] of Object.entries(item.run(kernel, tensors, undefined, from)))
    results[name] = scope.use(output);
  for (const [name, tensor] of Object.entries(tensors)) if (inputs[name]?.inPlace) results[name] = tensor;
  const read = await kernel.read(...Object.values(results));
  return Object.fromEntries(Object.keys(results).flatMap((name, i) => (read[i] ? [[name, read[i]]] : [])));
}

export function checkSame(
  what: string,
  actual: HostArray | undefined,
  expected: HostArray | undefined,
): void {
  const at = firstDifference(actual, expected);
  check(at === undefined, `${what}: element ${at} must be ${expected?.[at ?? 0]}, got ${actual?.[at ?? 0]}`);
}

async function checkRows(
  kernels: readonly Kernel[],
  item: OpCase,
  names: readonly string[],
  results: readonly string[] | undefined,
): Promise<void> {
  let first: Record<string, HostArray> | undefined;
  for (const kernel of kernels) {
    const whole = await run(kernel, item, names, 0, manyRows);
    first ??= whole;
    for (const [name, data] of Object.entries(whole)) {
      checkSame(`${item.name}: ${name} of another configuration`, data, first[name]);
    }
    for (const [from, to] of chosenRows) {
      for (const [name, data] of Object.entries(await run(kernel, item, names, from, to))) {
        if (results?.includes(name) === false) continue;
        const row = data.length / (to - from);
        const expected = whole[name]?.slice(from * row, to * row);
        checkSame(`${item.name}: ${name}, rows ${from} to ${to - 1} alone`, data, expected);
      }
    }
  }
}

function rowsTest({ op, batched, many = [] }: OpSuite): SuiteTest[] {
  if (many.length === 0 || batched === undefined) return [];
  const names = [...batched.arguments, ...(batched.integers ?? [])];
  const law = (what: string, items: readonly OpCase[], weights?: QuantizedDType): SuiteTest =>
    bitsLaw(
      `${what} of 1, 2, 8, 9 and ${manyRows} rows`,
      async (session) => {
        const kernel = await session.kernel();
        const kernels = [kernel, ...(await session.variants())];
        for (const item of items) {
          if (skipReason(item, kernel) === undefined) await checkRows(kernels, item, names, batched.results);
        }
      },
      weights,
    );
  const ofType = (type: QuantizedDType | undefined) => many.filter((item) => quantizedType(item) === type);
  return [
    law(op, ofType(undefined)),
    ...quantizedTypes.flatMap((type) => {
      const items = ofType(type);
      return items.length > 0 ? [law(`${op} with ${type} weights`, items, type)] : [];
    }),
  ];
}

/** The quantised type of a case's weight, if it has one. */
function quantizedType({ requires }: OpCase): QuantizedDType | undefined {
  return requires.map(({ dtype }) => dtype).find(isQuantized);
}

const convFlags = {
  ...{ initialState: true, sequenceIds: false, finalState: true, view: false },
  ...{ bias: true, silu: true },
};

/** Positions at which a sequence is cut into chunks of equal length. */
function cutsEvery(chunk: number, length: number): number[] {
  return Array.from({ length: Math.ceil(length / chunk) - 1 }, (_, i) => (i + 1) * chunk);
}

/** Checks that a sequence in chunks of each length gives the bits of the whole. */
function chunksTest(item: OpCase, compute: typeof conv, lengths: readonly number[]): SuiteTest {
  const { B = 1, L = 1 } = item.sizes;
  const { body } = lawTest(item.name, async (kernel, scope) => {
    const inputs = inputsOf(item);
    const whole = compute(kernel, scope, inputs, 0, L);
    const y = await readFloats(kernel, whole.y);
    const finalState = await readFloats(kernel, whole.finalState);
    for (const length of lengths) {
      let state: Tensor | undefined;
      const chunks = [];
      for (const { from, to } of chunksAt(L, cutsEvery(length, L))) {
        const chunk = compute(kernel, scope, inputs, from, to, state);
        chunks.push({ data: await readFloats(kernel, chunk.y), length: to - from });
        state = chunk.finalState;
      }
      check(state !== undefined, "a sequence has a chunk");
      checkSame(`y in chunks of ${length}`, joinPositions(chunks, B), y);
      checkSame(`finalState in chunks of ${length}`, await readFloats(kernel, state), finalState);
    }
  });
  return bitsLaw(`${item.name} in chunks of ${lengths.join(", ")}`, body);
}

/** `chunksTest` of a scan. */
function scanTest(scan: Scan, lengths: readonly number[]): SuiteTest {
  return chunksTest(scan.forwardCase, (...args) => runChunk(scan, ...args), lengths);
}

export const sameBitsTests: readonly SuiteTest[] = [
  ...suites.flatMap(rowsTest),
  scanTest(selective(2, 130, 5, 16), chunkLengths),
  scanTest(selective(1, 600, 3, 4), chunkLengths),
  scanTest(ssd(2, 200, 4, 5, 2, 8), alignedLengths),
  scanTest(ssd(1, 450, 2, 3, 1, 16), alignedLengths),
  chunksTest(convCase(2, 130, 5, 4, convFlags), conv, chunkLengths),
  chunksTest(convCase(1, 600, 3, 5, convFlags), conv, chunkLengths),
];
