import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { chatFolder } from "./support.ts";

test("a process ends by itself with an open model in a worker, and after dispose", async () => {
  await using place = await chatFolder();
  const program = `
    import { openInWorker } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)};
    const open = () => openInWorker(${JSON.stringify(place.folder)}, { backend: "cpu", cpu: { threads: 2 } });
    const [left, closed] = await Promise.all([open(), open()]);
    for (const model of [left, closed])
      for await (const { text } of model.generate("Hi", { maxTokens: 3 })) if (text === undefined) throw model;
    await closed.dispose();
    console.log("done");`;
  const run = promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program], {
    timeout: 50_000,
  });
  expect(await run).toEqual({ stdout: "done\n", stderr: "" });
});
