import { expect, test } from "vitest";
import { table } from "./table.ts";

test("columns are as wide as their widest cell", () => {
  expect(
    table(
      [
        ["a", "10"],
        ["long", "5"],
      ],
      [1],
    ),
  ).toBe("a     10\nlong   5");
});
