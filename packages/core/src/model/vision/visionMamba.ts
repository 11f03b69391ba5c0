import type { Adaptable } from "../../adapters/lora.ts";
import { type Kernel, Scope, type Tensor } from "@mamba/kernel";
import { checkOptions, type Rules } from "../../checkOptions.ts";
import { MambaError } from "../../errors.ts";
import { dropout } from "../../layers/dropout.ts";
import { Linear } from "../../layers/linear.ts";
import type { Training } from "../../layers/module.ts";
import { Stack } from "../../layers/stack.ts";
import { EagerOps } from "../../ops/run/eagerOps.ts";
import type { Ops } from "../../ops/run/ops.ts";
import { initialParameters, type InitOptions } from "../../parameters/initialValues.ts";
import { parameter, type Parameters } from "../../parameters/spec.ts";
import { Head } from "../head.ts";
import { Model } from "../model.ts";
import type { ModelInput, TrainableModel } from "../trainableModel.ts";
import { classPosition, resolveVisionConfig, type VisionConfig, type VisionConfigInput } from "./config.ts";
import type { Interpolation } from "./interpolateGrid.ts";
import { Patches } from "./patches.ts";
import { resizePositions } from "./resizePositions.ts";
import { visionSpecs, visionStack } from "./specs.ts";

/** How a Vision Mamba is run. */
export interface VisionRunOptions {
  /** Given in training only. */
  readonly training?: Pick<Training, "seed"> | undefined;
}

const runRules: Rules<VisionRunOptions> = {
  training: [(value) => typeof value === "object", "an object"],
};

/** How `resize` computes the position embedding of another size. */
export interface ResizeOptions {
  /** Default "bicubic". */
  readonly interpolation?: Interpolation | undefined;
}

const resizeRules: Rules<ResizeOptions> = {
  interpolation: [(value) => value === "bicubic" || value === "bilinear", '"bicubic" or "bilinear"'],
};

// Vision Mamba (Zhu et al. 2024, arXiv:2401.09417, figure 2 and section 3.2). With the patches t[n] of an image, the
// embedding W, the class token in the middle, m = floor(N / 2), and the position embedding E:
//
//   T_0    = [t[0] W, …, t[m-1] W, class token, t[m] W, …, t[N-1] W] + E     [B, N + 1, D]
//   T_l    = Vim(T_{l-1}) + T_{l-1}                                          the bidirectional blocks
//   logits = MLP(norm(T_L)[m])                                               the head, one linear layer: [B, classes]
//
//   B        batch                             N    patches of an image
//   H, W     height and width in pixels        D    dModel
//   C        channels

/** Vision Mamba: images in, a logit for each class out. Names and shapes are those of the comment above. */
export class VisionMamba extends Model<VisionConfig> implements TrainableModel {
  readonly kind = "vision";
  readonly backbone: Stack;
  readonly linears: Adaptable;
  readonly input: ModelInput;
  readonly outputs: number;
  readonly perPosition = false;
  readonly #patches: Patches;
  readonly #patchEmbed: Linear;
  /** [N + 1, D], or [N, D] without a class token. */
  readonly #positions: Tensor;
  readonly #classToken: { readonly token: Tensor; readonly at: number } | undefined;
  readonly #head: Head;

