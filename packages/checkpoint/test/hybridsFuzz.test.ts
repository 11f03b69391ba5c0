import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { MambaError, parameterSpecs, resolveLMConfig } from "@mamba/core";
import { bytesSource, type TensorToWrite } from "@mamba/core/safetensors";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CheckpointError } from "../src/errors.ts";
import { hubConfig, openSafetensors, parseConfig } from "../src/index.ts";
import { load } from "../src/load.ts";
import { fuzzSettings } from "./support/fuzzSettings.ts";
import { safetensors } from "./support/files.ts";
import { hostKernel } from "./support/hostKernel.ts";
import { hybridModels } from "./support/hybrids.ts";

// Whatever the config.json of a hybrid says: it is a model of bounded size, or a CheckpointError. Nothing else is thrown.

const configs = Object.values(hybridModels)
  .flat()
  .map((input) => JSON.stringify(hubConfig(resolveLMConfig(input), { dtype: "f32", stopIds: [0] })));

/** JSON texts, also those that only Python writes. */
const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value)),
  fc.constantFrom(
    ...["0", "-1", "0.5", "1e9", "1e308", "2147483648", "9007199254740992", "NaN", "Infinity", "-Infinity"],
    ...["null", "true", "[]", "{}", '"auto"', '"x"', "[0, 0]", "[5, 1]", "[Infinity, Infinity]"],
    '{"__float__": "Infinity"}',
    `"${"M".repeat(100_000)}"`,
    JSON.stringify(Array.from({ length: 5000 }, () => "attention")),
    JSON.stringify(["mamba", "attention", "other"]),
  ),
);
const added = [
  ...["hybrid_override_pattern", "layers_block_type", "layer_types", "num_local_experts", "num_experts"],
  ...["n_routed_experts", "rope_parameters", "attn_layer_indices", "head_dim", "mamba_d_head", "mamba_d_ssm"],
  ...["time_step_limit", "logits_scaling", "rope_theta", "num_experts_per_tok", "moe_latent_size"],
];

/** A field of the object is replaced, or is added. */
function changed(text: string, at: number, value: string): string {
  const json = JSON.parse(text) as Record<string, unknown>;
  const keys = [...Object.keys(json), ...added];
  const key = keys[at % keys.length] ?? "";
  return JSON.stringify({ ...json, [key]: "@" }).replace('"@"', () => value);
}

test("any change of a hybrid's config.json is a model or a CheckpointError", () => {
  let read = 0;
  fc.assert(
    fc.property(fc.constantFrom(...configs), fc.nat(), odd, (text, at, value) => {
      try {
        const { config } = parseConfig(new TextEncoder().encode(changed(text, at, value)));
        const shapes = parameterSpecs(config).map(({ shape }) => shape);
        expect(shapes.flat().every((n) => Number.isSafeInteger(n) && n >= 1)).toBe(true);
        read++;
      } catch (error) {
        if (MambaError.is(error) || !CheckpointError.is(error)) throw error;
        expect(error.message.length).toBeLessThan(1500);
      }
    }),
    fuzzSettings(20_000, 300),
  );
  expect(read).toBeGreaterThan(0);
});

const goldens = join(import.meta.dirname, "../../conformance/goldens");

test.each(["lm-granite", "lm-granite-moe", "lm-nemotron-h-moe", "lm-jamba-moe", "lm-falcon-h1", "lm-mamba2"])(
  "%s: a tensor that is lacking, too many or too short is refused by name",
  async (golden) => {
    const config = await readFile(join(goldens, golden, "config.json"));
    await using file = await openSafetensors(join(goldens, golden, "model.safetensors"));
    const whole = [...file.tensors.values()].map(({ name, shape, dtype }): TensorToWrite => {
      return { name, shape, dtype, bytes: () => file.read(name) };
    });
    const codeOf = async (tensors: readonly TensorToWrite[], named: string): Promise<string> => {
      const kernel = hostKernel();
      const files = new Map([
        ["config.json", new Uint8Array(config)],
        ["model.safetensors", await safetensors(tensors)],
      ]);
      const open = (name: string) => {
        const bytes = files.get(name);
        return Promise.resolve(bytes && bytesSource(bytes, name));
      };
      try {
        await load(kernel, { label: "memory", open }, {});
        return "loaded";
      } catch (error) {
        if (!CheckpointError.is(error)) throw error;
        expect(error.message).toContain(named);
        expect(kernel.memory().tensors).toBe(0);
        return error.code;
      }
    };
    const layers = whole.filter(({ name }) => name.includes(".layers."));
    const step = Math.ceil(layers.length / 6);
    for (const tensor of layers.filter((_, i) => i % step === step - 1)) {
      const { name, shape } = tensor;
      const others = whole.filter((other) => other !== tensor);
      expect(await codeOf(others, name)).toBe("MISSING_TENSOR");
      const second = name.replace(/layers\.\d+/, "layers.77");
      expect(await codeOf([...whole, { ...tensor, name: second }], second)).toBe("EXTRA_TENSOR");
      const [rows = 0, ...rest] = shape;
      const values = new Uint8Array(4 * [rows + 1, ...rest].reduce((product, n) => product * n, 1));
      const longer = { ...tensor, shape: [rows + 1, ...rest], bytes: () => Promise.resolve(values) };
      expect(await codeOf([...others, longer], name)).toBe("TENSOR_SHAPE");
    }
  },
);
