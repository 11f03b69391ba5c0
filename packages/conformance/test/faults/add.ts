import { elementCount } from "@mamba/kernel";
import { add } from "../referenceOps.ts";
import { fault } from "./fault.ts";

export const addFaults = [
  fault("add", "add: writes past its output", (arena, _, a, b) => {
    const y = arena.result(
      a.shape,
      a.values().map((x, i) => x + (b.values()[i] ?? 0)),
    );
    const count = elementCount(y.shape);
    y.elements.fill(0, count, Math.ceil(count / 4) * 4 + 4);
    return y;
  }),
  fault(
    "add",
    "add: counts a write to an argument that it only reads",
    (arena, sizes, a, b) => {
      a.storage.version++;
      return add(arena, sizes, a, b);
    },
    /^versions: add/,
  ),
];
