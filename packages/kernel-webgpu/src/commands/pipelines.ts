import type { KernelError } from "@mamba/kernel";
import { computeStage } from "../device/constants.ts";
import type { Shader } from "../shader.ts";

/** A compiled shader. */
export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  /** Layout of the shader's buffers (group 1). */
  readonly layout: GPUBindGroupLayout;
  /** Equal for equal layouts. */
  readonly layoutKey: string;
  /** The error of the device when it refused the shader. */
  error: KernelError | undefined;
}

const shared = new WeakMap<GPUDevice, Pipelines>();

/** The compiled shaders of one device, shared by all kernels on it. */
export class Pipelines {
  readonly #device: GPUDevice;
  /** Layout of the parameters (group 0). */
  readonly paramLayout: GPUBindGroupLayout;
  readonly #layouts = new Map<string, { buffers: GPUBindGroupLayout; pipeline: GPUPipelineLayout }>();
  readonly #pipelines = new Map<Shader, Pipeline>();

  private constructor(device: GPUDevice) {
    this.#device = device;
    this.paramLayout = device.createBindGroupLayout({
      label: "mamba: parameters",
      entries: [
        { binding: 0, visibility: computeStage, buffer: { type: "uniform", hasDynamicOffset: true } },
      ],
    });
  }

  static of(device: GPUDevice): Pipelines {
    let own = shared.get(device);
    if (!own) shared.set(device, (own = new Pipelines(device)));
    return own;
  }

  /** Returns the shader if it is compiled. */
  get(shader: Shader): Pipeline | undefined {
    return this.#pipelines.get(shader);
  }

  /** Compiles at once, which blocks the thread. Errors of the device go to the open error scopes. */
  compile(shader: Shader): Pipeline {
    const { buffers, pipeline: layout } = this.#layout(shader);
    const pipeline = this.#device.createComputePipeline(this.#describe(shader, layout));
    return this.#add(shader, pipeline, buffers);
  }

  /** Compiles without blocking the thread. Rejects with the error of the browser. */
  async compileAsync(shader: Shader): Promise<void> {
    if (this.#pipelines.has(shader)) return;
    const { buffers, pipeline: layout } = this.#layout(shader);
    const pipeline = await this.#device.createComputePipelineAsync(this.#describe(shader, layout));
    if (!this.#pipelines.has(shader)) this.#add(shader, pipeline, buffers);
  }

  #add(shader: Shader, pipeline: GPUComputePipeline, layout: GPUBindGroupLayout): Pipeline {
    const made = { pipeline, layout, layoutKey: layoutKey(shader), error: undefined };
    this.#pipelines.set(shader, made);
    return made;
  }

  #describe(shader: Shader, layout: GPUPipelineLayout): GPUComputePipelineDescriptor {
    const label = `mamba: ${shader.name}`;
    const module = this.#device.createShaderModule({ label, code: shader.source });
    return { label, layout, compute: { module, entryPoint: "main" } };
  }

  #layout(shader: Shader): { buffers: GPUBindGroupLayout; pipeline: GPUPipelineLayout } {
    const { read, write } = shader;
    const key = layoutKey(shader);
    const cached = this.#layouts.get(key);
    if (cached) return cached;
    const label = `mamba: ${read.length} read, ${write.length} written`;
    const buffers = this.#device.createBindGroupLayout({
      label,
      entries: [...read, ...write].map((_, binding) => ({
        binding,
        visibility: computeStage,
        buffer: { type: binding < read.length ? "read-only-storage" : "storage" },
      })),
    });
    const bindGroupLayouts = [this.paramLayout, buffers];
    const made = { buffers, pipeline: this.#device.createPipelineLayout({ label, bindGroupLayouts }) };
    this.#layouts.set(key, made);
    return made;
  }
}

function layoutKey({ read, write }: Shader): string {
  return `${read.length},${write.length}`;
}
