import { loadCheckpoint } from "../../packages/checkpoint/dist/browser.js";
import { createCpuKernel } from "../../packages/kernel-cpu/dist/index.js";
import { measureOurs } from "./measureOurs.mjs";

// This project in a worker of a page. The message is the number of tokens of the prompt and of those to decode.

addEventListener("message", async ({ data: { length, tokens } }) => {
  const file = new File([await (await fetch("/model.gguf")).blob()], "model.gguf");
  const kernel = await createCpuKernel({ threads: 2 });
  const { model } = await loadCheckpoint(kernel, file);
  postMessage(await measureOurs(kernel, model, length, tokens));
});
