import { expect, it } from "vitest";
import { Scope } from "./scope.ts";

class Item implements Disposable {
  disposals = 0;

  [Symbol.dispose](): void {
    this.disposals++;
  }
}

it("frees what it holds once, at the end of its block", () => {
  const item = new Item();
  {
    using scope = new Scope();
    expect(scope.use(item)).toBe(item);
    scope.use(item);
    expect(item.disposals).toBe(0);
  }
  expect(item.disposals).toBe(1);
  expect(item.disposals).toBe(1);
});

it("frees on the way out of an error", () => {
  const item = new Item();
  expect(() => {
    using scope = new Scope();
    scope.use(item);
    throw new Error("stop");
  }).toThrow("stop");
  expect(item.disposals).toBe(1);
});

it("leaves released items to the caller", () => {
  const [kept, freed] = [new Item(), new Item()];
  const scope = new Scope();
  scope.use(kept);
  scope.use(freed);
  expect(scope.release(kept)).toBe(kept);
  scope.dispose();
  expect([kept.disposals, freed.disposals]).toEqual([0, 1]);
});

it("can be disposed again and used again", () => {
  const [first, second] = [new Item(), new Item()];
  const scope = new Scope();
  scope.use(first);
  scope.dispose();
  scope.dispose();
  scope.use(second);
  scope.dispose();
  expect([first.disposals, second.disposals]).toEqual([1, 1]);
});
