import {
  type DType,
  type HostArray,
  hostLength,
  isQuantized,
  type Kernel,
  Scope,
  type Tensor,
} from "@mamba/kernel";
import { check } from "../assert.ts";
import { firstDifference } from "../bits.ts";
import { checkNoLeak } from "../leak.ts";
import { Random } from "../random.ts";
import type { SuiteTest } from "../suiteTest.ts";

/** Host data for `count` elements with the bit patterns that a careless copy changes. */
export function pattern(dtype: DType, count: number): HostArray {
  const random = new Random(`${dtype} ${count}`);
  switch (dtype) {
    case "f32": {
      const data = random.normals(count);
      data.set([NaN, Infinity, -Infinity, -0, 1e-45, 3.4e38].slice(0, count));
      return data;
    }
    case "i32":
      return Int32Array.from({ length: count }, () => random.integer(-(2 ** 31), 2 ** 31 - 1));
    case "f16":
    case "bf16":
      return Uint16Array.from({ length: count }, () => random.integer(0, 0xffff));
    default: {
      const data = random.bytes(hostLength(dtype, count));
      // A NaN that arithmetic would make a quiet one, where a block has its scale: at its start or at its end.
      data.set([0x01, 0x7c], 0);
      data.set([0x01, 0xfc], data.length - 2);
      return data;
    }
  }
}

/** The storage types of a kernel that are not quantised: those that have views, copies and rows at any element. */
export function plainTypes({ capabilities }: Kernel): readonly DType[] {
  return [...capabilities.storage].filter((dtype) => !isQuantized(dtype));
}

/** Checks that reading `x` gives these bits. */
export async function checkReads(
  what: string,
  kernel: Kernel,
  x: Tensor,
  expected: HostArray,
): Promise<void> {
  const [actual] = await kernel.read(x);
  const at = firstDifference(actual, expected);
  check(at === undefined, `${what}: element ${at} must be ${expected[at ?? 0]}, got ${actual?.[at ?? 0]}`);
}

/** Dense columns [start, start + count) of rows of `width`. */
export function columnsOf(data: HostArray, width: number, start: number, count: number): Float32Array {
  return Float32Array.from({ length: (data.length / width) * count }, (_, i) => {
    return data[Math.floor(i / count) * width + start + (i % count)]!;
  });
}

/** A test of the memory functions. `scope` owns its tensors, and all memory must be free at the end. */
export function memoryTest(name: string, body: (kernel: Kernel, scope: Scope) => Promise<void>): SuiteTest {
  return {
    name: `memory: ${name}`,
    body: async (session) => {
      const kernel = await session.kernel();
      await checkNoLeak(name, kernel, async () => {
        using scope = new Scope();
        await body(kernel, scope);
      });
    },
  };
}
