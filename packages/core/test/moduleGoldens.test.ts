import { Scope, type Tensor } from "@mamba/kernel";
import { describe, expect, test } from "vitest";
import { EagerOps, type Module, Positions, Tape } from "../src/index.ts";
import { moduleGoldens, type ModuleGolden } from "./moduleGolden.ts";
import { nmse, take } from "./support.ts";
import { kernel, useTrainingKernel } from "./trainingKernel.ts";

// Modules against PyTorch in float64: f32 through about ten ops.
const tolerance = 1e-10;

useTrainingKernel();

test("every kind of module has goldens", () => {
  expect(new Set(moduleGoldens.map(({ spec }) => spec.kind))).toEqual(
    new Set(["attention", "experts", "mamba2", "mamba3", "mlp"]),
  );
});

function valuesOf({ name, values }: ModuleGolden, key: string): Float32Array {
  const found = values.get(key);
  if (!found) throw new Error(`golden ${name} has no ${key}`);
  return found;
}

function parametersOf(golden: ModuleGolden, scope: Scope): Map<string, Tensor> {
  return new Map(
    golden.spec
      .parameters("")
      .map(({ name, shape }) => [name, scope.use(kernel.upload(valuesOf(golden, name), shape, "f32"))]),
  );
}

/** Positions [start, end) of each row of a golden's `x` or `y`. */
function positions(golden: ModuleGolden, key: "x" | "y", start: number, end: number): Float32Array {
  const [batch, length, width] = golden.shape;
  const all = valuesOf(golden, key);
  const rows = Array.from({ length: batch }, (_, row) =>
    all.subarray((row * length + start) * width, (row * length + end) * width),
  );
  return Float32Array.from(rows.flatMap((row) => [...row]));
}

/** Runs the positions of the given lengths, one call for each, over one state. */
async function runChunks(
  golden: ModuleGolden,
  module: Module,
  lengths: readonly number[],
  steps: boolean,
): Promise<void> {
  const [batch, total, width] = golden.shape;
  using scope = new Scope();
  const state = golden.spec.state.map(({ shape }) => scope.use(kernel.zeros(shape(batch, total + 3), "f32")));
  let start = 0;
  for (const length of lengths) {
    using ops = new EagerOps(kernel, { steps });
    const x = ops.constant(positions(golden, "x", start, start + length), [batch, length, width]);
    const before = Array.from({ length: batch }, () => start);
    const context = { state, positions: new Positions(batch, length, { lengths: before }) };
    const y = await take(kernel, ops.keep(module.forward(ops, x, context)));
    const expected = positions(golden, "y", start, start + length);
    expect([start, nmse(y, expected) < tolerance]).toEqual([start, true]);
    start += length;
  }
}

describe.each(moduleGoldens)("$name", (golden) => {
  const { spec, shape } = golden;
  const length = shape[1];

  test("has the parameters of the golden", () => {
    const names = [...golden.values.keys()].filter((name) => !/^(x|dy|y)$|^d_/.test(name));
    expect(
      spec
        .parameters("")
        .map(({ name }) => name)
        .sort(),
    ).toEqual(names.sort());
  });

  test("forward(L) is the golden", async () => {
    using scope = new Scope();
    const module = spec.build(parametersOf(golden, scope), "");
    using ops = new EagerOps(kernel);
    const x = ops.constant(valuesOf(golden, "x"), shape);
    const y = await take(kernel, ops.keep(module.forward(ops, x, {})));
    expect(nmse(y, valuesOf(golden, "y"))).toBeLessThan(tolerance);
  });

  test("forward(k) then forward(L - k), and L steps, are the golden", async () => {
    using scope = new Scope();
    const module = spec.build(parametersOf(golden, scope), "");
    await runChunks(golden, module, [3, 1, length - 4], false);
    await runChunks(
      golden,
      module,
      Array.from({ length }, () => 1),
      true,
    );
  });

  test("the gradients are the golden's", async () => {
    using scope = new Scope();
    const parameters = parametersOf(golden, scope);
    const frozen = new Set(spec.parameters("").flatMap(({ name, frozen }) => (frozen ? [name] : [])));
    const wanted = new Map([...parameters].filter(([name]) => !frozen.has(name)));
    wanted.set("x", scope.use(kernel.upload(valuesOf(golden, "x"), shape, "f32")));
    const tape = scope.use(new Tape(kernel, wanted.values()));
    const training = { seed: 1, addLoss: (loss: Tensor) => tape.addLoss(loss) };
    const y = spec.build(parameters, "").forward(tape, wanted.get("x")!, { training });
    const found = tape.backward(y, scope.use(kernel.upload(valuesOf(golden, "dy"), shape, "f32")));
    for (const gradient of found.values()) scope.use(gradient);
    expect(found.size).toBe(wanted.size);
    for (const [name, tensor] of wanted) {
      const [gradient = []] = await kernel.read(found.get(tensor)!);
      expect([name, nmse(gradient, valuesOf(golden, `d_${name}`)) < tolerance]).toEqual([name, true]);
    }
  });
});
