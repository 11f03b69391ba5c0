import { mergeConfig } from "vitest/config";
import shared from "../../tooling/vitest.ts";

// Dawn does not survive worker threads. A software adapter on a busy machine can take a minute for one case.
export default mergeConfig(shared, { test: { pool: "forks", testTimeout: 300_000 } });
