import { readNumber, usage } from "../args.ts";
import { command } from "../command.ts";
import { print } from "../host.ts";

export default command({
  name: "data",
  description: "Print a corpus that models are trained on, as text",
  args: {
    corpus: {
      type: "positional",
      required: true,
      description: "stories: one a line, as `train stories` has them",
    },
    count: { type: "string", valueHint: "count", default: "10", description: "How many" },
    first: { type: "string", valueHint: "index", default: "0", description: "Begin with this one" },
    seed: { type: "string", valueHint: "number", default: "0", description: "Training has 0, eval has 1" },
  },
  async run({ corpus, ...values }, host) {
    if (corpus !== "stories") throw usage(`<corpus> must be stories, got ${JSON.stringify(corpus)}`);
    const count = readNumber("count", values.count, { whole: true, min: 1 });
    const first = readNumber("first", values.first, { whole: true, min: 0 });
    const seed = readNumber("seed", values.seed, { whole: true });
    const { story, storyEnd } = await import("@mamba/tasks");
    for (let index = first; index < first + count; index++) {
      host.signal.throwIfAborted();
      await print(host, story(seed, index) + String.fromCharCode(storyEnd));
    }
  },
});
