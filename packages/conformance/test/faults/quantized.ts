import { isQuantized, lastExtent, type QuantizedDType, type Shape, type Tensor } from "@mamba/kernel";
import type { ArenaTensor } from "../arena.ts";
import { type Arena } from "../arena.ts";
import { int8Kernel, roundRow } from "../int8Kernel.ts";
import { ReferenceKernel } from "../referenceKernel.ts";
import { embedding, linear, linearBackwardInput, type Op, upload, write } from "../referenceOps.ts";
import { type Fault, fault, kernelWith } from "./fault.ts";

/** The tensor with other values in its blocks of one type, for one call. */
function misread(
  arena: Arena,
  x: ArenaTensor,
  dtype: QuantizedDType,
  change: (bytes: Uint8Array) => void,
): ArenaTensor {
  const bytes = x.dense() as Uint8Array;
  if (x.dtype === dtype) change(bytes);
  return arena.result(x.shape, bytes, x.dtype);
}

/** A linear op that misreads the blocks of one type. */
const linearMisreading =
  (dtype: QuantizedDType, change: (bytes: Uint8Array) => void): Op<"linear"> =>
  (arena, sizes, x, weight, bias) => {
    if (weight.dtype !== dtype) return linear(arena, sizes, x, weight, bias);
    using other = misread(arena, weight, dtype, change);
    return linear(arena, sizes, x, other, bias);
  };

/** Calls `change` for each block of `size` bytes. */
const eachBlock =
  (size: number, change: (block: Uint8Array) => void) =>
  (bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.length; at += size) change(bytes.subarray(at, at + size));
  };

const swapNibbles = (block: Uint8Array): void => {
  for (let i = 2; i < 18; i++) block[i] = ((block[i] ?? 0) >> 4) | ((block[i] ?? 0) << 4);
};

class LosesAByte extends ReferenceKernel {
  protected override async fetch(tensors: readonly ArenaTensor[]) {
    const results = await super.fetch(tensors);
    tensors.forEach(({ dtype }, i) => {
      const bytes = results[i];
      // The sign of a scale that is NaN.
      if (dtype === "q8_0" && bytes && ((bytes[1] ?? 0) & 0x7c) === 0x7c) bytes[1] = 0x7e;
    });
    return results;
  }
}

class StoresMore extends ReferenceKernel {
  override storedBytes(...[dtype, shape]: Parameters<ReferenceKernel["storedBytes"]>): number {
    return super.storedBytes(dtype, shape) * (dtype === "q4_0" ? 1.25 : 1);
  }
}

class ReshapesBlocks extends ReferenceKernel {
  override reshape(x: Tensor, shape: Shape): Tensor {
    if (!isQuantized(x.dtype)) return super.reshape(x, shape);
    const own = this.runtime.own("reshape", "x", x);
    return this.runtime.view(own, shape, lastExtent(shape), own.offset);
  }
}

/** Sums of quantised products in an order that the number of rows decides. */
const ordersByRows: Op<"linear"> = (arena, sizes, x, weight, bias) => {
  const y = linear(arena, sizes, x, weight, bias) as ArenaTensor;
  if (sizes.rows > 1 && weight.dtype === "q5_k") y.elements.set(y.values().map((v) => v * (1 + 2 ** -22)));
  return y;
};

