import { PtxError } from "./error.mjs";
import { FunctionFrame, paramBytes, signature } from "./function.mjs";
import { parseModule } from "./parse.mjs";
import { cppName } from "./scope.mjs";

/**
 * @typedef {import("./parse.mjs").PtxFunction} PtxFunction
 * @typedef {import("./scope.mjs").Variable} Variable
 */

/** Gap between shared arrays, so that an overrun of one array is not an access to the next. */
const gap = 0x400;

/** The first lines of the generated C++. Headers are included from the folder of the stand-in. */
export const preamble = `#include "../ptx/include/ptx.h"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
using namespace ptx;
`;

/**
 * Translates PTX to C++ for the stand-in: a text per GPU kernel that registers it, to be compiled after `preamble`, alone or
 * with others.
 *
 * @param {string} text of a PTX file
 * @param {string} name of the file, for reports at run time
 * @returns {Map<string, string>} C++ by kernel
 * @throws {PtxError} for PTX that is not translated
 */
export function translate(text, name) {
  const module = parseModule(text);
  /** @type {Map<string, PtxFunction>} */
  const functions = new Map();
  for (const fn of module.functions) {
    // A declaration may precede the definition.
    if (functions.get(fn.name)?.body === undefined) functions.set(fn.name, fn);
  }
  const kernels = module.functions.filter(({ isEntry }) => isEntry);
  return new Map(
    kernels.map((kernel) => [kernel.name, writeKernel(kernel, functions, module.variables, name)]),
  );
}

/**
 * @param {PtxFunction} kernel
 * @param {ReadonlyMap<string, PtxFunction>} functions
 * @param {Variable[]} moduleVariables
 * @param {string} source
 * @returns {string}
 */
function writeKernel(kernel, functions, moduleVariables, source) {
  const called = calledBy(kernel, functions);
  const all = [...called, kernel];
  const shared = placeShared([...moduleVariables, ...all.flatMap(({ body }) => body?.variables ?? [])]);
  /** @type {Set<Variable>} */
  const used = new Set();
  const around = { functions, shared, uses: (/** @type {Variable} */ variable) => used.add(variable) };
  const definitions = all.map((fn) => {
    if (fn.body === undefined) throw new PtxError(fn.line, `${fn.name} has no body`);
    return new FunctionFrame(fn, fn.body, around).write();
  });
  const entry = `{"${kernel.name}", ${paramBytes(kernel)}, ${kernel.maxThreads}, ${cppName("k", kernel.name)}}`;
  return [
    `namespace ${cppName("kernel", kernel.name)} {`,
    "namespace {",
    `[[maybe_unused]] constexpr char source[] = ${JSON.stringify(source)};`,
    ...[...used].map(writeTable),
    writeWindow(shared),
    ...called.map((fn) => `${signature(fn)};`),
    ...definitions,
    `const cuda_host::Registered registered(cuda_host::KernelEntry${entry});`,
    "}",
    "}",
    "",
  ].join("\n");
}

/**
 * @param {PtxFunction} kernel
 * @param {ReadonlyMap<string, PtxFunction>} functions
 * @returns {PtxFunction[]} functions that the GPU kernel calls, directly or indirectly
 */
function calledBy(kernel, functions) {
  /** @type {Set<PtxFunction>} */
  const found = new Set();
  const visit = (/** @type {PtxFunction} */ fn) => {
    for (const statement of fn.body?.statements ?? []) {
      if (statement.kind !== "instruction" || statement.opcode !== "call") continue;
      for (const operand of statement.operands) {
        const callee = operand.kind === "name" ? functions.get(operand.name) : undefined;
        if (callee?.body === undefined || found.has(callee)) continue;
        found.add(callee);
        visit(callee);
      }
    }
  };
  visit(kernel);
  return [...found];
}

/**
 * @param {Variable[]} variables
 * @returns {Map<Variable, number>} the offset of each shared variable
 */
function placeShared(variables) {
  /** @type {Map<Variable, number>} */
  const places = new Map();
  let end = 0;
  for (const variable of variables) {
    if (variable.space !== "shared") continue;
    // Aligned exactly as declared, so that misaligned wider accesses are detected.
    const start = Math.ceil((end + gap) / gap) * gap + variable.alignment;
    places.set(variable, start);
    end = start + variable.bytes;
  }
  return places;
}

/** @param {ReadonlyMap<Variable, number>} shared @returns {string} */
function writeWindow(shared) {
  if (shared.size === 0) return "[[maybe_unused]] constexpr SharedWindow window{nullptr, 0};";
  const arrays = [...shared.keys()].map(
    ({ name, ptx, bytes, alignment, line }) =>
      `cuda_host::SharedArray ${name}{"${ptx}", ${bytes}, ${alignment}, {source, ${line}}};`,
  );
  const slots = [...shared].map(([{ name }, offset]) => `{${offset}, &${name}}`);
  return [
    ...arrays,
    `constexpr SharedSlot slots[] = {${slots.join(", ")}};`,
    `[[maybe_unused]] constexpr SharedWindow window{slots, ${shared.size}};`,
  ].join("\n");
}

/**
 * A table of the module. Each GPU kernel has its own read-only copy, so that none leaves state for another.
 *
 * @param {Variable} variable
 * @returns {string}
 */
function writeTable({ name, ptx, bytes, alignment, values, line }) {
  if (values === undefined) throw new PtxError(line, `${ptx} is a variable without initial values`);
  return `alignas(${alignment}) const u8 ${name}[${bytes}] = {${values.join(", ")}};`;
}
