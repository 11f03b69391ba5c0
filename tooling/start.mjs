import { run, setUp } from "./setup.mjs";
import { root } from "./workspace.mjs";

// `npm start`: installs, builds, and begins a chat on the CPU with the small model that `recipes/chat` trained. Without a terminal,
// the model of `recipes/stories` tells a story instead.

const cli = `${root}apps/cli/dist/main.js`;
const isTerminal = process.stdin.isTTY && process.stdout.isTTY;

try {
  setUp();
} catch (error) {
  console.error(`\nerror: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
if (isTerminal) {
  process.on("SIGINT", () => {}); // ends the answer, in the chat, and not this program
  mamba(["chat", "--model", `${root}recipes/chat/demo-model`, "--temperature", "0.3"]);
} else {
  const seed = Math.floor(Math.random() * 1e6); // another story each time; the printed command repeats it
  const options = `--max-tokens 1500 --temperature 0.8 --seed ${seed} --stats`.split(" ");
  mamba(["generate", "--model", `${root}recipes/stories/demo-model`, ...options, "Once upon a time"]);
}
console.log("\nNext: `npm test` runs every check, `npm run mamba -- --help` lists the commands.");

/** @param {readonly string[]} args */
function mamba(args) {
  console.log(`\n> mamba ${args.join(" ").replace(root, "")}\n`);
  if (!run(process.execPath, [cli, ...args])) process.exit(1);
}
