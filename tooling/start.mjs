import { root, run, setUp } from "./setup.mjs";

// `npm start`: sets everything up and streams a story from the model that `recipes/stories` trained, on the CPU.

const cli = `${root}apps/cli/dist/main.js`;
const model = `${root}recipes/stories/demo-model`;

try {
  setUp();
} catch (error) {
  console.error(`\nerror: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
const seed = Math.floor(Math.random() * 1e6); // another story each time, and the line below tells how to hear it again
const options = `--max-tokens 1500 --temperature 0.8 --seed ${seed} --stats`.split(" ");
const args = ["generate", "--model", model, ...options, "Once upon a time"];
console.log(`\n> mamba ${args.join(" ").replace(root, "")}\n`);
if (!run(process.execPath, [cli, ...args])) process.exit(1);
console.log("\nNext: `npm test` runs every check, `npm run mamba -- --help` lists the commands.");
