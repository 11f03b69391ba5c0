import { expect, test } from "vitest";
import { bidirectionalMamba } from "../layers/bidirectionalMamba.ts";
import { resolveLMConfig } from "../model/config.ts";
import { parameterSpecs } from "../model/specs.ts";
import { initialValues } from "./initialValues.ts";
import type { ParameterSpec } from "./spec.ts";

const config = resolveLMConfig({ dModel: 64, nLayers: 4, vocabSize: 512 });

function values(
  name: string,
  specs: readonly ParameterSpec[] = parameterSpecs(config),
  seed = 3,
): Float32Array {
  const spec = specs.find((candidate) => candidate.name.endsWith(name));
  if (!spec) throw new Error(`no parameter ${name}`);
  return initialValues(spec, seed);
}

function deviation(data: Float32Array): number {
  return Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / data.length);
}

test("equal seeds give equal values, other seeds and other names give others", () => {
  expect(values("layers.0.mixer.in_proj.weight")).toEqual(values("layers.0.mixer.in_proj.weight"));
  expect(values("layers.0.mixer.in_proj.weight")).not.toEqual(values("layers.1.mixer.in_proj.weight"));
  expect(values("in_proj.weight", undefined, 3)).not.toEqual(values("in_proj.weight", undefined, 4));
});

test("delta starts between dtMin and dtMax in both directions: softplus(bias) is log-uniform", () => {
  for (const data of [
    values("dt_proj.bias"),
    values("dt_proj_b.bias", bidirectionalMamba(config).parameters("")),
  ]) {
    const deltas = Array.from(data, (bias) => Math.log1p(Math.exp(bias)));
    expect(Math.min(...deltas)).toBeGreaterThanOrEqual(0.001 * 0.999);
    expect(Math.max(...deltas)).toBeLessThanOrEqual(0.1 * 1.001);
    const logs = deltas.map(Math.log);
    const mean = logs.reduce((sum, value) => sum + value, 0) / logs.length;
    expect(Math.abs(mean - Math.log(0.01))).toBeLessThan(0.4); // the middle of the range; sd of the mean is 0.12
  }
});

test("projections have the stated spread; dt_proj keeps its own", () => {
  expect(deviation(values("layers.0.mixer.in_proj.weight")) / 0.02).toBeCloseTo(1, 1);
  expect(deviation(values("layers.0.mixer.out_proj.weight")) / (0.02 / Math.sqrt(8))).toBeCloseTo(1, 1);
  const bound = 4 ** -0.5; // dtRank = 64 / 16
  expect(deviation(values("layers.0.mixer.dt_proj.weight")) / (bound / Math.sqrt(3))).toBeCloseTo(1, 1);
});

test("A_log is ln(n + 1) on every channel, D is 1", () => {
  const rows = values("A_log");
  expect(Array.from(rows.subarray(16, 32))).toEqual(
    Array.from({ length: 16 }, (_, n) => Math.fround(Math.log(n + 1))),
  );
  expect(new Set(values("mixer.D"))).toEqual(new Set([1]));
});

test("muP starts the head and the convolution at zero and narrows hidden matrices", () => {
  const wide = parameterSpecs(resolveLMConfig({ dModel: 256, nLayers: 1, vocabSize: 64, mupBaseWidth: 64 }));
  expect(new Set(values("lm_head.weight", wide))).toEqual(new Set([0]));
  expect(new Set(values("conv1d.weight", wide))).toEqual(new Set([0]));
  expect(deviation(values("in_proj.weight", wide)) / 0.01).toBeCloseTo(1, 1);
  // dt_proj sums over dtRank = 256 / 16 values, and 1 / sqrt(dtRank) is all that the width may do to it.
  expect(deviation(values("dt_proj.weight", wide)) / (16 ** -0.5 / Math.sqrt(3))).toBeCloseTo(1, 1);
});