  /**
   * Takes ownership of `parameters`, named and shaped as `visionSpecs(config)` says.
   *
   * @throws MambaError `PARAMETER` when one is missing, superfluous or has the wrong shape
   */
  constructor(kernel: Kernel, config: VisionConfig, parameters: Parameters) {
    super(kernel, config, visionSpecs(config), parameters);
    this.#patches = new Patches(config);
    this.#patchEmbed = new Linear(
      parameter(parameters, "patch_embed.proj.weight"),
      parameter(parameters, "patch_embed.proj.bias"),
    );
    this.#positions = parameter(parameters, "pos_embed");
    const at = classPosition(config, this.#patches.count);
    this.#classToken = at === undefined ? undefined : { token: parameter(parameters, "cls_token"), at };
    this.backbone = new Stack(visionStack(config), parameters);
    this.#head = new Head(config, parameters);
    const { height, width, channels, classes } = config;
    this.input = { kind: "images", height, width, channels };
    this.outputs = classes;
    this.linears = new Map([
      ["patch_embed.proj.weight", this.#patchEmbed],
      ...this.backbone.linears,
      ["head.weight", this.#head.linear],
    ]);
  }

  /**
   * A model with random weights. Equal seeds give equal weights.
   *
   * @throws MambaError `CONFIG`; KernelError `OUT_OF_MEMORY`, `DTYPE`
   */
  static init(kernel: Kernel, input: VisionConfigInput, seed = 0, { dtype }: InitOptions = {}): VisionMamba {
    const config = resolveVisionConfig(input);
    using scope = new Scope();
    const parameters = initialParameters(kernel, visionSpecs(config), seed, scope, dtype);
    const model = new VisionMamba(kernel, config, parameters);
    for (const tensor of parameters.values()) scope.release(tensor);
    return model;
  }

  /**
   * Logits [B, classes] of images f32 [B, H, W, C]. The result is the caller's.
   *
   * @throws MambaError `INPUT` (images of another size), `OPTIONS`
   */
  forward(images: Tensor, options: VisionRunOptions = {}): Tensor {
    using ops = new EagerOps(this.kernel, { derived: this.derived });
    return ops.keep(this.run(ops, images, options));
  }

  /** `forward` through ops of the caller's, such as a `Tape` to train: they own the result. */
  run(ops: Ops, images: Tensor, options: VisionRunOptions = {}): Tensor {
    checkOptions("run", options, runRules);
    this.#checkImages(images);
    const { training } = options;
    const patches = this.#patchEmbed.forward(ops, this.#patches.forward(ops, images)); // [B, N, D]
    const placed = ops.add(this.#insertClassToken(ops, patches), this.#positions); // T_0 [B, N + 1, D]
    const embedded = dropout(ops, placed, this.config.dropout, training, 0);
    const hidden = this.backbone.forward(ops, embedded, { training });
    return this.#head.forward(ops, this.#pool(ops, hidden));
  }

  /** [B, N, D] -> [B, N + 1, D]; the patches alone in a model without a class token. */
  #insertClassToken(ops: Ops, patches: Tensor): Tensor {
    if (this.#classToken === undefined) return patches;
    return ops.insertPosition(patches, this.#classToken.token, this.#classToken.at);
  }

  /** [B, N + 1, D] -> [B, D]: the class token, or the mean over the patches. */
  #pool(ops: Ops, hidden: Tensor): Tensor {
    const [batch = 0, , width = 0] = hidden.shape;
    if (this.#classToken === undefined) return ops.meanPositions(hidden);
    return ops.reshape(ops.takePositions(hidden, [this.#classToken.at]), [batch, width]);
  }

  /**
   * The model for images of another size: an independent copy whose position embedding is interpolated over the grid of patches
   * (Dosovitskiy et al. 2021, section 3.2). The class token keeps its own. An attached adapter is not copied.
   *
   * @throws MambaError `CONFIG` when patches do not fit the size, `OPTIONS`
   */
  async resize(height: number, width: number, options: ResizeOptions = {}): Promise<VisionMamba> {
    checkOptions("resize", options, resizeRules);
    const { kernel, parameters } = this;
    const config = resolveVisionConfig({ ...this.config, height, width });
    using scope = new Scope();
    const copies = new Map<string, Tensor>();
    for (const [name, tensor] of parameters) {
      const [values = new Float32Array()] = await kernel.read(tensor);
      const isGrid = name === "pos_embed";
      const own = isGrid
        ? resizePositions(values as Float32Array, this.config, config, options.interpolation ?? "bicubic")
        : values;
      const shape = isGrid ? [own.length / config.dModel, config.dModel] : tensor.shape;
      copies.set(name, scope.use(kernel.upload(own, shape, tensor.dtype)));
    }
    const model = new VisionMamba(kernel, config, copies);
    for (const tensor of copies.values()) scope.release(tensor);
    return model;
  }

  /** @throws MambaError `INPUT` */
  #checkImages({ shape, dtype }: Tensor): void {
    const { height, width, channels } = this.config;
    const [, ...size] = shape;
    const expected = [height, width, channels];
    if (dtype === "f32" && shape.length === 4 && size.every((extent, i) => extent === expected[i])) return;
    const remedy = "scale the images, or use model.resize";
    throw new MambaError(
      "INPUT",
      `vision model: images f32 [B, ${expected.join(", ")}] were expected, got ${dtype} [${shape.join(", ")}]; ${remedy}`,
    );
  }
}
