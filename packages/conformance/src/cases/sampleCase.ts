import type { Kernel, SampleRow, Tensor } from "@mamba/kernel";
import { type CaseInput, defineCase, floats, ints, type OpCase } from "../case.ts";
import { Random } from "../random.ts";
import { clearFilters, clearOf, cumulative, sampleProbabilities } from "./distribution.ts";
import { asView, bytesOf, cycled, result } from "./inputs.ts";
import { adjustedRow, sampleReference, type SampleValues } from "./sampling.ts";

/** The options of a row of a case; a random `uniform` keeps away from the edges of the distribution. */
export type Row = Omit<SampleRow, "uniform"> & { readonly uniform?: number };

/** The other arguments of a case, and how its logits are drawn. */
interface Options {
  note?: string;
  view?: boolean;
  /** Standard deviation of the logits. Default 2. */
  deviation?: number;
  edit?: (logits: Float32Array) => void;
  /** Ids of each row, or the number of random ones. */
  seen?: number | readonly number[];
  /** Ids and values of each row, or the number of random ones. */
  add?: number | { readonly ids: readonly number[]; readonly values: readonly number[] };
  /** True when about half of the ids are allowed, and ids past the vocabulary too; or the words of each row. */
  allow?: true | readonly number[];
  /** Number of log-probabilities. Default: none are requested. */
  logProbs?: number;
}

/**
 * A case of `sample`.
 *
 * @param rows the options of the first rows; the following rows begin with the first again
 */
export function sampleCase(
  B: number,
  V: number,
  rows: readonly [Row, ...Row[]],
  options: Options = {},
): OpCase {
  const { note = "", view = false, logProbs } = options;
  const first = Object.entries(rows[0]).map(([name, value]) => `${name} ${value}`);
  const extras = ["seen", "add", "allow", "logProbs"] as const;
  const named = extras.filter((name) => options[name] !== undefined);
  const what = [rows.length > 1 ? `${rows.length} kinds of rows` : first.join(" "), ...named].join(" ");
  const label = `B${B} V${V} ${what}${view ? " of a view" : ""}${note}`;
  /** Draws the inputs. The random numbers after them are the uniforms. */
  const draw = () => {
    const random = new Random(`sample ${label}`);
    return { inputs: drawInputs(random, B, V, options), random };
  };
  let drawn: SampleRow[] | undefined;
  const sampleRows = (): SampleRow[] => {
    if (drawn) return drawn;
    const { inputs, random } = draw();
    const values = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input?.data]));
    return (drawn = Array.from({ length: B }, (_, b) => {
      const row = cycled(rows, b);
      const adjusted = adjustedRow(values as unknown as SampleValues, B, b, row.repetitionPenalty);
      return clearRow(row, adjusted, row.uniform ?? random.uniform());
    }));
  };
  const K = logProbs ?? 0;
  return defineCase({
    op: "sample",
    label,
    sizes: { B, V },
    cost: {
      flops: B * V,
      bytes: bytesRead(B, V, options) + bytesOf(B * (logProbs === undefined ? 1 : 2 + 2 * K), "i32"),
    },
    inputs: () => draw().inputs,
    run: (kernel, t) => callSample(kernel, t, sampleRows(), logProbs),
    reference: (v) => {
      const { ids, logProb, topIds, topLogProbs } = sampleReference(B, v, sampleRows(), K);
      return {
        ids: result([B], ids),
        ...(logProbs !== undefined && { logProb: result([B], logProb) }),
        ...(K > 0 && { topIds: result([B, K], topIds), topLogProbs: result([B, K], topLogProbs) }),
      };
    },
  });
}

function drawInputs(random: Random, B: number, V: number, options: Options) {
  const { view = false, deviation = 2, edit, seen, add, allow } = options;
  const data = random.normals(B * V, deviation);
  edit?.(data);
  const logits = floats(data, [B, V]);
  const id = () => random.integer(0, V - 1);
  const idsOf = (count: number): CaseInput => ints(Array.from({ length: B * count }, id), [B, count]);
  const given = (ids: readonly number[]): CaseInput => ints(ids, [B, ids.length / B]);
  const seenIds = typeof seen === "number" ? idsOf(seen) : seen && given(seen);
  const addIds = typeof add === "number" ? idsOf(add) : add && given(add.ids);
  const addValues =
    addIds &&
    floats(
      typeof add === "object" ? Float32Array.from(add.values) : random.normals(addIds.data.length),
      addIds.shape,
    );
  const word = () => random.integer(-(2 ** 31), 2 ** 31 - 1);
  const words = allow === true ? Array.from({ length: B * Math.ceil(V / 32) }, word) : allow;
  return {
    logits: view ? asView(logits) : logits,
    seen: seenIds,
    ids: addIds,
    values: addValues,
    allow: words && given(words),
  };
}

/** Returns the options of a row, away from the edges of its distribution, which rounding could cross. */
function clearRow(row: Row, adjusted: readonly number[] | undefined, uniform: number): SampleRow {
  if (adjusted === undefined || row.temperature === 0) return { ...row, uniform };
  const clear = { ...row, ...clearFilters(adjusted, row) };
  if (row.uniform !== undefined) return { ...clear, uniform };
  return { ...clear, uniform: clearOf(uniform, [0, ...cumulative(sampleProbabilities(adjusted, clear))]) };
}

function bytesRead(B: number, V: number, { seen = 0, add = 0, allow }: Options): number {
  const seenCount = typeof seen === "number" ? B * seen : seen.length;
  const addCount = typeof add === "number" ? B * add : add.ids.length;
  const words = allow ? B * Math.ceil(V / 32) : 0;
  return bytesOf(B * V + addCount) + bytesOf(seenCount + addCount + words, "i32");
}

type Tensors = Readonly<
  Record<"logits", Tensor> & Partial<Record<"seen" | "ids" | "values" | "allow", Tensor | undefined>>
>;

/** Calls the op and returns its results, without the absent ones. */
export function callSample(
  kernel: Kernel,
  tensors: Tensors,
  rows: readonly SampleRow[],
  logProbs: number | undefined,
) {
  const { logits, seen, ids, values, allow } = tensors;
  const args = { logits, rows, seen, add: ids && values && { ids, values }, allow };
  const results = kernel.sample(args, logProbs === undefined ? undefined : { logProbs });
  return Object.fromEntries(
    Object.entries(results).flatMap(([name, tensor]) =>
      (tensor as Tensor | undefined) ? [[name, tensor]] : [],
    ),
  );
}
