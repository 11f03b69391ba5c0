import { canTrain, Scope, type Tensor, type TrainingKernel } from "@mamba/kernel";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { expect, test } from "vitest";
import { MambaLM, type MambaLMConfigInput, Tape, type TapeOptions } from "../src/index.ts";
import { close, nmse, small, someIds, take, uploadIds, warmUp } from "./support.ts";

async function withTrainable(
  body: (model: MambaLM, kernel: TrainingKernel) => Promise<void>,
  config: MambaLMConfigInput = { ...small, initializerRange: 0.3 },
): Promise<void> {
  const kernel = await createCpuKernel({ threads: 1 });
  if (!canTrain(kernel)) throw new Error("the CPU kernel must be able to train");
  const model = MambaLM.init(kernel, config, 5);
  await warmUp(model);
  const before = kernel.memory();
  await body(model, kernel);
  expect(kernel.memory()).toEqual(before);
  model.dispose();
  await kernel.dispose();
}

/** Loss and gradients by parameter name, for next-token prediction on `rows`. */
async function gradientsOf(
  model: MambaLM,
  kernel: TrainingKernel,
  rows: readonly (readonly number[])[],
  { tracked = model.parameters, ...options }: TapeOptions & { tracked?: ReadonlyMap<string, Tensor> } = {},
): Promise<{ loss: number; gradients: Map<string, Float32Array> }> {
  using scope = new Scope();
  const ids = scope.use(
    uploadIds(
      kernel,
      rows.map((row) => row.slice(0, -1)),
    ),
  );
  const targets = scope.use(
    kernel.upload(
      Int32Array.from(rows.flatMap((row) => row.slice(1))),
      [ids.shape[0]! * ids.shape[1]!],
      "i32",
    ),
  );
  const tape = scope.use(new Tape(kernel, tracked.values(), options));
  const logits = model.run(tape, ids); // [B, L, V]
  const flat = tape.reshape(logits, [targets.shape[0]!, model.config.vocabSize]);
  const loss = scope.use(tape.keep(tape.crossEntropy(flat, targets)));
  const found = tape.backward(loss);
  const gradients = new Map<string, Float32Array>();
  for (const [name, parameter] of tracked) {
    const gradient = found.get(parameter);
    if (gradient) gradients.set(name, await take(kernel, gradient));
  }
  expect(gradients.size).toBe(found.size);
  return { loss: (await kernel.read(loss))[0]![0]!, gradients };
}

const rows = [someIds(9, 1), someIds(9, 2)];

test("every parameter has a gradient, and a small step against it lowers the loss as it promises", async () => {
  for (const config of [
    { ...small, initializerRange: 0.3 },
    { ...small, initializerRange: 0.3, bias: true, innerNorms: "weighted", tieEmbeddings: false } as const,
    { ...small, initializerRange: 0.3, selective: false },
  ]) {
    await withTrainable(async (model, kernel) => {
      const { loss, gradients } = await gradientsOf(model, kernel, rows);
      expect([...gradients.keys()]).toEqual([...model.parameters.keys()]);
      for (const [name, gradient] of gradients) {
        const parameter = model.parameters.get(name)!;
        const values = (await kernel.read(parameter))[0] as Float32Array;
        const power = gradient.reduce((sum, value) => sum + value * value, 0);
        expect([name, power > 0]).toEqual([name, true]);
        // A step that should change the loss by 0.01 to first order, or moves no value by more than 0.05; the change is
        // measured on both sides. f32 resolves the loss to about 4e-7.
        const largest = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const step = Math.min(0.01 / power, 0.05 / largest);
        expect(step * power).toBeGreaterThan(2e-5);
        const measured: number[] = [];
        for (const sign of [1, -1]) {
          kernel.write(
            parameter,
            0,
            values.map((value, i) => value + sign * step * gradient[i]!),
          );
          measured.push((await gradientsOf(model, kernel, rows, { tracked: new Map() })).loss);
        }
        kernel.write(parameter, 0, values);
        const slope = (measured[0]! - measured[1]!) / (2 * step * power);
        expect([name, Math.abs(slope - 1) < 0.05]).toEqual([name, true]);
      }
      expect(loss).toBeGreaterThan(1);
    }, config);
  }
});

test("recomputing layers in the backward pass changes no bit of a gradient", async () => {
  await withTrainable(async (model, kernel) => {
    const plain = await gradientsOf(model, kernel, rows);
    expect(await gradientsOf(model, kernel, rows, { recompute: true })).toEqual(plain);
  });
});

test("gradients of some parameters are those of all, and no others are made", async () => {
  await withTrainable(async (model, kernel) => {
    const all = await gradientsOf(model, kernel, rows);
    const some = new Map([...model.parameters].filter(([name]) => /1\.mixer\.(A_log|in_proj)/.test(name)));
    const { gradients } = await gradientsOf(model, kernel, rows, { tracked: some });
    expect([...gradients.keys()]).toEqual([...some.keys()]);
    for (const [name, gradient] of gradients)
      expect(nmse(gradient, all.gradients.get(name)!)).toBeLessThan(close);
  });
});

test.each([false, true])("a state is advanced after the backward pass, recompute %s", async (recompute) => {
  await withTrainable(async (model, kernel) => {
    using ids = uploadIds(kernel, rows);
    using expected = model.createState(2);
    await take(kernel, model.forward(ids, { state: expected }));
    using state = model.createState(2);
    {
      using tape = new Tape(kernel, model.parameters.values(), { recompute });
      const logits = model.run(tape, ids, { state });
      using dy = kernel.zeros(logits.shape, "f32");
      expect((await state.read()).every((data) => data.every((value) => value === 0))).toBe(true);
      for (const gradient of tape.backward(logits, dy).values()) gradient.dispose();
    }
    const states = await expected.read();
    (await state.read()).forEach((data, i) => {
      expect(nmse(data, states[i]!)).toBeLessThan(close);
    });
  });
});
