import { command } from "../command.ts";
export default command({ name: "bench", description: "Measure", args: {}, run: async () => {} });
