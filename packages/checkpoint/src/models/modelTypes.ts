/** `model_type` of the models that `loadModel` reads and `loadCheckpoint` does not. */
export const modelTypes = { sequence: "mamba_ts_sequence", vision: "mamba_ts_vision" } as const;

/** The kind of a model by its `model_type`; undefined for that of a language model, or of none that is known. */
export function kindOfType(type: unknown): keyof typeof modelTypes | undefined {
  const kinds = Object.keys(modelTypes) as (keyof typeof modelTypes)[];
  return kinds.find((kind) => modelTypes[kind] === type);
}
