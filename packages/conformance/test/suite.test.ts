import { expect, test } from "vitest";
import { runConformance } from "../src/index.ts";
import { ReferenceTrainingKernel } from "./trainingKernel.ts";

const open = (): Promise<ReferenceTrainingKernel> => Promise.resolve(new ReferenceTrainingKernel());
const { skipped } = await runConformance({ test, open, openVariants: [open] });

test("nothing of the suite is skipped on a kernel that has everything", () => {
  expect(skipped).toEqual([]);
});
