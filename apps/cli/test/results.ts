import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { mamba } from "./spawn.ts";

// Results of commands, for comparisons between backends. Each command runs in a process that must end by itself.

type Env = Readonly<Record<string, string>>;

/** The fields of `mamba generate --json` that tests read. */
export interface Generated {
  readonly backend: { readonly name: string; readonly device: string };
  readonly ids: readonly number[];
  readonly text: string;
}

/** `mamba generate`, which may print nothing but notes besides. */
export async function generate(model: string, args: readonly string[], env?: Env): Promise<Generated> {
  const { code, stdout, stderr } = await mamba(["generate", "-m", model, "--json", ...args], env);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/^(note: .*\n)*$/) as string });
  return JSON.parse(stdout) as Generated;
}

/** The losses of a training run into `folder`, step by step. */
export async function losses(folder: string, args: readonly string[], env?: Env): Promise<number[]> {
  expect(await mamba(["train", ...args, "--out", folder], env)).toMatchObject({ code: 0 });
  const lines = (await readFile(join(folder, "log.jsonl"), "utf8")).trim().split("\n");
  return lines.map((line) => (JSON.parse(line) as { loss: number }).loss);
}

/** A short training run on examples that are made up. */
export const induction = [
  ...["induction", "--steps=4", "--length=12"],
  ...["--d-model=16", "--layers=1", "--batch-size=4"],
];

/** The backend and the loss of an evaluation at one length. */
export async function evaluate(
  args: readonly string[],
  env?: Env,
): Promise<{ readonly backend: string; readonly loss: number }> {
  const { code, stdout } = await mamba(["eval", ...args, "--json"], env);
  expect(code).toBe(0);
  const { backend, results } = JSON.parse(stdout) as {
    backend: { name: string };
    results: [{ loss: number }];
  };
  return { backend: backend.name, loss: results[0].loss };
}
