import { rmSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run, type RunOptions } from "../../test/run.ts";
import { Stop } from "../program/errors.ts";

let base: string;
let model: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "mamba-generate-"));
  model = join(base, "tiny");
  await run(["init", "tiny", model]);
});
afterAll(() => rm(base, { recursive: true }));

interface Generated {
  model: string;
  backend: { name: string; device: string };
  seed: number;
  promptIds: number[];
  ids: number[];
  logProbs?: { id: number; logProb: number; top: { id: number; logProb: number }[] }[];
  text: string;
  finish: string;
  stats: Record<string, number | null>;
}

const generate = (args: readonly string[], options?: RunOptions) =>
  run(["generate", "--model", model, "--threads=1", ...args], options);

async function json(args: readonly string[], options?: RunOptions): Promise<Generated> {
  const { code, stdout, stderr } = await generate([...args, "--json"], options);
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout) as Generated;
}

describe("text", () => {
  test("goes to stdout as it comes, notes to stderr", async () => {
    const chunks: string[] = [];
    const { code, stdout, stderr } = await generate(["Hello", "--max-tokens=40", "--seed=2"], {
      onOutput: (text) => chunks.push(text),
    });
    expect(code).toBe(0);
    expect(chunks.filter((chunk) => chunk !== "").length).toBeGreaterThan(10);
    expect(stdout).toBe(`${(await json(["Hello", "--max-tokens=40", "--seed=2"])).text}\n`);
    expect(stderr).toContain("note: the weights are random, the text has no meaning (preset tiny, seed 0)");
  });

  test("keeps control characters away from a terminal", async () => {
    const { stdout } = await generate(["Hello", "--max-tokens=200"], { isTTY: true });
    const controls = /[^\P{Cc}\t\n]/u;
    expect(stdout).not.toMatch(controls);
    expect((await generate(["Hello", "--max-tokens=200"])).stdout).toMatch(controls);
  });
});