export const quantizedFaults: Fault[] = [
  fault(
    "linear",
    "q4_0: the halves of a block are exchanged",
    linearMisreading("q4_0", eachBlock(18, swapNibbles)),
    /^linear .* q4_0/,
  ),
  fault(
    "linear",
    "q8_0: -128 becomes 127",
    linearMisreading(
      "q8_0",
      eachBlock(34, (block) => {
        for (let i = 2; i < 34; i++) if (block[i] === 0x80) block[i] = 0x7f;
      }),
    ),
    /^linear .* q8_0.* ends of their ranges/,
  ),
  fault(
    "linear",
    "q4_1: subnormal scales become zero",
    linearMisreading(
      "q4_1",
      eachBlock(20, (block) => {
        for (const at of [1, 3]) if (((block[at] ?? 0) & 0x7c) === 0) block.fill(0, at - 1, at + 1);
      }),
    ),
    // The other blocks outweigh these, so only the tolerance of exact activations shows it.
    /^linear .* q4_1.* ends of their ranges/,
  ),
  fault(
    "embedding",
    "embedding: q5_0 without its fifth bits",
    (arena, sizes, ids, weight) => {
      using other = misread(
        arena,
        weight,
        "q5_0",
        eachBlock(22, (block) => block.fill(0, 2, 6)),
      );
      return embedding(arena, sizes, ids, other);
    },
    /^embedding .* q5_0/,
  ),
  fault(
    "embedding",
    "embedding: the last scale of a q6_k block is unsigned",
    (arena, sizes, ids, weight) => {
      const y = embedding(arena, sizes, ids, weight) as ArenaTensor;
      if (weight.dtype !== "q6_k") return y;
      const values = y.values();
      values.forEach((value, i) => (values[i] = i % 256 >= 240 ? Math.abs(value) : value));
      y.elements.set(values);
      return y;
    },
    /^embedding .* q6_k/,
  ),
  fault(
    "linearBackwardInput",
    "linearBackwardInput: q4_k without its minima",
    (arena, sizes, dy, weight) => {
      using other = misread(
        arena,
        weight,
        "q4_k",
        eachBlock(144, (block) => block.fill(0, 2, 4)),
      );
      return linearBackwardInput(arena, sizes, dy, other);
    },
    /^linearBackwardInput .* q4_k/,
  ),
  fault(
    "linear",
    "linear: the bits of a q5_k product depend on the number of rows",
    ordersByRows,
    /^laws: same bits: linear with q5_k/,
  ),
  {
    name: "linear: activations are rounded although the kernel says f32",
    op: "linear",
    seenBy: /^laws: linear of iq4_nl weights is/,
    open: () => {
      const kernel = int8Kernel();
      return Object.assign(kernel, { capabilities: { ...kernel.capabilities, activations: "f32" } });
    },
  },
  {
    name: "linear: activations are cut instead of rounded",
    op: "linear",
    seenBy: /^linear .* q8_0/,
    open: () =>
      int8Kernel((row) => {
        const scale = row.reduce((max, value) => Math.max(max, Math.abs(value)), 0) / 127;
        if (scale > 0) row.forEach((value, i) => (row[i] = Math.trunc(value / scale) * scale));
      }),
  },
  {
    name: "linear: NaN among the activations is lost",
    op: "linear",
    seenBy: /^linear .*NaN/,
    open: () =>
      int8Kernel((row) => {
        row.forEach((value, i) => (row[i] = Number.isNaN(value) ? 0 : value));
        roundRow(row);
      }),
  },
  {
    name: "linear: activations below 1e-20 are zero",
    op: "linear",
    seenBy: /^laws: linear of q4_0 weights takes rows/,
    open: () =>
      int8Kernel((row) => {
        if (row.every((value) => Math.abs(value) < 1e-20)) row.fill(0);
        roundRow(row);
      }),
  },
  {
    name: "blocks do not come back byte for byte",
    seenBy: /^memory: q8_0 (comes back|is written)/,
    open: () => new LosesAByte(),
  },
  {
    name: "upload sorts the blocks of a row",
    seenBy: /^memory: iq4_nl comes back/,
    open: () =>
      new ReferenceKernel({
        upload: (arena, data, shape, dtype) =>
          upload(arena, dtype === "iq4_nl" ? data.slice().reverse() : data, shape, dtype),
      }),
  },
  {
    name: "write counts bytes for elements",
    seenBy: /^memory: q5_1 is written/,
    open: () =>
      kernelWith("write", (arena, sizes, target, start, data) => {
        if (isQuantized(target.dtype)) target.elements.set(data, start);
        else write(arena, sizes, target, start, data);
      }),
  },
  { name: "storedBytes is not what is held", seenBy: /^memory: q4_0 takes/, open: () => new StoresMore() },
  {
    name: "quantised tensors are reshaped",
    seenBy: /^memory: q6_k has no views/,
    open: () => new ReshapesBlocks(),
  },
];
