import { expect, test } from "vitest";
import { openBackend } from "./openBackend.ts";

const host = { signal: new AbortController().signal };

test("options of the cpu select it, and are refused beside another backend", async () => {
  await using kernel = await openBackend({ backend: "auto", threads: 1 }, host);
  expect([kernel.name, kernel.capabilities.device]).toEqual(["cpu", expect.stringMatching(/ 1 thread$/)]);
  await expect(openBackend({ backend: "webgpu", threads: 2 }, host)).rejects.toMatchObject({
    code: "USAGE",
    message: "--threads is for the cpu backend",
  });
  await expect(openBackend({ backend: "cuda", activations: "f32" }, host)).rejects.toMatchObject({
    code: "USAGE",
    message: "--activations is for the cpu backend",
  });
});
