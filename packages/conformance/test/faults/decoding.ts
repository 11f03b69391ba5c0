import type { SampleOptions, Tensor } from "@mamba/kernel";
import { sampleProbabilities } from "../../src/reference/sample.ts";
import { ReferenceKernel } from "../referenceKernel.ts";
import type { Fault } from "./fault.ts";

class LastOfTies extends ReferenceKernel {
  override argmax(logits: Tensor) {
    const ids = super.argmax(logits);
    const values = this.values("argmax", logits);
    const V = logits.shape[1] as number;
    this.own("argmax", ids)
      .dense()
      .forEach((id, b) => {
        const row = values.subarray(b * V, (b + 1) * V);
        const last = row.lastIndexOf(row[id] as number);
        if (last >= 0) this.own("argmax", ids).elements[b] = last;
      });
    return ids;
  }
}

class SkipsNaN extends ReferenceKernel {
  override argmax(logits: Tensor) {
    if (logits.disposed || logits.dtype !== "f32") return super.argmax(logits);
    const numbers = this.values("argmax", logits).map((x) => (Number.isNaN(x) ? -Infinity : x));
    using clean = this.result(logits.shape, numbers);
    return super.argmax(clean);
  }
}

class ChangedSample extends ReferenceKernel {
  readonly #change: (options: SampleOptions) => SampleOptions;
  constructor(change: (options: SampleOptions) => SampleOptions) {
    super();
    this.#change = change;
  }
  override sample(logits: Tensor, options: SampleOptions) {
    return super.sample(logits, this.#change(options));
  }
}

/** The last token of the distribution, and none at all when rounding leaves its sum below the uniform. */
class FallsOffTheEnd extends ReferenceKernel {
  override sample(logits: Tensor, options: SampleOptions) {
    const ids = super.sample(logits, options);
    options.uniforms.forEach((u, b) => {
      if (Math.fround(u) === 1) this.own("sample", ids).elements[b] = (logits.shape[1] as number) - 1;
    });
    return ids;
  }
}

/** topP of all the mass instead of what topK left. */
class NucleusOfAll extends ReferenceKernel {
  override sample(logits: Tensor, options: SampleOptions) {
    const { topK, topP, temperature } = options;
    if (logits.disposed || topK === undefined || topP === undefined) return super.sample(logits, options);
    const V = logits.shape[1] as number;
    const values = this.values("sample", logits);
    const row = values.subarray(0, V);
    const all = sampleProbabilities(row, { temperature });
    const kept = sampleProbabilities(row, { temperature, topK });
    const share = kept?.reduce((sum, p, v) => sum + (p > 0 ? (all?.[v] ?? 0) : 0), 0) ?? 1;
    return super.sample(logits, { ...options, topP: Math.min(1, topP / share) });
  }
}

class CountsRepeats extends ReferenceKernel {
  override repetitionPenalty(logits: Tensor, ids: Tensor, penalty: number) {
    const y = super.repetitionPenalty(logits, ids, penalty);
    const seen = this.values("repetitionPenalty", ids);
    const [, K = 1] = ids.shape;
    const V = logits.shape[1] as number;
    seen.forEach((id, i) => {
      const row = seen.subarray(i - (i % K), i);
      if (id < 0 || id >= V || !row.includes(id)) return;
      const data = this.own("repetitionPenalty", y).elements;
      const at = Math.floor(i / K) * V + id;
      const logit = data[at] as number;
      data[at] = logit > 0 ? logit / penalty : logit * penalty;
    });
    return y;
  }
}

const changed = (
  name: string,
  change: (options: SampleOptions) => SampleOptions,
  seenBy = /^sample /,
): Fault => ({
  name: `sample: ${name}`,
  seenBy,
  open: () => new ChangedSample(change),
});

export const decodingFaults: Fault[] = [
  { name: "argmax: the last of ties", seenBy: /^argmax .*ties/, open: () => new LastOfTies() },
  { name: "argmax: skips NaN", seenBy: /^argmax .*NaN/, open: () => new SkipsNaN() },
  changed("ignores topK", (options) => ({ ...options, topK: undefined })),
  changed("ignores topP", (options) => ({ ...options, topP: undefined })),
  changed("ignores minP", (options) => ({ ...options, minP: undefined })),
  changed("ignores the temperature", (options) => ({ ...options, temperature: 1 })),
  changed(
    "uses the first row's uniform for all",
    (options) => ({ ...options, uniforms: options.uniforms.map(() => options.uniforms[0] ?? 0) }),
    /^laws: sample follows/,
  ),
  { name: "sample: topP of all the mass", seenBy: /^sample .*topK left/, open: () => new NucleusOfAll() },
  { name: "sample: falls off the end", seenBy: /^sample .*just below 1/, open: () => new FallsOffTheEnd() },
  {
    name: "repetitionPenalty: once for each repeat",
    seenBy: /^repetitionPenalty .*counts once/,
    open: () => new CountsRepeats(),
  },
];
