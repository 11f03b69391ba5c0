import { rule } from "../rules.mjs";

/** @typedef {import("../emitter.mjs").Emitter} Emitter */

/** @type {import("../rules.mjs").Rule["write"]} */
const barrier = (_, emit) => {
  const [id] = emit.operands(1);
  if (id?.kind !== "integer" || id.value !== 0n) throw emit.error("a barrier other than 0");
  return `cuda_host::syncThreads(${where(emit)});`;
};

/** @type {import("../rules.mjs").Rule["write"]} */
const shuffle = (m, emit) => {
  const [d, a, b, c, mask] = emit.operands(5);
  if (d === undefined || a === undefined || b === undefined || c === undefined || mask === undefined) {
    throw emit.error("operands are missing");
  }
  const [value, inside] = d.kind === "pair" ? d.items : [d];
  if (value === undefined) throw emit.error("no destination");
  const sources = [a, b, c, mask].map((source) => emit.read(source, "b32"));
  const kind = `cuda_host::Shuffle::${kinds[m["mode"] ?? ""] ?? ""}`;
  const call = `shuffle<${kind}>(${sources.join(", ")}, &inside, ${where(emit)})`;
  const flag = inside === undefined ? "" : ` ${emit.write(inside, "pred", "inside")}`;
  return `{ bool inside; const b32 value = ${call}; ${emit.write(value, "b32", "value")}${flag} }`;
};

/** @type {Record<string, string>} */
const kinds = { idx: "Index", up: "Up", down: "Down", bfly: "Xor" };

/** @type {import("../rules.mjs").Rule["write"]} */
const vote = (m, emit) => {
  const { mode = "" } = m;
  emit.operands(3);
  const mask = emit.read(emit.operand(2), "b32");
  const ballot = `cuda_host::ballot(${mask}, ${emit.read(emit.operand(1), "pred")}, ${where(emit)})`;
  if (mode === "ballot") return emit.write(emit.operand(0), "b32", ballot);
  return emit.write(emit.operand(0), "pred", mode === "any" ? `${ballot} != 0` : `${ballot} == ${mask}`);
};

/** @param {Emitter} emit @returns {string} */
const where = (emit) => `{source, ${emit.line}}`;

/** Instructions that wait for other threads. */
export const warpRules = [
  ...rule("bar", "sync", barrier),
  ...rule("barrier", "sync aligned?", barrier),
  ...rule("bar", "warp sync", (_, emit) => {
    emit.operands(1);
    return `cuda_host::syncWarp(${emit.read(emit.operand(0), "b32")}, ${where(emit)});`;
  }),
  ...rule("shfl", "sync mode:idx|up|down|bfly type:b32", shuffle),
  ...rule("vote", "sync mode:ballot type:b32", vote),
  ...rule("vote", "sync mode:any|all type:pred", vote),
];
