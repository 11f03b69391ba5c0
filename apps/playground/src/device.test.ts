import { expect, test } from "vitest";
import { memoryBudget, parametersIn } from "./device.ts";

const linux = "Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0 Safari/537.36";
const android = "Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/156.0.0.0 Mobile Safari/537.36";
const iphone =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1";
const mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15";

test.each([
  ["a desktop with enough memory", linux, 0, 8, undefined],
  ["a desktop with little memory", linux, 0, 4, 2 * 2 ** 30],
  ["a desktop that tells nothing", mac, 0, undefined, undefined],
  ["a phone", android, 5, 4, 2 ** 30],
  ["a small phone", android, 5, 1, 2 ** 28],
  ["a phone that tells nothing", android, 5, undefined, 2 ** 30],
  ["an iPhone", iphone, 5, undefined, 1e9],
  ["an iPad", mac, 5, undefined, 1e9],
])("the memory of a page on %s", (_, userAgent, touchPoints, memory, bytes) => {
  expect(memoryBudget({ memory, userAgent, touchPoints })?.bytes).toBe(bytes);
});

test("the parameters of a model that fits", () => {
  expect(parametersIn(9e8, "q4_0")).toBe("1.6 billion");
  expect(parametersIn(9e8, "q8_0")).toBe("840 million");
});
