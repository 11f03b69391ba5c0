import { rule } from "../rules.mjs";

/**
 * @typedef {import("../emitter.mjs").Emitter} Emitter
 * @typedef {import("../operands.mjs").Operand} Operand
 */

const types = "type:b8|u8|s8|b16|u16|s16|b32|u32|s32|b64|u64|s64|f32|f64";
const hints = "volatile? weak? space:global|shared|local|param|const? cache:ca|cg|cs|lu|cv|nc|wb|wt?";
const eviction =
  "evict:L1::evict_normal|L1::evict_unchanged|L1::evict_first|L1::evict_last|L1::no_allocate? prefetch:L2::64B|L2::128B|L2::256B?";

/**
 * @param {Emitter} emit
 * @param {Operand} address
 * @param {string} space "" for a generic address
 * @param {number} bytes that are read or written
 * @param {boolean} writes
 * @returns {string} a C++ expression: a pointer to the bytes, checked
 */
function pointer(emit, address, space, bytes, writes) {
  if (address.kind !== "address") throw emit.error("an address is expected");
  const { base, offset } = address;
  if (space === "param") return emit.frame.paramPointer(emit, address, bytes, writes);
  if (base?.kind === "variable" && base.variable.space !== (space || "global")) {
    throw emit.error(`${base.variable.ptx} is in the ${base.variable.space} space`);
  }
  if (writes && space === "const") throw emit.error("constant memory is not written");
  const addressType = base?.kind === "register" && base.register.type.bytes === 4 ? "u32" : "u64";
  if (addressType === "u32" && space !== "shared") throw emit.error("an address of 32 bits");
  const start = base === undefined ? "u64(0)" : `u64(${emit.read(base, addressType)})`;
  const at = offset === 0n ? start : `${start} + u64(${offset}ll)`;
  switch (space) {
    case "shared":
      return `shared_bytes<${bytes}>(${emit.frame.sharedWindow}, ${at}, ${emit.line})`;
    case "local":
      return `local_bytes<${bytes}>(${emit.frame.localMemory(emit)}, ${at}, ${emit.line})`;
    default:
      return `global_bytes<${bytes}>(${at}, ${emit.line})`;
  }
}

/** @param {Operand} operand @returns {Operand[]} its parts, or itself */
const items = (operand) => (operand.kind === "vector" ? operand.items : [operand]);

/**
 * @param {Emitter} emit
 * @param {import("../rules.mjs").Modifiers} m
 * @param {Operand} data
 * @returns {{ parts: Operand[], bytes: number, size: number }}
 */
function vector(emit, m, data) {
  const { type = "", count = "" } = m;
  const size = Number(type.slice(1)) / 8;
  const parts = items(data);
  if (parts.length !== Number(count.slice(1) || 1)) throw emit.error(`${parts.length} registers`);
  return { parts, bytes: size * parts.length, size };
}

/** @type {import("../rules.mjs").Rule["write"]} */
const load = (m, emit) => {
  const { type = "", space = "" } = m;
  emit.operands(2);
  const { parts, bytes, size } = vector(emit, m, emit.operand(0));
  const from = pointer(emit, emit.operand(1), space, bytes, false);
  const loads = parts.map((part, i) => emit.write(part, type, `get<${type}>(from + ${i * size})`, "wide"));
  return `{ const u8* const from = ${from}; ${loads.join(" ")} }`;
};

/** @type {import("../rules.mjs").Rule["write"]} */
const store = (m, emit) => {
  const { type = "", space = "" } = m;
  emit.operands(2);
  const { parts, bytes, size } = vector(emit, m, emit.operand(1));
  const to = pointer(emit, emit.operand(0), space, bytes, true);
  const stores = parts.map((part, i) => `put<${type}>(to + ${i * size}, ${emit.read(part, type, "wide")});`);
  return `{ u8* const to = ${to}; ${stores.join(" ")} }`;
};

/** Loads and stores. Cache hints do not affect results. */
export const memoryRules = [
  ...rule("ld", `${hints} ${eviction} count:v2|v4? ${types}`, load),
  ...rule("st", `${hints} ${eviction} count:v2|v4? ${types}`, store),
  // A fence does nothing: one thread runs at a time, in program order.
  ...rule("membar", "level:cta|gl|sys", () => ";"),
  ...rule("fence", "order:sc|acq_rel? scope:cta|gpu|sys", () => ";"),
];
