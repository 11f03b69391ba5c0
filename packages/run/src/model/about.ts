import type { BackendName } from "../backends/options.ts";

/** Facts about an open model, as plain data. */
export interface ModelAbout {
  /** Origin of the model, for people: the folder, the name and revision, or the URL. */
  readonly label: string;
  /** The backend that computes. */
  readonly backend: BackendName;
  /** The device in words, such as "WebAssembly SIMD, 4 threads". */
  readonly device: string;
  readonly parameterCount: number;
  readonly vocabSize: number;
  /** False for a model that takes token ids only. */
  readonly hasTokenizer: boolean;
  /** True for a model with a chat template. */
  readonly hasChat: boolean;
  /** Notes for the user. Usually empty. */
  readonly notes: readonly string[];
}
