import { isObject, type Json } from "@mamba/core/safetensors";
import { type Component, flatten, refuse } from "./component.ts";
import { checkId } from "./models/vocabulary.ts";

/** Ids that are put before and after the ids of a text. */
export interface Marks {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** @throws CheckpointError `TOKENIZER` */
export function readPostProcessor(json: Json | undefined, ids: ReadonlyMap<string, number>): Marks {
  const all = flatten(json, "tokenizer.json: post_processor", "processors").map((component) =>
    marksOf(component, ids),
  );
  // Each processor puts its marks around those of the one before.
  return {
    before: [...all].reverse().flatMap(({ before }) => before),
    after: all.flatMap(({ after }) => after),
  };
}

function marksOf(component: Component, ids: ReadonlyMap<string, number>): Marks {
  switch (component.type) {
    case "ByteLevel":
      return { before: [], after: [] };
    case "BertProcessing":
    case "RobertaProcessing":
      return { before: [pairId(component, "cls")], after: [pairId(component, "sep")] };
    case "TemplateProcessing":
      return templateMarks(component, ids);
    default:
      return component.unknown([
        "ByteLevel",
        "BertProcessing",
        "RobertaProcessing",
        "TemplateProcessing",
        "Sequence",
      ]);
  }
}

/** A field such as `["[CLS]", 101]`. */
function pairId(component: Component, field: string): number {
  const [, id] = component.list(field, 2) ?? component.missing(field);
  return checkId(id, `${component.path}.${field}`);
}

function templateMarks(component: Component, ids: ReadonlyMap<string, number>): Marks {
  const items = component.list("single") ?? component.missing("single");
  const named = component.get("special_tokens");
  const before: number[] = [];
  const after: number[] = [];
  let texts = 0;
  items.forEach((item, i) => {
    const path = `${component.path}.single[${i}]`;
    const { SpecialToken: token, Sequence: sequence } = isObject(item) ? item : {};
    const name = isObject(token) ? token["id"] : undefined;
    if (isObject(sequence) && sequence["id"] === "A") texts++;
    else if (typeof name !== "string") refuse(path, "a SpecialToken or the Sequence A", item);
    else (texts === 0 ? before : after).push(...tokenIds(name, named, ids, path));
  });
  if (texts !== 1) refuse(`${component.path}.single`, "a template with one Sequence A", items);
  return { before, after };
}

function tokenIds(
  name: string,
  named: Json | undefined,
  ids: ReadonlyMap<string, number>,
  path: string,
): number[] {
  const entry = isObject(named) && Object.hasOwn(named, name) ? named[name] : undefined;
  const list = isObject(entry) ? entry["ids"] : undefined;
  if (Array.isArray(list) && list.length <= 64) return list.map((id) => checkId(id, path));
  const id = ids.get(name);
  return id === undefined ? refuse(path, "a token of the vocabulary", name) : [id];
}
