import {
  bidirectionalMamba,
  initialValues,
  mamba,
  type ParameterSpec,
  Sequences,
  Stack,
  stackParameters,
  type StackSpec,
  uniformAt,
} from "@mamba/core";
import { Scope, type Tensor } from "@mamba/kernel";
import { expect, test } from "vitest";
import type { ExampleSource } from "../src/dataSource.ts";
import { type Trainable, trainable } from "../src/trainable.ts";
import { Trainer } from "../src/trainer.ts";
import { contents, kernel, take } from "./support.ts";

// A classifier of sequences of different lengths: the same training whether they are packed in rows or have a row each.

const dModel = 16;
const vocabSize = 8;

interface Sample {
  readonly ids: readonly number[];
  readonly label: number;
}

/** Sequences of 1 to 9 ids; the label says whether the first id is the last one too. */
const samples: ExampleSource<Sample> = {
  id: "equal ends",
  count: 48,
  example(index) {
    const length = 1 + Math.floor(9 * uniformAt(1, index, 0));
    const ids = Array.from({ length }, (_, i) => Math.floor(vocabSize * uniformAt(2, index, i)));
    return { ids, label: ids[0] === ids.at(-1) ? 1 : 0 };
  },
};

const block = { dModel, nLayers: 2, initializerRange: 0.3 };
const stackSpec: StackSpec = {
  dModel,
  norm: { eps: 1e-5, gain: true },
  layers: [{ mixer: mamba(block) }, { mixer: bidirectionalMamba(block) }],
};
const rules = { lrScale: 1, storage: "f32", weightDecay: true } as const;
const init = { kind: "normal", std: 0.3 } as const;
const specs: readonly ParameterSpec[] = [
  { ...rules, name: "embedding.weight", shape: [vocabSize, dModel], init },
  ...stackParameters(stackSpec, "backbone."),
  { ...rules, name: "head.weight", shape: [2, dModel], init },
];

/** Ids in rows of a batch, and where the sequences are. */
interface Placed {
  readonly ids: Int32Array;
  readonly sequences: Sequences;
}

/** A row for each sequence, padded on the left. */
function rowsOf(batch: readonly Sample[]): Placed {
  const length = Math.max(...batch.map(({ ids }) => ids.length));
  const ids = batch.flatMap((sample) => [
    ...Array.from({ length: length - sample.ids.length }, () => 3),
    ...sample.ids,
  ]);
  const ranges = batch.map((sample) => [length - sample.ids.length, length] as const);
  return { ids: Int32Array.from(ids), sequences: Sequences.fromRanges(ranges, length) };
}

/** Two rows, each with half of the sequences. */
function packedRows(batch: readonly Sample[]): Placed {
  const half = batch.length / 2;
  const rows = [batch.slice(0, half), batch.slice(half)];
  const sequences = Sequences.fromLengths(rows.map((row) => row.map(({ ids }) => ids.length)));
  const ids = new Int32Array(2 * sequences.length).fill(5);
  rows.forEach((row, b) => {
    ids.set(
      row.flatMap((sample) => sample.ids),
      b * sequences.length,
    );
  });
  return { ids, sequences };
}

function classifier(place: (batch: readonly Sample[]) => Placed, scope: Scope): Trainable<Sample> {
  const parameters = new Map(
    specs.map((spec) => [spec.name, scope.use(kernel.upload(initialValues(spec, 4), spec.shape, "f32"))]),
  );
  const stack = new Stack(stackSpec, parameters, "backbone.");
  const named = (name: string) => parameters.get(name) as Tensor;
  return trainable({
    kernel,
    specs,
    parameters,
    config: { head: "ends" },
    loss(tape, batch) {
      const { ids, sequences } = place(batch);
      const { batch: B, length: L } = sequences;
      const x = tape.embedding(tape.constant(ids, [B, L]), named("embedding.weight")); // [B, L, D]
      const hidden = tape.reshape(stack.forward(tape, x, { sequences }), [B * L, dModel]);
      const pooled = tape.gatherRows(hidden, sequences.lastPositions); // [S, D]
      const labels = Int32Array.from(batch, ({ label }) => label);
      return tape.crossEntropy(
        tape.linear(pooled, named("head.weight")),
        tape.constant(labels, [labels.length]),
      );
    },
  });
}

test.each([false, true])(
  "packed rows train like a row for each sequence, recompute %s",
  async (recompute) => {
    using scope = new Scope();
    const config = {
      ...{ steps: 12, lr: 1e-2, batchSize: 8, warmupSteps: 2, weightDecay: 0.1 },
      ...{ eps: 1e-3, recompute },
    };
    using packed = new Trainer(classifier(packedRows, scope), samples, config);
    using apart = new Trainer(classifier(rowsOf, scope), samples, config);
    const [one, two] = [await take(packed, 12), await take(apart, 12)];
    one.forEach(({ loss, gradNorm }, i) => {
      expect(loss).toBeCloseTo(two[i]!.loss, 4);
      expect(gradNorm).toBeCloseTo(two[i]!.gradNorm, 3);
    });
    expect(one.at(-1)!.loss).not.toBeCloseTo(one[0]!.loss, 2);
    const [a, b] = [await contents(packed), await contents(apart)];
    for (const { name } of specs) {
      a.get(name)!.forEach((value, i) => {
        expect(value).toBeCloseTo(b.get(name)![i]!, 4);
      });
    }
  },
);
