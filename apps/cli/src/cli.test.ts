import { expect, test } from "vitest";
import { run } from "../test/run.ts";

const names = [
  ...["chat", "generate", "train", "eval", "merge", "data", "coord-check", "pull", "list", "rm"],
  ...["init", "convert", "inspect", "backends", "bench", "completion"],
];

test("no command is a usage error that shows the help on stderr", async () => {
  const { code, stdout, stderr } = await run([]);
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toContain("Usage: mamba [options] [command]");
  for (const name of names) expect(stderr).toContain(`\n  ${name} `);
});

test("--help goes to stdout, in colour only on a terminal", async () => {
  const plain = await run(["--help"]);
  expect(plain).toMatchObject({ code: 0, stderr: "" });
  expect(plain.stdout).toContain("Commands:");
  expect(plain.stdout).not.toContain("\u001b");
  expect((await run(["--help"], { isTTY: true })).stdout).toContain("\u001b[1mCommands:");
});

test.each(names)("mamba %s --help shows its options and examples that it takes", async (name) => {
  const { code, stdout, stderr } = await run([name, "--help"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(new RegExp(`^Usage: mamba ${name} \\[options\\]`));
  const examples = stdout.split("\nExamples:\n")[1]?.trim().split("\n") ?? [];
  expect(examples.length).toBeGreaterThan(0);
  const options = [...stdout.split("\nExamples:\n")[0]!.matchAll(/ (--[a-z-]+)/g)].map(
    ([, option]) => option,
  );
  for (const example of examples) {
    expect(example).toMatch(new RegExp(`^ *\\$ mamba ${name}( |$)`));
    for (const [, option] of example.matchAll(/ (--[a-z-]+)/g)) expect(options).toContain(option);
  }
  expect((await run(["help", name])).stdout).toBe(stdout);
});

test("--version", async () => {
  expect(await run(["--version"])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string,
  });
});

test.each([
  [["generat"], "unknown command 'generat' (Did you mean generate?); see mamba --help"],
  [["__proto__"], "unknown command '__proto__'; see mamba --help"],
  [["--nope"], "unknown option '--nope'"],
  [["generate", "--max-token=3"], "unknown option '--max-token' (Did you mean --max-tokens?)"],
  [["generate", "--modle", "m", "Hello"], "unknown option '--modle' (Did you mean --model?)"],
  [["generate", "Hello"], "--model is missing"],
  [
    ["generate", "-m", "m", "two", "words"],
    /Expected 1 argument but got 2\. Text that holds spaces needs quotes\./,
  ],
  [
    ["generate", "-m", "--json"],
    "--model needs a value, got the option --json; --model=--json takes it as the value",
  ],
])("%j is a usage error in one line", async (args, message) => {
  const { code, stdout, stderr } = await run(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(/^mamba: [^\n]* \[USAGE\]\n$/);
  if (typeof message === "string") expect(stderr).toBe(`mamba: ${message} [USAGE]\n`);
  else expect(stderr).toMatch(message);
});

test("a stack only with DEBUG", async () => {
  const plain = await run(["inspect", "/no/such/folder"]);
  expect(plain.code).toBe(1);
  expect(plain.stderr).toMatch(/^mamba: .*\[NOT_FOUND\]\n$/);
  const debug = await run(["inspect", "/no/such/folder"], { env: { DEBUG: "1" } });
  expect(debug.stderr).toContain("    at ");
});

test.each([
  [["-v"], 0],
  [["help", "generat"], 2],
] as const)("mamba %j ends with code %i", async (args, expected) => {
  const { code, stderr } = await run(args);
  expect(code).toBe(expected);
  expect(stderr).toBe(
    expected === 0
      ? ""
      : "mamba: unknown command 'generat' (Did you mean generate?); see mamba --help [USAGE]\n",
  );
});

test("colours are for terminals that show them", async () => {
  const bold = async (env: Readonly<Record<string, string>>) =>
    (await run(["backends", "cpu"], { isTTY: true, env })).stdout.includes("\u001b[1m");
  expect(await bold({})).toBe(true);
  expect(await bold({ NO_COLOR: "1" })).toBe(false);
  expect(await bold({ TERM: "dumb" })).toBe(false);
});

test("control characters of a stranger's file name are escaped in messages", async () => {
  const { stderr } = await run(["inspect", "nosuch/\u009b2J\u202efolder"]);
  expect(stderr).toContain("\\u009b2J\\u202efolder");
  expect(stderr).not.toMatch(/[\u009b\u202e]/);
});

test("a number of threads that the backend does not have is one line about threads", async () => {
  const { code, stderr } = await run(["generate", "x", "--model", "m", "--threads", "17"]);
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^mamba: createCpuKernel: threads must be a whole number from 1 to \d+, got 17 \[ARGUMENT\]\n$/m,
  );
});
