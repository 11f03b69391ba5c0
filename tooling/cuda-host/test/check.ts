import { execFile } from "node:child_process";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { buildFile, buildSource, sanitizerRuntime } from "../build.mjs";

type Patch = NonNullable<NonNullable<Parameters<typeof buildSource>[0]>["patches"]>[number];

const folder = fileURLToPath(new URL(".", import.meta.url));

/** How `check.cc` ended: with 0, with 1 (a wrong result), or by the stand-in, whose report is in `said`. */
export interface Ended {
  readonly code: number | string;
  readonly said: string;
}

/** Runs check.cc against a stand-in that executes sample.cu, with what is changed in it. */
export async function buildCheck(
  name: string,
  patches: readonly Patch[] = [],
  sanitize = false,
): Promise<(what: string, options: string) => Promise<Ended>> {
  const library = await buildSource({ name: `sample/${name}`, folder, patches, sanitize });
  // Linked against any of them, it runs with the one that the loader finds.
  const plain = await buildSource({ name: "sample/plain", folder });
  const program = await buildFile(`${folder}check.cc`, "check", [plain]);
  // Not linked into the program: it must be there before anything else.
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
