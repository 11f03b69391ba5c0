import fc from "fast-check";
import { expect, test } from "vitest";
import { SafetensorsError } from "./errors.ts";
import { parseJson, parseJsonObject } from "./json.ts";

test("agrees with JSON.parse on every JSON value", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), fc.constantFrom(undefined, 2), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      expect(plain(parseJson(text, "t"))).toEqual(JSON.parse(text));
    }),
  );
});

test("refuses everything that JSON.parse refuses, and otherwise repeated keys only", () => {
  const alphabet = Array.from('{}[]",:\\/ \n-+.0123456789eEtrufalsn');
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...alphabet), { maxLength: 30 }), (symbols) => {
      const text = symbols.join("");
      const expected = attempt(() => JSON.parse(text) as unknown);
      const actual = attempt(() => plain(parseJson(text, "t")));
      if (actual instanceof SafetensorsError && actual.code === "DUPLICATE_KEY") return;
      if (expected instanceof Error) expect(actual).toBeInstanceOf(SafetensorsError);
      else expect(actual).toEqual(expected);
    }),
    { numRuns: 3000 },
  );
});

test.each([
  ["a repeated key", '{"a": 1, "b": {"c": 1, "c": 2}}', "DUPLICATE_KEY", '"c"'],
  ["a repeated key in another spelling", '{"a": 1, "\\u0061": 2}', "DUPLICATE_KEY", '"a"'],
  ["endless nesting", "[".repeat(100_000), "JSON", "nesting"],
  ["an unterminated string", '{"a', "JSON", "unterminated"],
  ["a control character in a string", '"\n"', "JSON", "malformed string"],
  ["NaN", '{"a": NaN}', "JSON", "NaN is not JSON"],
  ["text after the value", "{} {}", "JSON", "after the value"],
  ["nothing", "", "JSON", "unexpected end"],
])("refuses %s", (_, text, code, words) => {
  const error = attempt(() => parseJson(text, "file"));
  expect(error).toMatchObject({ code, message: expect.stringContaining(words) as string });
});

test("accepts the non-finite numbers that Python writes, on request", () => {
  expect(parseJson("[NaN, Infinity, -Infinity]", "t", true)).toEqual([NaN, Infinity, -Infinity]);
});

test("keys of Object.prototype are keys like any other", () => {
  const object = parseJsonObject(new TextEncoder().encode('{"__proto__": 1, "constructor": 2}'), "t");
  expect(Object.entries(object)).toEqual([
    ["__proto__", 1],
    ["constructor", 2],
  ]);
  expect("toString" in object).toBe(false);
});

test("refuses bytes that are not UTF-8", () => {
  const error = attempt(() => parseJsonObject(Uint8Array.of(0x7b, 0xff, 0x7d), "t"));
  expect(error).toMatchObject({ code: "JSON", message: expect.stringContaining("UTF-8") as string });
});

function attempt(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}

/** With prototypes, so that `toEqual` and `JSON.parse` agree on `__proto__`. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}
