import { describe, expect, test } from "vitest";
import { runConformance } from "../src/index.ts";
import { suites } from "../src/opSuites.ts";
import type { Fault } from "./faults/fault.ts";
import * as allFaults from "./faults/index.ts";

const faults: readonly Fault[] = Object.values(allFaults).flat();

test("every op has a fault", () => {
  const ops = new Set(faults.map(({ op }) => op));
  expect(suites.map(({ op }) => op).filter((op) => !ops.has(op))).toEqual([]);
});

test("faults have names of their own", () => {
  expect(new Set(faults.map(({ name }) => name)).size).toBe(faults.length);
});

/** Runs the tests that must see the fault until one fails, and returns its message. */
async function caught(fault: Fault): Promise<string | undefined> {
  const collected: { name: string; body: () => Promise<void> }[] = [];
  const { openVariant } = fault;
  await runConformance({
    test: (name, body) => collected.push({ name, body }),
    open: () => Promise.resolve(fault.open()),
    openVariants: openVariant ? [() => Promise.resolve(openVariant())] : [],
  });
  const chosen = collected.filter(({ name }) => fault.seenBy.test(name));
  expect(chosen.length, `tests named ${fault.seenBy}`).toBeGreaterThan(0);
  for (const { name, body } of chosen) {
    try {
      await body();
    } catch (error) {
      return `${name}: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`;
    }
  }
  return undefined;
}

describe("the suite catches", () => {
  for (const fault of faults) {
    test(fault.name, async () => {
      const message = await caught(fault);
      expect(message, "a failing test").toBeDefined();
      // A check must fail; a crash of the faulty kernel does not count.
      expect(message).toContain("ConformanceError");
    });
  }
});
