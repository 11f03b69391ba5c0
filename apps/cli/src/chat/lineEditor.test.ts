import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { FakeTerminal, keys } from "../../test/terminal.ts";
import { History, historyFile } from "./history.ts";
import { joinLines } from "./joinLines.ts";
import { LineEditor } from "./lineEditor.ts";

async function open({ isDumb = false, lines = [] as string[] } = {}) {
  const terminal = new FakeTerminal();
  const history = await History.open(undefined);
  for (const line of lines) await history.add(line);
  const complete = (line: string) => ["/help", "/history"].filter((word) => word.startsWith(line));
  const editor = new LineEditor({
    input: terminal.input,
    output: terminal.output,
    history,
    complete,
    isDumb,
  });
  onTestFinished(() => editor[Symbol.dispose]());
  const typed = async (text: string, prefill?: string) => {
    const line = editor.read("> ", prefill);
    terminal.type(text);
    const result = await line;
    return result.type === "message" ? result.text : result.type;
  };
  return { terminal, editor, typed };
}

test("a message is a line, or several in each of four ways", async () => {
  const { typed } = await open();
  expect(await typed("one\r")).toBe("one");
  expect(await typed("one \\\rtwo\\\rthree\r")).toBe("one \ntwo\nthree");
  expect(await typed('"""\rone\r\rtwo\r"""\r')).toBe("one\n\ntwo");
  expect(await typed('"""one"""\r')).toBe("one");
  expect(await typed(`one${keys.altEnter}two\r`)).toBe("one\ntwo");
  expect(await typed(`see: ${keys.pasteOn}a = \\\rb\r\rc${keys.pasteOff} end\r`)).toBe(
    "see: a = \\\nb\n\nc end",
  );
  expect(await typed(`${keys.pasteOn}only\r${keys.pasteOff}\r`)).toBe("only");
});

test.each([
  [["a"], "a"],
  [["a\\"], undefined],
  [['"""a'], undefined],
  [['"""a', 'b""" '], "a\nb"],
  [['say """a'], 'say """a'],
  [[""], ""],
])("the lines %j are the message %j", (lines, message) => {
  expect(joinLines(lines.map((text) => ({ text, isPasted: false })))).toBe(message);
});

test("text that is shown first can be edited, with its newlines", async () => {
  const { typed, terminal } = await open();
  expect(await typed("!\r", "first\nsecond")).toBe("first\nsecond!");
  expect(terminal.text).toContain("> first\u21b5second!");
});

test("Ctrl-C empties the line, and on an empty line it is reported; Ctrl-D ends", async () => {
  for (const isDumb of [false, true]) {
    const { typed, terminal, editor } = await open({ isDumb });
    expect(await typed(`wrong${keys.ctrlC}right\r`)).toBe("right");
    expect(await typed(`"""\rwrong\r${keys.ctrlC}right\r`)).toBe("right");
    expect(await typed(keys.ctrlC)).toBe("interrupt");
    expect(await typed(keys.ctrlD)).toBe("end");
    expect(await editor.read("> ")).toEqual({ type: "end" });
    expect(terminal.shown.includes("\u001b[?2004h")).toBe(!isDumb);
  }
});

test("a terminal that is gone ends the reading, and the end of the editor leaves the terminal as it was", async () => {
  const { terminal, editor } = await open();
  const line = editor.read("> ");
  expect(terminal.isRaw).toBe(true);
  terminal.input.end();
  expect(await line).toEqual({ type: "end" });
  editor[Symbol.dispose]();
  expect(terminal.isRaw).toBe(false);
  expect(terminal.shown.endsWith("\u001b[?2004l")).toBe(true);
});

test("keys that are typed during an answer are shown with the next line; Ctrl-C stops the answer and drops them", async () => {
  const { terminal, editor, typed } = await open();
  expect(await typed("question\r")).toBe("question");
  const before = terminal.shown;
  let interrupts = 0;
  const count = () => {
    interrupts++;
  };
  await editor.during(count, async () => {
    terminal.type(`dropped${keys.ctrlC}ne`);
    await Promise.resolve();
    terminal.type("xt");
  });
  expect({ interrupts, shown: terminal.shown }).toEqual({ interrupts: 1, shown: before });
  expect(await typed("!\r")).toBe("next!");
  await editor.during(count, async () => {
    terminal.type("one\rtwo\r");
    await Promise.resolve();
  });
  expect([await editor.read("> "), await editor.read("> ")]).toEqual([
    { type: "message", text: "one" },
    { type: "message", text: "two" },
  ]);
});

test("the arrows go through the history, and Tab completes commands", async () => {
  const { typed, terminal } = await open({
    lines: ["first", "second\u21b5line", " secret", "second\u21b5line"],
  });
  expect(await typed(`${keys.up}\r`)).toBe("second\nline");
  expect(await typed(`draft${keys.up}${keys.up}${keys.up}!\r`)).toBe("first!");
  expect(await typed(`draft${keys.up}${keys.down}${keys.down}!\r`)).toBe("draft!");
  const command = typed("/hel\t");
  await terminal.waitFor("> /help");
  terminal.type("\r");
  expect(await command).toBe("/help");
});

test("the history is a private file, to which chats append", async () => {
  const folder = await mkdtemp(join(tmpdir(), "mamba-history-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = historyFile({ XDG_STATE_HOME: join(folder, "state") }, "linux")!;
  const one = await History.open(path);
  const two = await History.open(path);
  for (const line of ["a", "a", "", " private", "x".repeat(10_001)]) await one.add(line);
  await two.add("b");
  expect((await History.open(path)).entries).toEqual(["a", "b"]);
  if (process.platform !== "win32") expect((await stat(path)).mode & 0o777).toBe(0o600);
  await writeFile(path, Array.from({ length: 2001 }, (_, i) => `${i}\n`).join(""));
  await History.open(path);
  expect((await readFile(path, "utf8")).split("\n").slice(0, 2)).toEqual(["1001", "1002"]);
  if (process.platform !== "win32") expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(historyFile({ MAMBA_HISTORY: "" })).toBeUndefined();
  expect(historyFile({ MAMBA_HISTORY: "here" })).toBe("here");
  expect(historyFile({ LOCALAPPDATA: "C:\\local" }, "win32")).toContain("C:\\local");
});
