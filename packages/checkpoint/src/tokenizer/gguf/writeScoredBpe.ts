import type { JsonObject } from "@mamba/core/safetensors";
import { type Component, flatten } from "../component.ts";
import { mergesOf, spmDecoder, spmNormalizer } from "./scoredBpe.ts";
import { cannotWrite, pairsOf, type TokenizerParts, typesOf, type WrittenKind } from "./parts.ts";
import { tokenTypes } from "./tokens.ts";

/**
 * BPE of SentencePiece with byte fallback, in the form of Llama 2. The merges become scores, from which they can be made again; a list of
 * merges that scores cannot describe is refused.
 *
 * @param notes gets properties that the metadata do not hold
 * @throws CheckpointError `TOKENIZER`
 */
export function writeScoredBpe(parts: TokenizerParts, notes: string[]): WrittenKind {
  const { json, model, vocab, tokens } = parts;
  if (model.boolean("ignore_merges")) throw cannotWrite("its model has byte_fallback and ignore_merges");
  const addsBlank = readForm(json);
  const unknown = model.string("unk_token");
  const unknownId = unknown === undefined ? undefined : vocab.get(unknown);
  const mergeable = new Map<string, number>();
  let bytes = 0;
  for (const [id, { text, type }] of tokens) {
    const isByte = vocab.has(text) && /^<0x[0-9A-F]{2}>$/.test(text);
    if (isByte) bytes++;
    if (id === unknownId) tokens.set(id, { text, type: tokenTypes.unknown });
    else if (isByte) tokens.set(id, { text, type: tokenTypes.byte });
    else if (type !== tokenTypes.control) mergeable.set(text, id);
  }
  if (bytes !== 256) throw cannotWrite(`it has ${bytes} tokens of bytes such as <0x0A>, expected 256`);
  const normalized = (json["added_tokens"] as readonly JsonObject[] | undefined)?.find(
    (token) => token["normalized"] === true,
  );
  if (normalized)
    notes.push(
      `the added token ${JSON.stringify(normalized["content"])} is found in normalized text, which GGUF has no field for`,
    );
  return { model: "llama", addsBlank, scoreOf: scoresOf(pairsOf(model), mergeable) };
}

/** True when texts begin with a blank. @throws CheckpointError `TOKENIZER` for another form */
function readForm(json: JsonObject): boolean {
  const normalizers = flatten(json["normalizer"], "tokenizer.json: normalizer", "normalizers");
  const stages = flatten(json["pre_tokenizer"], "tokenizer.json: pre_tokenizer", "pretokenizers");
  const decoders = flatten(json["decoder"], "tokenizer.json: decoder", "decoders");
  const isForm = (addsBlank: boolean) =>
    isSame(normalizers, flatten(spmNormalizer(addsBlank), "", "normalizers")) &&
    isSame(decoders, flatten(spmDecoder(addsBlank), "", "decoders"));
  if (stages.length === 0 && isForm(true)) return true;
  if (stages.length === 0 && isForm(false)) return false;
  const found = `normalizer ${typesOf(normalizers)}, pre-tokenizer ${typesOf(stages)}, decoder ${typesOf(decoders)}`;
  throw cannotWrite(`expected the form of Llama 2 beside byte_fallback, got ${found}`);
}

function isSame(a: readonly Component[], b: readonly Component[]): boolean {
  const fields = ["pattern", "content", "prepend", "start", "stop"];
  return (
    a.length === b.length &&
    a.every((one, i) => {
      const other = b[i];
      return (
        other?.type === one.type &&
        fields.every((field) => JSON.stringify(one.get(field)) === JSON.stringify(other.get(field)))
      );
    })
  );
}

/** Scores by which the results of merges have the order of the merges: the highest for the first. */
function scoresOf(
  merges: readonly (readonly [left: string, right: string])[],
  mergeable: ReadonlyMap<string, number>,
): (id: number) => number {
  const scores = new Map<number, number>();
  for (const [left, right] of merges) {
    const id = mergeable.get(left + right);
    if (id !== undefined && !scores.has(id)) scores.set(id, -scores.size);
  }
  for (const id of mergeable.values()) if (!scores.has(id)) scores.set(id, -scores.size);
  const scoreOf = (id: number) => scores.get(id) ?? 0;
  // Within one result the order does not matter: its pairs have the same score.
  const describe = (list: readonly (readonly [string, string])[]) => {
    const groups: { result: string; pairs: string[] }[] = [];
    for (const [left, right] of list) {
      const result = left + right;
      if (groups.at(-1)?.result !== result) groups.push({ result, pairs: [] });
      groups.at(-1)?.pairs.push(`${left.length}`);
    }
    return groups.map(({ result, pairs }) => `${result}\n${pairs.sort().join(" ")}`);
  };
  const [given, made] = [describe(merges), describe(mergesOf(mergeable, scoreOf))];
  const at = given.findIndex((group, i) => group !== made[i]);
  if (at < 0 && given.length === made.length) return scoreOf;
  const [result] = (given[at] ?? made[given.length] ?? "").split("\n");
  throw cannotWrite(
    `its merges do not follow from scores of tokens, as those of ${JSON.stringify(result)} show`,
  );
}
