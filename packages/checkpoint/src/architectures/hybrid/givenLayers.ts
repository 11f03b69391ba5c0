import { didYouMean, type LayerSpec, MambaError, type ModuleSpec } from "@mamba/core";
import { type JsonObject, show } from "@mamba/core/safetensors";
import { Fields, maxLayers } from "../../json/fields.ts";
import { decoded, makerOf, moduleKinds } from "./moduleMakers.ts";

/** Fields of a module that are those of the model. */
const shared = ["dModel", "nLayers", "initializerRange"] as const;

/**
 * Reads the layers of a model that somebody wrote as JSON: `model.layers` is a list of `{ mixer, ffn, residualScale }`, each optional. A
 * mixer or an ffn is `{ kind, … }` with the fields of its config beside its kind ("mamba", "mamba2", "mamba3", "attention", "mlp",
 * "experts"); `mixer` may be a list of several that run in parallel. The modules get `dModel`, the number of layers and
 * `initializerRange` from the model.
 *
 * @param model its fields `dModel`, `initializerRange` (optional) and `layers`; other fields are not read
 * @param name of the model, with which messages begin
 * @throws CheckpointError `CONFIG`; MambaError `CONFIG` for a wrong config of a module
 */
export function parseLayers(model: Readonly<Record<string, unknown>>, name: string): readonly LayerSpec[] {
  const fields = new Fields(model as JsonObject, name);
  const layers = fields.objects("layers") ?? fields.missing("layers");
  if (layers.length === 0) fields.wrong(`the field layers must have from 1 to ${maxLayers} layers, got none`);
  const given: Given = {
    dModel: fields.count("dModel") ?? fields.missing("dModel"),
    nLayers: layers.length,
    initializerRange: fields.number("initializerRange"),
  };
  return layers.map((layer, i) => readLayer(layer, given, `${name}: layers[${i}]`));
}

/** The fields that the modules get from the model. */
type Given = Readonly<Record<(typeof shared)[number], number | undefined>>;

function readLayer(fields: Fields, given: Given, name: string): LayerSpec {
  fields.checkKnown(["mixer", "ffn", "residualScale"]);
  const read = (module: Fields, field: string) => readModule(module, given, `${name}: ${field}`);
  const many = Array.isArray(fields.get("mixer")) ? fields.objects("mixer") : undefined;
  const one = many ? undefined : fields.object("mixer");
  const mixer = many ? many.map((module, i) => read(module, `mixer[${i}]`)) : one && read(one, "mixer");
  const ffn = fields.object("ffn");
  const residualScale = fields.number("residualScale");
  return {
    ...(mixer && { mixer }),
    ...(ffn && { ffn: read(ffn, "ffn") }),
    ...(residualScale !== undefined && { residualScale }),
  };
}

function readModule(fields: Fields, given: Given, name: string): ModuleSpec {
  const kind = fields.string("kind") ?? fields.missing("kind");
  const make = makerOf(kind);
  if (make === undefined) {
    const hint = didYouMean(kind, moduleKinds) || `; the kinds are ${moduleKinds.join(", ")}`;
    return fields.wrong(`there is no module of the kind ${show(kind)}${hint}`);
  }
  const { kind: _kind, ...own } = fields.json;
  const field = shared.find((each) => Object.hasOwn(own, each));
  if (field !== undefined) fields.wrong(`the field ${field} is that of the model: leave it out here`);
  return named(name, () => make({ ...given, ...(decoded(own) as object) }));
}

/** Runs `make`, and names the module in what it refuses. */
function named(name: string, make: () => ModuleSpec): ModuleSpec {
  try {
    return make();
  } catch (error) {
    if (!MambaError.is(error)) throw error;
    throw new MambaError(error.code, `${name}: ${error.message}`, { cause: error });
  }
}
