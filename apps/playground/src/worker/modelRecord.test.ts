import { expect, test } from "vitest";
import { parseRecord } from "./modelRecord.ts";

test("a record becomes a model", () => {
  const text = '{"name":"org/name","url":"https://example.com/","bytes":12}';
  expect(parseRecord(text, "a")).toEqual({
    id: "a",
    name: "org/name",
    url: "https://example.com/",
    bytes: 12,
  });
  expect(parseRecord('{"name":"files","bytes":0}', "b")).toEqual({ id: "b", name: "files", bytes: 0 });
});

test.each(["", "{", "{}", "null", "[]", "3", '{"name":1,"bytes":2}', '{"name":"x","bytes":"2"}'])(
  "%s is no record",
  (text) => {
    expect(parseRecord(text, "a")).toBeUndefined();
  },
);
