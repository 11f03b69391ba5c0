// Rewrites the CUDA syntax that is left in a preprocessed .cu file to C++ that uses src/hostCuda.h. Line numbers stay the same.

const kernelPattern =
  /extern\s+"C"\s+__global__\s+(?:void\s+)?(?:__launch_bounds__\s*\(([^)]*)\)\s*)?(?:void\s+)?(\w+)\s*\(/g;
const sharedPattern = /\b(?:static\s+)?__shared__\s+([^;]+);/g;

/**
 * @param {string} text preprocessed, with line markers
 * @returns {{ text: string, kernels: string[] }} C++ that registers the GPU kernels at load time, and their names
 */
export function transform(text) {
  /** @type {string[]} */
  const kernels = [];
  const registrations = [""];
  const body = text
    .replace(kernelPattern, (whole, bounds, name) => {
      kernels.push(name);
      // The first bound is the number of threads; the second only affects registers.
      const limit = bounds === undefined ? "" : `, ${bounds.split(",")[0]}`;
      registrations.push(
        `static const cuda_host::Registered registered_${name}{cuda_host::entryOf<&kernel_${name}>("${name}"${limit})};`,
      );
      return `static void kernel_${name}(${newLines(whole)}`;
    })
    .replace(sharedPattern, (whole, declaration) => sharedArrays(declaration) + newLines(whole));
  const left = /__global__|__shared__/.exec(body);
  if (left)
    throw new Error(
      `CUDA syntax that is not supported: ${body.slice(Math.max(0, left.index - 40), left.index + 80)}`,
    );
  return { text: `${body}${registrations.join("\n")}\n`, kernels };
}

/** @param {string} text */
function newLines(text) {
  return "\n".repeat(text.split("\n").length - 1);
}

/**
 * Rewrites a declaration such as `alignas(16) float a[32], b[2][kWidth]`.
 *
 * @param {string} declaration
 */
function sharedArrays(declaration) {
  const [, alignment, rest = ""] = /^(?:alignas\s*\(([^)]*)\)\s*)?([\s\S]*)$/.exec(declaration) ?? [];
  const [first = "", ...others] = rest
    .replace(/\s+/g, " ")
    .trim()
    .split(/,(?![^[<]*[\]>])/);
  const match = /^(.*[\s>])(\w+) ?((?: ?\[[^\]]*\])*)$/.exec(first);
  if (match === null) throw new Error(`a shared declaration that is not understood: ${declaration}`);
  const [, type = "", name = "", sizes = ""] = match;
  const declarators = [
    [name, sizes],
    ...others.map((other) => {
      const found = /^\s*(\w+)\s*((?:\[[^\]]*\])*)\s*$/.exec(other);
      if (found === null) throw new Error(`a shared declaration that is not understood: ${declaration}`);
      return [found[1] ?? "", found[2] ?? ""];
    }),
  ];
  return declarators
    .map(([name, sizes]) => {
      const whole = `${type.trim()} ${sizes}`;
      const aligned = alignment ?? `alignof(${type.trim()})`;
      return (
        `static cuda_host::SharedArray ${name}_shared{"${name}", sizeof(${whole}), ${aligned}, {__FILE__, __LINE__}}; ` +
        `using ${name}_type = ${whole}; auto& ${name} = *static_cast<${name}_type*>(cuda_host::sharedMemory(${name}_shared));`
      );
    })
    .join(" ");
}
