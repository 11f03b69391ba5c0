import { expect, test } from "vitest";
import { Meter } from "./meter.ts";

test("the rate counts steps since the last pause, without the prompt", () => {
  let now = 5000; // the prompt took five seconds
  const meter = new Meter(() => now);
  meter.count();
  expect([meter.tokens, meter.perSecond]).toEqual([1, undefined]);
  now += 100;
  meter.count();
  now += 300;
  meter.count();
  expect([meter.tokens, meter.perSecond]).toEqual([3, 5]);
  meter.pause();
  now += 60_000;
  meter.count();
  expect([meter.tokens, meter.perSecond]).toEqual([4, undefined]);
  now += 50;
  meter.count();
  expect([meter.tokens, meter.perSecond]).toEqual([5, 20]);
});
