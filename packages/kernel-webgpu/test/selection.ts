import type { TestFunction } from "@mamba/conformance";
import { type QuantizedDType, quantizedTypes } from "@mamba/kernel";
import { test } from "vitest";

// Selections of the conformance suite, by the names of its tests, in Node and in browsers.

/** Registers the tests whose name passes, those that `runConformance` skips included. */
export function only(passes: (name: string) => boolean): TestFunction {
  const some =
    (register: TestFunction): TestFunction =>
    (name, body) => {
      if (passes(name)) register(name, body);
    };
  return Object.assign(some(test), { skip: some(test.skip) });
}

const quantizedType = new RegExp(`\\b(${quantizedTypes.join("|")})\\b`);

/**
 * The quantised type that a test is about, if any. The shaders of all quantised types differ only in the function that reads a
 * weight, and take long to compile: most tests of products run with a few of the types.
 */
export function quantizedTypeOf(name: string): QuantizedDType | undefined {
  return quantizedType.exec(name)?.[1] as QuantizedDType | undefined;
}

/**
 * Returns a function that chooses tests in their order: all tests of the kernel's contract, no laws, and of the cases of each op,
 * storage type, few or many rows, and plain or packed sequences the first and every `every`-th after it.
 */
export function chooser(every: number): (name: string) => boolean {
  const counts = new Map<string, number>();
  return (name) => {
    if (name.startsWith("laws:")) return false;
    const [op = ""] = name.split(" ");
    if (op.endsWith(":") || name === "the kernels close") return true;
    const [type = ""] = /\bb?f16\b|\bi?q\d_\w+/.exec(name) ?? [];
    // Other rows and lengths use other shaders.
    const isMany = /\b(rows |R|L|T)(9|\d\d+)\b/.test(name);
    const group = `${op} ${type} ${isMany} ${name.includes("+sequenceIds")}`;
    const count = counts.get(group) ?? 0;
    counts.set(group, count + 1);
    return count % every === 0;
  };
}
