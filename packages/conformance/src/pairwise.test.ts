import { describe, expect, it } from "vitest";
import { flagLabel, pairwise } from "./pairwise.ts";

describe("pairwise", () => {
  it.each([[["a"]], [["a", "b"]], [["a", "b", "c", "d", "e", "f", "g", "h"]]])("covers %j", (names) => {
    const sets = pairwise(names);
    for (const a of names) {
      for (const b of names) {
        if (a === b) continue;
        const met = new Set(sets.map((set) => `${set[a]} ${set[b]}`));
        expect(met.size, `${a} with ${b}`).toBe(4);
      }
    }
    expect(sets[0]).toEqual(Object.fromEntries(names.map((name) => [name, false])));
    expect(sets[1]).toEqual(Object.fromEntries(names.map((name) => [name, true])));
    expect(sets.length).toBeLessThan(14);
  });

  it("labels what is set", () => {
    expect(flagLabel({ D: true, z: false, bias: true })).toBe(" +D +bias");
    expect(flagLabel({ D: false })).toBe("");
  });
});
