import { createRequire } from "node:module";

/** The one package.json lies above both `src` and `dist`. */
const { version, bin } = createRequire(import.meta.url)("../package.json") as {
  version: string;
  bin: Readonly<Record<string, string>>;
};

/** The name of the command, as the package installs it. */
export const [programName = "mamba"] = Object.keys(bin);

export { version };
