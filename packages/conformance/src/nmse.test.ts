import { describe, expect, it } from "vitest";
import { disagreement, nmse } from "./nmse.ts";

describe("nmse", () => {
  it("is the squared error over the energy of the reference", () => {
    expect(nmse([1, 2, 4], [1, 2, 3])).toBeCloseTo(1 / 14, 12);
    expect(nmse([0, 0], [0, 0])).toBe(0);
    expect(nmse([1e-30, 0], [0, 0])).toBe(Infinity);
    expect(nmse([NaN, 1], [1, 1])).toBe(Infinity);
    expect(nmse([5, 1], [NaN, 1])).toBe(0);
  });
});

describe("disagreement", () => {
  it("wants NaN and infinities where the reference has them, in float32", () => {
    expect(disagreement([NaN, Infinity, 1], [NaN, Infinity, 1], 1e-10)).toBeUndefined();
    expect(disagreement([Infinity], [1e39], 1e-10)).toBeUndefined();
    expect(disagreement([3.4e38], [1e39], 1e-10)).toContain("must be Infinity");
    expect(disagreement([1], [NaN], 1e-10)).toContain("must be NaN, got 1");
    expect(disagreement([NaN], [1], 1e-10)).toContain("must be 1, got NaN");
    expect(disagreement([-Infinity], [Infinity], 1e-10)).toContain("must be Infinity, got -Infinity");
  });

  it("sees one wrong element that the mean hides", () => {
    const expected = Float64Array.from({ length: 1_000_000 }, () => 1);
    const actual = expected.slice();
    actual[777_777] = 1.005;
    expect(nmse(actual, expected)).toBeLessThan(1e-10);
    expect(disagreement(actual, expected, 1e-10)).toContain("element 777777 of 1000000 must be 1");
  });

  it("sees an error that no single element shows", () => {
    const expected = Float64Array.from({ length: 1000 }, (_, i) => Math.sin(i));
    const actual = expected.map((value) => value * (1 + 3e-5));
    expect(disagreement(actual, expected, 1e-10)).toContain("NMSE 9.00e-10 is above 1e-10");
    expect(disagreement(Float32Array.from(expected), expected, 1e-10)).toBeUndefined();
  });
});
