import type { KernelError } from "@mamba/kernel";
import { computeStage } from "./constants.ts";
import type { Shader } from "./shader.ts";

/** What a dispatch needs of a shader. */
export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  /** Layout of the shader's buffers (group 1). */
  readonly layout: GPUBindGroupLayout;
  /** Equal for equal layouts. */
  readonly layoutKey: string;
  /** Why it cannot run: the device refused the shader. */
  fault: KernelError | undefined;
}

const shared = new WeakMap<GPUDevice, Pipelines>();

/** Compiled shaders of one device, for all kernels on it. */
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

  /** The shader, when it is compiled. */
  get(shader: Shader): Pipeline | undefined {
    return this.#pipelines.get(shader);
  }

  /** Compiles now. The caller watches for errors. */
  compile(shader: Shader): Pipeline {
    const { buffers, pipeline: layout } = this.#layout(shader);
    const pipeline = this.#device.createComputePipeline(this.#describe(shader, layout));
    return this.#keep(shader, pipeline, buffers);
  }

  /** Compiles without blocking. Rejects with the browser's error. */
  async compileAsync(shader: Shader): Promise<void> {
    if (this.#pipelines.has(shader)) return;
    const { buffers, pipeline: layout } = this.#layout(shader);
    const pipeline = await this.#device.createComputePipelineAsync(this.#describe(shader, layout));
    if (!this.#pipelines.has(shader)) this.#keep(shader, pipeline, buffers);
  }

  #keep(shader: Shader, pipeline: GPUComputePipeline, layout: GPUBindGroupLayout): Pipeline {
    const made = { pipeline, layout, layoutKey: layoutKey(shader), fault: undefined };
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
    const known = this.#layouts.get(key);
    if (known) return known;
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
