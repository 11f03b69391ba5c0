import { existsSync, renameSync, rmSync } from "node:fs";
import { root, run, setUp } from "./setup.mjs";

// `npm start`: sets everything up and generates text with a small model. Its weights are random until there is a
// trained one to show, and the output says so.

const cli = `${root}apps/cli/dist/main.js`;
const model = `${root}node_modules/.cache/mamba/tiny`;

/** @param {string[]} args */
function mamba(...args) {
  console.log(`\n> mamba ${args.join(" ").replaceAll(root, "")}`);
  if (!run(process.execPath, [cli, ...args])) process.exit(1);
}

try {
  setUp();
} catch (error) {
  console.error(`\nerror: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
if (!existsSync(model)) {
  const partial = `${model}-partial`;
  rmSync(partial, { recursive: true, force: true });
  mamba("init", "tiny", partial);
  renameSync(partial, model);
}
console.log(
  "\nThis model has random weights: the text below shows that generation works, not that it makes sense.",
);
const options = "--max-tokens 64 --seed 1 --stats".split(" ");
mamba("generate", "--model", model, ...options, "Hello, I am a state space model");
console.log("\nNext: `npm test` runs every check, `npm run mamba -- --help` lists the commands.");
