import { type HostArray, isDense, type Kernel, lastExtent, Scope, type Tensor } from "@mamba/kernel";
import { check, checkEqual } from "./assert.ts";
import { firstDifference } from "./bits.ts";
import { type CaseInput, type Expected, expectedOf, type OpCase } from "./case.ts";
import { Guards } from "./guards.ts";
import { checkNoLeak } from "./leak.ts";
import { loadInput, widened } from "./load.ts";
import { disagreement } from "./nmse.ts";

type Outputs = Readonly<Record<string, HostArray>>;

/**
 * Runs a case and checks the whole contract of the op: values, shapes and types of the outputs, inputs and their versions
 * unchanged, nothing written elsewhere, no memory kept, the same bits on a second run and on every variant.
 */
export async function checkCase(item: OpCase, kernel: Kernel, variants: readonly Kernel[]): Promise<void> {
  const expected = expectedOf(item);
  const outputs = await runGuarded(item, kernel, expected);
  for (const [name, { data }] of Object.entries(expected)) {
    const actual = outputs[name];
    check(actual !== undefined, `${item.name}: output ${name} is missing`);
    checkValues(`${item.name}: ${name}`, actual, data, item.tolerance);
  }
  if (kernel.capabilities.deterministic) {
    checkSame(`${item.name}: on a second run`, await runGuarded(item, kernel, expected), outputs);
  }
  for (const [i, variant] of variants.entries()) {
    checkSame(`${item.name}: on variant ${i}`, await runGuarded(item, variant, expected), outputs);
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

/** Runs the op once among guards. Returns its outputs and the inputs updated in place. */
async function runGuarded(
  item: OpCase,
  kernel: Kernel,
  expected: Readonly<Record<string, Expected>>,
): Promise<Outputs> {
  return checkNoLeak(item.name, kernel, async () => {
    const scope = new Scope();
    try {
      const guards = new Guards(kernel, scope);
      const inputs = Object.entries(item.inputs()).flatMap(([name, input]) =>
        input ? [{ name, input }] : [],
      );
      const loaded = inputs.map(({ name, input }) => {
        guards.place(64);
        return { name, input, ...loadInput(kernel, input, scope) };
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
        check(
          right,
          `${item.name}: the version of ${name} ${change}, was ${versions[i]}, is ${tensor.version}`,
        );
      });
      for (const output of Object.values(outputs)) scope.use(output);
      for (const [name, output] of Object.entries(outputs))
        checkOutput(item.name, name, output, expected[name]);

      const names = [...Object.keys(outputs), ...inPlace];
      const states = loaded.filter(({ name }) => inPlace.has(name)).map(({ tensor }) => tensor);
      const results = await kernel.read(...Object.values(outputs), ...states);
      await guards.verify(item.name);
      const after = await kernel.read(...loaded.map(({ base }) => base));
      loaded.forEach(({ name, input }, i) => {
        const now = inPlace.has(name) ? around(input, after[i]) : after[i];
        const before = inPlace.has(name) ? around(input, original(input)) : original(input);
        const what = inPlace.has(name) ? `wrote around the view ${name}` : `changed its input ${name}`;
        check(firstDifference(now, before) === undefined, `${item.name}: ${what}`);
      });
      return Object.fromEntries(results.map((data, i) => [names[i] ?? "", data]));
    } finally {
      scope.dispose();
    }
  });
}

/** Returns the data uploaded for an input: for a view, of the whole wider tensor. */
function original(input: CaseInput): HostArray {
  return input.view ? widened(input, input.view.before, input.view.after).wide : input.data;
}

/** Returns the elements around a view, which an op that updates the view in place must not change. */
function around({ shape, view }: CaseInput, base: HostArray | undefined): number[] {
  const last = lastExtent(shape);
  if (view === undefined || base === undefined) return [];
  const width = view.before + last + view.after;
  return Array.from(base).filter((_, i) => i % width < view.before || i % width >= view.before + last);
}

function checkOutput(op: string, name: string, output: Tensor, expected: Expected | undefined): void {
  check(expected !== undefined, `${op}: unexpected output ${name}`);
  const what = `${op}: output ${name}`;
  checkEqual(`${what}: shape`, output.shape.join(", "), expected.shape.join(", "));
  checkEqual(`${what}: dtype`, output.dtype, expected.data instanceof Int32Array ? "i32" : "f32");
  check(isDense(output), `${what}: must be dense, row stride is ${output.rowStride}`);
}
