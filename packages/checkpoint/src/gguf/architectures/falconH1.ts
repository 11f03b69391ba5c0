import { type LayerSpec, mlp } from "@mamba/core";
import { firstOf, required } from "../../architectures/hybrid/modules.ts";
import { hybridGguf } from "./hybrid.ts";
import {
  attentionOf,
  checkRope,
  commonEntries,
  headEntries,
  mamba2Entries,
  mamba2Of,
  sizesOf,
} from "./modules.ts";
import { u32 } from "./values.ts";
import { vocabularyOf } from "./vocabulary.ts";

/**
 * The architecture `falcon-h1` of llama.cpp: Mamba-2 and attention in parallel, then an MLP. The factors of the model are in the weights of
 * a file. Where the table is the head as well, both uses need another factor, and `output.weight` is written beside it.
 */
export const falconH1 = hybridGguf({
  names: ["falcon-h1"],
  keepsScales: false,
  isInterleaved: false,
  // The name of llama.cpp's converter has no ending.
  ffnNorm: ["ffn_norm", "ffn_norm.weight"],
  fromMetadata: (fields, tensors) => {
    checkRope(fields);
    const sizes = sizesOf(fields);
    const { dModel, nLayers, rmsNormEps } = sizes;
    const heads =
      fields.perLayer("attention.head_count_kv", nLayers) ?? fields.missing("attention.head_count_kv");
    const [kvHeads = 0] = heads;
    if (heads.some((count) => count !== kvHeads))
      throw fields.unsupported("different numbers of heads in the layers of falcon-h1");
    const attention = attentionOf(fields, tensors, sizes, { layer: 0, kvHeads }, (headDim) => ({
      rotary: {
        theta: fields.number("rope.freq_base") ?? 10000,
        dim: fields.count("rope.dimension_count") ?? headDim,
      },
    }));
    const dHidden = fields.needed("feed_forward_length");
    const bias = tensors.has("blk.0.ffn_down.bias");
    const layer: LayerSpec = {
      mixer: [mamba2Of(fields, tensors, sizes, 0), attention],
      ffn: mlp({ dModel, nLayers, dHidden, bias }),
    };
    const layers = Array.from({ length: nLayers }, () => layer);
    return { ...vocabularyOf(fields, tensors), dModel, rmsNormEps, layers };
  },
  toMetadata: (config, stored) => {
    const attention = required(firstOf(config, "attention"), "no attention");
    return {
      architecture: "falcon-h1",
      entries: new Map([
        ...commonEntries(config, stored),
        ...headEntries(attention),
        ["attention.head_count_kv", u32(attention.kvHeads)],
        ...mamba2Entries(required(firstOf(config, "mamba2"), "no Mamba-2 blocks")),
        ["feed_forward_length", u32(required(firstOf(config, "mlp"), "layers without an MLP").dHidden)],
      ]),
    };
  },
});
