import { readdirSync, readFileSync } from "node:fs";
import { attention, experts, mamba2, mamba3, mlp, type ModuleSpec } from "../src/index.ts";
import { bytesSource, openSafetensors } from "../src/safetensors/index.ts";

const folder = new URL("../../conformance/goldens/modules/", import.meta.url);

/** The functions that make the modules of the goldens. */
const kinds: Readonly<Record<string, (config: never) => ModuleSpec>> = {
  attention,
  experts,
  mamba2,
  mamba3,
  mlp,
};

/** A module with the answer and the gradients of PyTorch in float64 (tooling/reference/module_goldens.py). */
export interface ModuleGolden {
  readonly name: string;
  readonly spec: ModuleSpec;
  /** [B, L, D] of the input. */
  readonly shape: readonly [batch: number, length: number, width: number];
  /** `x`, the parameters, `dy`, `y`, and `d_<name>` for the input and each parameter. */
  readonly values: ReadonlyMap<string, Float32Array>;
}

async function load(file: string): Promise<ModuleGolden> {
  await using source = await openSafetensors(bytesSource(readFileSync(new URL(file, folder)), file));
  const { kind, config } = JSON.parse(source.metadata["meta"] ?? "") as { kind: string; config: never };
  const make = kinds[kind];
  if (!make) throw new Error(`${file}: there is no function of kind ${kind}`);
  const values = new Map<string, Float32Array>();
  for (const name of source.tensors.keys()) {
    values.set(name, new Float32Array(Uint8Array.from(await source.read(name)).buffer));
  }
  const [batch = 0, length = 0, width = 0] = source.tensors.get("x")?.shape ?? [];
  const name = file.replace(/\.safetensors$/, "");
  return { name, spec: make(config), shape: [batch, length, width], values };
}

export const moduleGoldens: readonly ModuleGolden[] = await Promise.all(readdirSync(folder).map(load));
