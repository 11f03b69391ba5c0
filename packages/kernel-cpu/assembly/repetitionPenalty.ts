import { Pointer } from "./records.ts";

// y = l > 0 ? l / penalty : l * penalty, once for each distinct id of the row; other logits are copied. A unit is a row.

@unmanaged
export class RepetitionPenaltyArgs {
  logits!: Pointer; // f32 [batch, vocabSize]
  ids!: Pointer; // i32 [batch, idCount]
  y!: Pointer; // f32 [batch, vocabSize]
  batch!: i32;
  vocabSize!: i32;
  idCount!: i32;
  stride!: i32; // of logits
  penalty!: f32;
}

export function repetitionPenaltyUnits(args: RepetitionPenaltyArgs): i32 {
  return args.batch;
}

export function repetitionPenaltyRun(
  args: RepetitionPenaltyArgs,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const bytes = (<usize>args.vocabSize) << 2;
  for (let row = begin; row < end; row++) {
    const logits = args.logits + ((<usize>row * args.stride) << 2);
    const y = args.y + <usize>row * bytes;
    memory.copy(y, logits, bytes);
    for (let k = 0; k < args.idCount; k++) {
      const id = load<i32>(args.ids + ((<usize>row * args.idCount + k) << 2));
      if (<u32>id >= <u32>args.vocabSize) continue;
      // From the input, not from y: an id that occurs twice is penalised once.
      const logit = load<f32>(logits + ((<usize>id) << 2));
      store<f32>(y + ((<usize>id) << 2), logit > 0 ? logit / args.penalty : logit * args.penalty);
    }
  }
}
