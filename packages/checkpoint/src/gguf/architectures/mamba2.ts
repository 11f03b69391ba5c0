import { firstOf, required } from "../../architectures/hybrid/modules.ts";
import { hybridGguf } from "./hybrid.ts";
import { commonEntries, mamba2Entries, mamba2Of, sizesOf } from "./modules.ts";
import { u32 } from "./values.ts";
import { vocabularyOf } from "./vocabulary.ts";

/** The architecture `mamba2` of llama.cpp: Mamba-2 blocks alone. */
export const mamba2 = hybridGguf({
  names: ["mamba2"],
  keepsScales: false,
  isInterleaved: false,
  ffnNorm: ["ffn_norm.weight"],
  fromMetadata: (fields, tensors) => {
    const sizes = sizesOf(fields);
    const layer = { mixer: mamba2Of(fields, tensors, sizes, 0) };
    const { dModel, nLayers, rmsNormEps } = sizes;
    const layers = Array.from({ length: nLayers }, () => layer);
    return { ...vocabularyOf(fields, tensors), dModel, rmsNormEps, layers };
  },
  toMetadata: (config, stored) => ({
    architecture: "mamba2",
    entries: new Map([
      ...commonEntries(config, stored),
      ["feed_forward_length", u32(0)],
      ["attention.head_count", u32(0)],
      ...mamba2Entries(required(firstOf(config, "mamba2"), "no Mamba-2 blocks")),
    ]),
  }),
});
