import { describe, expect, it } from "vitest";
import { Random } from "./random.ts";

describe("Random", () => {
  it("repeats itself from a seed, and differs between seeds", () => {
    const first = new Random("a case").uniforms(100, 0, 1);
    expect(new Random("a case").uniforms(100, 0, 1)).toEqual(first);
    expect(new Random("another").uniforms(100, 0, 1)).not.toEqual(first);
    expect(new Random(1).normals(4)).not.toEqual(new Random(2).normals(4));
  });

  it("has the moments that it promises", () => {
    const random = new Random(7);
    const mean = (values: Float32Array) => values.reduce((a, b) => a + b) / values.length;
    const normals = random.normals(100_000, 2);
    expect(mean(normals)).toBeCloseTo(0, 1);
    expect(mean(normals.map((x) => x * x))).toBeCloseTo(4, 1);
    const uniforms = random.uniforms(100_000, -1, 3);
    expect(mean(uniforms)).toBeCloseTo(1, 1);
    expect(uniforms.every((x) => x >= -1 && x <= 3)).toBe(true);
  });

  it("draws every whole number of a range, and nothing else", () => {
    const random = new Random(3);
    expect(new Set(Array.from({ length: 500 }, () => random.integer(-2, 2)))).toEqual(
      new Set([-2, -1, 0, 1, 2]),
    );
  });
});
