import { expect, test } from "vitest";
import { parseRequest } from "./parseRequest.ts";

test.each([
  [undefined, "worker: expected a request, got undefined"],
  [{ type: "opne", id: 1 }, 'worker: there is no request "opne"'],
  [{ type: "constructor", id: 1 }, 'worker: there is no request "constructor"'],
  [{ type: "memory" }, "worker: request memory: id must be a whole number >= 0, got undefined"],
  [{ type: "memory", id: 1, size: 3 }, 'worker: request memory: there is no field "size"; there are id'],
  [
    { type: "open", id: 0, version: 0 },
    "worker: its protocol has version 1, the request 0; use one release of the package on both sides",
  ],
  [
    { type: "open", id: 0, version: 1, source: new Map([["a", 1]]), options: {}, lock: "" },
    "worker: request open: source must be a folder, a name, a URL, a Blob, or files by their names, got an object",
  ],
  [
    { type: "generate", id: 0, prompt: [1, 0.5], options: {} },
    "worker: request generate: prompt must be a text or token ids, got an array",
  ],
])("%j is refused in words", (data, message) => {
  expect(() => parseRequest(data)).toThrow(expect.objectContaining({ code: "PROTOCOL", message }));
});

test("a request passes as it is", () => {
  for (const request of [
    { type: "fork", id: 3, chat: 0, fork: 1 },
    { type: "fork", id: 3, chat: 0, fork: 1, index: 2 },
    { type: "send", id: 0, chat: 0, message: [{ role: "user", content: "a" }], options: { seed: 1 } },
    { type: "restore", id: 0, chat: 0, bytes: new Uint8Array(2), options: {} },
    { type: "taken", id: 0 },
  ]) {
    expect(parseRequest(request)).toBe(request);
  }
});
