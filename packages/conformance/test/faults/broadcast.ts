import { lastExtent } from "@mamba/kernel";
import { mul } from "../referenceOps.ts";
import { type Fault, fault } from "./fault.ts";

const operations = {
  add: (x: number, y: number) => x + y,
  sub: (x: number, y: number) => x - y,
  mul: (x: number, y: number) => x * y,
  div: (x: number, y: number) => x / y,
};

/** The second operand of each op is repeated by its last axis, or starts again one element late. */
export const broadcastFaults: Fault[] = [
  ...(["add", "sub", "mul", "div"] as const).map((op) =>
    fault(op, `${op}: repeats a row of an operand of two axes`, (arena, _, a, b) => {
      const [values, operand] = [a.values(), b.values()];
      const period = a.shape.length === b.shape.length ? values.length : lastExtent(b.shape);
      return arena.result(
        a.shape,
        values.map((x, i) => operations[op](x, operand[i % period] ?? NaN)),
      );
    }),
  ),
  fault("mul", "mul: an operand of one element is read as zero beyond it", (arena, sizes, a, b) => {
    const [values, operand] = [a.values(), b.values()];
    if (operand.length > 1) return mul(arena, sizes, a, b);
    return arena.result(
      a.shape,
      values.map((x, i) => x * (operand[i] ?? 0)),
    );
  }),
];
