import { parameterSpecs } from "@mamba/core";
import { Scope, type Tensor } from "@mamba/kernel";
import { expect, test } from "vitest";
import { resolveTrainConfig } from "../src/config.ts";
import { Optimizer } from "../src/optimizer.ts";
import { kernel, model } from "./support.ts";

async function values(tensor: Tensor): Promise<Float32Array> {
  const [found] = await kernel.read(tensor);
  return (found as Float32Array).slice();
}

test("with zero gradients the decay shrinks matrices, and A_log, D, norms and biases keep their bits", async () => {
  using lm = model();
  using scope = new Scope();
  const config = resolveTrainConfig({ steps: 1, lr: 0.1, weightDecay: 0.5 });
  const optimizer = scope.use(new Optimizer(kernel, lm.trainable, config));
  const gradients = new Map<Tensor, Tensor>();
  const before = new Map<string, Float32Array>();
  for (const [name, parameter] of lm.parameters) {
    gradients.set(parameter, scope.use(kernel.zeros(parameter.shape, "f32")));
    before.set(name, await values(parameter));
  }
  optimizer.update(1, 0.5, gradients, undefined);
  const decays = new Set<string>();
  for (const { name, weightDecay } of parameterSpecs(lm.config)) {
    const start = before.get(name)!;
    const now = await values(lm.parameters.get(name)!);
    if (!weightDecay) expect(now, name).toEqual(start);
    else {
      decays.add(name.split(".").slice(-2).join("."));
      now.forEach((value, i) => expect(value).toBeCloseTo(start[i]! * (1 - 0.05 * 0.5), 6));
    }
  }
  expect([...decays].sort()).toEqual([
    "conv1d.weight",
    "dt_proj.weight",
    "embeddings.weight",
    "in_proj.weight",
    "out_proj.weight",
    "x_proj.weight",
  ]);
});

test("under muP the learning rate of hidden matrices is divided by the width multiplier", async () => {
  using lm = model({ mupBaseWidth: 4 }); // m = 4
  using scope = new Scope();
  const config = resolveTrainConfig({ steps: 1, lr: 0.01, weightDecay: 0 });
  const optimizer = scope.use(new Optimizer(kernel, lm.trainable, config));
  const gradients = new Map<Tensor, Tensor>();
  const moved = async (name: string) => {
    const now = await values(lm.parameters.get(name)!);
    return Math.abs(now[0]! - before.get(name)![0]!);
  };
  const before = new Map<string, Float32Array>();
  for (const [name, parameter] of lm.parameters) {
    const ones = new Float32Array(before.set(name, await values(parameter)).get(name)!.length).fill(1);
    gradients.set(parameter, scope.use(kernel.upload(ones, parameter.shape, "f32")));
  }
  optimizer.update(1, 1, gradients, undefined);
  // The first step of Adam is lr * sign(gradient).
  expect(await moved("backbone.embeddings.weight")).toBeCloseTo(0.01, 5);
  expect(await moved("backbone.layers.0.mixer.in_proj.weight")).toBeCloseTo(0.0025, 5);
});
