import { execFile } from "node:child_process";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { buildFile, buildSource, sanitizerRuntime } from "../build.mjs";

type Patch = NonNullable<NonNullable<Parameters<typeof buildSource>[0]>["patches"]>[number];

const folder = fileURLToPath(new URL(".", import.meta.url));

/** The end of `check.cc`: code 0, code 1 (a wrong result), or the signal of the stand-in, with its report in `said`. */
export interface Ended {
  readonly code: number | string;
  readonly said: string;
}

/** Builds check.cc with a stand-in that executes sample.cu with patches; returns a function that runs one check. */
export async function buildCheck(
  name: string,
  patches: readonly Patch[] = [],
  sanitize = false,
): Promise<(what: string, options: string) => Promise<Ended>> {
  const library = await buildSource({ name: `sample/${name}`, folder, patches, sanitize });
  // The program is linked against one stand-in and runs with the one that the loader finds.
  const plain = await buildSource({ name: "sample/plain", folder });
  const program = await buildFile(`${folder}check.cc`, "check", [plain]);
  // The program is not linked with the sanitizer, which must be loaded first.
  const sanitizer = sanitize ? { LD_PRELOAD: sanitizerRuntime(), ASAN_OPTIONS: "detect_leaks=0" } : {};
  return (what, options) =>
    new Promise((resolve) => {
      const env = {
        ...process.env,
        ...sanitizer,
        LD_LIBRARY_PATH: dirname(library),
        MAMBA_CUDA_HOST: options,
      };
      execFile(program, [what], { env, timeout: 60_000 }, (error, _, said) => {
        resolve({ code: error ? (error.signal ?? error.code ?? 1) : 0, said });
      });
    });
}
