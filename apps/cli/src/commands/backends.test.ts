import { expect, test } from "vitest";
import { run } from "../../test/run.ts";

test("shows the backends, and why the others are unavailable", async () => {
  const { code, stdout, stderr } = await run(["backends"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^cpu +yes +WebAssembly SIMD/);
  expect(stdout).toMatch(/^webgpu +(yes +WebGPU, |no .* \[[A-Z_]+\]\. Remedy: )/m);
  expect(stdout).toMatch(/^cuda +(yes +.*compute \d+\.\d|no .* \[[A-Z_]+\]\. Remedy: )/m);
});

test("--json, of all and of one", async () => {
  const all = JSON.parse((await run(["backends", "--json"])).stdout) as { name: string }[];
  const cpu = { name: "cpu", ok: true, device: expect.stringContaining("WebAssembly") as string };
  expect(all.map(({ name }) => name)).toEqual(["cpu", "webgpu", "cuda"]);
  expect(all[0]).toEqual(cpu);
  expect(JSON.parse((await run(["backends", "cpu", "--json"])).stdout)).toEqual([cpu]);
});

test("a name that no backend has is a usage error", async () => {
  const { code, stderr } = await run(["backends", "gpu"]);
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringContaining("cpu, webgpu, cuda") as string,
  });
});
