import { Pointer } from "./records.ts";
import { rowArgmax } from "./rowLargest.ts";

// y[b] = the lowest index of the largest logit of row b, -1 when a logit is NaN or +infinity or none is finite. A unit is a row.

@unmanaged
export class ArgmaxArgs {
  logits!: Pointer; // f32 [batch, vocabSize]
  y!: Pointer; // i32 [batch]
  batch!: i32;
  vocabSize!: i32;
  stride!: i32; // of logits
}

export function argmaxUnits(args: ArgmaxArgs): i32 {
  return args.batch;
}

export function argmaxRun(args: ArgmaxArgs, begin: i32, end: i32, scratch: usize): void {
  for (let row = begin; row < end; row++) {
    const logits = args.logits + ((<usize>row * args.stride) << 2);
    store<i32>(args.y + ((<usize>row) << 2), rowArgmax(logits, args.vocabSize));
  }
}
