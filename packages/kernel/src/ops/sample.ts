import { bindAxes } from "../checks/bindAxes.ts";
import { fail } from "../checks/fail.ts";
import { checkInteger, checkNotNegative, checkPositive } from "../checks/scalars.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

/** How `sample` chooses the token of one row. */
export interface SampleRow {
  /**
   * Divides the logits; >= 0. 0 takes the largest logit, the lowest id of several: the filters and `uniform` then change
   * nothing.
   */
  readonly temperature: number;
  /** Keep the k largest logits, and all that equal the k-th; >= 1. Default: all. */
  readonly topK?: number | undefined;
  /**
   * Keep the smallest set of most probable tokens that holds at least the fraction p of the probability that topK left,
   * and all that equal the last; 0 < p <= 1. Default 1 (Holtzman et al. 2020).
   */
  readonly topP?: number | undefined;
  /** Keep tokens with probability >= p times the largest; 0 <= p <= 1. Default 0 (Nguyen et al. 2024). */
  readonly minP?: number | undefined;
  /** A number in [0, 1): randomness comes from the caller, the op itself is deterministic. */
  readonly uniform: number;
  /** Applies to the ids in `seen`: above 1 makes them less probable; > 0. Default 1, off (Keskar et al. 2019). */
  readonly repetitionPenalty?: number | undefined;
}

/** Arguments of `sample`. An id outside [0, V) in `seen` or `add.ids` is padding. */
export interface SampleArgs {
  /** f32 [B, V] */
  readonly logits: Tensor;
  /** One for each row of `logits`. */
  readonly rows: readonly SampleRow[];
  /** i32 [B, K]: the ids that the row's `repetitionPenalty` applies to, each once however often it occurs. */
  readonly seen?: Tensor | undefined;
  /**
   * ids i32 [B, K], values f32 [B, K]: numbers that are added to logits, such as a bias, a frequency or a presence penalty.
   * An id that occurs several times gets the sum, added one value after another in their order.
   */
  readonly add?: { readonly ids: Tensor; readonly values: Tensor } | undefined;
  /** i32 [B, ceil(V / 32)]: id v is allowed when bit `v % 32` of word `v >> 5` is set; the first bit is the lowest. */
  readonly allow?: Tensor | undefined;
}

/** Request of log-probabilities. */
export interface WantLogProbs {
  /** Number K of most probable tokens in the result, from 0 to min(V, 1024). */
  readonly logProbs: number;
}

/** Log-probabilities of `sample`. */
export interface SampleLogProbs {
  /** f32 [B]: of the chosen ids; NaN where the id is -1. */
  logProb: Tensor;
  /** i32 [B, K]: the most probable ids, in descending order, the lowest of equal ones first. Absent when K is 0. */
  topIds?: Tensor;
  /** f32 [B, K]: of `topIds`. Absent when K is 0. */
  topLogProbs?: Tensor;
}

export interface SampleOp {
  /**
   * Chooses a token for each row: ids i32 [B]. In this order:
   *
   * 1. repetition penalty: `l > 0 ? l / p : l * p` for the distinct ids in `seen` (Keskar et al. 2019, section 4.1)
   * 2. `add`
   * 3. `allow`: -infinity for all other ids
   * 4. temperature, topK, topP, minP; each filter sees the probabilities that the one before left
   * 5. the draw: the first id, in ascending order of ids, at which the cumulative probability exceeds `uniform`
   *
   * The id is -1 where nothing can be chosen: when a logit of the row is NaN or +infinity, also that of an id which is not
   * allowed; when one is NaN or +infinity after step 3; and when none is finite then. A logit of -infinity has probability 0.
   *
   * The log-probabilities, on request, are those of the model: the log-softmax of `logits` without steps 1 to 4. For a row
   * that holds a NaN or +infinity, or no finite logit, `topIds` are -1 and `topLogProbs` are NaN.
   */
  sample(args: SampleArgs): { ids: Tensor };
  sample(args: SampleArgs, want: WantLogProbs): { ids: Tensor } & SampleLogProbs;
  sample(args: SampleArgs, want?: WantLogProbs): { ids: Tensor } & Partial<SampleLogProbs>;
}

/** The largest K of `WantLogProbs`. */
const maxLogProbs = 1024;

export const sample = {
  parameters: ["args", "want"],
  check({ logits, rows, seen, add, allow }, want) {
    const op = "sample";
    const sizes = bindAxes(op, {
      logits: { tensor: logits, axes: "B V" },
      seen: { tensor: seen, axes: "B S", dtypes: ["i32"], dense: true },
      "add.ids": { tensor: add?.ids, axes: "B K", dtypes: ["i32"], dense: true },
      "add.values": { tensor: add?.values, axes: "B K", dense: true },
    });
    const { B, V } = sizes;
    if (allow) {
      const axes = `B ${Math.ceil(V / 32)}` as "B W";
      bindAxes(op, {
        logits: { tensor: logits, axes: "B V" },
        allow: { tensor: allow, axes, dtypes: ["i32"], dense: true },
      });
    }
    if (rows.length !== B)
      fail("ARGUMENT", op, `rows must be ${B}, one for each row of logits, got ${rows.length}`);
    rows.forEach(checkRow);
    if (want) checkInteger(op, "logProbs", want.logProbs, 0, Math.min(V, maxLogProbs));
    return { batch: B, vocabSize: V, seenCount: seen ? sizes.S : 0, addCount: add ? sizes.K : 0 };
  },
} satisfies OpDefinition<SampleOp["sample"]>;

function checkRow(
  { temperature, topK, topP, minP, uniform, repetitionPenalty }: SampleRow,
  row: number,
): void {
  const op = "sample";
  const name = (field: keyof SampleRow): string => `rows[${row}].${field}`;
  checkNotNegative(op, name("temperature"), temperature);
  if (topK !== undefined) checkInteger(op, name("topK"), topK, 1, Number.MAX_SAFE_INTEGER);
  if (topP !== undefined && !(topP > 0 && topP <= 1)) {
    fail("ARGUMENT", op, `${name("topP")} must be in (0, 1], got ${topP}`);
  }
  if (minP !== undefined && !(minP >= 0 && minP <= 1)) {
    fail("ARGUMENT", op, `${name("minP")} must be in [0, 1], got ${minP}`);
  }
  if (!(uniform >= 0 && uniform < 1)) {
    fail("ARGUMENT", op, `${name("uniform")} must be in [0, 1), got ${uniform}`);
  }
  if (repetitionPenalty !== undefined) checkPositive(op, name("repetitionPenalty"), repetitionPenalty);
}
