import { attention, mamba, mamba2, mamba3, mlp } from "@mamba/core";
import { expect, test } from "vitest";
import { maxLayers } from "../../json/fields.ts";
import { parseLayers } from "./givenLayers.ts";

const configs = (layers: ReturnType<typeof parseLayers>) =>
  layers.map(({ mixer = [], ffn, residualScale }) => ({
    mixers: [mixer].flat().map(({ kind, config }) => [kind, config] as const),
    ffn: ffn?.config,
    residualScale,
  }));

test("modules get the width, the number of layers and the initialisation of the model", () => {
  const model = {
    dModel: 16,
    initializerRange: 0.1,
    layers: [
      { mixer: { kind: "mamba2", headDim: 8, dState: 5, dtLimit: [0, { __float__: "Infinity" }] } },
      { mixer: [{ kind: "mamba" }, { kind: "attention", heads: 2 }], residualScale: 0.5 },
      { mixer: { kind: "mamba3", headDim: 8, dState: 4 }, ffn: { kind: "mlp", dHidden: 24 } },
      {},
    ],
  };
  const shared = { dModel: 16, nLayers: 4, initializerRange: 0.1 };
  const none = { mixers: [], ffn: undefined, residualScale: undefined };
  const module = ({ kind, config }: { kind: string; config?: unknown }) => [kind, config];
  expect(configs(parseLayers(model, "model"))).toEqual([
    { ...none, mixers: [module(mamba2({ ...shared, headDim: 8, dState: 5 }))] },
    {
      ...none,
      mixers: [module(mamba(shared)), module(attention({ ...shared, heads: 2 }))],
      residualScale: 0.5,
    },
    {
      ...none,
      mixers: [module(mamba3({ ...shared, headDim: 8, dState: 4 }))],
      ffn: mlp({ ...shared, dHidden: 24 }).config,
    },
    none,
  ]);
});

const attending = { kind: "attention", heads: 2 };

test.each([
  ["no layers", { layers: undefined }, "model: the field layers is missing"],
  [
    "an empty list",
    { layers: [] },
    `model: the field layers must have from 1 to ${maxLayers} layers, got none`,
  ],
  ["no list", { layers: 2 }, `model: the field layers must be a list of at most ${maxLayers} objects, got 2`],
  [
    "too many layers",
    { layers: Array.from({ length: maxLayers + 1 }, () => ({})) },
    `model: the field layers must be a list of at most ${maxLayers} objects, got [`,
  ],
  ["no width", { dModel: undefined, layers: [{}] }, "model: the field dModel is missing"],
  [
    "an unknown kind",
    { layers: [{}, { mixer: { kind: "mamba4" } }] },
    'model: layers[1]: mixer: there is no module of the kind "mamba4"; did you mean mamba',
  ],
  [
    "a kind of Object.prototype",
    { layers: [{ mixer: { kind: "constructor" } }] },
    "the kinds are mamba, mamba2, mamba3, attention, mlp, experts",
  ],
  ["no kind", { layers: [{ ffn: { dHidden: 2 } }] }, "model: layers[0]: ffn: the field kind is missing"],
  [
    "a mixer that is text",
    { layers: [{ mixer: "mamba" }] },
    'the field mixer must be an object, got "mamba"',
  ],
  [
    "an unknown field",
    { layers: [{ mixers: [] }] },
    'model: layers[0]: there is no field "mixers"; did you mean mixer?',
  ],
  [
    "a width of a module",
    { layers: [{ mixer: [attending, { ...attending, dModel: 8 }] }] },
    "model: layers[0]: mixer[1]: the field dModel is that of the model: leave it out here",
  ],
  [
    "a scale that is text",
    { layers: [{ residualScale: "1" }] },
    'residualScale must be a finite number, got "1"',
  ],
])("refuses %s", (_, model, message) => {
  const read = () => parseLayers({ dModel: 16, ...model }, "model");
  expect(read).toThrow(expect.objectContaining({ name: "CheckpointError", code: "CONFIG" }));
  expect(read).toThrow(message);
});

test("what a module refuses is named by its place", () => {
  const layers = [{ mixer: [attending, { ...attending, heads: 0 }] }];
  const read = () => parseLayers({ dModel: 16, layers }, "model");
  expect(read).toThrow(expect.objectContaining({ name: "MambaError", code: "CONFIG" }));
  expect(read).toThrow("model: layers[0]: mixer[1]: ");
  expect(read).toThrow("heads must be");
});
