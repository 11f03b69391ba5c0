import { createHash } from "node:crypto";
import { afterEach, expect, test, vi } from "vitest";
import { bytesSource, type ByteSource } from "./byteSource.ts";
import { checksumKey } from "./checksum.ts";
import { openSafetensors } from "./reader.ts";
import { safetensors } from "./testing.ts";
import { safetensorsFile, type TensorToWrite } from "./writer.ts";

afterEach(() => vi.unstubAllGlobals());

/** A file with its checksum, in memory. */
async function withChecksum(tensors: readonly TensorToWrite[]): Promise<Uint8Array> {
  const { chunks, patch } = safetensorsFile(tensors, { format: "pt" });
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  const file = new Uint8Array(Buffer.concat(parts));
  const { offset, bytes } = await patch();
  file.set(bytes, offset);
  return file;
}

const tensor = (name: string, length: number): TensorToWrite => ({
  ...{ name, dtype: "U8", shape: [length] },
  bytes: () => Uint8Array.from({ length }, (_, i) => (i * 31 + length) & 255),
});

/** A source that cannot go back, as a download. */
function forwardOnly(file: Uint8Array): ByteSource {
  const source = bytesSource(file);
  let position = 0;
  return {
    ...source,
    read(offset, into) {
      expect(offset).toBeGreaterThanOrEqual(position);
      position = offset + into.length;
      return source.read(offset, into);
    },
  };
}

test("the checksum is that of the whole file, by chunks of 1 MiB", async () => {
  const file = await withChecksum([tensor("a", 2 ** 20 + 5), tensor("b", 7)]);
  await using opened = await openSafetensors(bytesSource(file));
  const digits = opened.metadata[checksumKey]!;
  const blank = file.slice();
  blank.fill(0x30, Buffer.from(file).indexOf(digits), Buffer.from(file).indexOf(digits) + 64);
  const all = createHash("sha256");
  for (let at = 0; at < blank.length; at += 2 ** 20) {
    all.update(
      createHash("sha256")
        .update(blank.subarray(at, at + 2 ** 20))
        .digest(),
    );
  }
  expect(digits).toBe(all.digest("hex"));
  expect(opened.metadata["format"]).toBe("pt");
  await opened.verify();
  vi.stubGlobal("crypto", {}); // a page that is not secure
  expect(await withChecksum([tensor("a", 2 ** 20 + 5), tensor("b", 7)])).toEqual(file);
});

test("any flipped bit is found, whichever tensors were read, and however", async () => {
  const file = await withChecksum([tensor("a", 100), tensor("b", 300), tensor("c", 50)]);
  const readAll = async (bytes: Uint8Array, names: readonly string[]) => {
    await using opened = await openSafetensors(forwardOnly(bytes), { verify: true });
    for (const name of names) {
      if (name === "b") for await (const _ of opened.chunks("b", new Uint8Array(64)));
      else await opened.read(name);
    }
    await opened.verify();
  };
  const headerEnd = 8 + Number(new DataView(file.buffer).getBigUint64(0, true));
  for (const names of [["a", "b", "c"], ["b"], ["c"], []]) {
    await readAll(file, names);
    for (const at of [headerEnd, headerEnd + 99, headerEnd + 250, file.length - 1]) {
      const damaged = file.slice();
      damaged[at]! ^= 4;
      await expect(readAll(damaged, names), `${names.join()} ${at}`).rejects.toMatchObject({
        code: "CHECKSUM",
        message: expect.stringContaining("the file is damaged") as string,
      });
    }
  }
  // In the header too: another letter in a name.
  const renamed = file.slice();
  renamed[Buffer.from(file).indexOf('"pt"') + 1] = 0x71;
  await expect(readAll(renamed, [])).rejects.toMatchObject({ code: "CHECKSUM" });
  // A tensor that is read twice counts once, also without `verify` at the opening.
  await using opened = await openSafetensors(bytesSource(file), { verify: true });
  await opened.read("b");
  await opened.read("a");
  await opened.read("b");
  await opened.verify();
});

test("a file of another program has no checksum, and verify accepts it", async () => {
  await using opened = await openSafetensors(bytesSource(await safetensors([tensor("a", 9)])), {
    verify: true,
  });
  await opened.read("a");
  await opened.verify();
});
