import { expect, test } from "vitest";
import { checkSource } from "./dataSource.ts";

test("a source without examples, or with more ids than the model, is refused", () => {
  const refused = (make: () => unknown, message: string) => {
    expect(make).toThrow(expect.objectContaining({ code: "DATA" }));
    expect(make).toThrow(message);
  };
  const example = () => ({ ids: Int32Array.of(1), targets: Int32Array.of(2) });
  const source = { id: "letters", vocabSize: 26, count: 3, example };
  refused(() => checkSource(source, 16), "letters has a vocabulary of 26, the model of 16");
  refused(() => checkSource({ ...source, count: 0 }, 26), "letters has no examples");
  checkSource({ ...source, count: undefined }, 26);
});
