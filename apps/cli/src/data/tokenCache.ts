import { homedir } from "node:os";
import { join } from "node:path";
import type { Host } from "../program/host.ts";

/** The folder of cached tokens of data files. */
export function tokenCache({ env }: Host): string {
  return join(env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "mamba", "tokens");
}
