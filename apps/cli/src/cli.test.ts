import { expect, test } from "vitest";
import { run } from "../test/run.ts";

test("no command is a usage error that shows the help on stderr", async () => {
  const { code, stdout, stderr } = await run([]);
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toContain("USAGE");
  for (const name of ["generate", "init", "convert", "inspect", "backends", "bench"])
    expect(stderr).toContain(name);
});

test("--help goes to stdout, in colour only on a terminal", async () => {
  const plain = await run(["generate", "--help"]);
  expect(plain).toMatchObject({ code: 0, stderr: "" });
  expect(plain.stdout).toContain("--repetition-penalty");
  expect(plain.stdout).not.toContain("\u001b");
  expect((await run(["--help"])).stdout).toContain("COMMANDS");
});

test("--version", async () => {
  expect(await run(["--version"])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string,
  });
});

test.each(["generat", "__proto__", "--nope"])("an unknown command %s is a usage error", async (name) => {
  const { code, stdout, stderr } = await run([name]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toBe(`mamba: there is no command "${name}"; see mamba --help [USAGE]\n`);
});

test("a stack only with DEBUG", async () => {
  const plain = await run(["inspect", "/no/such/folder"]);
  expect(plain.code).toBe(1);
  expect(plain.stderr).toMatch(/^mamba: .*\[NOT_FOUND\]\n$/);
  const debug = await run(["inspect", "/no/such/folder"], { env: { DEBUG: "1" } });
  expect(debug.stderr).toContain("    at ");
});
