import { expect, test } from "vitest";
import { runConformance } from "../src/index.ts";
import { ReferenceKernel } from "./referenceKernel.ts";

const open = (): Promise<ReferenceKernel> => Promise.resolve(new ReferenceKernel());
const { skipped } = await runConformance({ test, open, openVariants: [open] });

test("nothing of the suite is skipped on a kernel that has everything", () => {
  expect(skipped).toEqual([]);
});
