import { expect, test } from "vitest";
import { bidirectionalMamba } from "../layers/bidirectionalMamba.ts";
import { resolveLMConfig } from "../model/config.ts";
import { parameterSpecs } from "../model/specs.ts";
import { paramGroups } from "./groups.ts";

const undecayed = /(A_log|A_b_log|D|D_b|norm_f\.weight|norm\.weight|layernorm\.weight|bias)$/;

test("A_log, D, norms and biases never decay, every parameter is in one group", () => {
  const specs = [
    ...parameterSpecs(
      resolveLMConfig({
        dModel: 32,
        nLayers: 2,
        vocabSize: 100,
        bias: true,
        innerNorms: "weighted",
        tieEmbeddings: false,
      }),
    ),
    ...bidirectionalMamba({ dModel: 32, nLayers: 1, bias: true }).parameters("vision."),
  ];
  const groups = paramGroups(specs, { lr: 1e-3, weightDecay: 0.1 });
  expect(groups.flatMap((group) => group.names).sort()).toEqual(specs.map((spec) => spec.name).sort());
  for (const { names, lr, weightDecay } of groups) {
    expect(lr).toBe(1e-3);
    for (const name of names) expect([name, weightDecay]).toEqual([name, undecayed.test(name) ? 0 : 0.1]);
  }
  expect(specs.filter((spec) => /A_b_log|D_b$|dt_proj_b\.bias/.test(spec.name))).toHaveLength(3);
});

test("muP divides the rate of hidden matrices by the width multiplier and multiplies their decay", () => {
  const config = resolveLMConfig({ dModel: 512, nLayers: 1, vocabSize: 64, mupBaseWidth: 128 });
  const groups = paramGroups(parameterSpecs(config), { lr: 1e-3, weightDecay: 0.1 });
  const groupOf = (name: string) => groups.find((group) => group.names.includes(name));
  for (const name of ["in_proj", "x_proj", "dt_proj", "out_proj"]) {
    expect(groupOf(`backbone.layers.0.mixer.${name}.weight`)).toMatchObject({ lr: 2.5e-4, weightDecay: 0.4 });
  }
  expect(groupOf("backbone.embeddings.weight")).toMatchObject({ lr: 1e-3, weightDecay: 0.1 });
  expect(groupOf("backbone.layers.0.mixer.dt_proj.bias")).toMatchObject({ lr: 1e-3, weightDecay: 0 });
  expect(parameterSpecs(config).some((spec) => spec.name.includes("norm"))).toBe(false);
});
