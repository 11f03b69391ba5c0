import { type HostArray, type Tensor, toFloat32 } from "@mamba/kernel";
import { expect, test } from "vitest";
import { openCpuKernel } from "../src/create.ts";
import type { CpuKernel } from "../src/kernel.ts";
import type { CpuTensor } from "../src/tensor.ts";

const [outFeatures, inFeatures] = [1344, 32];

/** All f16 whose magnitude is below 64, twice: 43,008 numbers, 2,048 of them subnormal or zero. */
function smallHalves(): Uint16Array {
  return Uint16Array.from({ length: outFeatures * inFeatures }, (_, i) => {
    const magnitude = (i >> 1) % 0x5400;
    return i & 1 ? magnitude | 0x8000 : magnitude;
  });
}

/** Compares numbers one by one, which is faster than toEqual: -0 differs from 0, all NaNs are equal. */
function expectSame(actual: HostArray | undefined, expected: HostArray | undefined, what = ""): void {
  expect(actual?.length, what).toBe(expected?.length);
  expect(
    expected?.findIndex((value, i) => !Object.is(value, actual?.[i])),
    what,
  ).toBe(-1);
}

function isPacked(weight: Tensor): boolean {
  return (weight as CpuTensor).storage.restore !== undefined;
}

/** Checks, bit for bit, all ops that read weights against the same ops on f32 weights; a product with one row is the first. */
async function checkProducts(kernel: CpuKernel, weight: Tensor, bits: Uint16Array): Promise<void> {
  const shape = [bits.length / inFeatures, inFeatures];
  const wide = kernel.upload(toFloat32(bits, "f16"), shape, "f32");
  for (const rows of [1, 2, 9, 33]) {
    const x = kernel.upload(
      Float32Array.from({ length: rows * inFeatures }, (_, i) => Math.sin(i)),
      [rows, inFeatures],
      "f32",
    );
    const [actual, expected] = await kernel.read(kernel.linear(x, weight), kernel.linear(x, wide));
    expectSame(actual, expected, `${rows} rows`);
  }
  const ids = kernel.upload(Int32Array.of(5, 0, 30), [3], "i32");
  const [rows, wideRows] = await kernel.read(kernel.embedding(ids, weight), kernel.embedding(ids, wide));
  expectSame(rows, wideRows, "embedding");
}

async function setUp(threads = 1, tuning = {}) {
  const kernel = await openCpuKernel(threads, { shareAbove: 0, wakeAbove: 0, ...tuning });
  const x = kernel.upload(
    Float32Array.from({ length: inFeatures }, (_, i) => Math.cos(i)),
    [1, inFeatures],
    "f32",
  );
  /** Uploads weights and packs them. */
  const packed = (bits: Uint16Array): Tensor => {
    const weight = kernel.upload(bits, [bits.length / inFeatures, inFeatures], "f16");
    kernel.linear(x, weight);
    expect(isPacked(weight)).toBe(true);
    return weight;
  };
  return { kernel, x, packed, bits: smallHalves() };
}

test.each([
  ["one thread", 1, {}],
  ["two threads", 2, {}],
  ["a further memory", 2, { mainBytes: 0, smallBytes: 0 }],
])(
  "f16 below 64 are packed at the first product with one row, and come back: %s",
  async (_, threads, tuning) => {
    const { kernel, packed, bits } = await setUp(threads, tuning);
    const weight = packed(bits);
    await checkProducts(kernel, weight, bits);
    expect(isPacked(weight)).toBe(true);
    const [read] = await kernel.read(weight);
    expectSame(read, bits);
    expect(isPacked(weight)).toBe(false);
    await kernel.dispose();
  },
);

