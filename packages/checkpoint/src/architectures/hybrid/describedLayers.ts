import type { HybridLMConfig, LayerSpec, ModuleSpec } from "@mamba/core";
import { show } from "@mamba/core/safetensors";
import { type Fields, maxLayers } from "../../json/fields.ts";
import { decoded, encoded, makerOf } from "./moduleMakers.ts";
import { mixersOf, modulesOf } from "./modules.ts";

// The layers of any stack of core's modules as JSON: the fields `layers`, the different layers, and `order`, their numbers from the
// first layer of the stack to the last.

/** The reason why layers cannot be described: a module that is not core's. */
export function layersObstacle({ layers }: HybridLMConfig): string | undefined {
  const modules = [...new Set(layers)].flatMap(modulesOf);
  const unknown = modules.find(({ kind }) => makerOf(kind) === undefined);
  return unknown && `modules of the kind ${unknown.kind}`;
}

/** The fields that describe the layers of a model. */
export function describedLayers({ layers }: HybridLMConfig): {
  readonly layers: object[];
  readonly order: number[];
} {
  const numbers = new Map<string, number>();
  const described: object[] = [];
  const seen = new Map<LayerSpec, number>();
  const order = layers.map((layer) => {
    const known = seen.get(layer);
    if (known !== undefined) return known;
    const value = describedLayer(layer);
    const key = JSON.stringify(value);
    const number = numbers.get(key) ?? described.push(value) - 1;
    numbers.set(key, number);
    seen.set(layer, number);
    return number;
  });
  return { layers: described, order };
}

function describedLayer(layer: LayerSpec): object {
  const { ffn, residualScale = 1 } = layer;
  const described = ({ kind, config }: ModuleSpec) => ({ kind, config: encoded(config) });
  return {
    mixers: mixersOf(layer).map(described),
    ...(ffn && { ffn: described(ffn) }),
    ...(residualScale !== 1 && { residual_scale: residualScale }),
  };
}

/**
 * The layers that the fields describe.
 *
 * @throws CheckpointError `CONFIG`, `UNSUPPORTED_MODEL` for a module of an unknown kind; MambaError `CONFIG` for a wrong config of a module
 */
export function readLayers(fields: Fields): readonly LayerSpec[] {
  const layers = (fields.objects("layers") ?? []).map(readLayer);
  const isNumber = (value: number) => Number.isInteger(value) && value >= 0 && value < layers.length;
  const rule = `a list of 1 to ${maxLayers} numbers of layers below ${layers.length}`;
  const order = fields.numbers("order", rule, (values) => {
    return values.length >= 1 && values.length <= maxLayers && values.every(isNumber);
  });
  return (order ?? fields.missing("order")).map((number) => layers[number] ?? {});
}

function readLayer(fields: Fields): LayerSpec {
  const mixers = (fields.objects("mixers") ?? []).map(readModule);
  const ffn = fields.object("ffn");
  const [mixer] = mixers;
  return {
    ...(mixer && { mixer: mixers.length === 1 ? mixer : mixers }),
    ...(ffn && { ffn: readModule(ffn) }),
    residualScale: fields.number("residual_scale") ?? 1,
  };
}

function readModule(fields: Fields): ModuleSpec {
  const kind = fields.string("kind") ?? fields.missing("kind");
  const make = makerOf(kind);
  if (!make) return fields.unsupported(`modules of the kind ${show(kind)}`);
  const config = fields.object("config") ?? fields.missing("config");
  return make(decoded(config.json) as object);
}
