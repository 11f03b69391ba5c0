import { reference } from "../../src/index.ts";
import { fault } from "./fault.ts";

export const sumRowsFaults = [
  fault("sumRows", "sumRows: skips the rows left over", (arena, { rows, features }, dy) => {
    // A register tile of eight rows, and the remainder is forgotten.
    const whole = rows < 8 ? rows : rows - (rows % 8);
    return arena.result([features], reference.sumRows(whole, features, dy.values()));
  }),
];
