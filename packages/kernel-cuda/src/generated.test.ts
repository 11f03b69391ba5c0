import { expect, test } from "vitest";
import { architectures, readTable, sourceDigest } from "../scripts/buildKernels.mjs";

test("the compiled GPU kernels match the sources, for every architecture", () => {
  const table = readTable();
  expect(table?.digest, "run pnpm --filter ./packages/kernel-cuda build:kernels").toBe(sourceDigest());
  expect(table?.architectures).toEqual(architectures);
});
