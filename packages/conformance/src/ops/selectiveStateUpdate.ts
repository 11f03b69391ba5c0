import { defineCase, floats, type OpCase } from "../case.ts";
import { bytesOf, cycled, result } from "../cases/inputs.ts";
import { drawScan, type Extras, scanCost, scanInputs, type ScanOptions } from "../cases/scanInputs.ts";
import type { Values } from "../math.ts";
import { B, D, defineOp, f32, manyRows, N } from "../opSuite.ts";
import { flagLabel, pairwise } from "../pairwise.ts";
import { selectiveScan, type ScanValues } from "./selectiveScan.ts";

/** One token, u [B, D]: the scan over a sequence of length 1, with the state before and after it. */
function reference(
  batch: number,
  channels: number,
  stateSize: number,
  state: Values,
  args: Omit<ScanValues, "initialState" | "sequenceIds">,
): { y: Float64Array; state: Float64Array } {
  const { y, finalState } = selectiveScan.reference(batch, 1, channels, stateSize, {
    ...args,
    initialState: state,
  });
  return { y, state: finalState };
}

const options = ["D", "z", "deltaBias", "softplus", "view"] as const;

/** @param lead the axes before the last one of u, delta, B, C and z: [batch], or [batch, 1] */
function build(
  batch: number,
  D: number,
  N: number,
  flags: ScanOptions,
  extras: Extras = {},
  lead = [batch],
): OpCase {
  const { note = "", edit } = extras;
  const label = `B${batch} D${D} N${N}${flagLabel(flags)}${note}`;
  const deltaSoftplus = flags.softplus;
  const { flops, bytes } = scanCost(batch, D, N, flags);
  return defineCase({
    op: "selectiveStateUpdate",
    label,
    sizes: { B: batch, D, N },
    cost: { flops, bytes: bytes + bytesOf(2 * batch * D * N) },
    inputs: () => {
      const data = drawScan(`selectiveStateUpdate ${label}`, batch, batch, D, N, flags.softplus);
      edit?.(data);
      return {
        state: { ...floats(data.state, [batch, D, N]), inPlace: true as const },
        ...scanInputs(flags.view, data, lead, D, N, flags),
      };
    },
    run: (kernel, { state, ...args }) => ({
      y: kernel.selectiveStateUpdate(state, { ...args, deltaSoftplus }),
    }),
    reference: ({ state, ...args }) => {
      const after = reference(batch, D, N, state, { ...args, deltaSoftplus });
      return { y: result([...lead, D], after.y), state: result([batch, D, N], after.state) };
    },
  });
}

const model = { D: true, z: true, deltaBias: true, softplus: true, view: false };

export const selectiveStateUpdate = defineOp("selectiveStateUpdate", {
  reference,
  cases: [
    ...pairwise(options).flatMap((flags) => [build(3, 5, 16, flags), build(1, 33, 8, flags)]),
    ...[1, 3, 4, 8, 16, 17, 32, 64, 256].map((N, i) => build((i % 3) + 1, cycled([3, 17, 7], i), N, model)),
    build(1, 513, 16, model),
    build(3, 10, 16, { ...model, view: true }, { note: ", a sequence of one position" }, [3, 1]),
    build(9, 6, 4, model),
    build(2, 9, 8, model, {
      note: ", extreme steps",
      edit: ({ delta }) => {
        delta.set([-1000, -30, 0, 20, 20.5, 40, 80, -12, -87]);
      },
    }),
    build(2, 9, 8, model, {
      note: ", NaN in one channel of u and in one state",
      edit: ({ u, state }) => {
        u[4] = NaN;
        state[(9 + 7) * 8 + 7] = NaN;
      },
    }),
  ],
  benchmarks: [build(1, 1536, 16, model), build(8, 1536, 16, model)],
  minimal: {
    args: {
      u: f32(B, D),
      delta: f32(B, D),
      A: f32(D, N),
      D: f32(D),
      deltaBias: f32(D),
      B: f32(B, N),
      C: f32(B, N),
      z: f32(B, D),
      state: f32(B, D, N),
    },
    dense: ["A", "state"],
    writes: ["state"],
    call: (k, { state, ...args }) => [k.selectiveStateUpdate(state, args)],
  },
  rows: {
    arguments: ["u", "delta", "B", "C", "z", "state"],
    many: [build(manyRows, 70, 16, model), build(manyRows, 5, 5, { ...model, view: true })],
  },
});
