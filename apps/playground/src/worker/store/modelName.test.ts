import { expect, test } from "vitest";
import { nameOf } from "./modelName.ts";

test.each([
  ["https://huggingface.co/org/name/resolve/main/", "org/name"],
  ["https://huggingface.co/org/name/resolve/main/name.Q8_0.gguf?download=true", "org/name: name.Q8_0.gguf"],
  ["https://example.com/name.Q8_0.gguf", "name.Q8_0.gguf"],
  ["https://example.com/models/my%20model/", "my model"],
  ["https://example.com/%zz/%e9", "%e9"],
  ["https://example.com:8080/", "example.com:8080"],
])("%s is called %s", (url, name) => {
  expect(nameOf(url)).toBe(name);
});
