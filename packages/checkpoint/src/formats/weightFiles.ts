/** A format of weights under the names that training tools give to its files. */
export interface WeightFiles {
  /** The file when there is one. */
  readonly single: string;
  /** The index of its shards. */
  readonly index: string;
  /** The ending of the names of shards. */
  readonly ending: string;
}

export const weightsFile = "model.safetensors";
const pickleFile = "pytorch_model.bin";

/** The formats in the order of preference: a checkpoint in several is read from the first. */
export const weightFiles: readonly WeightFiles[] = [
  { single: weightsFile, index: "model.safetensors.index.json", ending: ".safetensors" },
  { single: pickleFile, index: "pytorch_model.bin.index.json", ending: ".bin" },
];

/** The names of all of them, for messages. */
export const weightFileNames = weightFiles.flatMap(({ single, index }) => [single, index]).join(", ");
