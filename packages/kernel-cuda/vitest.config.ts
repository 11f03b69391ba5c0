import { mergeConfig } from "vitest/config";
import shared from "../../tooling/vitest.ts";

export default mergeConfig(shared, {
  test: { globalSetup: "test/globalSetup.ts", pool: "forks", testTimeout: 300_000 },
});
