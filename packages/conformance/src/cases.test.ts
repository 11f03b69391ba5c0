import { byteLength, type CopyOps, quantizedTypes } from "@mamba/kernel";
import { definitions } from "@mamba/kernel/author";
import { beforeAll, describe, expect, it } from "vitest";
import { firstDifference } from "./bits.ts";
import { defaultTolerance, expectedOf, type OpCase } from "./case.ts";
import { clearFilters, clearOf, cumulative, margin, sampleProbabilities } from "./cases/distribution.ts";
import { bytesOf } from "./cases/inputs.ts";
import * as ops from "./ops/index.ts";
import { benchmarkCases, cases, suites } from "./opSuites.ts";

/** The ops that move memory. `contract/memory.ts` tests them. */
const copyOps: readonly string[] = ["copyInto", "gatherRows", "write"] satisfies (keyof CopyOps)[];

describe("every op of the interface", () => {
  it("has a suite under its name", () => {
    const computing = Object.keys(definitions).filter((op) => !copyOps.includes(op));
    expect(suites.map(({ op }) => op).sort()).toEqual(computing.sort());
    for (const [name, { op }] of Object.entries(ops)) expect(op).toBe(name);
  });

  it.each(suites.map((suite) => [suite.op, suite] as const))(
    "has cases and a minimal call: %s",
    (op, suite) => {
      expect(suite.cases.length).toBeGreaterThan(0);
      for (const item of [...suite.cases, ...suite.benchmarks])
        expect([item.op, item.training]).toEqual([op, suite.training]);
      const { args, dense, anyAxes, anyWidth, writes } = suite.minimal;
      expect(Object.keys(args)).toEqual(
        expect.arrayContaining([...dense, ...anyAxes, ...anyWidth, ...writes]),
      );
    },
  );
});

describe("cases", () => {
  /** Results of one pass over the inputs and the reference of every case. */
  const facts: { item: OpCase; zeros: string[]; alive: string[]; inPlace: string[]; moved: number }[] = [];

  beforeAll(() => {
    for (const item of cases) {
      const inputs = Object.entries(item.inputs()).flatMap(([name, input]) =>
        input ? [{ name, input }] : [],
      );
      const outputs = Object.entries(expectedOf(item)).map(([name, { data }]) => ({ name, data }));
      const alive = outputs.filter(({ data }) => data instanceof Int32Array || data.some((x) => x !== 0));
      facts.push({
        item,
        zeros: outputs.filter((output) => !alive.includes(output)).map(({ name }) => name),
        alive: alive.map(({ name }) => name),
        inPlace: inputs.filter(({ input }) => input.inPlace).map(({ name }) => name),
        moved: [
          ...inputs.map(({ name, input }) => usedBytes(item, name, input)),
          ...outputs.map(({ data }) => bytesOf(data.length)),
        ].reduce((a, b) => a + b),
      });
    }
  }, 60_000);

  it("have names of their own that begin with the op", () => {
    const all = [...cases, ...benchmarkCases];
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    for (const { op, name } of all) expect(name.startsWith(`${op} `), name).toBe(true);
  });

  it("give the same inputs each time", () => {
    for (const item of cases.filter((_, i) => i % 7 === 0)) {
      const [first, second] = [item.inputs(), item.inputs()];
      expect(Object.keys(second)).toEqual(Object.keys(first));
      for (const [name, input] of Object.entries(first)) {
        const again = second[name];
        expect({ ...again, data: undefined }).toEqual({ ...input, data: undefined });
        // `toEqual` of the arrays would take seconds.
        expect(firstDifference(again?.data, input?.data), `${item.name}: ${name}`).toBeUndefined();
      }
    }
  });

  it("give a reason for every tolerance of their own", () => {
    const special = cases.filter(({ tolerance }) => tolerance !== defaultTolerance);
    expect(special.length).toBeGreaterThan(0);
    for (const { reason, name } of special) expect(reason?.length ?? 0, name).toBeGreaterThan(20);
  });

  it("expect outputs with a number other than zero, except in the few cases about zero", () => {
    // No input before the only position, one key or expert alone, no loss, or no gradient.
    const zero =
      /^attentionBackward B1 L1 .*d_[qk]$|^routeExpertsBackward R1 E1 .*(softmax|topSoftmax): |^selectiveScanBackward B1 L1 .*d_A$|sample B3 V1 .*: (logProb|topLogProbs)$|nothing to learn|all ignored|of zero: decay alone: [mv]0|zero gradients: [mv]0/;
    for (const { item, zeros, alive } of facts) {
      for (const name of zeros) expect(`${item.name}: ${name}`).toMatch(zero);
      for (const name of alive) expect(`${item.name}: ${name}`).not.toMatch(zero);
    }
  });

  it("cost the bytes of their arguments and results, once for each step of an optimizer", () => {
    for (const { item, moved } of facts) {
      const { name, op, cost } = item;
      const steps = cost.bytes / moved;
      if (op === "adamwStep") expect(Number.isInteger(steps), name).toBe(true);
      else expect(steps, name).toBe(1);
    }
  });

  it("cost operations, unless the op only copies", () => {
    for (const { op, name, cost } of [...cases, ...benchmarkCases]) {
      const copies = op === "flip" || op === "embedding";
      expect(Number.isInteger(cost.flops) && (copies ? cost.flops === 0 : cost.flops > 0), name).toBe(true);
    }
  });

  it("update in place the arguments that the minimal call says", () => {
    for (const { op, minimal } of suites) {
      const own = facts.filter(({ item }) => item.op === op);
      const names = own.flatMap(({ inPlace }) => inPlace.map((name) => name.replace(/\d+$/, "")));
      expect(new Set(names), op).toEqual(new Set(minimal.writes));
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
    for (const op of ["linear", "linearBackwardInput", "embedding"]) {
      const dtypes = cases.filter((item) => item.op === op).flatMap(({ requires }) => requires);
      expect(new Set(dtypes.map(({ dtype }) => dtype))).toEqual(
        new Set(["f32", "f16", "bf16", ...quantizedTypes]),
      );
    }
  });
});

/** Bytes of an input that a run reads: of an embedding table, one row for each id. */
function usedBytes(
  item: OpCase,
  name: string,
  input: NonNullable<ReturnType<OpCase["inputs"]>[string]>,
): number {
  const { ids = 1, D = 1 } = item.sizes;
  const table = item.op === "embedding" && name === "weight";
  return byteLength(input.dtype, table ? [ids, D] : input.shape);
}

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

  it("moves topP and minP off the edges of a row", () => {
    for (const row of [Float32Array.of(0, 1, 2, 3), Float32Array.of(1, 1, 0, 5)]) {
      for (const topP of [0.2, 0.6439, 0.8808, 0.9999]) {
        const clear = clearFilters(row, { temperature: 1, topP, minP: Math.exp(-1) });
        const sums = cumulative(sampleProbabilities(row, { temperature: 1 }).sort((a, b) => b - a));
        for (const sum of sums.slice(0, -1))
          expect(Math.abs(sum - (clear.topP ?? 0))).toBeGreaterThan(margin);
        const p = sampleProbabilities(row, { temperature: 1, topP: clear.topP });
        for (const mass of p)
          expect(Math.abs(mass / Math.max(...p) - (clear.minP ?? 0))).toBeGreaterThan(margin);
      }
    }
  });
});
