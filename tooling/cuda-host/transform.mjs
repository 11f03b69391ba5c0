// Rewrites CUDA's own grammar in a preprocessed .cu file as C++ on top of src/host_cuda.h. Lines keep their numbers.

const kernelPattern =
  /extern\s+"C"\s+__global__\s+(?:void\s+)?(?:__launch_bounds__\s*\(([^)]*)\)\s*)?(?:void\s+)?(\w+)\s*\(/g;
const sharedPattern = /\b(?:static\s+)?__shared__\s+([^;]+);/g;

/**
 * @param {string} text preprocessed, with line markers
 * @returns {{ text: string, kernels: string[] }} C++ that registers its kernels when it is loaded, and their names
 */
export function transform(text) {
  /** @type {string[]} */
  const kernels = [];
  const registrations = [""];
  const body = text
    .replace(kernelPattern, (whole, bounds, name) => {
      kernels.push(name);
      // Its threads; a second number is a wish about registers.
      const limit = bounds === undefined ? "" : `, ${bounds.split(",")[0]}`;
      registrations.push(
        `static const cuda_host::Registered registered_${name}{cuda_host::entryOf<&kernel_${name}>("${name}"${limit})};`,
      );
      return `static void kernel_${name}(${newLines(whole)}`;
    })
    .replace(sharedPattern, (whole, declaration) => sharedArrays(declaration) + newLines(whole));
  const left = /__global__|__shared__/.exec(body);
  if (left) throw new Error(`not understood: ${body.slice(Math.max(0, left.index - 40), left.index + 80)}`);
  return { text: `${body}${registrations.join("\n")}\n`, kernels };
}

/** @param {string} text */
function newLines(text) {
  return "\n".repeat(text.split("\n").length - 1);
}

/**
 * `float a[32], b[2][kWidth]`, and `alignas(16)` before it.
 *
 * @param {string} declaration
 */
function sharedArrays(declaration) {
  const [, alignment, rest = ""] = /^(?:alignas\s*\(([^)]*)\)\s*)?([\s\S]*)$/.exec(declaration) ?? [];
  const [first = "", ...others] = rest
    .replace(/\s+/g, " ")
    .trim()
    .split(/,(?![^[<]*[\]>])/);
  const parts = /^(.*[\s>])(\w+) ?((?: ?\[[^\]]*\])*)$/.exec(first);
  if (parts === null) throw new Error(`a shared declaration that is not understood: ${declaration}`);
  const [, type = "", name = "", sizes = ""] = parts;
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
