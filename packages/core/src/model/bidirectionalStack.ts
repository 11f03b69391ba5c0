import { bidirectionalMamba, type BidirectionalOptions } from "../layers/bidirectionalMamba.ts";
import { type MambaConfigInput, parametrization, resolveConfig } from "../layers/mambaConfig.ts";
import type { StackSpec } from "../layers/stack.ts";

/**
 * The bidirectional stack: `nLayers` equal layers of one bidirectional Mamba block each (Zhu et al. 2024, section 3.3).
 *
 * @throws MambaError `CONFIG`, `OPTIONS`
 */
export function bidirectionalStack(input: MambaConfigInput, options?: BidirectionalOptions): StackSpec {
  const config = resolveConfig(input);
  const layer = { mixer: bidirectionalMamba(config, options) };
  return {
    dModel: config.dModel,
    norm: { eps: config.rmsNormEps, gain: parametrization(config).normGains },
    layers: Array.from({ length: config.nLayers }, () => layer),
  };
}
