import { expect, test } from "vitest";
import { MambaError } from "../errors.ts";
import { parametrization, resolveConfig } from "../layers/mambaConfig.ts";
import { paddedVocabSize, resolveLMConfig } from "./config.ts";

function configError(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (MambaError.is(error, "CONFIG")) return error.message;
    throw error;
  }
  throw new Error("nothing was thrown");
}

test("defaults are those of the paper's language models", () => {
  expect(resolveLMConfig({ dModel: 768, nLayers: 24, vocabSize: 50280 })).toMatchObject({
    dState: 16,
    dInner: 1536,
    dConv: 4,
    dtRank: 48,
    dtMin: 0.001,
    dtMax: 0.1,
    rmsNormEps: 1e-5,
    bias: false,
    convBias: true,
    innerNorms: "none",
    tieEmbeddings: true,
  });
});

test("an unknown field is refused, with the field that was meant", () => {
  const input = { dModel: 16, nLayers: 1, vocabSize: 8 };
  expect(configError(() => resolveLMConfig({ ...input, dstate: 4 } as never))).toBe(
    'config: there is no field "dstate"; did you mean dState?',
  );
  expect(configError(() => resolveLMConfig({ ...input, temperature: 1 } as never))).toContain(
    'config: there is no field "temperature"; the fields are dModel, ',
  );
});

test("dInner wins over expand, inner norms without weights have an epsilon of their own", () => {
  const config = resolveConfig({ dModel: 64, nLayers: 1, expand: 2, dInner: 96, innerNorms: "unweighted" });
  expect(config.dInner).toBe(96);
  expect(config.innerNormEps).toBe(1e-6);
});

test.each([
  [{ dModel: 0 }, "dModel must be a whole number from 1 to 1048576, got 0"],
  [{ dModel: 2.5 }, "dModel must be a whole number"],
  [{ nLayers: -1 }, "nLayers"],
  [{ dState: 257 }, "dState must be a whole number from 1 to 256, got 257"],
  [{ dConv: 1 }, "dConv must be a whole number from 2 to 16, got 1"],
  [{ expand: 1.3 }, "dInner must be a whole number"],
  [{ dtRank: 1e9 }, "dtRank"],
  [{ dtMin: 0.2 }, "dtMax must be at least dtMin, 0.2, got 0.1"],
  [{ rmsNormEps: NaN }, "rmsNormEps must be a number from 0 to 1, got NaN"],
  [{ dtInit: "zeros" as "random" }, 'dtInit must be "random" or "constant", got "zeros"'],
  [{ bias: 1 as unknown as boolean }, "bias must be true or false, got 1"],
  [{ vocabSize: Infinity }, "vocabSize must be a whole number from 1 to 2^24, got Infinity"],
  [{ mupBaseWidth: 32, tieEmbeddings: true }, "tieEmbeddings must be false when mupBaseWidth is given"],
])("%j is refused by name", (wrong, message) => {
  expect(configError(() => resolveLMConfig({ dModel: 64, nLayers: 2, vocabSize: 256, ...wrong }))).toContain(
    message,
  );
});

test("the table is padded, the width multiplier is relative to the base", () => {
  const config = resolveLMConfig({ dModel: 64, nLayers: 1, vocabSize: 50277, padVocabSizeMultiple: 8 });
  expect(paddedVocabSize(config)).toBe(50280);
  expect(parametrization(config).widthMultiplier).toBe(1);
  const wide = resolveConfig({ dModel: 512, nLayers: 1, mupBaseWidth: 128 });
  expect(parametrization(wide).widthMultiplier).toBe(4);
});
