import { expect, test } from "vitest";
import {
  BidirectionalMambaBlock,
  EagerOps,
  MambaError,
  MambaLM,
  parameter,
  Sequences,
  type MambaLMConfigInput,
} from "../src/index.ts";
import { SelectiveSSM } from "../src/layers/selectiveSsm.ts";
import { close, nmse, small, someIds, take, uploadIds, withModel } from "./support.ts";

const variants: readonly [string, MambaLMConfigInput][] = [
  ["plain", small],
  [
    "biases, weighted inner norms, own head",
    { ...small, bias: true, innerNorms: "weighted", tieEmbeddings: false },
  ],
  [
    "unweighted inner norms, padded vocabulary",
    { ...small, innerNorms: "unweighted", padVocabSizeMultiple: 8 },
  ],
  ["no selection", { ...small, selective: false, initializerRange: 0.5 }],
  ["muP", { ...small, mupBaseWidth: 10, initializerRange: 0.5 }],
];

test.each(variants)("forward(L) = forward(k) then forward(L - k) = L x step: %s", async (_, config) => {
  await withModel(async (model, kernel) => {
    const rows = [someIds(11, 1), someIds(11, 2)];
    const slice = (from: number, to: number) =>
      uploadIds(
        kernel,
        rows.map((row) => row.slice(from, to)),
      );
    const V = model.config.vocabSize;
    const at = (data: Float32Array, length: number, row: number, position: number) =>
      data.subarray((row * length + position) * V, (row * length + position + 1) * V);
    using all = slice(0, 11);
    const whole = await take(kernel, model.forward(all));
    if (config.mupBaseWidth === undefined) expect(whole.some((value) => Math.abs(value) > 1e-3)).toBe(true);
    else expect(new Set(whole)).toEqual(new Set([0])); // muP starts its head at zero

    using state = model.createState(2);
    using head = slice(0, 4);
    using tail = slice(4, 11);
    const first = await take(kernel, model.forward(head, { state }));
    const second = await take(kernel, model.forward(tail, { state }));
    using stepped = model.createState(2);
    for (let position = 0; position < 11; position++) {
      using ids = kernel.upload(
        Int32Array.from(rows, (row) => row[position] as number),
        [2],
        "i32",
      );
      const logits = await take(kernel, model.step(ids, stepped));
      for (const row of [0, 1]) {
        const expected = at(whole, 11, row, position);
        const chunked = position < 4 ? at(first, 4, row, position) : at(second, 7, row, position - 4);
        if (config.mupBaseWidth !== undefined) continue;
        expect(nmse(chunked, expected)).toBeLessThan(close);
        expect(nmse(logits.subarray(row * V, (row + 1) * V), expected)).toBeLessThan(close);
      }
    }
    const states = await Promise.all([state.read(), stepped.read()]);
    states[0].forEach((data, i) => expect(nmse(data, states[1][i] as Float32Array)).toBeLessThan(close));
  }, config);
});

test("logits of the last position alone are those of the whole", async () => {
  await withModel(async (model, kernel) => {
    using ids = uploadIds(kernel, [someIds(6), someIds(6, 3)]);
    const all = await take(kernel, model.forward(ids));
    const last = await take(kernel, model.forward(ids, { logits: "last" }));
    const V = model.config.vocabSize;
    expect(nmse(last.subarray(0, V), all.subarray(5 * V, 6 * V))).toBeLessThan(close);
    expect(nmse(last.subarray(V), all.subarray(11 * V, 12 * V))).toBeLessThan(close);
  });
});

test("padding on either side changes neither logits nor state, whatever the padded ids are", async () => {
  await withModel(async (model, kernel) => {
    const ids = someIds(5);
    using alone = model.createState(1);
    using unpadded = uploadIds(kernel, [ids]);
    await take(kernel, model.forward(unpadded, { state: alone }));
    const expected = await take(kernel, model.forward(unpadded, { state: alone, logits: "last" }));
    const states = await alone.read();

    const padding = someIds(3, 9);
    using padded = uploadIds(kernel, [
      [...padding, ...ids],
      [...ids, ...padding],
    ]);
    const mask = [
      [0, 0, 0, 1, 1, 1, 1, 1],
      [1, 1, 1, 1, 1, 0, 0, 0],
    ];
    using state = model.createState(2);
    const options = { state, sequences: Sequences.fromMask(mask), logits: "last" } as const;
    await take(kernel, model.forward(padded, options));
    const logits = await take(kernel, model.forward(padded, options)); // again, from a state that is not empty
    const V = model.config.vocabSize;
    for (const row of [0, 1]) {
      expect(nmse(logits.subarray(row * V, (row + 1) * V), expected)).toBeLessThan(close);
      using one = state.select([row]);
      (await one.read()).forEach((data, i) =>
        expect(nmse(data, states[i] as Float32Array)).toBeLessThan(close),
      );
    }
  });
});

