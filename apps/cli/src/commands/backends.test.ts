import { expect, test } from "vitest";
import { run } from "../../test/run.ts";

test("says what is here, and why not the rest", async () => {
  const { code, stdout, stderr } = await run(["backends"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^cpu +yes +WebAssembly SIMD/);
  expect(stdout).toMatch(/webgpu +no .*\[NOT_INSTALLED\]\. Remedy: /);
});

test("--json", async () => {
  const { stdout } = await run(["backends", "--json"]);
  expect(JSON.parse(stdout)).toEqual([
    { name: "cpu", ok: true, device: expect.stringContaining("WebAssembly") as string },
    ...["webgpu", "cuda"].map((name) => ({
      name,
      ok: false,
      code: "NOT_INSTALLED",
      reason: expect.any(String) as string,
      remedy: expect.any(String) as string,
    })),
  ]);
});
