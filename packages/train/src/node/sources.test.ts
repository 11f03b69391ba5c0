import { appendFile, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { textFile } from "./textFile.ts";
import { tokenLines } from "./tokenLines.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mamba-data-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function refused(make: Promise<unknown>, code: string, message: string): Promise<void> {
  await expect(make).rejects.toThrow(expect.objectContaining({ code }));
  await expect(make).rejects.toThrow(message);
}

describe("text", () => {
  test("examples are chunks of the bytes, in any order, and their targets are the next bytes", async () => {
    await using source = await textFile(await file("a.txt", "abcdefghij"), { length: 4 });
    expect(source).toMatchObject({ vocabSize: 256, count: 2 });
    const codes = (text: string) => Int32Array.from(Buffer.from(text));
    expect(await source.example(1)).toEqual({ ids: codes("efgh"), targets: codes("fghi") });
    expect(await source.example(0)).toEqual({ ids: codes("abcd"), targets: codes("bcde") });
  });

  test("the id differs for another content, size or length", async () => {
    const idOf = async (content: string, length: number) => {
      await using source = await textFile(await file("id.txt", content), { length });
      return source.id;
    };
    const first = await idOf("abcdefghij", 4);
    expect(await idOf("abcdefghij", 4)).toBe(first);
    const others = [await idOf("abcdefghij", 3), await idOf("abcdefghiX", 4), await idOf("abcdefghijk", 4)];
    expect(new Set([first, ...others]).size).toBe(4);
  });

  test("bad files and lengths are refused", async () => {
    await refused(textFile(join(folder, "none"), { length: 4 }), "DATA", "ENOENT");
    await refused(textFile(folder, { length: 4 }), "DATA", "not a regular file");
    await refused(textFile(await file("empty", ""), { length: 4 }), "DATA", "the file is empty");
    await refused(textFile(await file("four", "abcd"), { length: 4 }), "DATA", "of length 4 needs 5");
    await refused(textFile(await file("five", "abcde"), { length: 0 }), "CONFIG", "length must be");
  });

  test("a file that becomes shorter is an error, not zeros", async () => {
    const path = await file("shrinks", "abcdefghij");
    await using source = await textFile(path, { length: 4 });
    await truncate(path, 7);
    await refused(Promise.resolve(source.example(1)), "DATA", "the file ends at byte 7");
  });
});

describe("lines of token ids", () => {
  const options = { vocabSize: 100, length: 5 };

  test("each line is an example; blank lines are skipped, the last newline may be missing", async () => {
    const path = await file("a.jsonl", "[1,2,3]\n\n  [4, 99]  \r\n[0,1,2,3,4,5]");
    await using source = await tokenLines(path, options);
    expect(source).toMatchObject({ vocabSize: 100, count: 3 });
    expect(await source.example(1)).toEqual({ ids: Int32Array.of(4), targets: Int32Array.of(99) });
    expect(await source.example(2)).toEqual({
      ids: Int32Array.of(0, 1, 2, 3, 4),
      targets: Int32Array.of(1, 2, 3, 4, 5),
    });
    expect(await source.example(0)).toMatchObject({ ids: Int32Array.of(1, 2) });
  });

  test("a byte order mark at the beginning of the file is no part of the first line", async () => {
    const path = await file("bom.jsonl", "\ufeff[1, 2, 3]\n[4, 5]\n");
    await using source = await tokenLines(path, { vocabSize: 9, length: 4 });
    expect(await source.example(0)).toEqual({ ids: Int32Array.of(1, 2), targets: Int32Array.of(2, 3) });
    expect(await source.example(1)).toEqual({ ids: Int32Array.of(4), targets: Int32Array.of(5) });
    const inside = await file("bom-inside.jsonl", "[1, 2]\n\ufeff[4, 5]\n");
    await refused(tokenLines(inside, { vocabSize: 9, length: 4 }), "DATA", "line 2: not JSON");
  });

  test("a line of nested arrays is a coded error", async () => {
    const path = await file("deep.jsonl", `${"[".repeat(2e4)}${"]".repeat(2e4)}\n`);
    await refused(
      tokenLines(path, { vocabSize: 9, length: 4096 }),
      "DATA",
      "line 1: ids must be whole numbers",
    );
  });

  test("lines are found across the chunks in which a file is read", async () => {
    const path = await file("long.jsonl", "");
    const line = (i: number) => `[${Array.from({ length: 6 }, (_, k) => (i * 7 + k) % 100).join(",")}]\n`;
    await appendFile(path, Array.from({ length: 20_000 }, (_, i) => line(i)).join("")); // 360 kB
    await using source = await tokenLines(path, options);
    expect(source.count).toBe(20_000);
    for (const index of [0, 1, 9_999, 19_999]) {
      const { ids } = await source.example(index);
      expect([...ids]).toEqual(Array.from({ length: 5 }, (_, k) => (index * 7 + k) % 100));
    }
  });

  test.each([
    ["[1,2]\n[1,", "line 2: not JSON"],
    ["{}", "line 1: expected an array"],
    ["[1,100]", "line 1: ids must be whole numbers from 0 to 99, got 100"],
    ["[1,-1]", "got -1"],
    ["[1,1.5]", "got 1.5"],
    ["[1,null]", "got null"],
    ['[1,"2"]', 'got "2"'],
    ["[1]", "an example needs at least 2 ids, got 1"],
    ["[1,2,3,4,5,6,7]", "at most length + 1 = 6 ids, got 7"],
    [`[1,${" ".repeat(300)}2]`, "line 1 is longer than 192 bytes"],
    ["\n\n", "the file has no examples"],
    ["", "the file has no examples"],
  ])("%j is refused", async (content, message) => {
    await refused(tokenLines(await file("bad.jsonl", content), options), "DATA", message);
  });

  test("bad options are refused", async () => {
    const path = await file("ok.jsonl", "[1,2]");
    await refused(tokenLines(path, { vocabSize: 0, length: 4 }), "CONFIG", "vocabSize must be");
    await refused(tokenLines(path, { vocabSize: 10, length: 0.5 }), "CONFIG", "length must be");
  });
});
