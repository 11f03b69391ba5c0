import { type Kernel, type Scope, type Tensor, type TrainingKernel } from "@mamba/kernel";
import { check, checkEqual } from "../assert.ts";
import { floats, ints } from "../case.ts";
import { type AttentionShape, shapeLabel } from "../cases/attentionInputs.ts";
import { attentionInputs } from "../ops/attention.ts";
import { attentionResults } from "../ops/attentionBackward.ts";
import { Random } from "../random.ts";
import type { SuiteTest } from "../suiteTest.ts";
import { type HostGrads, type Inputs, readGrads } from "./gradients.ts";
import {
  checkAgree,
  chunksAt,
  copyPositions,
  joinPositions,
  lawTest,
  load,
  pickPositions,
  readFloats,
  trainingLaw,
} from "./harness.ts";
import { bitsLaw, checkSame } from "./sameBits.ts";

// Attention of a sequence in chunks, with a cache of any capacity, is the attention of the whole. Packed sequences give what each gives
// alone. A router gives different experts of a row, whatever the logits are.

const shapes: readonly AttentionShape[] = [
  { B: 2, L: 130, H: 4, G: 2, K: 8, V: 6 },
  { B: 1, L: 200, H: 3, G: 1, K: 5, V: 16 },
];

const callOf = ({ H, G, K }: AttentionShape) => ({ heads: H, kvHeads: G, scale: K ** -0.5 });

/** The inputs q, k and v of a shape. */
function drawn(shape: AttentionShape): Record<"q" | "k" | "v", Inputs[string]> {
  const { q, k, v } = attentionInputs("attention law", shape, {}).args;
  return { q, k, v };
}

/** The attention of a sequence that is cut at these positions, with a cache of T positions that hold NaN at first. */
async function inChunks(
  kernel: Kernel,
  scope: Scope,
  shape: AttentionShape,
  cuts: readonly number[],
  T: number,
): Promise<{ y: Float32Array; keys: Float32Array }> {
  const { B, L, G, K, V } = shape;
  const inputs = drawn(shape);
  const cache = (width: number): Tensor =>
    scope.use(kernel.upload(new Float32Array(B * T * width).fill(NaN), [B, T, width], "f32"));
  const [keys, values] = [cache(G * K), cache(G * V)];
  const chunks = [];
  for (const { from, to } of chunksAt(L, cuts)) {
    const { q, k, v, lengths } = load(kernel, scope, {
      q: copyPositions(inputs.q, from, to),
      k: copyPositions(inputs.k, from, to),
      v: copyPositions(inputs.v, from, to),
      lengths: ints(new Array<number>(B).fill(from), [B]),
    });
    check(
      q !== undefined && k !== undefined && v !== undefined && lengths !== undefined,
      "the inputs of a chunk",
    );
    const y = scope.use(kernel.cachedAttention({ q, k, v, keys, values, lengths, ...callOf(shape) }));
    chunks.push({ data: await readFloats(kernel, y), length: to - from });
  }
  return { y: joinPositions(chunks, B), keys: await readFloats(kernel, keys) };
}

const every = (chunk: number, L: number): number[] =>
  Array.from({ length: Math.ceil(L / chunk) - 1 }, (_, i) => (i + 1) * chunk);

/** Ways to cut a sequence: of equal lengths, in tokens after a prompt, and unevenly. */
const cutsOf = (L: number): [name: string, cuts: number[]][] => [
  ["one chunk", []],
  ...[1, 3, 7, 64].map((chunk): [string, number[]] => [`chunks of ${chunk}`, every(chunk, L)]),
  ["a prompt and tokens", Array.from({ length: L - 101 }, (_, i) => 101 + i)],
  ["chunks of 1, 62, 2 and the rest", [1, 63, 65]],
];

const chunkTests: readonly SuiteTest[] = shapes.flatMap((shape) => {
  const { L } = shape;
  const agrees = lawTest(
    `cached attention in chunks = attention of the whole, ${shapeLabel(shape)}`,
    async (kernel, scope) => {
      const { q, k, v } = load(kernel, scope, drawn(shape));
      check(q !== undefined && k !== undefined && v !== undefined, "the inputs");
      const y = await readFloats(kernel, scope.use(kernel.attention({ q, k, v, ...callOf(shape) })));
      for (const [name, cuts] of cutsOf(L)) {
        checkAgree(`y in ${name}`, (await inChunks(kernel, scope, shape, cuts, L + 3)).y, y);
      }
    },
  );
  const { body } = lawTest("bits", async (kernel, scope) => {
    const whole = await inChunks(kernel, scope, shape, [], L);
    for (const [name, cuts] of cutsOf(L)) {
      const { y } = await inChunks(kernel, scope, shape, cuts, L + 71);
      checkSame(`y in ${name}, with a larger cache`, y, whole.y);
    }
    const again = await inChunks(kernel, scope, shape, [64], L);
    checkSame("keys in two chunks", again.keys, whole.keys);
  });
  return [
    agrees,
    bitsLaw(`cached attention in chunks and caches of any capacity, ${shapeLabel(shape)}`, body),
  ];
});

/** Numbers of sequences: runs of equal ids, and a number that comes back. Negative numbers are padding. */
const layouts: readonly (readonly [id: number, count: number][])[] = [
  [
    [0, 5],
    [1, 1],
    [2, 7],
  ],
  [
    [-1, 4],
    [9, 9],
    [-3, 2],
  ],
  [
    [3, 63],
    [4, 66],
    [-1, 3],
    [5, 40],
  ],
  [
    [7, 10],
    [-1, 120],
    [7, 30],
  ],
  [[-1, 7]],
  [
    [6, 3],
    [2, 4],
    [6, 5],
  ],
];

