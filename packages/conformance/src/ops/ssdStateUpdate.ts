import { defineCase, floats, type OpCase } from "../case.ts";
import { bytesOf, cycled, result } from "../cases/inputs.ts";
import {
  ssdCost,
  ssdData,
  type SsdExtents,
  ssdMinimal,
  ssdPositions,
  ssdScalars,
  ssdSetting,
  type SsdExtras,
  type SsdValues,
} from "../cases/ssdInputs.ts";
import type { Values } from "../math.ts";
import { defineOp, f32, manyRows } from "../opSuite.ts";
import { type Flags, pairwise } from "../pairwise.ts";
import { ssdScan } from "./ssdScan.ts";

/** One token: the scan over a sequence of length 1, with the state before and after it. */
function reference(
  extents: Omit<SsdExtents, "L">,
  state: Values,
  args: Omit<SsdValues, "initialState" | "sequenceIds">,
): { y: Float64Array; state: Float64Array } {
  const { y, finalState } = ssdScan.reference({ ...extents, L: 1 }, { ...args, initialState: state });
  return { y, state: finalState };
}

const options = ["D", "view"] as const;

/** @param sequence true for x [B, 1, H·P] and the like */
function build(
  [B, H, P, G, N]: readonly [B: number, H: number, P: number, G: number, N: number],
  { D, view }: Flags<(typeof options)[number]>,
  extras: SsdExtras = {},
  sequence = false,
): OpCase {
  const flags = { D, view, initialState: false, sequenceIds: false };
  const { edit } = extras;
  const setting = { ...ssdSetting([B, 1, H, P, G, N], flags, extras), edit };
  const { label, sizes } = setting;
  const lead = sequence ? [B, 1] : [B];
  const { flops, bytes } = ssdCost(B, sizes, D);
  return defineCase({
    op: "ssdStateUpdate",
    label,
    sizes: { B, H, P, G, N },
    cost: { flops, bytes: bytes + bytesOf(2 * B * H * P * N) },
    inputs: () => {
      const data = ssdData("ssdStateUpdate", setting);
      return {
        state: { ...floats(data.initialState, [B, H, P, N]), inPlace: true as const },
        ...ssdPositions(view, data, lead, sizes),
        D: D ? floats(data.D, [H]) : undefined,
      };
    },
    run: (kernel, { state, ...args }) => ({
      y: kernel.ssdStateUpdate(state, { ...args, ...ssdScalars(sizes) }),
    }),
    reference: ({ state, ...args }) => {
      const after = reference(sizes, state, args);
      return { y: result([...lead, H * P], after.y), state: result([B, H, P, N], after.state) };
    },
  });
}

const plain = { D: true, view: false };
const { B, H, P, G, N } = ssdMinimal;

export const ssdStateUpdate = defineOp("ssdStateUpdate", {
  reference,
  cases: [
    ...pairwise(options).flatMap((flags) => [build([3, 4, 5, 2, 16], flags), build([1, 3, 8, 1, 7], flags)]),
    ...[1, 2, 3, 4, 5, 16, 17, 64, 100, 128, 256].map((N, i) =>
      build([(i % 3) + 1, cycled([2, 6, 8], i), cycled([3, 8, 5], i), cycled([1, 2], i), N], plain),
    ),
    ...[1, 3, 32, 64, 80].map((P) => build([1, 3, P, 1, 32], plain)),
    build([1, 2, 64, 1, 128], plain, { note: ", heads of a model" }),
    build([1, 24, 3, 1, 8], plain, { note: ", many heads in a group" }),
    build([2, 15, 2, 5, 6], plain, { note: ", groups of three heads" }),
    build([2, 16, 32, 1, 64], plain, { note: ", work for several threads" }),
    build([9, 2, 5, 1, 4], plain, { note: ", many rows" }),
    build([3, 4, 5, 2, 16], { D: true, view: true }, { note: ", a sequence of one position" }, true),
    build([2, 6, 4, 2, 8], plain, {
      note: ", extreme decays",
      edit: ({ logDecay }) => {
        logDecay.set([0, -1e-7, -87, -104, -3e38, 0.5]);
      },
    }),
    build([2, 4, 3, 2, 5], plain, {
      note: ", NaN in one column of x and in one state",
      edit: ({ x, initialState }) => {
        x[4] = NaN;
        initialState[(7 * 3 + 2) * 5 + 1] = NaN;
      },
    }),
  ],
  benchmarks: [build([1, 24, 64, 1, 128], plain), build([8, 24, 64, 1, 128], plain)],
  minimal: {
    args: {
      x: f32(B, H * P),
      B: f32(B, G * N),
      C: f32(B, G * N),
      logDecay: f32(B, H),
      weight: f32(B, H),
      D: f32(H),
      state: f32(B, H, P, N),
    },
    dense: ["D", "state"],
    writes: ["state"],
    call: (k, { state, ...args }) => [k.ssdStateUpdate(state, { ...args, ...ssdScalars(ssdMinimal) })],
  },
  rows: {
    arguments: ["x", "B", "C", "logDecay", "weight", "state"],
    many: [build([manyRows, 6, 16, 2, 32], plain), build([manyRows, 2, 5, 1, 5], { D: true, view: true })],
  },
});
