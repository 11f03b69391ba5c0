import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { run } from "../../test/run.ts";

const hasBash = spawnSync("bash", ["--version"]).status === 0;
const withBash = hasBash ? test : test.skip;

withBash(`bash completes commands, options and values${hasBash ? "" : " (there is no bash)"}`, async () => {
  const { code, stdout: script } = await run(["completion", "bash"]);
  expect(code).toBe(0);
  const complete = (...words: string[]) => {
    const state = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}`;
    const shell = `${script}\n${state}\n_mamba\necho "\${COMPREPLY[@]}"`;
    return spawnSync("bash", ["-c", shell], { encoding: "utf8" }).stdout.trim().split(" ");
  };
  expect(complete("mamba", "ge")).toEqual(["generate"]);
  expect(complete("mamba", "generate", "--max")).toEqual(["--max-tokens"]);
  expect(complete("mamba", "generate", "--backend", "")).toEqual(["auto", "cpu", "webgpu", "cuda"]);
  expect(complete("mamba", "init", "mamba-1")).toEqual(["mamba-130m", "mamba-1.4b"]);
  expect(complete("mamba", "nosuch", "--")).toEqual([""]);
});

test("zsh loads its emulation of bash's completion first", async () => {
  const bash = await run(["completion", "bash"]);
  const { stdout } = await run(["completion", "zsh"]);
  expect(stdout).toBe(`autoload -U +X bashcompinit && bashcompinit\n${bash.stdout}`);
});

test("fish has a line for each command and option", async () => {
  const { stdout } = await run(["completion", "fish"]);
  expect(stdout).toContain(
    "complete -c mamba -n '__fish_use_subcommand' -f -a generate -d 'Continue a text'",
  );
  expect(stdout).toMatch(
    /^complete -c mamba -n '__fish_seen_subcommand_from generate' -l backend -x -a 'auto cpu webgpu cuda' -d '/m,
  );
});

test("another shell is refused", async () => {
  const { code, stderr } = await run(["completion", "tcsh"]);
  expect(code).toBe(2);
  expect(stderr).toBe('mamba: <shell> must be bash, zsh, fish, got "tcsh" [USAGE]\n');
});
