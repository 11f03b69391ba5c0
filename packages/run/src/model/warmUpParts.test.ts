import { attention, experts, mamba, mamba2, mlp, resolveLMConfig } from "@mamba/core";
import { expect, test } from "vitest";
import { warmUpPartsOf } from "./warmUpParts.ts";

const dModel = 8;
const recurrent = mamba2({ dModel, heads: 2, dState: 4 });
const attending = attention({ dModel, heads: 2 });

test("the parts are those of the layers", () => {
  const partsOf = (layers: object[]) => warmUpPartsOf(resolveLMConfig({ vocabSize: 8, dModel, layers }));
  expect(warmUpPartsOf(resolveLMConfig({ vocabSize: 8, dModel, nLayers: 1, dState: 5 }))).toEqual({
    parts: ["mamba"],
    stateSize: 5,
  });
  const moe = experts({ dModel, dHidden: 4, experts: 2, perToken: 1 });
  expect(partsOf([{ mixer: recurrent, ffn: mlp({ dModel, dHidden: 8 }) }]).parts).toEqual(["mamba2"]);
  expect(partsOf([{ mixer: [recurrent, attending] }, { ffn: moe }]).parts).toEqual([
    "mamba2",
    "attention",
    "experts",
  ]);
  expect(partsOf([{ mixer: attending }]).parts).toEqual(["attention"]);
  const jamba = mamba({ dModel, nLayers: 1, dState: 3, innerNorms: "weighted" });
  expect(partsOf([{ mixer: jamba, ffn: moe }])).toEqual({ parts: ["mamba", "experts"], stateSize: 3 });
});
