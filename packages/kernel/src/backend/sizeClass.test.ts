import { expect, test } from "vitest";
import { sizeClass } from "./sizeClass.ts";

test("size classes hold what is asked for, waste at most a sixteenth, and are multiples of 256", () => {
  for (let bytes = 1; bytes < 2 ** 40; bytes = Math.ceil(bytes * 1.37)) {
    const size = sizeClass(bytes);
    expect(size).toBeGreaterThanOrEqual(bytes);
    expect(size % 256).toBe(0);
    expect(sizeClass(size)).toBe(size);
    if (bytes > 4096) expect(size).toBeLessThanOrEqual(bytes * (17 / 16));
  }
});
