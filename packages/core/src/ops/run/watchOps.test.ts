import { createCpuKernel } from "@mamba/kernel-cpu";
import { expect, test } from "vitest";
import { MambaLM } from "../../model/mambaLM.ts";
import { EagerOps } from "./eagerOps.ts";
import { Tape } from "./tape.ts";
import { watchOps } from "./watchOps.ts";

test("shows every layer's output in order, and changes nothing", async () => {
  await using kernel = await createCpuKernel({ threads: 1 });
  using model = MambaLM.init(kernel, { dModel: 8, nLayers: 2, vocabSize: 12 });
  using ids = kernel.upload(Int32Array.of(1, 2, 3), [1, 3], "i32");
  const names = new Map([...model.parameters].map(([name, tensor]) => [tensor, name]));
  const block = ["rmsNorm", "linear", "causalConv1d", "linear", "linear", "selectiveScan", "linear", "add"];
  const calls = ["embedding", ...block, ...block, "rmsNorm", "linear"];
  using alone = model.forward(ids);
  const [expected] = await kernel.read(alone);
  for (const ops of [
    new EagerOps(kernel),
    new Tape(kernel, model.parameters.values(), { recompute: true }),
  ]) {
    using owner = ops;
    const seen: string[] = [];
    const parameters = new Set<string | undefined>();
    const watching = watchOps(owner, ({ op, inputs, y }) => {
      seen.push(op);
      for (const input of inputs) parameters.add(names.get(input));
      expect(y.disposed).toBe(false);
    });
    const logits = model.run(watching, ids);
    expect(seen).toEqual(calls);
    expect(parameters).toContain("backbone.layers.1.mixer.conv1d.weight");
    expect(parameters).toContain("backbone.layers.0.mixer.out_proj.weight");
    expect((await kernel.read(logits))[0]).toEqual(expected);
  }
});
