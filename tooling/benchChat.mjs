import { parseArgs } from "node:util";
import { ChatSession, encodeRendered, ChatTemplate } from "../packages/chat/dist/index.js";
import { attention, byteTokenizer, MambaLM, mamba, mamba2, mlp } from "../packages/core/dist/index.js";
import { createCpuKernel } from "../packages/kernel-cpu/dist/index.js";

// `pnpm bench:chat`: the time from `send` to the first token of the second turn, after histories of 256 to 64k tokens, beside the
// reading of the whole prompt; rendering and encoding apart. On the CPU, at a small width, with a tokenizer of bytes.

const { values } = parseArgs({
  options: {
    lengths: { type: "string", default: "256,1024,4096,16384,65536" },
    rounds: { type: "string", default: "5" },
    threads: { type: "string", default: "2" },
    width: { type: "string", default: "128" },
  },
});
const lengths = values.lengths.split(",").map(Number);
const rounds = Number(values.rounds);
const dModel = Number(values.width);
const own = { dModel, nLayers: 4 };
const mamba1Layer = { mixer: mamba(own) };
const mamba2Layer = { mixer: mamba2({ ...own, headDim: 32, dState: 64 }) };
const attentionLayer = {
  mixer: attention({ ...own, heads: dModel / 32, kvHeads: 1 }),
  ffn: mlp({ ...own, dHidden: 2 * dModel, activation: "silu" }),
};
/** @type {Record<string, readonly import("../packages/core/dist/index.js").LayerSpec[]>} */
const stacks = {
  "Mamba-1": [mamba1Layer, mamba1Layer, mamba1Layer, mamba1Layer],
  "Mamba-2": [mamba2Layer, mamba2Layer, mamba2Layer, mamba2Layer],
  "hybrid, 1 of 4 attention": [mamba2Layer, mamba2Layer, attentionLayer, mamba2Layer],
};
const chatMl =
  "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}" +
  "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
const tokenizer = {
  ...byteTokenizer(256),
  chatTemplates: new Map([["default", chatMl]]),
  namedTokens: {},
};
const letters = Array.from({ length: 26 }, (_, i) => i + 97);
const options = { temperature: 0, maxTokens: 8, allow: { ids: letters } };
const question = "And what comes after that, please?";

/** @param {number[]} numbers */
function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** @param {() => unknown} body */
async function timed(body) {
  const start = performance.now();
  await body();
  return performance.now() - start;
}

const kernel = await createCpuKernel({ threads: Number(values.threads) });
console.log(`Milliseconds, medians of ${rounds}; width ${dModel}, 4 layers, CPU, ${values.threads} threads.`);
console.log(
  `"second turn" is the time from send to the first token, with a message of ${question.length} bytes.`,
);
console.log(
  "model                     history  second turn  regenerate  rendering  encoding  whole prompt  new positions",
);
for (const [name, layers] of Object.entries(stacks)) {
  const model = MambaLM.init(kernel, { vocabSize: 256, dModel, layers });
  for (const length of lengths) {
    const messages = [{ role: /** @type {const} */ ("user"), content: "x".repeat(length - 60) }];
    // The types of a built package and those of its neighbours' sources count as different ones.
    const loaded = /** @type {import("../packages/chat/dist/index.js").ChatModel} */ (
      /** @type {unknown} */ ({ model, tokenizer })
    );
    const session = new ChatSession(loaded, { ...options, messages });
    const whole = await timed(() => session.prepare());
    for await (const event of session.regenerate()) void event;
    /** @type {Record<"turn" | "again" | "render" | "encode", number[]>} */
    const times = { turn: [], again: [], render: [], encode: [] };
    let positions = 0;
    for (let round = 0; round < rounds; round++) {
      const fork = session.fork();
      const first = async (
        /** @type {AsyncGenerator<import("../packages/chat/dist/index.js").ChatEvent>} */ stream,
      ) => {
        const ms = await timed(() => stream.next());
        for await (const event of stream) if (event.type === "end") positions ||= event.usage.readTokens;
        return ms;
      };
      times.turn.push(await first(fork.send(question)));
      times.again.push(await first(fork.regenerate()));
      const template = ChatTemplate.of(tokenizer);
      /** @type {import("../packages/chat/dist/index.js").RenderedText} */
      let rendered = { text: "", literals: [] };
      const prompt = fork.messages.slice(0, -1);
      times.render.push(
        await timed(() => (rendered = template.renderMarked(prompt, { addGenerationPrompt: true }))),
      );
      const from = rendered.text.length - question.length - 50;
      times.encode.push(await timed(() => encodeRendered(tokenizer, rendered, from)));
      fork.dispose();
    }
    const columns = [times.turn, times.again, times.render, times.encode].map((list) =>
      median(list).toFixed(2),
    );
    const [turn = "", again = "", render = "", encode = ""] = columns;
    console.log(
      `${name.padEnd(24)} ${String(length).padStart(8)} ${turn.padStart(12)} ${again.padStart(11)} ${render.padStart(10)} ` +
        `${encode.padStart(9)} ${whole.toFixed(0).padStart(13)} ${String(positions).padStart(14)}`,
    );
    session.dispose();
  }
  model.dispose();
}
await kernel.dispose();
