import { OptionalPointer, Pointer } from "./records.ts";

@unmanaged
export class SampleArgs {
  rows!: Pointer; // f64 [batch, ROW]: temperature, topP, minP, uniform, repetition penalty, topK
  logits!: Pointer; // f32 [batch, vocabSize]
  seen!: OptionalPointer; // i32 [batch, seenCount]
  ids!: OptionalPointer; // i32 [batch, addCount]
  values!: OptionalPointer; // f32 [batch, addCount]
  allow!: OptionalPointer; // i32 [batch, ceil(vocabSize / 32)]
  y!: Pointer; // i32 [batch]
  logProb!: OptionalPointer; // f32 [batch]
  topIds!: OptionalPointer; // i32 [batch, topCount]
  topLogProbs!: OptionalPointer; // f32 [batch, topCount]
  batch!: i32;
  vocabSize!: i32;
  stride!: i32; // of logits
  seenCount!: i32;
  addCount!: i32;
  topCount!: i32; // may be 0
}

/** Numbers of a row. */
export const ROW: i32 = 6;
