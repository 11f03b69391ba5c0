import { expect, test } from "vitest";
import { arraySource } from "./arraySource.ts";
import { augmented, shifted } from "./augmented.ts";
import { parseIdx } from "./idx.ts";
import { parseNpy } from "./npy.ts";
import { packRows } from "./packRows.ts";
import { splitSource } from "./splitSource.ts";
import { readAll } from "../../test/readAll.ts";

function refused(make: () => unknown, message: string, code = "DATA"): void {
  expect(make).toThrow(expect.objectContaining({ code }));
  expect(make).toThrow(message);
}

/** An .npy file with a header as given. */
function npy(header: string, data: ArrayBufferView | readonly number[], version = 1): Uint8Array {
  const text = new TextEncoder().encode(header);
  const length =
    version === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, text.length >> 8, 0, 0];
  const bytes = ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : data;
  return Uint8Array.from([
    0x93,
    ...new TextEncoder().encode("NUMPY"),
    version,
    0,
    ...length,
    ...text,
    ...bytes,
  ]);
}
const headerOf = (descr: string, shape: string, fortran = "False") =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`;

test.each([
  ["<f4", Float32Array.of(1.5, NaN, -2)],
  ["<f8", Float64Array.of(1.5, 1e300, -2)],
  ["|i1", Int8Array.of(1, -128, 127)],
  ["<i2", Int16Array.of(1, -300, 3)],
  ["<i4", Int32Array.of(1, -70_000, 3)],
  ["|u1", Uint8Array.of(1, 255, 3)],
  ["<u2", Uint16Array.of(1, 65535, 3)],
  ["<u4", Uint32Array.of(1, 2 ** 32 - 1, 3)],
  ["|b1", Uint8Array.of(1, 0, 1)],
])("NumPy's %s in both byte orders and all versions", (descr, data) => {
  for (const version of [1, 2, 3]) {
    const file = npy(headerOf(descr, "(3,)"), data, version);
    expect(parseNpy(file, "a.npy")).toEqual({ name: "a.npy", shape: [3], data });
  }
  const size = data.BYTES_PER_ELEMENT;
  const swapped = new Uint8Array(data.buffer.slice(0));
  for (let i = 0; i < swapped.length; i += size) swapped.subarray(i, i + size).reverse();
  expect(parseNpy(npy(headerOf(descr.replace("<", ">"), "(3, 1)"), swapped), "a.npy")).toEqual({
    name: "a.npy",
    shape: [3, 1],
    data,
  });
});

test("NumPy's integers of 64 bits are float64; those beyond 2^53 are refused", () => {
  const file = (value: bigint) => npy(headerOf("<i8", "()"), BigInt64Array.of(value));
  expect(parseNpy(file(-(2n ** 53n) + 1n), "a.npy")).toEqual({
    name: "a.npy",
    shape: [],
    data: Float64Array.of(1 - 2 ** 53),
  });
  refused(
    () => parseNpy(file(2n ** 53n), "a.npy"),
    "a.npy, element 0: expected a number of its type, got 9007199254740992 is beyond",
  );
});

test.each([
  [Uint8Array.of(1, 2, 3), "expected a NumPy .npy file, got another beginning"],
  [npy(headerOf("<f4", "(2,)"), [], 4), "expected .npy format 1, 2 or 3, got 4"],
  [
    npy(headerOf("<f4", "(2,)"), []).subarray(0, 40),
    "expected a whole header, got a file that ends at byte 40",
  ],
  [
    npy(headerOf("<f4", "(2,)"), [1, 2, 3]),
    "expected 8 bytes for the shape [2] after the header, got 3 bytes",
  ],
  [
    npy(headerOf("<f4", "(99999999, 99999999)"), []),
    "a.npy: expected fewer elements than 2^53, got the shape [99999999, 99999999]",
  ],
  [
    npy(headerOf("<f4", "(2, 2)", "True"), new Float32Array(4)),
    "expected C order (np.ascontiguousarray makes it), got Fortran order",
  ],
  [
    npy(headerOf("<c8", "(1,)"), new Float32Array(2)),
    "expected the type of the elements to be one of f4, f8, i1",
  ],
  [npy(headerOf("|O", "(1,)"), [1]), 'got "|O"'],
  [npy(headerOf("|f4", "(1,)"), [0, 0, 0, 0]), 'got "|f4"'],
  [
    npy("{'descr': __import__('os'), 'fortran_order': False, 'shape': (1,), }", [1]),
    "expected a header of the form",
  ],
  [npy(headerOf("<f4", "(1 2,)"), [1]), "expected a shape of whole numbers, got (1 2,)"],
  [npy(headerOf("|b1", "(1,)"), [2]), "a boolean is 0 or 1, not 2"],
])("another .npy is refused: %#", (file, message) => {
  refused(() => parseNpy(file, "a.npy"), message);
});

test("IDX", () => {
  const file = Uint8Array.of(0, 0, 0x0b, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0xff, 0xfe, 1, 0);
  expect(parseIdx(file, "a.idx")).toEqual({ name: "a.idx", shape: [2, 1], data: Int16Array.of(-2, 256) });
  refused(
    () => parseIdx(file.subarray(0, 15), "a.idx"),
    "a.idx: expected 4 bytes for the shape [2, 1] after the header, got 3 bytes",
  );
  refused(
    () => parseIdx(file.subarray(0, 9), "a.idx"),
    "expected a header of 12 bytes, got a file of 9 bytes",
  );
  refused(() => parseIdx(Uint8Array.of(0, 0, 7, 1), "a.idx"), "expected an IDX file, got another beginning");
  refused(() => parseIdx(Uint8Array.of(0x1f, 0x8b, 8, 0), "a.gz"), "got a gzip file");
});

test("a source of arrays", () => {
  const inputs = { name: "x.npy", shape: [2, 3], data: Float64Array.of(1, 2, 3, 4, 5, 6) };
  const source = arraySource({
    id: "numbers",
    inputs,
    targets: { name: "y.npy", shape: [2], data: Uint8Array.of(0, 4) },
  });
  expect(source.id).toMatch(/^numbers, 2 examples, fingerprint [0-9a-f]{16}$/);
  expect(source.example(1)).toEqual({ input: Float32Array.of(4, 5, 6), target: 4 });
  const other = arraySource({ id: "numbers", inputs, targets: [0, 3] });
  expect(other.id).not.toBe(source.id);
  const missing = arraySource({ id: "n", inputs: [Int32Array.of(1)], targets: [Float32Array.of(NaN)] });
  expect(missing.example(0)).toEqual({ input: Int32Array.of(1), target: Float32Array.of(NaN) });
  // More than the arguments that a call can have.
  const many = Array.from({ length: 500_000 }, () => 1);
  const one = Int32Array.of(1);
  expect(arraySource({ id: "many", inputs: many.map(() => one), targets: many }).count).toBe(500_000);
  expect(() => source.example(2)).toThrow("there is no example 2, they are 0 to 1");
  refused(
    () => arraySource({ id: "n", inputs, targets: [1] }),
    "n: expected 2 targets, one for each input, got 1",
  );
  refused(() => arraySource({ id: "n", inputs: [], targets: [] }), "n: expected examples, got none");
  refused(
    () => arraySource({ id: "n", inputs: [Float32Array.of(0, NaN)], targets: [1] }),
    "n: example 0, element 1: expected a finite number, got NaN",
  );
  refused(
    () => arraySource({ id: "n", inputs: [new Float32Array(0)], targets: [1] }),
    "n: example 0: expected numbers, got none",
  );
  const column = { name: "y.npy", shape: [2], data: Float32Array.of(0.5, NaN) };
  expect(arraySource({ id: "n", inputs, targets: column }).example(0)).toMatchObject({ target: 0.5 });
  refused(
    () => arraySource({ id: "n", inputs, targets: [1, -Infinity] }),
    "n: example 1: expected a class, a finite number or NaN, got -Infinity",
  );
});

const numbers = (count: number) =>
  arraySource({
    id: "n",
    inputs: Array.from({ length: count }, (_, i) => Int32Array.of(i)),
    targets: new Int32Array(count),
  });

test("a split has every example once, and depends on the seed", async () => {
  const partsOf = async (seed: number) => {
    const { train, heldOut } = splitSource(numbers(50), { heldOut: 0.2, seed });
    return {
      train: (await readAll(train)).map(({ input }) => input[0]),
      heldOut: (await readAll(heldOut)).map(({ input }) => input[0]),
    };
  };
  const { train, heldOut } = await partsOf(3);
  expect(heldOut).toHaveLength(10);
  expect([...train, ...heldOut].sort((a, b) => Number(a) - Number(b))).toEqual(
    Array.from({ length: 50 }, (_, i) => i),
  );
  expect(await partsOf(3)).toEqual({ train, heldOut });
  expect((await partsOf(4)).heldOut).not.toEqual(heldOut);
  refused(() => splitSource(numbers(1)), "(1 to hold out and at least 1 to train on), got 1");
  refused(() => splitSource({ ...numbers(2), count: undefined }), "a source without an end");
  refused(() => splitSource(numbers(2), { heldOut: 0 }), "heldOut must be", "CONFIG");
});

test("an augmented source has every example once in an epoch, changed anew in each, and the same for an index", async () => {
  const source = augmented(numbers(7), {
    id: "noisy",
    change: ({ input, target }, random) => ({
      input: Float32Array.of(Number(input[0]), random(), random()),
      target,
    }),
  });
  const epoch = (first: number) => readAll(source, { first, count: 7 });
  const [one, two] = [await epoch(0), await epoch(7)];
  expect(one.map(({ input }) => input[0]).sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(await epoch(0)).toEqual(one);
  const drawn = [...one, ...two].flatMap(({ input }) => [...input.subarray(1)]);
  expect(new Set(drawn).size).toBe(28);
  refused(
    () => augmented({ ...numbers(1), count: undefined }, { id: "", change: (e) => e }),
    "expected a source with examples and an end",
  );
});

test("shifts move the image, and fill its edges", async () => {
  const image = Float32Array.from({ length: 12 }, (_, i) => i + 1); // [3, 4]
  const source = shifted(arraySource({ id: "n", inputs: [image], targets: [5] }), {
    height: 3,
    width: 4,
    by: 1,
    fill: -1,
  });
  const seen = new Set<string>();
  for (let index = 0; index < 60; index++) {
    const { input, target } = await source.example(index);
    expect(target).toBe(5);
    seen.add([...input].join(" "));
  }
  const moved = (down: number, right: number) =>
    Array.from({ length: 12 }, (_, i) => {
      const [y, x] = [Math.floor(i / 4) - down, (i % 4) - right];
      return y >= 0 && y < 3 && x >= 0 && x < 4 ? y * 4 + x + 1 : -1;
    }).join(" ");
  const all = [-1, 0, 1].flatMap((down) => [-1, 0, 1].map((right) => moved(down, right)));
  expect([...seen].sort()).toEqual(all.sort());
  const outside = () => shifted(numbers(1), { height: 4, width: 3, by: 3 });
  refused(outside, "shifted: by must be below the sides of the images, 4 x 3, got 3", "CONFIG");
  const wrong = shifted(arraySource({ id: "n", inputs: [image], targets: [5] }), { height: 4, width: 4 });
  await expect(wrong.example(0)).rejects.toThrow("n, 1 examples");
});

test("rows are packed by first fit decreasing", () => {
  const { rows, filled, gain } = packRows([2, 5, 4, 7, 1, 3, 8], 10);
  expect(rows).toEqual([
    [6, 0],
    [3, 5],
    [1, 2, 4],
  ]);
  expect(filled).toBe(1);
  expect(gain).toBeCloseTo((7 * 8) / 30, 12);
  expect(packRows([], 4)).toMatchObject({ rows: [], gain: 1 });
  refused(() => packRows([1, 5], 4), "sequence 1: expected a length from 1 to 4 positions, got 5");
  refused(() => packRows([1], 0), "rowLength must be", "CONFIG");
});
