import {
  type HybridLMConfig,
  type LayerSpec,
  type ModuleSpec,
  parameterSpecs,
  type ParameterSpec,
} from "@mamba/core";
import { CheckpointError } from "../../errors.ts";
import type { ParameterSource, TensorRows } from "../parameterSource.ts";
import { configOf, mixersOf } from "./modules.ts";

/** A parameter of a layer. */
export interface LayerParameter {
  readonly spec: ParameterSpec;
  readonly layer: LayerSpec;
  /** The module that has it; undefined for the weight of a norm before modules. */
  readonly module: ModuleSpec | undefined;
  /** The place of the module, or of the modules that the norm stands before. */
  readonly place: "mixer" | "ffn";
  /** Its name in the module: "in_proj.weight". For the weight of a norm: "norm.weight". */
  readonly local: string;
}

/** The tensors of a parameter, their names after the prefix of the layer. */
export type LocalTensors = string | readonly [TensorRows, ...TensorRows[]];

/** Names of the parameters of a model in a file. */
export interface HubNames {
  readonly table: TensorRows["names"];
  readonly finalNorm: TensorRows["names"];
  /** Prefix of layer `i`: "model.layers.0.". */
  layer(index: number): string;
  /** A name, where the tensor has the shape of the parameter, or rows of tensors. */
  tensors(parameter: LayerParameter): LocalTensors;
}

/** Sources of the parameters of a hybrid under the names of a file. */
export function hubSources(config: HybridLMConfig, names: HubNames): ParameterSource[] {
  checkExperts(config);
  return parameterSpecs(config).map((spec): ParameterSource => {
    const found = layerParameter(config, spec);
    if (found === undefined) {
      const { table, finalNorm } = names;
      const whole = new Map([
        ["backbone.embeddings.weight", table],
        ["backbone.norm_f.weight", finalNorm],
      ]);
      return { spec, chunks: [{ names: whole.get(spec.name) ?? [spec.name], shapes: [spec.shape] }] };
    }
    const prefix = names.layer(found.index);
    const tensors = names.tensors(found.parameter);
    if (typeof tensors === "string")
      return { spec, chunks: [{ names: [prefix + tensors], shapes: shapesOf(spec) }] };
    const [first, ...others] = tensors;
    const placed = (rows: TensorRows): TensorRows => {
      const [name, ...more] = rows.names;
      return { ...rows, names: [prefix + name, ...more.map((other) => prefix + other)] };
    };
    return { spec, chunks: [placed(first), ...others.map(placed)] };
  });
}

/** Experts of all layers of the largest models that are read, which have a tensor or rows for each one. */
const maxTotalExperts = 2 ** 17;

/** @throws CheckpointError `CONFIG` for more experts than a damaged config may make the loader list */
function checkExperts({ layers }: HybridLMConfig): void {
  const total = layers.reduce((sum, { ffn }) => sum + (configOf(ffn, "experts")?.experts ?? 0), 0);
  if (total > maxTotalExperts)
    throw new CheckpointError(
      "CONFIG",
      `the layers have ${total} experts, models have at most ${maxTotalExperts}`,
    );
}

/** The shapes that files give a parameter: grouped convolutions have a channel axis in PyTorch, [C, 1, W], and another one in MLX. */
function shapesOf({ name, shape }: ParameterSpec): TensorRows["shapes"] {
  if (!name.endsWith(".conv1d.weight")) return [shape];
  const [channels = 0, width = 0] = shape;
  return [[channels, 1, width], shape, [channels, width, 1]];
}

/** The layer and module of a parameter; undefined for one outside of the layers. */
export function layerParameter(
  { layers }: HybridLMConfig,
  spec: ParameterSpec,
): { readonly index: number; readonly parameter: LayerParameter } | undefined {
  const [, number = "", rest = ""] = /^backbone\.layers\.(\d+)\.(.*)$/.exec(spec.name) ?? [];
  if (number === "") return undefined;
  const index = Number(number);
  const layer = layers[index] ?? {};
  const [, place = "", , at = "0", local = ""] = /^(mixer|mixers|ffn)(\.(\d+))?\.(.*)$/.exec(rest) ?? [];
  if (place === "") {
    const norms = new Map([
      ["norm.weight", "mixer"],
      ["ffn_norm.weight", "ffn"],
    ] as const);
    const before = norms.get(rest as "norm.weight");
    if (before === undefined)
      throw new CheckpointError("UNSUPPORTED_MODEL", `files have no place for the parameter ${spec.name}`);
    return { index, parameter: { spec, layer, module: undefined, place: before, local: "norm.weight" } };
  }
  const module = place === "ffn" ? layer.ffn : mixersOf(layer)[Number(at)];
  return { index, parameter: { spec, layer, module, place: place === "ffn" ? "ffn" : "mixer", local } };
}

/** One tensor for each expert: the parameter is [E, O, I], each tensor [O, I]. */
export function perExpert(
  { shape }: ParameterSpec,
  nameOf: (expert: number) => string,
): readonly [TensorRows, ...TensorRows[]] {
  const [experts = 1, ...rest] = shape;
  const rowsOf = (expert: number): TensorRows => ({ names: [nameOf(expert)], shapes: [rest] });
  return [rowsOf(0), ...Array.from({ length: experts - 1 }, (_, i) => rowsOf(i + 1))];
}

/**
 * Rows of one tensor [E, R, I] that joins several matrices of each expert: the parameter is [E, O, I].
 *
 * @param start first row of the parameter among the R rows of an expert
 */
export function rowsOfExperts(
  { shape: [experts = 1, count = 1, columns = 1] }: ParameterSpec,
  name: string,
  total: number,
  start: number,
): readonly [TensorRows, ...TensorRows[]] {
  const rowsOf = (expert: number): TensorRows => {
    const first = expert * total + start;
    return { names: [name], shapes: [[experts, total, columns]], rows: [first, first + count] };
  };
  return [rowsOf(0), ...Array.from({ length: experts - 1 }, (_, i) => rowsOf(i + 1))];
}

/** Rows of one tensor that joins several matrices or vectors. @param start first row of the parameter in it */
export function rowsOfJoined(
  { shape }: ParameterSpec,
  name: string,
  total: number,
  start: number,
): readonly [TensorRows] {
  const [count = 1, ...rest] = shape;
  return [{ names: [name], shapes: [[total, ...rest]], rows: [start, start + count] }];
}
