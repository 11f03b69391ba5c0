import { BertNormalizer, PrecompiledNormalizer } from "@huggingface/tokenizers";
import type { Json } from "@mamba/core/safetensors";
import { CheckpointError } from "../errors.ts";
import { type Component, flatten } from "./component.ts";
import { readPattern, replaceMatches } from "./pattern.ts";

/** Changes a text before it is split. With `isInside`, the text continues other text: nothing is put before it. */
export type Normalizer = (text: string, isInside: boolean) => string;

const path = "tokenizer.json: normalizer";
/** A normalized text may be this many times as long as the text; NFKC makes 18 characters of one. */
const growth = 32;
const allowance = 2 ** 16;

/** @throws CheckpointError `TOKENIZER` */
export function readNormalizer(json: Json | undefined): Normalizer {
  const steps = flatten(json, path, "normalizers").map(stepOf);
  return (text, isInside) => {
    const most = growth * text.length + allowance;
    return steps.reduce((changed, step) => {
      const next = step(changed, isInside, most);
      checkLength(next.length, most);
      return next;
    }, text);
  };
}

function checkLength(length: number, most: number): void {
  if (length > most)
    throw new CheckpointError("TOKENIZER", `${path}: makes a text more than ${growth} times as long`);
}

type Step = (text: string, isInside: boolean, most: number) => string;

const steps: Readonly<Record<string, (component: Component) => Step>> = {
  NFC: () => (text) => text.normalize("NFC"),
  NFD: () => (text) => text.normalize("NFD"),
  NFKC: () => (text) => text.normalize("NFKC"),
  NFKD: () => (text) => text.normalize("NFKD"),
  Lowercase: () => (text) => text.toLowerCase(),
  StripAccents: () => (text) => text.replace(/\p{M}/gu, ""),
  Strip: trim,
  Prepend: (component) => {
    const prepend = component.string("prepend") ?? component.missing("prepend");
    return (text, isInside) => (isInside ? text : prepend + text);
  },
  Replace: replace,
  BertNormalizer: (component) => {
    const flags = ["clean_text", "handle_chinese_chars", "strip_accents", "lowercase"] as const;
    const config = Object.fromEntries(flags.map((flag) => [flag, component.boolean(flag)]));
    const { lowercase, strip_accents = lowercase } = config;
    const inner = new BertNormalizer({ type: "BertNormalizer", ...config, strip_accents } as never);
    return (text) => inner.normalize(text);
  },
  Precompiled: () => {
    const inner = new PrecompiledNormalizer({ type: "Precompiled" } as never);
    return (text) => inner.normalize(text);
  },
};

function stepOf(component: Component): Step {
  const make = Object.hasOwn(steps, component.type) ? steps[component.type] : undefined;
  return make ? make(component) : component.unknown(Object.keys(steps));
}

function trim(component: Component): Step {
  const [left = true, right = true] = [component.boolean("strip_left"), component.boolean("strip_right")];
  return (text, isInside) => {
    const start = left && !isInside ? text.trimStart() : text;
    return right ? start.trimEnd() : start;
  };
}

function replace(component: Component): Step {
  const pattern = readPattern(component);
  const content = component.string("content") ?? "";
  return (text, _, most) => {
    const [matches = []] = pattern.matches([text]);
    return replaceMatches(text, matches, content, (length) => checkLength(length, most));
  };
}
