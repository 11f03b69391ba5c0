import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { bytesSource } from "@mamba/core/safetensors";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CheckpointError, openPickle } from "../src/index.ts";
import { fuzzSettings } from "./support/fuzzSettings.ts";
import * as make from "./support/pickles.ts";

const folder = fileURLToPath(new URL("../../conformance/goldens/pickle/", import.meta.url));
const whole = await Promise.all(
  ["kinds-2.bin", "kinds-4.bin", "refused-nested.bin", "refused-module.bin"].map((name) =>
    readFile(folder + name),
  ),
);
const byHand = make.zip(
  make.torchFile(
    make.pickle(
      make.dict([
        ["w", make.tensor()],
        ["v", make.tensor({ key: "1", shape: [2, 2] })],
      ]),
    ),
    {
      "0": new Uint8Array(8),
      "1": new Uint8Array(16),
    },
  ),
);
const files: readonly Uint8Array[] = [...whole, byHand];

interface Change {
  readonly at: number;
  readonly byte: number;
  readonly kind: "set" | "flip" | "insert" | "remove" | "field";
}
const change: fc.Arbitrary<Change> = fc.record({
  at: fc.nat(2 ** 20),
  byte: fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 2, 0x28, 0x2e, 0x52, 0x63, 0x74, 0x75, 0x80, 0xff)),
  kind: fc.constantFrom("set", "flip", "insert", "remove", "field"),
});

/** Changes one byte, a bit, or a field of four bytes, at a place that is counted from `from` and, for half of them, from the end. */
function damaged(bytes: Uint8Array, changes: readonly Change[], from: number, width: number): Uint8Array {
  return changes.reduce<Uint8Array>((last, { at, byte, kind }) => {
    const place = at % 2 === 0 ? from + (at % width) : last.length - 1 - (at % Math.min(400, last.length));
    const tail = (start: number) => last.subarray(Math.min(start, last.length));
    const head = last.subarray(0, place);
    switch (kind) {
      case "insert":
        return make.concat([head, [byte], tail(place)]);
      case "remove":
        return make.concat([head, tail(place + 1 + (byte % 4))]);
      case "field":
        return make.concat([head, [byte, byte, 0, byte & 0x7f], tail(place + 4)]);
      default:
        return make.concat([
          head,
          [kind === "set" ? byte : (last[place] ?? 0) ^ (1 << (byte % 8))],
          tail(place + 1),
        ]);
    }
  }, bytes);
}

/** Opens and reads a file. Tensors lie inside of it, or an error with a code says why not. Returns true when it opens. */
async function open(bytes: Uint8Array): Promise<boolean> {
  try {
    await using file = await openPickle(bytesSource(bytes, "fuzz.bin"));
    for (const { name, byteOffset, byteLength } of file.tensors.values()) {
      expect(byteOffset).toBeGreaterThanOrEqual(0);
      expect(byteOffset + byteLength).toBeLessThanOrEqual(bytes.length);
      expect((await file.read(name)).length).toBe(byteLength);
    }
    return true;
  } catch (error) {
    if (!CheckpointError.is(error)) throw error;
    return false;
  }
}

test("damaged files of PyTorch give tensors inside of the file, or an error with a code", async () => {
  const settings = fuzzSettings(140_000, 1500);
  let read = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.array(change, { minLength: 1, maxLength: 4 }), async (which, changes) => {
      const bytes = files[which % files.length]!;
      if (await open(damaged(bytes, changes, 0, Math.min(bytes.length, 2500)))) read++;
    }),
    settings,
  );
  console.log(`${read} of ${settings.numRuns} damaged files open`);
  expect(read).toBeGreaterThan(settings.numRuns / 200);
}, 3_000_000);

const { concat, global, number, text } = make;
const opcode = fc.oneof(
  {
    arbitrary: fc.constantFrom<Uint8Array | string>(
      "(",
      ")",
      "}",
      "]",
      "N",
      "R",
      "Q",
      "a",
      "e",
      "s",
      "u",
      "b",
      "t",
    ),
    weight: 6,
  },
  {
    arbitrary: fc.constantFrom(0x85, 0x86, 0x87, 0x88, 0x89, 0x93, 0x94).map((code) => Uint8Array.of(code)),
    weight: 3,
  },
  { arbitrary: fc.nat(3).map((i) => concat(["q", [i]])), weight: 1 },
  { arbitrary: fc.nat(3).map((i) => concat(["h", [i]])), weight: 1 },
  { arbitrary: fc.constantFrom(0, 1, 2, 3, 2 ** 31, 2 ** 53).map(number), weight: 2 },
  {
    arbitrary: fc
      .constantFrom("storage", "0", "cpu", "w", "torch._utils", "os", "system", "__proto__")
      .map(text),
    weight: 2,
  },
  {
    arbitrary: fc
      .constantFrom<[string, string]>(
        ["torch", "FloatStorage"],
        ["torch._utils", "_rebuild_tensor_v2"],
        ["torch._utils", "_rebuild_parameter"],
        ["collections", "OrderedDict"],
        ["os", "system"],
      )
      .map(([module, name]) => global(module, name)),
    weight: 2,
  },
  {
    arbitrary: fc.constantFrom(make.tensor(), make.tensor({ shape: [1] }), make.dict([["w", make.tensor()]])),
    weight: 2,
  },
  { arbitrary: fc.nat(255).map((code) => Uint8Array.of(code)), weight: 1 },
);

test("any sequence of opcodes gives tensors inside of the file, or an error with a code", async () => {
  const settings = fuzzSettings(80_000, 1500);
  let read = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(opcode, { maxLength: 24 }), fc.boolean(), async (opcodes, isDict) => {
      // Half of them inside of a dictionary, whose values they make or break.
      const data = isDict
        ? make.pickle("}(", text("w"), make.tensor(), ...opcodes, "u")
        : make.pickle(...opcodes);
      if (await open(make.zip(make.torchFile(data)))) read++;
    }),
    settings,
  );
  console.log(`${read} of ${settings.numRuns} pickles are read`);
  expect(read).toBeGreaterThan(settings.numRuns / 500);
}, 3_000_000);
