import { bytesSource } from "@mamba/core/safetensors";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CheckpointError } from "../src/errors.ts";
import { type GgufFile, openGguf } from "../src/formats/gguf/open.ts";
import { ggufChunks, ggufSize } from "../src/formats/gguf/write.ts";
import { fuzzSettings } from "./support/fuzzSettings.ts";
import { entry, f32, rawGguf, string, tensor, u16, u32, u64, u8 } from "./support/ggufBytes.ts";

const entries = [
  entry("general.architecture", 8, string("mamba")),
  entry("general.alignment", 4, u32(32)),
  entry("mamba.block_count", 4, u32(1)),
  entry("mamba.attention.layer_norm_rms_epsilon", 6, f32(1e-5)),
  entry("mamba.ssm.dt_b_c_rms", 7, u8(1)),
  entry("split.no", 2, u16(0)),
  entry("tokenizer.ggml.tokens", 9, [...u32(8), ...u64(3), ...string("ä"), ...string("b"), ...string("")]),
  entry("tokenizer.ggml.scores", 9, [...u32(6), ...u64(2), ...f32(1), ...f32(2)]),
  entry("big", 11, u64(-1n)),
];
const tensors = [
  tensor("token_embd.weight", [32, 3], 8, 0), // Q8_0, 102 bytes
  tensor("blk.0.ssm_conv1d.weight", [4, 2], 0, 128),
  tensor("output_norm.weight", [8], 1, 160),
];
const base = rawGguf({ entries, tensors, data: Uint8Array.from({ length: 192 }, (_, i) => i) });
const headerEnd = base.length - 192;
/** End of the list of tensors, before the padding. */
const listEnd = rawGguf({ entries, tensors }).length;

/** Numbers that overflow, wrap, or are the next beyond what is there. */
const evil = [0n, 1n, 2n, 31n, 33n, 255n, 2n ** 16n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n]
  .concat([
    2n ** 53n - 1n,
    2n ** 53n,
    2n ** 60n,
    2n ** 61n,
    2n ** 62n,
    2n ** 63n - 1n,
    2n ** 63n,
    2n ** 64n - 32n,
  ])
  .concat([2n ** 64n - 1n]);

const damage = fc.oneof(
  fc.record({ at: fc.nat(headerEnd), bit: fc.nat(7) }),
  fc.record({ at: fc.nat(headerEnd), byte: fc.nat(255) }),
  fc.record({ at: fc.nat(headerEnd), number: fc.constantFrom(...evil), bytes: fc.constantFrom(4, 8) }),
  fc.record({ from: fc.nat(headerEnd), length: fc.nat(40), to: fc.nat(headerEnd) }),
);

function damaged(
  hits: readonly (typeof damage extends fc.Arbitrary<infer T> ? T : never)[],
  end: number,
): Uint8Array {
  const file = base.slice();
  for (const hit of hits) {
    if ("bit" in hit) file[hit.at] = (file[hit.at] ?? 0) ^ (1 << hit.bit);
    else if ("byte" in hit) file[hit.at] = hit.byte;
    else if ("number" in hit)
      file.set(u64(hit.number).slice(0, hit.bytes), Math.min(hit.at, file.length - 8));
    else file.copyWithin(hit.to, hit.from, hit.from + hit.length);
  }
  return file.subarray(0, end);
}

/** Opens a file: undefined for a refusal with a code. Any other error fails the test. */
async function opened(file: Uint8Array, size: number | undefined): Promise<GgufFile | undefined> {
  const longest = { read: 0 };
  const source = bytesSource(file);
  try {
    return await openGguf({
      ...source,
      size,
      read(offset, into) {
        longest.read = Math.max(longest.read, into.length);
        return source.read(offset, into);
      },
    });
  } catch (error) {
    if (!CheckpointError.is(error)) throw error;
    return undefined;
  } finally {
    expect(longest.read).toBeLessThanOrEqual(size === undefined ? 2 ** 27 : file.length);
  }
}

async function written(file: GgufFile): Promise<Uint8Array> {
  const content = {
    metadata: file.metadata,
    tensors: [...file.tensors.values()].map(({ name, dtype, shape }) => ({
      name,
      dtype,
      shape,
      chunks: () => file.chunks(name, new Uint8Array(50)),
    })),
  };
  const chunks: number[] = [];
  for await (const chunk of ggufChunks(content)) chunks.push(...chunk);
  expect(chunks.length).toBe(ggufSize(content));
  return Uint8Array.from(chunks);
}

test("a damaged file is read as what it says, or is a CheckpointError, in bounded time and memory", async () => {
  expect(await opened(base, base.length)).toBeDefined();
  const end = fc.oneof({ arbitrary: fc.constant(base.length), weight: 4 }, fc.nat(base.length));
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { maxLength: 4 }), end, fc.boolean(), async (hits, length, isSized) => {
      const bytes = damaged(hits, length);
      const file = await opened(bytes, isSized ? bytes.length : undefined);
      if (file === undefined) return;
      let position = file.dataStart;
      for (const { byteOffset, byteLength } of file.tensors.values()) {
        expect(byteOffset).toBe(position);
        position =
          Math.ceil((byteOffset + byteLength - file.dataStart) / file.alignment) * file.alignment +
          file.dataStart;
      }
      if (!isSized) return;
      expect(file.end).toBeLessThanOrEqual(Math.max(bytes.length, file.dataStart));
      // Written and read again, it is the same.
      const again = await openGguf(bytesSource(await written(file)));
      expect(again.metadata).toEqual(file.metadata);
      expect([...again.tensors.keys()]).toEqual([...file.tensors.keys()]);
      for (const name of file.tensors.keys()) expect(await again.read(name)).toEqual(await file.read(name));
    }),
    fuzzSettings(200_000, 1500),
  );
}, 1_200_000);

test("a file that is cut at any byte of its header is refused", async () => {
  for (let end = 0; end < headerEnd; end++) {
    const cut = base.subarray(0, end);
    expect(await opened(cut, end), `cut at ${end}`).toBeUndefined();
    if (end < listEnd) expect(await opened(cut, undefined), `cut at ${end}, without a size`).toBeUndefined();
  }
});

test("an absurd number at any byte of the header is refused, or changes a value and nothing else", async () => {
  for (let at = 0; at < headerEnd - 8; at++) {
    for (const number of [2n ** 63n - 1n, 2n ** 64n - 1n]) {
      const file = base.slice();
      file.set(u64(number), at);
      const found = await opened(file, file.length);
      if (found) expect(found.end).toBeLessThanOrEqual(file.length);
    }
  }
});
