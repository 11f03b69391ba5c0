import { type Capabilities, type Kernel } from "@mamba/kernel";
import { suites } from "../src/opSuites.ts";
import { ReferenceKernel } from "./referenceKernel.ts";

const trainingOps = new Set(suites.flatMap(({ op, training }) => (training ? [op as string] : [])));

/** A reference kernel without training ops, and with other capabilities. */
export function inferenceKernel(changes: Partial<Capabilities> = {}, supports?: Kernel["supports"]): Kernel {
  const kernel = new ReferenceKernel();
  const capabilities: Capabilities = { ...kernel.capabilities, training: false, ...changes };
  const replaced: Readonly<Record<string, unknown>> = { capabilities, ...(supports && { supports }) };
  const hidden = (key: string | symbol): boolean => typeof key === "string" && trainingOps.has(key);
  return new Proxy<Kernel>(kernel, {
    has: (_, key) => !hidden(key) && key in kernel,
    get(_, key) {
      if (hidden(key)) return undefined;
      if (typeof key === "string" && key in replaced) return replaced[key];
      const value: unknown = Reflect.get(kernel, key);
      return typeof value === "function" ? (value.bind(kernel) as unknown) : value;
    },
  });
}
