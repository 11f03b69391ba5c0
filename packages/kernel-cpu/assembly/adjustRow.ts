import { SampleArgs } from "./sampleArgs.ts";

// The logits of a row after repetition penalty, `add` and `allow`.

/** True when a row with this penalty has logits that the op changes before it chooses. */
@inline
export function isAdjusted(args: SampleArgs, penalty: f32): bool {
  return args.ids != 0 || args.allow != 0 || (args.seen != 0 && penalty != 1);
}

/** Writes the changed logits of a row to `to`. */
export function adjustRow(args: SampleArgs, row: i32, logits: usize, penalty: f32, to: usize): void {
  const size = args.vocabSize;
  memory.copy(to, logits, <usize>size << 2);
  if (args.seen && penalty != 1) {
    const seen = args.seen + ((<usize>row * args.seenCount) << 2);
    for (let k = 0; k < args.seenCount; k++) {
      const id = load<i32>(seen + (<usize>k << 2));
      if (<u32>id >= <u32>size) continue;
      // From the logits, not from `to`: an id that occurs several times is penalised once.
      const logit = load<f32>(logits + (<usize>id << 2));
      store<f32>(to + (<usize>id << 2), logit > 0 ? logit / penalty : logit * penalty);
    }
  }
  if (args.ids) {
    const first = (<usize>row * args.addCount) << 2;
    for (let k = 0; k < args.addCount; k++) {
      const id = load<i32>(args.ids + first + (<usize>k << 2));
      if (<u32>id >= <u32>size) continue;
      const at = to + (<usize>id << 2);
      store<f32>(at, load<f32>(at) + load<f32>(args.values + first + (<usize>k << 2)));
    }
  }
  if (args.allow) {
    const words = (size + 31) >> 5;
    const allow = args.allow + ((<usize>row * words) << 2);
    for (let word = 0; word < words; word++) {
      const bits = load<i32>(allow + (<usize>word << 2));
      if (bits != -1) keepAllowed(to + (<usize>word << 7), bits, min(size - (word << 5), 32));
    }
  }
}

/** Overwrites those of `count` logits whose bit is 0 with -infinity. */
@inline
function keepAllowed(logits: usize, bits: i32, count: i32): void {
  const none = f32x4.splat(-Infinity);
  let v = 0;
  const places = i32x4(1, 2, 4, 8);
  for (; v + 4 <= count; v += 4) {
    const at = logits + (<usize>v << 2);
    const allowed = i32x4.ne(v128.and(i32x4.splat(bits >> v), places), i32x4.splat(0));
    v128.store(at, v128.bitselect(v128.load(at), none, allowed));
  }
  for (; v < count; v++) {
    if (!((bits >> v) & 1)) store<f32>(logits + (<usize>v << 2), -Infinity);
  }
}
