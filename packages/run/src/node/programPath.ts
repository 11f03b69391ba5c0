import { createRequire } from "node:module";
import { join } from "node:path";

/**
 * The path of a program of this package, which runs in a process or thread of its own. It is looked for in the installed package, since
 * this module may be part of a bundle.
 *
 * @throws Node's error when the package is not installed beside the bundle
 */
export function programPath(name: "probeChild" | "worker"): string {
  const manifest = createRequire(import.meta.url).resolve("@mamba/run/package.json");
  return join(manifest, "..", "dist", `${name}.js`);
}
