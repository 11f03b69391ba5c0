import { expect, test } from "vitest";
import { openCudaKernel } from "../src/create.ts";
import { available, skipAll, useStandIn } from "./standIn.ts";

if (available) {
  const control = useStandIn("");
  test("the addon runs on the stand-in, which identifies itself", async () => {
    await using kernel = await openCudaKernel({}, { exactPool: true });
    expect(kernel.capabilities.device).toMatch(/stand-in .no GPU/);
    const x = kernel.upload(new Float32Array([1, 2, 3]), [3], "f32");
    expect((await kernel.read(kernel.add(x, x)))[0]).toEqual(new Float32Array([2, 4, 6]));
    expect(control.get("launches")).toBeGreaterThan(0);
  });
} else skipAll("the stand-in");