const gradientsOf = async (
  kernel: TrainingKernel,
  scope: Scope,
  shape: AttentionShape,
  inputs: Inputs,
): Promise<HostGrads> => {
  const { q, k, v, dy, sequenceIds } = load(kernel, scope, inputs);
  check(q !== undefined && k !== undefined && v !== undefined && dy !== undefined, "the inputs");
  const args = { q, k, v, sequenceIds, ...callOf(shape) };
  const { y, residual } = scope.use(attentionResults(kernel, args));
  return readGrads(kernel, scope, { ...kernel.attentionBackward(dy, args, y, residual) });
};

const resultOf = async (
  kernel: Kernel,
  scope: Scope,
  shape: AttentionShape,
  inputs: Inputs,
): Promise<Float32Array> => {
  const { q, k, v, sequenceIds } = load(kernel, scope, inputs);
  check(q !== undefined && k !== undefined && v !== undefined, "the inputs");
  return readFloats(kernel, scope.use(kernel.attention({ q, k, v, sequenceIds, ...callOf(shape) })));
};

/** The positions of each sequence of a row, and of its padding. */
function positionsOf(row: readonly number[]) {
  const of = (id: number) => row.flatMap((other, l) => (other === id ? [l] : []));
  return {
    sequences: [...new Set(row.filter((id) => id >= 0))].map(of),
    padding: row.flatMap((id, l) => (id < 0 ? [l] : [])),
  };
}

/** Compares each named [B, L, last] result of a packed call with those of the sequences alone. */
function checkPacked(
  packed: Readonly<Record<string, Float32Array>>,
  alone: readonly Readonly<Record<string, Float32Array>>[],
  row: readonly number[],
  B: number,
): void {
  const { sequences, padding } = positionsOf(row);
  for (const [name, data] of Object.entries(packed)) {
    const rows = floats(data, [B, row.length, data.length / (B * row.length)]);
    const zeros = pickPositions(rows, padding).data;
    checkEqual(`${name} at padding: numbers but 0`, zeros.filter((value: number) => value !== 0).length, 0);
    sequences.forEach((positions, index) => {
      const own = alone[index]?.[name];
      check(own !== undefined, `${name} of sequence ${index}`);
      checkAgree(`${name} of sequence ${index}`, pickPositions(rows, positions).data, own);
    });
  }
}

const packingTests: readonly SuiteTest[] = layouts.flatMap((layout, i) => {
  const row = layout.flatMap(([id, count]) => new Array<number>(count).fill(id));
  const shape = { B: 2, L: row.length, H: 4, G: [2, 1, 4][i % 3] ?? 1, K: [5, 8][i % 2] ?? 5, V: 6 };
  const label = layout.map(([id, count]) => `${id} x ${count}`).join(", ");
  const inputs = () => {
    const { args, dy } = attentionInputs("packing law", shape, {});
    const { q, k, v } = args;
    const whole = { q, k, v, dy };
    const ids = ints([...row, ...row], [shape.B, shape.L]);
    const alone = positionsOf(row).sequences.map((positions) =>
      Object.fromEntries(
        Object.entries(whole).map(([name, input]) => [name, pickPositions(input, positions)]),
      ),
    );
    return { whole: { ...whole, sequenceIds: ids }, alone };
  };
  return [
    lawTest(`attention of ${label} = attention of each sequence alone`, async (kernel, scope) => {
      const { whole, alone } = inputs();
      const own = [];
      for (const one of alone) own.push({ y: await resultOf(kernel, scope, shape, one) });
      checkPacked({ y: await resultOf(kernel, scope, shape, whole) }, own, row, shape.B);
    }),
    trainingLaw(
      `gradient of an attention of ${label} = those of each sequence alone`,
      async (kernel, scope) => {
        const { whole, alone } = inputs();
        const own = [];
        for (const one of alone) own.push(await gradientsOf(kernel, scope, shape, one));
        checkPacked(await gradientsOf(kernel, scope, shape, whole), own, row, shape.B);
      },
    ),
  ];
});

/** Ids of a row must be in range and different also for logits without an order. */
const routeTest = lawTest("a row has different experts whatever its logits", async (kernel, scope) => {
  const [R, E, K] = [12, 9, 5];
  const data = new Random("route law").normals(R * E);
  data.fill(NaN, 0, E);
  data.set([NaN, 1, NaN, NaN, 2, NaN, NaN, NaN, NaN], E);
  data.fill(Infinity, 2 * E, 3 * E);
  data.fill(-Infinity, 3 * E, 4 * E);
  data.set([-Infinity, NaN, Infinity, -Infinity, NaN], 4 * E);
  const logits = scope.use(kernel.upload(data, [R, E], "f32"));
  for (const scoring of ["softmax", "topSoftmax", "sigmoid"] as const) {
    const { experts, weights } = kernel.routeExperts({ logits, perToken: K, scoring, normalize: true });
    scope.use(weights);
    const [ids] = await kernel.read(scope.use(experts));
    for (let r = 0; r < R; r++) {
      const row = Array.from(ids?.subarray(r * K, (r + 1) * K) ?? []);
      const valid = row.every((id) => id >= 0 && id < E) && new Set(row).size === K;
      check(
        valid,
        `${scoring}: the experts of row ${r} must be different and in [0, ${E}), got ${row.join(", ")}`,
      );
    }
  }
});

export const attentionTests: readonly SuiteTest[] = [...chunkTests, ...packingTests, routeTest];
