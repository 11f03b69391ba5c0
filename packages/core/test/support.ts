import type { Kernel, Tensor } from "@mamba/kernel";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { expect } from "vitest";
import {
  type GeneratedToken,
  type HybridLMConfig,
  type HybridLMConfigInput,
  MambaLM,
  type MambaLMConfig,
  type MambaLMConfigInput,
  redecoding,
  type Tokenizer,
} from "../src/index.ts";

/** A small model at sizes that no tile divides. */
export const small = { dModel: 20, nLayers: 3, vocabSize: 37, dState: 5, dtRank: 3, dConv: 4 } as const;

/** A head of its own and a wide start make the choices of a random model vary from token to token. */
export const lively = { ...small, tieEmbeddings: false, initializerRange: 0.5 } as const;

const decodeLetters = (ids: readonly number[]) => ids.map((id) => String.fromCharCode(id + 64)).join("");

/** One letter for each id: 1 is A. */
export const letters: Tokenizer = {
  encode: (text) => Array.from(text, (c) => c.charCodeAt(0) - 64),
  decode: decodeLetters,
  decoder: redecoding(decodeLetters),
  stopIds: [],
  specialTokens: new Map(),
};

export async function collect(stream: AsyncIterable<GeneratedToken>): Promise<GeneratedToken[]> {
  const tokens: GeneratedToken[] = [];
  for await (const token of stream) tokens.push(token);
  return tokens;
}

export const idsOf = (tokens: readonly GeneratedToken[], row = 0): number[] =>
  tokens.filter((token) => token.row === row).map((token) => token.id);

/** Runs `body` on a model with random weights, and checks that it gave all its memory back. */
export async function withModel<C extends MambaLMConfigInput | HybridLMConfigInput = MambaLMConfigInput>(
  body: (
    model: MambaLM<C extends MambaLMConfigInput ? MambaLMConfig : HybridLMConfig>,
    kernel: Kernel,
  ) => Promise<void>,
  config?: C,
): Promise<void> {
  const kernel = await createCpuKernel({ threads: 1 });
  try {
    const model = MambaLM.init(kernel, config ?? small, 5);
    await warmUp(model);
    const before = kernel.memory();
    await body(model as Parameters<typeof body>[0], kernel);
    expect(kernel.memory()).toEqual(before);
    model.dispose();
    expect(kernel.memory()).toEqual({ tensors: 0, bytes: 0 });
  } finally {
    await kernel.dispose();
  }
}

/** Fills the model's cache of derived tensors, which stays with it, so that memory can be compared afterwards. */
export async function warmUp(model: MambaLM): Promise<void> {
  using ids = uploadIds(model.kernel, [[0]]);
  await take(model.kernel, model.forward(ids));
}

export function uploadIds(kernel: Kernel, rows: readonly (readonly number[])[]): Tensor {
  const length = rows[0]?.length ?? 0;
  return kernel.upload(Int32Array.from(rows.flat()), [rows.length, length], "i32");
}

/** Reads and disposes. */
export async function take(kernel: Kernel, x: Tensor): Promise<Float32Array> {
  const [data] = await kernel.read(x);
  x.dispose();
  return data as Float32Array;
}

/** Sum of squared differences over the sum of squares. */
export function nmse(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let error = 0;
  let power = 0;
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    error += ((actual[i] as number) - (expected[i] as number)) ** 2;
    power += (expected[i] as number) ** 2;
  }
  return error / power;
}

/** f32 rounding through a few layers: each op is held to 1e-10, and a model chains about ten of them per layer. */
export const close = 1e-9;

export function someIds(count: number, seed = 1, vocabSize: number = small.vocabSize): number[] {
  return Array.from({ length: count }, (_, i) => (Math.imul(i + 7 * seed, 2654435761) >>> 8) % vocabSize);
}
