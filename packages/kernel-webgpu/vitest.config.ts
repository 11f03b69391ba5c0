import { mergeConfig } from "vitest/config";
import shared from "../../tooling/vitest.ts";

// Dawn does not survive worker threads.
export default mergeConfig(shared, { test: { pool: "forks" } });
