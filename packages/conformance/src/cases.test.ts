import { describe, expect, it } from "vitest";
import { defaultTolerance, expectedOf } from "./case.ts";
import { clearFilters, clearOf, cumulative, margin, sampleProbabilities } from "./cases/distribution.ts";
import { cases } from "./suites.ts";

describe("cases", () => {
  it("have names of their own that begin with the op", () => {
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
    for (const { op, name } of cases) expect(name.startsWith(`${op} `), name).toBe(true);
  });

  it("give the same inputs each time", () => {
    for (const item of cases.filter((_, i) => i % 7 === 0)) expect(item.inputs()).toEqual(item.inputs());
  });

  it("give a reason for every tolerance of their own", () => {
    const special = cases.filter(({ tolerance }) => tolerance !== defaultTolerance);
    expect(special.length).toBeGreaterThan(0);
    for (const { reason, name } of special) expect(reason?.length ?? 0, name).toBeGreaterThan(20);
  });

  it("expect something: outputs with energy, or with a NaN, but for the few that are about zero", () => {
    // Nothing before the only position, no loss, or no gradient.
    const zero =
      /^selectiveScanBackward B1 L1 .*d_A$|nothing to learn|all ignored|of zero: decay alone: [mv]0|zero gradients: [mv]0/;
    for (const item of cases) {
      for (const [name, { data }] of Object.entries(expectedOf(item))) {
        const alive = data instanceof Int32Array || data.some((value) => value !== 0);
        expect(alive, `${item.name}: ${name}`).toBe(!zero.test(`${item.name}: ${name}`));
      }
    }
  });

  it("cover the lengths, state sizes, row counts and dtypes that break blocking", () => {
    const seen = (op: string, letter: string) =>
      new Set(cases.filter((item) => item.op === op).map(({ sizes }) => sizes[letter]));
    for (const op of ["selectiveScan", "causalConv1d", "flip"]) {
      for (const L of [1, 3, 5, 17, 33, 129, 513, 2049]) expect(seen(op, "L"), `${op} L`).toContain(L);
    }
    for (const op of ["selectiveScan", "selectiveStateUpdate"]) {
      for (const N of [1, 4, 8, 16, 32, 64]) expect(seen(op, "N"), `${op} N`).toContain(N);
    }
    for (const op of ["selectiveScanForward", "selectiveScanBackward"]) {
      for (const L of [1, 3, 17, 65, 129, 257, 513]) expect(seen(op, "L"), `${op} L`).toContain(L);
      for (const N of [1, 4, 5, 16]) expect(seen(op, "N"), `${op} N`).toContain(N);
    }
    for (const rows of [1, 2, 3, 4, 5, 6, 7, 8, 9, 64, 130]) expect(seen("linear", "rows")).toContain(rows);
    for (const op of ["linear", "linearBackwardInput"]) {
      const dtypes = cases.filter((item) => item.op === op).flatMap(({ requires }) => requires);
      expect(new Set(dtypes.map(({ dtype }) => dtype))).toEqual(new Set(["f32", "f16", "bf16"]));
    }
  });
});

describe("clearOf", () => {
  it("keeps a target away from every edge, and leaves one that already is", () => {
    expect(clearOf(0.3, [0.5, 1])).toBe(0.3);
    expect(clearOf(0.5, [0.5, 0.8, 1])).toBeCloseTo(0.65, 12);
    expect(() =>
      clearOf(
        0.5,
        Array.from({ length: 10_000 }, (_, i) => i / 1e4),
      ),
    ).toThrow("too fine");
  });

  it("moves topP and minP off the edges of all rows", () => {
    const rows = [Float32Array.of(0, 1, 2, 3), Float32Array.of(1, 1, 0, 5)];
    for (const topP of [0.2, 0.6439, 0.8808, 0.9999]) {
      const clear = clearFilters(rows, { temperature: 1, topP, minP: Math.exp(-1) });
      for (const row of rows) {
        const sums = cumulative(
          [...(sampleProbabilities(row, { temperature: 1 }) ?? [])].sort((a, b) => b - a),
        );
        for (const sum of sums.slice(0, -1))
          expect(Math.abs(sum - (clear.topP ?? 0))).toBeGreaterThan(margin);
        const p = sampleProbabilities(row, { temperature: 1, topP: clear.topP }) ?? [];
        for (const mass of p)
          expect(Math.abs(mass / Math.max(...p) - (clear.minP ?? 0))).toBeGreaterThan(margin);
      }
    }
  });
});
