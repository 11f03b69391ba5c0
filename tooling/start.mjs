import { run, setUp } from "./setup.mjs";
import { root } from "./workspace.mjs";

// `npm start`: installs, builds, and generates text on the CPU with the small model that `recipes/stories` trained.

const cli = `${root}apps/cli/dist/main.js`;
const model = `${root}recipes/stories/demo-model`;

try {
  setUp();
} catch (error) {
  console.error(`\nerror: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
const seed = Math.floor(Math.random() * 1e6); // another story each time; the printed command repeats it
const options = `--max-tokens 1500 --temperature 0.8 --seed ${seed} --stats`.split(" ");
const args = ["generate", "--model", model, ...options, "Once upon a time"];
console.log(`\n> mamba ${args.join(" ").replace(root, "")}\n`);
if (!run(process.execPath, [cli, ...args])) process.exit(1);
console.log("\nNext: `npm test` runs every check, `npm run mamba -- --help` lists the commands.");
