import { describe, expect, test } from "vitest";
import { runConformance } from "../src/index.ts";
import { backwardFaults } from "./faults/backward.ts";
import { convFaults } from "./faults/conv.ts";
import { decodingFaults } from "./faults/decoding.ts";
import { denseFaults } from "./faults/dense.ts";
import type { Fault } from "./faults/fault.ts";
import { memoryFaults } from "./faults/memory.ts";
import { optimizerFaults } from "./faults/optimizer.ts";
import { scanFaults } from "./faults/scan.ts";
import { scanBackwardFaults } from "./faults/scanBackward.ts";

/** Runs the tests that must see the fault until one does: its message. */
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
  for (const fault of [
    ...scanFaults,
    ...convFaults,
    ...denseFaults,
    ...decodingFaults,
    ...memoryFaults,
    ...scanBackwardFaults,
    ...backwardFaults,
    ...optimizerFaults,
  ]) {
    test(fault.name, async () => {
      const message = await caught(fault);
      expect(message, "a failing test").toBeDefined();
      // The fault must be seen by the check, not by a crash of the planted kernel.
      expect(message).toContain("ConformanceError");
    });
  }
});
