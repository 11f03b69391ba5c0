import { afterEach, expect, test, vi } from "vitest";
import { checkRoom, inPlainWords } from "./room.ts";

afterEach(() => vi.unstubAllGlobals());

function stubEstimate(estimate: StorageEstimate): void {
  vi.stubGlobal("navigator", { storage: { estimate: () => Promise.resolve(estimate) } });
}

test("a model that is larger than what the browser offers is refused, less what is stored already", async () => {
  stubEstimate({ usage: 40e6, quota: 140e6 });
  await checkRoom("a.gguf", 100e6, 0);
  await checkRoom("a.gguf", 120e6, 20e6);
  await expect(checkRoom("a.gguf", 120e6, 10e6)).rejects.toMatchObject({
    code: "IO",
    message: expect.stringContaining("which takes 120 MB: it offers 100 MB. Delete a model") as string,
  });
  stubEstimate({});
  await checkRoom("a.gguf", 120e12, 0); // the browser does not tell
});

test("only errors of a full storage get other words", () => {
  const full = inPlainWords(new DOMException("", "QuotaExceededError"), "a.gguf", undefined);
  expect(full).toMatchObject({
    code: "IO",
    message: expect.stringContaining("no room for the model.") as string,
  });
  const other = new Error("x");
  expect(inPlainWords(other, "a.gguf", 1)).toBe(other);
});
