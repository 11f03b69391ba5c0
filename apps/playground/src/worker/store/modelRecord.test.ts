import { expect, test } from "vitest";
import { downloadText, parseDownload, parseRecord } from "./modelRecord.ts";

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
    expect(parseDownload(text)).toBeUndefined();
  },
);

test("the record of a download is read as it was written", () => {
  const files = new Map([["a.gguf", { size: 5, version: '"x"' }]]);
  const record = { name: "a", url: "https://example.com/a.gguf", files };
  expect(parseDownload(downloadText(record))).toEqual(record);
  expect(
    parseDownload('{"name":"a","url":"b","files":[{"name":"c","size":"5","version":"x"}]}'),
  ).toBeUndefined();
  expect(parseDownload('{"name":"a","url":"b","files":[null]}')).toBeUndefined();
});