test("rows of x that are too large for the scaled product are exact", async () => {
  const { kernel, packed, bits } = await setUp();
  const weight = packed(bits);
  const wide = kernel.upload(toFloat32(bits, "f16"), weight.shape, "f32");
  for (const large of [2 ** 24, 2 ** 25, 2 ** 60, 2 ** 120, Infinity, NaN]) {
    const x = kernel.upload(
      new Float32Array(inFeatures).fill(2 ** -140).fill(large, 3, 4),
      [1, inFeatures],
      "f32",
    );
    const [actual, expected] = await kernel.read(kernel.linear(x, weight), kernel.linear(x, wide));
    expectSame(actual, expected, `${large}`);
  }
  await kernel.dispose();
});

test.each([
  ["64", 0x5400],
  ["the largest f16", 0xfbff],
  ["infinity", 0x7c00],
  ["NaN", 0x7e01],
])("a chunk with %s is written to packed memory, which is packed again without it", async (_, bit) => {
  const { kernel, packed, bits } = await setUp();
  const weight = packed(bits);
  const chunk = bits.slice(64, 128).reverse();
  chunk[7] = bit;
  const written = bits.slice();
  written.set(chunk, 640);
  kernel.write(weight, 640, chunk);
  await checkProducts(kernel, weight, written);
  expect(isPacked(weight)).toBe(false);
  chunk[7] = 0x8001;
  written.set(chunk, 640);
  kernel.write(weight, 640, chunk);
  await checkProducts(kernel, weight, written);
  expect(isPacked(weight)).toBe(true);
  expectSame((await kernel.read(weight))[0], written);
  await kernel.dispose();
});

test("all readers and writers of memory see f16", async () => {
  const { kernel, packed, bits, x } = await setUp();
  const half = (values: Uint16Array) => kernel.upload(values, [outFeatures, inFeatures], "f16");
  const reads = async (tensor: Tensor, values: Uint16Array) =>
    expectSame((await kernel.read(tensor))[0], values);
  await reads(
    kernel.gatherRows(packed(bits), [3, 1]),
    Uint16Array.of(...bits.slice(96, 128), ...bits.slice(32, 64)),
  );
  const columns = kernel.columns(packed(bits), 3, 9);
  const expected = Uint16Array.from(
    { length: outFeatures * 9 },
    (_, i) => bits[Math.floor(i / 9) * inFeatures + 3 + (i % 9)]!,
  );
  await reads(columns, expected);
  const copy = half(bits.slice().reverse());
  kernel.linear(x, copy);
  kernel.copyInto(copy, packed(bits));
  await reads(copy, bits);
  const narrowed = packed(bits.slice().reverse());
  kernel.copyInto(narrowed, kernel.upload(toFloat32(bits, "f16"), [outFeatures, inFeatures], "f32"));
  await checkProducts(kernel, narrowed, bits);
  const dy = kernel.upload(
    Float32Array.from({ length: 2 * outFeatures }, (_, i) => Math.sin(i)),
    [2, outFeatures],
    "f32",
  );
  const wide = kernel.upload(toFloat32(bits, "f16"), [outFeatures, inFeatures], "f32");
  const [dx, wideDx] = await kernel.read(
    kernel.linearBackwardInput(dy, packed(bits)),
    kernel.linearBackwardInput(dy, wide),
  );
  expectSame(dx, wideDx);
  await kernel.dispose();
});

test("views of packed memory give the products of their numbers", async () => {
  const { kernel, packed, bits } = await setUp();
  const weight = packed(bits);
  await checkProducts(kernel, kernel.rows(weight, 8, 40), bits.slice(8 * inFeatures, 48 * inFeatures));
  expect(isPacked(weight)).toBe(true);
  // Rows of 28 numbers are no whole groups.
  const reshaped = kernel.reshape(weight, [1536, 28]);
  const x = kernel.upload(
    Float32Array.from({ length: 28 }, (_, i) => Math.cos(i)),
    [1, 28],
    "f32",
  );
  const wide = kernel.upload(toFloat32(bits, "f16"), [1536, 28], "f32");
  const [actual, expected] = await kernel.read(kernel.linear(x, reshaped), kernel.linear(x, wide));
  expectSame(actual, expected);
  expect(isPacked(weight)).toBe(false);
  await kernel.dispose();
});
