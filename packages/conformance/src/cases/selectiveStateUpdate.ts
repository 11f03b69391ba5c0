import { pairwise } from "../pairwise.ts";
import { updateCase, updateFlags } from "./scan.ts";

const model = { D: true, z: true, deltaBias: true, softplus: true, view: false };

export const selectiveStateUpdateCases = [
  ...pairwise(updateFlags).flatMap((flags) => [updateCase(3, 5, 16, flags), updateCase(1, 33, 8, flags)]),
  ...[1, 3, 4, 8, 16, 17, 32, 64, 256].map((N, i) =>
    updateCase((i % 3) + 1, [3, 17, 7][i % 3] as number, N, model),
  ),
  updateCase(1, 513, 16, model),
  updateCase(9, 6, 4, model),
  updateCase(2, 9, 8, model, {
    note: ", extreme steps",
    edit: ({ delta }) => {
      delta.set([-1000, -30, 0, 20, 20.5, 40, 80, -12, -87]);
    },
  }),
  updateCase(2, 9, 8, model, {
    note: ", NaN in one channel of u and in one state",
    edit: ({ u, state }) => {
      u[4] = NaN;
      state[(9 + 7) * 8 + 7] = NaN;
    },
  }),
];
