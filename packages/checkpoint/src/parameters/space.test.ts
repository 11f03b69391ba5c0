import { type DType, type Kernel, KernelError } from "@mamba/kernel";
import { expect, test } from "vitest";
import { hostKernel } from "../../test/support/hostKernel.ts";
import { checkSpace, type NeededTensor } from "./space.ts";

const storage: DType[] = ["f32", "f16", "bf16", "i32", "q8_0", "q4_0", "q4_k"];

function kernelWith(limits: Partial<Kernel["capabilities"]>): Kernel {
  const kernel = hostKernel(storage);
  return { ...kernel, capabilities: { ...kernel.capabilities, ...limits } };
}

// 256 x 1024 in 4 bytes: 1 MiB; the row of 1000 is no whole number of blocks, and norms stay f32.
const model: NeededTensor[] = [
  { name: "in", shape: [256, 1024], dtype: "f32", isMatrix: true, isOutput: false },
  { name: "odd", shape: [10, 1000], dtype: "f32", isMatrix: true, isOutput: false },
  { name: "norm", shape: [1024], dtype: "f32", isMatrix: false, isOutput: false },
];
const total = 2 ** 20 + 40_000 + 4096;

async function refusal(kernel: Kernel): Promise<string> {
  try {
    await checkSpace(kernel, model, "folder");
  } catch (error) {
    expect(KernelError.is(error, "OUT_OF_MEMORY")).toBe(true);
    return (error as Error).message;
  }
  return "it fits";
}

test("a model that fits, exactly or without a limit, is accepted", async () => {
  expect(await refusal(kernelWith({ maxBytes: total }))).toBe("it fits");
  expect(await refusal(kernelWith({ maxBytes: undefined }))).toBe("it fits");
});

test("the refusal has the need, the room, and the storage types that would fit", async () => {
  const of = (bitsOfMatrix: number) => (2 ** 18 * bitsOfMatrix) / 8 + 20_000 + 4096;
  expect(await refusal(kernelWith({ maxBytes: total - 1 }))).toBe(
    `folder: the weights take ${total} bytes, the host backend has ${total - 1}, of which 0 are in use; ` +
      `load it with dtype "bf16", which takes ${of(16)} bytes ("f16" ${of(16)}, "q8_0" ${of(8.5)}, ` +
      `"q4_k" ${of(4.5)}, "q4_0" ${of(4.5)})`,
  );
  expect(await refusal(kernelWith({ maxBytes: of(8.5) }))).toMatch(
    /; load it with dtype "q8_0", which takes \d+ bytes/,
  );
  expect(await refusal(kernelWith({ maxBytes: of(4.5) - 1 }))).toMatch(
    /; no storage type makes it fit: use a smaller model/,
  );
});

test("the largest tensor has a limit of its own", async () => {
  expect(await refusal(kernelWith({ maxTensorBytes: 2 ** 19 }))).toMatch(
    /^folder: in takes 1048576 bytes as f32, the largest tensor of the host backend has 524288; load it with dtype "bf16"/,
  );
});