describe("prompts", () => {
  test("from the argument, stdin or raw ids are the same", async () => {
    const options = ["--max-tokens=5", "--seed=1"];
    const expected = (await json(["né", ...options])).ids;
    expect((await json(options, { stdin: "né\n" })).ids).toEqual(expected);
    expect((await json(["-", ...options], { stdin: "né" })).ids).toEqual(expected);
    const raw = await json(["--prompt-ids", "110,195,169", ...options]);
    expect(raw).toMatchObject({ promptIds: [110, 195, 169], ids: expected });
  });

  test.each([
    ["nothing", [], {}, "there is no prompt"],
    ["an empty argument", [""], {}, "the prompt is empty"],
    ["empty stdin", [], { stdin: "\n" }, "the prompt is empty"],
    ["bytes that are no text", [], { stdin: Uint8Array.of(0x41, 0xff) }, "the prompt on stdin is not UTF-8"],
    ["a text and ids", ["x", "--prompt-ids=1"], {}, "give a prompt or --prompt-ids, not both"],
    [
      "ids that are no numbers",
      ["--prompt-ids=1,,2"],
      {},
      '--prompt-ids must be a whole number, at least 0, got ""',
    ],
  ])("%s is a usage error", async (_, args, options, message) => {
    const { code, stdout, stderr } = await generate(args, options);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
  });

  test("ids that the model does not have are an error", async () => {
    const { code, stderr } = await generate(["--prompt-ids=5,256"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/mamba: .*whole numbers from 0 to 255, got 256 at position 1 \[INPUT\]\n$/);
  });
});

describe("sampling", () => {
  test("--json gives ids, text and figures", async () => {
    const result = await json(["Hello", "--max-tokens=7"]);
    expect(result).toMatchObject({
      model,
      backend: { name: "cpu", device: expect.stringContaining("1 thread") as string },
      promptIds: [72, 101, 108, 108, 111],
      finish: "length",
    });
    expect(result.ids).toHaveLength(7);
    expect(result.stats).toMatchObject({ prefillTokens: 5, decodeTokens: 6 });
    for (const [name, value] of Object.entries(result.stats)) expect(value, name).toBeGreaterThan(0);
  });

  test("seeds, greedy and filters reach the sampler", async () => {
    const ids = async (...args: string[]) => (await json(["Hello", "--max-tokens=12", ...args])).ids;
    const greedy = await ids("--greedy");
    expect(await ids("--temperature=0")).toEqual(greedy);
    expect(await ids("--top-k=1", "--seed=9")).toEqual(greedy);
    expect(await ids("--top-p=1e-6", "--seed=9")).toEqual(greedy);
    expect(await ids("--min-p=1", "--seed=9")).toEqual(greedy);
    expect(await ids("--seed=1")).toEqual(await ids("--seed=1"));
    expect(await ids("--seed=1")).not.toEqual(await ids("--seed=2"));
    const penalised = await ids("--greedy", "--repetition-penalty=1e9");
    expect(new Set(penalised).size).toBe(penalised.length);
    expect(new Set(greedy).size).toBeLessThan(greedy.length);
    expect(await ids("--greedy", "--chunk=2")).toEqual(greedy);
  });

  test("without --seed every run has one of its own, which is printed", async () => {
    const note = /note: --seed (\d+) repeats this text/;
    const runs = [];
    for (let i = 0; i < 2; i++) runs.push(await generate(["Hello", "--max-tokens=12"]));
    const [first, second] = runs;
    expect(first?.stdout).not.toBe(second?.stdout);
    const [, seed = ""] = note.exec(first?.stderr ?? "") ?? [];
    const again = await generate(["Hello", "--max-tokens=12", `--seed=${seed}`]);
    expect(again.stdout).toBe(first?.stdout);
    expect(again.stderr).not.toMatch(note);
    expect((await generate(["Hello", "--max-tokens=2", "--greedy"])).stderr).not.toMatch(note);
    const { seed: given, ids } = await json(["Hello", "--max-tokens=12"]);
    expect((await json(["Hello", "--max-tokens=12", `--seed=${given}`])).ids).toEqual(ids);
  });

  test("--frequency-penalty and --presence-penalty discourage what was generated", async () => {
    const ids = async (...args: string[]) =>
      (await json(["Hello", "--max-tokens=14", "--greedy", ...args])).ids;
    const greedy = await ids();
    expect(new Set(greedy).size).toBeLessThan(greedy.length);
    for (const option of ["--frequency-penalty=1e6", "--presence-penalty=1e6"]) {
      const penalised = await ids(option);
      expect(new Set(penalised).size).toBe(penalised.length);
    }
  });

  test("--log-probs adds log-probabilities to the JSON", async () => {
    const { ids, logProbs } = await json(["Hello", "--max-tokens=3", "--greedy", "--log-probs=2"]);
    expect(logProbs?.map(({ id }) => id)).toEqual(ids);
    for (const { id, logProb, top } of logProbs ?? []) expect(top[0]).toEqual({ id, logProb });
    expect(logProbs?.map(({ top }) => top.length)).toEqual([2, 2, 2]);
    expect(await generate(["Hello", "--log-probs=2"])).toMatchObject({ code: 2 });
  });

  test("--stop ends before its text, and may be repeated", async () => {
    const { text } = await json(["Hello", "--max-tokens=60", "--seed=2"]);
    const stop = /[a-z]/.exec(text)?.[0] ?? "";
    const stopped = await json([
      "Hello",
      "--max-tokens=60",
      "--seed=2",
      "--stop=no such text",
      `--stop=${stop}`,
    ]);
    expect(stop).not.toBe("");
    expect(stopped).toMatchObject({ text: text.slice(0, text.indexOf(stop)), finish: "stop" });
  });

  test("--dtype narrows the matrices", async () => {
    const f32 = await json(["Hello", "--max-tokens=1"]);
    const f16 = await json(["Hello", "--max-tokens=1", "--dtype=f16"]);
    expect(f16.stats["kernelBytes"]).toBeLessThan((f32.stats["kernelBytes"] ?? 0) * 0.7);
  });

  test("--stats shows figures on stderr", async () => {
    const { stdout, stderr } = await generate(["Hello", "--max-tokens=3", "--stats"]);
    expect(stderr).toMatch(/^load +[\d.]+ m?s$/m);
    expect(stderr).toMatch(/^prefill +5 tokens in .* tokens\/s$/m);
    expect(stderr).toMatch(/^decode +2 tokens in .* tokens\/s$/m);
    expect(stdout).not.toContain("tokens/s");
  });

  test.each([
    ["--temperature=-1", "--temperature must be a number, at least 0"],
    ["--top-k=0", "--top-k must be a whole number, at least 1"],
    ["--top-p=0", "--top-p must be a number, above 0 and at most 1"],
    ["--min-p=2", "--min-p must be a number, at least 0 and at most 1"],
    ["--repetition-penalty=0", "--repetition-penalty must be a number, above 0"],
    ["--max-tokens=ten", '--max-tokens must be a whole number, at least 1, got "ten"'],
    ["--seed=0.5", "--seed must be a whole number"],
    ["--chunk=0", "--chunk must be a whole number, at least 1"],
    ["--stop=", "--stop must not be empty"],
    ["--backend=gpu", "--backend must be auto, cpu, webgpu, cuda"],
  ])("%s is a usage error", async (flag, message) => {
    const { code, stderr } = await generate(["Hello", flag]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  test("--greedy contradicts --top-k, and there are no 0 threads", async () => {
    expect(await run(["generate", "-m", model, "Hello", "--threads=0"])).toMatchObject({ code: 2 });
    expect(await generate(["Hello", "--greedy", "--top-k=3"])).toMatchObject({ code: 2 });
  });
});

describe("state", () => {
  test("saved and loaded, continues to the same tokens", async () => {
    const state = join(base, "state");
    const whole = await json(["Hello", "--max-tokens=24", "--seed=4", "--repetition-penalty=1.2"]);
    const first = await json([
      "Hello",
      "--max-tokens=9",
      "--seed=4",
      "--repetition-penalty=1.2",
      "--save-state",
      state,
    ]);
    const rest = await json([
      "--load-state",
      state,
      "--max-tokens=15",
      "--seed=4",
      "--repetition-penalty=1.2",
    ]);
    expect([...first.ids, ...rest.ids]).toEqual(whole.ids);
    expect((await readdir(base)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("takes more prompt", async () => {
    const state = join(base, "turn");
    const first = await json(["Hello", "--max-tokens=3", "--greedy", "--save-state", state]);
    const more = await json([" you", "--load-state", state, "--max-tokens=4", "--greedy"]);
    const ids = [...first.promptIds, ...first.ids, ...more.promptIds];
    expect((await json(["--prompt-ids", ids.join(), "--max-tokens=4", "--greedy"])).ids).toEqual(more.ids);
  });

  test("damaged, missing or foreign state files are refused", async () => {
    const path = join(base, "damaged");
    await writeFile(path, "MAMBA");
    expect(await generate(["--load-state", path])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/\[CACHE\]\n$/) as string,
    });
    expect(await generate(["--load-state", join(base, "none")])).toMatchObject({
      code: 2,
      stderr: `mamba: --load-state: ${join(base, "none")}: there is no such file or folder [USAGE]\n`,
    });
    const other = join(base, "other");
    await run(["init", "tiny", other, "--seed=1"]);
    await json(["Hello", "--max-tokens=2", "--save-state", path]);
    expect(await run(["generate", "-m", other, "--threads=1", "--load-state", path])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /saved with other weights than those of this model.*\[CACHE\]\n$/,
      ) as string,
    });
  });

  test("split anywhere, the texts and the seed go on", async () => {
    const state = join(base, "split");
    const whole = await json(["Hello", "--max-tokens=40", "--seed=11"]);
    expect(whole.text).toContain("\uFFFD");
    for (const split of [1, 2, 3, 7, 20, 39]) {
      const first = await json(["Hello", `--max-tokens=${split}`, "--seed=11", "--save-state", state]);
      const rest = await json(["--load-state", state, `--max-tokens=${40 - split}`]);
      expect(rest.seed).toBe(11);
      expect([...first.ids, ...rest.ids]).toEqual(whole.ids);
      expect(first.text + rest.text).toBe(whole.text);
    }
  });

  test.each([
    ["no/such/state", "the folder .*no/such: there is no such file or folder"],
    [".", "it is a folder, and a file is needed"],
    ["damaged/state", "damaged/state: a part of the path is a file, and a folder is needed"],
  ])("--save-state %s is refused before anything is generated", async (path, message) => {
    await writeFile(join(base, "damaged"), "MAMBA");
    const result = await generate(["Hello", "--save-state", join(base, path)]);
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toMatch(new RegExp(`mamba: --save-state: .*${message} \\[USAGE\\]\n$`));
  });

  test("a state that cannot be saved in the end costs no text", async () => {
    const folder = join(base, "vanishes");
    await mkdir(folder);
    const { code, stdout, stderr } = await generate(
      ["Hello", "--max-tokens=30", "--json", "--save-state", join(folder, "state")],
      { onNote: () => rmSync(folder, { recursive: true, force: true }) }, // the model is loaded
    );
    expect(code).toBe(1);
    expect((JSON.parse(stdout) as Generated).ids).toHaveLength(30);
    expect(stderr).toMatch(/\[ENOENT\]\n$/);
  });
});

describe("an interruption", () => {
  test("keeps the partial text and the state, and ends with 130", async () => {
    const state = join(base, "partial");
    const controller = new AbortController();
    let printed = 0;
    const { code, stdout, stderr } = await generate(
      ["Hello", "--max-tokens=5000", "--seed=4", "--save-state", state],
      {
        signal: controller.signal,
        onOutput: () => {
          if (++printed === 8) controller.abort(new Stop("interrupted", 130));
        },
      },
    );
    expect(code).toBe(130);
    expect(stderr).toMatch(/mamba: interrupted\n$/);
    const whole = await json(["Hello", "--max-tokens=20", "--seed=4"]);
    const rest = await json(["--load-state", state, "--max-tokens=12", "--seed=4"]);
    expect(rest.ids).toEqual(whole.ids.slice(8));
    expect(whole.text.startsWith(stdout.replace(/\n$/, ""))).toBe(true);
    expect((await readFile(state)).length).toBeGreaterThan(1000);
  });

  test("still gives JSON", async () => {
    const signal = AbortSignal.abort(new Stop("interrupted", 130));
    const { code, stderr } = await generate(["Hello", "--json"], { signal });
    expect({ code, last: stderr.split("\n").at(-2) }).toEqual({ code: 130, last: "mamba: interrupted" });
  });
});

test("a model that is not here is one line", async () => {
  const { code, stderr } = await run(["generate", "-m", join(base, "nothing"), "Hello"]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^mamba: [^\n]*\[NOT_FOUND\]\n$/);
});
