import { expect, test } from "vitest";
import { architectures, readTable, sourceDigest } from "../scripts/build-kernels.mjs";

test("the compiled kernels are those of the sources, for every architecture", () => {
  const table = readTable();
  expect(table?.digest, "run pnpm --filter @mamba/kernel-cuda build:kernels").toBe(sourceDigest());
  expect(table?.architectures).toEqual(architectures);
});
