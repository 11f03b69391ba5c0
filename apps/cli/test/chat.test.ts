import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { main } from "./run.ts";
import { mamba } from "./spawn.ts";

// The built program with its worker, on a pseudo-terminal of util-linux's `script`.

const hasScript = process.platform === "linux" && spawnSync("script", ["--version"]).status === 0;
const onTerminal = hasScript ? test : test.skip;

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "mamba-terminal-"));
  expect(await mamba(["init", "tiny", join(base, "tiny")])).toMatchObject({ code: 0 });
  await writeFile(
    join(base, "t.jinja"),
    "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}",
  );
});
afterAll(() => rm(base, { recursive: true, force: true }));

onTerminal(
  `Ctrl-C stops an answer, the chat goes on, and it is saved at its end${hasScript ? "" : " (there is no script)"}`,
  async () => {
    const options = "--threads 1 --max-tokens 1000000 --template t.jinja --save talk.json";
    const command = `"${process.execPath}" "${main}" chat -m tiny ${options}`;
    const env = { ...process.env, MAMBA_HISTORY: join(base, "history"), TERM: "xterm" };
    const child = spawn("script", ["-qefc", command, "/dev/null"], { cwd: base, env });
    let shown = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (shown += text));
    const until = async (isShown: () => boolean) => {
      for (let waited = 0; !isShown(); waited += 20) {
        if (waited > 20_000) throw new Error(`this was shown: ${JSON.stringify(shown)}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    await until(() => shown.includes("> "));
    child.stdin.write("hello\r");
    const echoed = shown.length;
    await until(() => shown.length > echoed + 100);
    child.stdin.write("\u0003");
    await until(() => /stopped[^>]*> /.test(shown));
    child.stdin.write("/exit\r");
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect(code).toBe(0);
    expect(shown).toContain("saved talk.json");
    const { messages } = JSON.parse(await readFile(join(base, "talk.json"), "utf8")) as {
      messages: { role: string; content: string }[];
    };
    expect(messages).toMatchObject([{ role: "user", content: "hello" }, { role: "assistant" }]);
    expect(messages[1]?.content.length).toBeGreaterThan(10);
    expect(await readFile(join(base, "history"), "utf8")).toBe("hello\n/exit\n");
  },
);
