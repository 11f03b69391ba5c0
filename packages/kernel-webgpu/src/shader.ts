// An op describes its shader as WGSL with named buffers and named scalars. The declarations around the WGSL are added here,
// so that the file of an op holds the formula and little else.

/**
 * WGSL types of the elements of a buffer. 16-bit storage is bound as `u32`, two elements per word, or as f16 if the device
 * has `shader-f16`.
 */
export type Element = "f32" | "i32" | "u32" | "vec4<f32>" | "vec2<u32>" | "f16" | "vec4<f16>";

/** WGSL types of a parameter. */
export type Scalar = "u32" | "i32" | "f32";

/** The source of a shader. `R`, `W` and `P` are the names of its read buffers, written buffers and parameters. */
export interface ShaderDefinition<R extends string, W extends string, P extends string> {
  /** The op and, if it has several shaders, which: `selectiveScan carry`. Unique; errors and profiles name it. */
  readonly name: string;
  /** Buffers that are only read. Together with those of `write` at most eight, the default limit of WebGPU. */
  readonly read: Readonly<Record<R, Element>>;
  /** Buffers that are written, or read and written. */
  readonly write: Readonly<Record<W, Element>>;
  readonly params: Readonly<Record<P, Scalar>>;
  /** Features of the device that the shader needs. */
  readonly enable?: readonly ("f16" | "subgroups")[];
  /** Invocations per workgroup, at most 256. Default 64. */
  readonly workgroup?: number;
  /**
   * WGSL with `fn run(group: u32, lane: u32)`, which is called once per workgroup and invocation. It may use
   * - each buffer by its name, an array of the declared elements,
   * - `p.<name>` for each parameter, and for each buffer `p.<buffer>_at` (the tensor's first element) and
   *   `p.<buffer>_stride` (elements from one row to the next, 0 when the tensor is absent). A read buffer whose `_at` the code
   *   does not mention begins with the tensor: a view at no multiple of 256 bytes is copied first,
   * - `workgroupSize`, a constant.
   */
  readonly code: string;
}

/** A shader for `Runtime.run`. */
export interface Shader<R extends string = string, W extends string = string, P extends string = string> {
  readonly name: string;
  readonly read: readonly R[];
  readonly write: readonly W[];
  /** Scalars of the op, in the order of the uniform block, where they follow the workgroup count and the fields of the buffers. */
  readonly params: readonly { readonly name: P; readonly float: boolean }[];
  /** The buffers whose `_at` the code adds. */
  readonly placed: ReadonlySet<string>;
  readonly source: string;
}

/** 32-bit words for the parameters of one dispatch: the 256 bytes that WebGPU guarantees as offset alignment. */
export const paramWords = 64;

/** Creates a shader: adds the declarations of buffers and parameters to the WGSL. */
export function defineShader<R extends string, W extends string, P extends string>(
  definition: ShaderDefinition<R, W, P>,
): Shader<R, W, P> {
  const { name, enable = [], workgroup = 64, code } = definition;
  const read = Object.entries<Element>(definition.read);
  const write = Object.entries<Element>(definition.write);
  const params = Object.entries<Scalar>(definition.params);
  const buffers = [...read, ...write];
  const fields = [
    "group_count_: u32",
    ...buffers.flatMap(([buffer]) => [`${buffer}_at: u32`, `${buffer}_stride: u32`]),
    ...params.map(([param, type]) => `${param}: ${type}`),
  ];
  if (fields.length > paramWords || buffers.length > 8)
    throw new Error(
      `shader ${name}: at most 8 buffers and ${paramWords} parameter words, got ${buffers.length} and ${fields.length}`,
    );
  const declarations = buffers.map(([buffer, type], i) => {
    const access = i < read.length ? "read" : "read_write";
    return `@group(1) @binding(${i}) var<storage, ${access}> ${buffer}: array<${type}>;`;
  });
  const source = `${enable.map((feature) => `enable ${feature};\n`).join("")}
struct Params_ { ${fields.join(", ")} }
@group(0) @binding(0) var<uniform> p: Params_;
${declarations.join("\n")}
const workgroupSize = ${workgroup}u;
${code}
@compute @workgroup_size(${workgroup})
fn main(
  @builtin(workgroup_id) id_: vec3<u32>,
  @builtin(num_workgroups) count_: vec3<u32>,
  @builtin(local_invocation_index) lane_: u32,
) {
  let group_ = id_.x + id_.y * count_.x;
  if (group_ >= p.group_count_) { return; }
  run(group_, lane_);
}
`;
  return {
    name,
    read: read.map(([buffer]) => buffer as R),
    write: write.map(([buffer]) => buffer as W),
    params: params.map(([param, type]) => ({ name: param as P, float: type === "f32" })),
    placed: new Set(
      buffers.flatMap(([buffer]) => (new RegExp(`\\bp\\.${buffer}_at\\b`).test(code) ? [buffer] : [])),
    ),
    source,
  };
}
