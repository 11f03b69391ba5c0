import { type HostArray, isDense, type Kernel, Scope, type Tensor } from "@mamba/kernel";
import { check, checkEqual } from "./assert.ts";
import { firstDifference } from "./bits.ts";
import { type Expected, expectedOf, type OpCase, toleranceOf } from "./case.ts";
import { Guards } from "./guards.ts";
import { checkNoLeak } from "./leak.ts";
import { loadInput } from "./load.ts";
import { disagreement } from "./nmse.ts";

/** Larger cases are not run on views: they take most of the time, and each op has its other cases, of every shape. */
const viewedFlops = 300_000;

type Outputs = Readonly<Record<string, HostArray>>;

/**
 * Runs a case and checks the whole contract of the op: values, shapes and types of the outputs, inputs and their versions
 * unchanged, nothing written elsewhere, no memory kept, the same bits on a second run and on every variant. Then runs it once
 * more with all arguments as views of rows, whose results may differ in rounding, unless the case is a large one.
 */
export async function checkCase(item: OpCase, kernel: Kernel, variants: readonly Kernel[]): Promise<void> {
  const expected = expectedOf(item);
  const tolerance = toleranceOf(item, kernel);
  const outputs = await runGuarded(item, kernel, expected);
  checkOutputs(item.name, tolerance, outputs, expected);
  if (kernel.capabilities.deterministic) {
    checkSame(`${item.name}: on a second run`, await runGuarded(item, kernel, expected), outputs);
  }
  for (const [i, variant] of variants.entries()) {
    checkSame(`${item.name}: on variant ${i}`, await runGuarded(item, variant, expected), outputs);
  }
  if (item.cost.flops > viewedFlops) return;
  const what = `${item.name}: of views of rows`;
  checkOutputs(what, tolerance, await runGuarded(item, kernel, expected, true), expected);
}

function checkOutputs(
  what: string,
  tolerance: number,
  outputs: Outputs,
  expected: Readonly<Record<string, Expected>>,
): void {
  for (const [name, { data }] of Object.entries(expected)) {
    const actual = outputs[name];
    check(actual !== undefined, `${what}: output ${name} is missing`);
    checkValues(`${what}: ${name}`, actual, data, tolerance);
  }
}

/** Compares one output with the reference: exactly for i32, by `disagreement` for f32. */
export function checkValues(
  what: string,
  actual: HostArray,
  expected: Float64Array | Int32Array,
  tolerance: number,
): void {
  checkEqual(`${what}: element count`, actual.length, expected.length);
  if (expected instanceof Int32Array) {
    const at = firstDifference(actual, expected);
    check(
      at === undefined,
      `${what}: element ${at} must be ${expected[at ?? 0]}, got ${actual[at ?? 0]} (${actual.constructor.name})`,
    );
    return;
  }
  checkEqual(`${what}: host type`, actual.constructor.name, "Float32Array");
  const why = disagreement(actual, expected, tolerance);
  check(why === undefined, `${what}: ${why}`);
}

/** Two runs must give the same bits. */
function checkSame(what: string, actual: Outputs, first: Outputs): void {
  for (const [name, data] of Object.entries(first)) {
    const at = firstDifference(actual[name], data);
    check(
      at === undefined,
      `${what}: ${name} must be bit-equal: element ${at} is ${actual[name]?.[at ?? 0]}, was ${data[at ?? 0]}`,
    );
  }
}

/**
 * Runs the op once among guards. Returns its outputs and the inputs updated in place.
 *
 * @param inRows true to pass views of rows: see `loadInput`
 */
async function runGuarded(
  item: OpCase,
  kernel: Kernel,
  expected: Readonly<Record<string, Expected>>,
  inRows = false,
): Promise<Outputs> {
  const label = inRows ? `${item.name}: of views of rows` : item.name;
  return checkNoLeak(label, kernel, async () => {
    const scope = new Scope();
    try {
      const guards = new Guards(kernel, scope);
      const inputs = Object.entries(item.inputs()).flatMap(([name, input]) =>
        input ? [{ name, input }] : [],
      );
      const loaded = inputs.map(({ name, input }) => {
        guards.place(64);
        return { name, ...loadInput(kernel, input, scope, inRows) };
      });
      const tensors = Object.fromEntries(loaded.map(({ name, tensor }) => [name, tensor]));
      const prepared = item.prepare?.(kernel, tensors);
      if (prepared) scope.use(prepared);
      const inPlace = new Set(inputs.flatMap(({ name, input }) => (input.inPlace ? [name] : [])));
      guards.holes(
        Object.entries(expected)
          .filter(([name]) => !inPlace.has(name))
          .map(([, { shape, data }]) => ({ shape, dtype: data instanceof Int32Array ? "i32" : "f32" })),
      );
      const versions = loaded.map(({ tensor }) => tensor.version);
      const outputs = item.run(kernel, tensors, prepared);
      loaded.forEach(({ name, tensor }, i) => {
        const change = inPlace.has(name) ? "must change" : "must not change";
        const right = (tensor.version !== versions[i]) === inPlace.has(name);
        check(right, `${label}: the version of ${name} ${change}, was ${versions[i]}, is ${tensor.version}`);
      });
      for (const output of Object.values(outputs)) scope.use(output);
      for (const [name, output] of Object.entries(outputs)) checkOutput(label, name, output, expected[name]);

      const names = [...Object.keys(outputs), ...inPlace];
      const states = loaded.filter(({ name }) => inPlace.has(name)).map(({ tensor }) => tensor);
      const results = await kernel.read(...Object.values(outputs), ...states);
      await guards.verify(label);
      const after = await kernel.read(...loaded.map(({ base }) => base));
      loaded.forEach(({ name, data, isInside }, i) => {
        const isOutside = (_: number, element: number): boolean => !isInside(element);
        const written = inPlace.has(name);
        const now = written ? after[i]?.filter(isOutside) : after[i];
        const before = written ? data.filter(isOutside) : data;
        const what = written ? `wrote around the view ${name}` : `changed its input ${name}`;
        check(firstDifference(now, before) === undefined, `${label}: ${what}`);
      });
      return Object.fromEntries(results.map((data, i) => [names[i] ?? "", data]));
    } finally {
      scope.dispose();
    }
  });
}

function checkOutput(op: string, name: string, output: Tensor, expected: Expected | undefined): void {
  check(expected !== undefined, `${op}: unexpected output ${name}`);
  const what = `${op}: output ${name}`;
  checkEqual(`${what}: shape`, output.shape.join(", "), expected.shape.join(", "));
  checkEqual(`${what}: dtype`, output.dtype, expected.data instanceof Int32Array ? "i32" : "f32");
  check(isDense(output), `${what}: must be dense, row stride is ${output.rowStride}`);
}