test.each([true, false])(
  "the scan is linear in its input only without selection: selective %s",
  async (selective) => {
    const config = { ...small, selective, convBias: false, initializerRange: 0.3 };
    await withModel(async (model, kernel) => {
      const { dInner: ED } = model.config;
      const prefix = "backbone.layers.0.mixer.";
      const ssm = new SelectiveSSM(model.config, (name) => parameter(model.parameters, prefix + name));
      kernel.write(
        parameter(model.parameters, `${prefix}conv1d.weight`),
        0,
        new Float32Array(ED * 4).fill(1),
      );
      const run = async (factor: number) => {
        using ops = new EagerOps(kernel);
        // The convolution sums inputs so large that its silu is the identity.
        const inputs = Float32Array.from({ length: 7 * ED }, (_, i) => factor * (40 + ((i * 7) % 11)));
        using x = kernel.upload(inputs, [1, 7, ED], "f32");
        using z = kernel.upload(new Float32Array(7 * ED).fill(1), [1, 7, ED], "f32");
        return await take(kernel, ops.keep(ssm.forward(ops, x, z, {})));
      };
      const once = await run(1);
      const doubled = await run(2);
      const twice = once.map((value) => 2 * value);
      if (model.config.selective) expect(nmse(doubled, twice)).toBeGreaterThan(0.01);
      else expect(nmse(doubled, twice)).toBeLessThan(close);
    }, config);
  },
);

test("muP divides the final hidden state by the width multiplier", async () => {
  const config = { ...small, mupBaseWidth: 5 };
  await withModel(async (model, kernel) => {
    const head = model.parameters.get("lm_head.weight");
    if (!head) throw new Error("no head");
    const rowsOfOnes = new Float32Array(small.vocabSize * small.dModel).fill(1);
    kernel.write(head, 0, rowsOfOnes);
    using ids = uploadIds(kernel, [someIds(3)]);
    const scaled = await take(kernel, model.forward(ids, { logits: "last" }));
    // The same parameters under m = 1: norms without gains are the same function, so only the factor differs.
    const reference = new MambaLM(kernel, { ...model.config, mupBaseWidth: small.dModel }, model.parameters);
    const plain = await take(kernel, reference.forward(ids, { logits: "last" }));
    reference.derived[Symbol.dispose]();
    expect(
      nmse(
        scaled,
        plain.map((value) => value / 4),
      ),
    ).toBeLessThan(close);
    kernel.write(head, 0, rowsOfOnes.fill(0));
  }, config);
});

test("a state of another model or batch is refused", async () => {
  await withModel(async (model, kernel) => {
    using ids = uploadIds(kernel, [[1, 2]]);
    using wide = model.createState(2);
    expect(() => model.forward(ids, { state: wide })).toThrow("the state has 2 rows, the input 1");
    using other = MambaLM.init(kernel, { ...small, dState: 6 });
    using foreign = other.createState(1);
    expect(() => model.forward(ids, { state: foreign })).toThrow(
      "it has layers.0.mixer.scanState [1, 40, 6], the model layers.0.mixer.scanState [1, 40, 5]",
    );
    expect(() => model.forward(ids, { sequences: Sequences.fromRanges([[0, 3]], 3) })).toThrow(
      "sequences are of an input [1, 3], the input is [1, 2]",
    );
  });
});

test("missing, superfluous and misshapen parameters are named", async () => {
  await withModel(async (model, kernel) => {
    const without = new Map(model.parameters);
    without.delete("backbone.norm_f.weight");
    expect(() => new MambaLM(kernel, model.config, without)).toThrow(
      "parameter backbone.norm_f.weight is missing",
    );
    using odd = kernel.zeros([2, 2], "f32");
    const wrong = new Map(model.parameters).set("backbone.norm_f.weight", odd);
    expect(() => new MambaLM(kernel, model.config, wrong)).toThrow("must be [20], got [2, 2]");
    const more = new Map(model.parameters).set("backbone.extra", odd);
    expect(() => new MambaLM(kernel, model.config, more)).toThrow("parameter backbone.extra does not belong");
  });
});

test("a bidirectional block has no step: a type error, and a clear one at run time", () => {
  const step = (block: BidirectionalMambaBlock) => {
    // @ts-expect-error there is nothing that can be passed
    block.step(1);
  };
  const untyped = Object.create(BidirectionalMambaBlock.prototype) as BidirectionalMambaBlock;
  expect(() => step(untyped)).toThrow(MambaError);
  expect(() => step(untyped)).toThrow(expect.objectContaining({ code: "NO_STEP" }));
});
