import { isHybrid, type LMConfig, MambaError, resolveLMConfig } from "@mamba/core";
import { show } from "@mamba/core/safetensors";
import type { TensorShapes } from "../../architectures/architecture.ts";
import { CheckpointError } from "../../errors.ts";
import type { GgufMetadata } from "../../formats/gguf/metadata.ts";
import { GgufFields } from "../fields.ts";
import type { GgufArchitecture } from "./architecture.ts";
import { falconH1 } from "./falconH1.ts";
import { graniteHybrid } from "./graniteHybrid.ts";
import { jamba } from "./jamba.ts";
import { mamba } from "./mamba.ts";
import { mamba2 } from "./mamba2.ts";
import { nemotronH } from "./nemotronH.ts";

/** Every known architecture of GGUF files. A model is written as the first that can describe it. */
export const ggufArchitectures: readonly GgufArchitecture[] = [
  mamba,
  mamba2,
  graniteHybrid,
  falconH1,
  nemotronH,
  jamba,
];

/** A model in a GGUF file. */
export interface GgufModel {
  readonly architecture: GgufArchitecture;
  readonly config: LMConfig;
  /** The fields of the architecture. */
  readonly fields: GgufFields;
}

/**
 * The model that the metadata of a GGUF file describe, in agreement with the tensors.
 *
 * @param file for messages, which begin with it
 * @throws CheckpointError `CONFIG`, `UNSUPPORTED_MODEL`, `MISSING_TENSOR`
 */
export function modelFromGguf(metadata: GgufMetadata, tensors: TensorShapes, file: string): GgufModel {
  const all = new GgufFields(metadata, file);
  const name = all.string("general.architecture") ?? all.missing("general.architecture");
  const architecture = ggufArchitectures.find(({ names }) => names.includes(name));
  if (architecture === undefined) {
    const known = ggufArchitectures.flatMap(({ names }) => names).join(", ");
    const problem = `${file}: the architecture ${show(name)} cannot be loaded; expected one of ${known}`;
    throw new CheckpointError("UNSUPPORTED_MODEL", problem);
  }
  const fields = new GgufFields(metadata, file, `${name}.`);
  try {
    return {
      architecture,
      fields,
      config: resolveLMConfig(architecture.fromMetadata(fields, tensors, name)),
    };
  } catch (cause) {
    if (!MambaError.is(cause)) throw cause;
    throw new CheckpointError("CONFIG", `${file}: ${cause.message}`, { cause });
  }
}

/**
 * The architecture that a model is written as.
 *
 * @throws CheckpointError `UNSUPPORTED_MODEL` when there is none
 */
export function ggufArchitectureFor(config: LMConfig): GgufArchitecture {
  const obstacles: string[] = [];
  for (const architecture of ggufArchitectures) {
    const obstacle = architecture.obstacle(config);
    if (obstacle === undefined) return architecture;
    obstacles.push(`${architecture.names[0]}: ${obstacle}`);
  }
  const [first = ""] = obstacles;
  const problem = isHybrid(config) ? obstacles.slice(1).join("; ") : first.replace(/^mamba: /, "");
  const prefix = isHybrid(config)
    ? "GGUF cannot describe the model, in no architecture: "
    : "GGUF cannot describe a model with ";
  throw new CheckpointError("UNSUPPORTED_MODEL", prefix + problem);
}
