import type { Kernel } from "@mamba/kernel";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { expect, test } from "vitest";
import { MambaLM, type StackState } from "../src/index.ts";
import { someIds, take, uploadIds } from "./support.ts";

// Wide enough that linear layers sum in several chunks (`inFeatures` above 1024), with an odd width besides.
const config = { dModel: 525, nLayers: 2, vocabSize: 61, dState: 5, dtRank: 33, dConv: 4 } as const;
const length = 70;

/** Logits after every position, and the states at the end. */
interface Result {
  readonly logits: Float32Array;
  readonly states: readonly Float32Array[];
}

/** Row `row` of the data of 33 rows. */
function rowOf(data: Float32Array, row: number): Float32Array {
  return data.subarray((row * data.length) / 33, ((row + 1) * data.length) / 33);
}

async function readStates(kernel: Kernel, state: StackState): Promise<Float32Array[]> {
  return (await kernel.read(...state.tensors)) as Float32Array[];
}

/** Runs `rows` in chunks of `chunk` positions. */
async function run(model: MambaLM, rows: readonly (readonly number[])[], chunk: number): Promise<Result> {
  const { kernel } = model;
  using state = model.createState(rows.length);
  const chunks: Float32Array[] = [];
  for (let from = 0; from < length; from += chunk) {
    using ids = uploadIds(
      kernel,
      rows.map((row) => row.slice(from, from + chunk)),
    );
    chunks.push(await take(kernel, model.forward(ids, { state })));
  }
  const logits = new Float32Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const data of chunks) {
    logits.set(data, at);
    at += data.length;
  }
  return { logits, states: await readStates(kernel, state) };
}

test("the bits of a row depend on nothing but its ids", async () => {
  const prompt = someIds(length, 1);
  const batch = Array.from({ length: 33 }, (_, row) => (row === 20 ? prompt : someIds(length, row + 2)));
  const results: Result[] = [];
  for (const threads of [1, 2]) {
    await using kernel = await createCpuKernel({ threads });
    expect(kernel.capabilities.batchInvariant).toBe(true);
    const model = MambaLM.init(kernel, config, 5);
    const whole = await run(model, [prompt], 512);
    results.push(whole);
    for (const chunk of [1, 3, 7, 64]) {
      expect(await run(model, [prompt], chunk), `chunks of ${chunk}`).toEqual(whole);
    }
    const many = await run(model, batch, 512);
    expect(rowOf(many.logits, 20)).toEqual(whole.logits);
    expect(many.states.map((data) => rowOf(data, 20))).toEqual(whole.states);
    model.dispose();
  }
  const [one, two] = results;
  expect(two, "two threads").toEqual(one);
});

test("a batch of steps gives each row the bits of the row alone", async () => {
  await using kernel = await createCpuKernel({ threads: 1 });
  const model = MambaLM.init(kernel, config, 5);
  const rows = Array.from({ length: 33 }, (_, row) => someIds(4, row + 1));
  const steps = async (chosen: readonly (readonly number[])[]): Promise<Result> => {
    using state = model.createState(chosen.length);
    let logits: Float32Array = new Float32Array();
    for (let position = 0; position < 4; position++) {
      using ids = kernel.upload(
        Int32Array.from(chosen, (row) => row[position] ?? 0),
        [chosen.length],
        "i32",
      );
      logits = await take(kernel, model.step(ids, state));
    }
    return { logits, states: await readStates(kernel, state) };
  };
  const many = await steps(rows);
  for (const at of [0, 8, 32]) {
    const alone = await steps(rows.slice(at, at + 1));
    expect(rowOf(many.logits, at)).toEqual(alone.logits);
    expect(many.states.map((data) => rowOf(data, at))).toEqual(alone.states);
  }
  model.dispose();
});
