import { expect, test } from "vitest";
import { withoutSignalHandlers } from "./signals.ts";

test("handlers of signals are away while a function runs, and back after it returned or threw", () => {
  let calls = 0;
  const count = () => calls++;
  process.once("SIGHUP", count);
  const before = process.rawListeners("SIGHUP");
  expect(withoutSignalHandlers(() => process.listenerCount("SIGHUP"))).toBe(0);
  expect(() =>
    withoutSignalHandlers(() => {
      throw new Error("no");
    }),
  ).toThrow("no");
  expect(process.rawListeners("SIGHUP")).toEqual(before);
  process.emit("SIGHUP");
  process.emit("SIGHUP");
  expect(calls).toBe(1); // a handler for one signal stays one
});
