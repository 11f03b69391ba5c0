import { expect, test } from "vitest";
import { f32Tensor, safetensors } from "../../test/support/files.ts";
import { refusal } from "../../test/support/folders.ts";
import { openSafetensors } from "../formats/safetensors/open.ts";
import { streamSource } from "./stream.ts";

const tensors = [f32Tensor("a", [3]), f32Tensor("b", [2, 5])];

test.each([1, 7, 40, 10_000])(
  "a safetensors file is read from a stream of chunks of %i bytes",
  async (step) => {
    const source = streamSource(streamOf(await safetensors(tensors), step), "stream");
    await using file = await openSafetensors(source);
    for (const tensor of tensors) expect(await file.read(tensor.name)).toEqual(await tensor.bytes());
  },
);

test("skipped bytes are dropped, and a stream cannot go back", async () => {
  const source = streamSource(streamOf(Uint8Array.of(0, 1, 2, 3, 4), 2), "stream");
  const into = new Uint8Array(2);
  expect(await source.read(3, into)).toBe(2);
  expect([...into]).toEqual([3, 4]);
  await expect(source.read(0, into)).rejects.toThrow("cannot go back from 5 to 0");
});

test("a stream that ends early is an error when its tensor is read", async () => {
  const whole = await safetensors(tensors);
  const source = streamSource(streamOf(whole.subarray(0, -4), 7), "download");
  await using file = await openSafetensors(source);
  expect(await refusal(() => file.read("b"))).toMatchObject({ code: "TRUNCATED" });
});

function streamOf(bytes: Uint8Array, step: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.subarray(at, (at += step)));
    },
  });
}
