import type { ParameterSpec } from "@mamba/core";
import { type HostArray, Scope } from "@mamba/kernel";
import { expect, test } from "vitest";
import { f32Tensor, safetensors } from "../../test/support/files.ts";
import { refusal } from "../../test/support/folders.ts";
import { hostKernel } from "../../test/support/hostKernel.ts";
import type { ParameterSource, TensorRows } from "../architectures/parameterSource.ts";
import { weightsFile } from "../formats/weightFiles.ts";
import { readWeights } from "../formats/weights.ts";
import { bytesSource, type TensorToWrite } from "@mamba/core/safetensors";
import type { CheckpointFiles } from "../sources/source.ts";
import { loadParameters } from "./load.ts";
import { matchParameters } from "./match.ts";
import { wholeValues } from "./values.ts";
import { type TensorOfFile, tensorsToWrite } from "./write.ts";

// Sources that no Mamba-1 file needs: tensors that are joined, split and scaled.

const rules = {
  init: { kind: "constant", value: 0 },
  weightDecay: false,
  lrScale: 1,
  storage: "any",
} as const;
const spec = (name: string, shape: readonly number[]): ParameterSpec => ({ ...rules, name, shape });
const whole = (name: string, shape: readonly number[]): TensorRows => ({ names: [name], shapes: [shape] });

const sources: ParameterSource[] = [
  { spec: spec("joined", [5, 3]), chunks: [whole("q", [2, 3]), whole("k", [3, 3])] },
  { spec: spec("first", [2, 4]), chunks: [{ ...whole("fused", [6, 4]), rows: [0, 2] }] },
  { spec: spec("second", [4, 4]), chunks: [{ ...whole("fused", [6, 4]), rows: [2, 6], factor: 0.25 }] },
  {
    spec: spec("vector", [6]),
    chunks: [
      { ...whole("v", [6]), rows: [3, 6] },
      { ...whole("v", [6]), rows: [0, 3] },
    ],
  },
];
const tensors = [
  f32Tensor("fused", [6, 4]),
  f32Tensor("k", [3, 3]),
  f32Tensor("q", [2, 3]),
  f32Tensor("v", [6]),
];
const valuesOf = async (tensor: TensorToWrite) => [
  ...new Float32Array((await tensor.bytes()).slice().buffer),
];

async function bytesOf(tensor: TensorOfFile | undefined): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of tensor?.chunks() ?? []) chunks.push(chunk.slice());
  return Buffer.concat(chunks);
}

function filesOf(bytes: Uint8Array): CheckpointFiles {
  const open = (name: string) => Promise.resolve(name === weightsFile ? bytesSource(bytes, name) : undefined);
  return { label: "memory", open };
}

test("parameters are joined, split and scaled; saving gives the same tensors", async () => {
  const files = filesOf(await safetensors(tensors));
  const weights = await readWeights(files);
  const { parameters } = matchParameters(sources, weights, files.label);
  const kernel = hostKernel();
  using scope = new Scope();
  const loaded = await loadParameters(kernel, files, weights, parameters, {}, scope);
  const read = async (name: string) => (await kernel.read(loaded.get(name)!))[0] as HostArray;

  const [fused = [], k = [], q = [], v = []] = await Promise.all(tensors.map(valuesOf));
  expect([...(await read("joined"))]).toEqual([...q, ...k]);
  expect([...(await read("first"))]).toEqual(fused.slice(0, 8));
  expect([...(await read("second"))]).toEqual(fused.slice(8).map((value) => value / 4));
  expect([...(await read("vector"))]).toEqual([...v.slice(3), ...v.slice(0, 3)]);

  const written = tensorsToWrite(sources, {
    typeOf: () => "f32",
    valuesOf: (each) => wholeValues(each, "f32", () => read(each.name)),
  });
  expect(written.map(({ name }) => name)).toEqual(["q", "k", "fused", "v"]);
  for (const tensor of tensors) {
    const again = written.find(({ name }) => name === tensor.name);
    expect(again).toMatchObject({ dtype: "f32", shape: tensor.shape });
    expect(await bytesOf(again)).toEqual(Buffer.from(await tensor.bytes()));
  }
});

test("every tensor of a joined parameter must be there, and have its shape", async () => {
  const match = async (list: TensorToWrite[]) =>
    matchParameters(sources, await readWeights(filesOf(await safetensors(list))), "file");
  expect(await refusal(() => match(tensors.slice(0, 2)))).toMatchObject({
    code: "MISSING_TENSOR",
    message: expect.stringContaining("q [2, 3]") as string,
  });
  const wrong = tensors.map((tensor) => (tensor.name === "fused" ? f32Tensor("fused", [5, 4]) : tensor));
  expect(await refusal(() => match(wrong))).toMatchObject({ code: "TENSOR_SHAPE" });
});
