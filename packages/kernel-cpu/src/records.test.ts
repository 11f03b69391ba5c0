import { expect, test } from "vitest";
import { jobRecords, rmsNormArgsBytes, writeRmsNormArgs } from "./generated/records.ts";
import { RecordMemory } from "./records.ts";
import type { Runtime } from "./runtime.ts";
import { jobNames } from "./wasm.ts";

test("a record is written field by field, addresses of absent tensors as 0", () => {
  const memory = new RecordMemory(new ArrayBuffer(256), 64, 64);
  const record = { x: { address: 4_000_000_000 }, weight: undefined, y: 8, rows: 2, features: 3, xStride: 5 };
  writeRmsNormArgs(memory, 1, { ...record, eps: 0.5 });
  expect([...memory.words.subarray(0, 8)]).toEqual([0, 4_000_000_000, 0, 8, 2, 3, 5, 0x3f000000]);
  expect(rmsNormArgsBytes).toBe(28);
});

test("every job has a record", () => {
  expect(jobNames).toEqual(Object.keys(jobRecords));
  expect(jobNames).toContain("rmsNorm");
});

test("records with missing or superfluous fields are type errors", () => {
  // Not called: the compiler checks the records.
  const calls = (runtime: Runtime) => {
    const record = { x: 0, y: 0, rows: 1, features: 1, xStride: 1 };
    runtime.run("sumRows", record, 0);
    // @ts-expect-error a field is missing
    runtime.run("sumRows", { x: 0, y: 0, rows: 1, features: 1 }, 0);
    // @ts-expect-error a field is superfluous
    runtime.run("sumRows", { ...record, weight: 0 }, 0);
    // @ts-expect-error a field that may be undefined is missing
    runtime.run("rmsNorm", { ...record, eps: 0 }, 0);
    // @ts-expect-error there is no such job
    runtime.run("sumRow", record, 0);
  };
  expect(calls).toBeTypeOf("function");
});
