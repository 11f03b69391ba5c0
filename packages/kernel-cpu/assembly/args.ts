// Argument records of the compute ops. The host writes one into memory as consecutive 4-byte little-endian fields, in
// the order below (field i stands at byte 4·i), and passes its address, a multiple of 4, to
//
//   <op>Units(args): i32                           how many independent work units the call has; 0 for empty work
//   <op>Scratch(args): i32                         bytes of scratch that each thread needs, 0 for none
//   <op>Range(args, begin, end, scratch): void     does units [begin, end); `scratch` is a multiple of 16
//
// Units may run in any order, on any thread, in any grouping: the results are the same, bit for bit.
//
// | op                   | record      | units                                 |
// | -------------------- | ----------- | ------------------------------------- |
// | linear               | LinearArgs  | blocks of output columns (and rows)   |
// | causalConv1d         | ConvArgs    | batch x channel blocks (x time)       |
// | causalConv1dStep     | ConvArgs    | batch x channel blocks                |
// | selectiveScan        | ScanArgs    | batch x channel blocks                |
// | selectiveStateUpdate | ScanArgs    | batch x channel blocks                |
// | rmsNorm              | NormArgs    | blocks of rows                        |
// | embedding            | GatherArgs  | blocks of ids                         |
// | readProbe            | ProbeArgs   | blocks of 256 KiB                     |
// | madProbe             | ProbeArgs   | 1,024 multiply-add rounds each        |
//
// Pointers are byte addresses; 0 means absent where a field is marked "or 0". f32 and i32 data must be 4-byte aligned,
// halves 2-byte. Strides count elements from one row to the next; a tensor [B, L, X] has B·L rows. Tensors without a
// stride are dense. Flags are 0 or 1. Extents are at least 1 unless their op says that 0 is fine (then nothing runs).

/** Storage of `LinearArgs.weight` and `GatherArgs.weight`. */
export const F32: i32 = 0;
export const F16: i32 = 1;
export const BF16: i32 = 2;

/** y [rows, outFeatures] = x [rows, inFeatures] · weight [outFeatures, inFeatures]ᵀ + bias. `rows` may be 0. */
@unmanaged
export class LinearArgs {
  /*  0 */ x!: usize; // f32
  /*  1 */ weight!: usize; // storage: weightType
  /*  2 */ bias!: usize; // f32 [outFeatures], or 0
  /*  3 */ y!: usize; // f32
  /*  4 */ rows!: i32;
  /*  5 */ inFeatures!: i32;
  /*  6 */ outFeatures!: i32;
  /*  7 */ xStride!: i32;
  /*  8 */ weightType!: i32; // F32, F16 or BF16
}

/**
 * causalConv1d, and causalConv1dStep: there length is 1, and initialState and finalState are both the state, which is
 * shifted in place. For causalConv1d finalState must not overlap initialState or x. `batch` and `length` may be 0.
 */
@unmanaged
export class ConvArgs {
  /*  0 */ x!: usize; // f32 [batch, length, channels]
  /*  1 */ weight!: usize; // f32 [channels, width]
  /*  2 */ bias!: usize; // f32 [channels], or 0
  /*  3 */ initialState!: usize; // f32 [batch, channels, width - 1], or 0
  /*  4 */ range!: usize; // i32 [batch, 2], or 0 (causalConv1dStep ignores it)
  /*  5 */ y!: usize; // f32 [batch, length, channels]
  /*  6 */ finalState!: usize; // f32 [batch, channels, width - 1], or 0
  /*  7 */ batch!: i32;
  /*  8 */ length!: i32;
  /*  9 */ channels!: i32;
  /* 10 */ width!: i32; // 2 to 16
  /* 11 */ xStride!: i32;
  /* 12 */ silu!: i32; // flag
}

/**
 * selectiveScan, and selectiveStateUpdate: there length is 1, and initialState and finalState are both the state, which
 * is advanced in place. finalState may be initialState in both. `batch` and `length` may be 0.
 */
@unmanaged
export class ScanArgs {
  /*  0 */ u!: usize; // f32 [batch, length, channels]
  /*  1 */ delta!: usize; // f32 [batch, length, channels]
  /*  2 */ A!: usize; // f32 [channels, stateSize]
  /*  3 */ B!: usize; // f32 [batch, length, stateSize]
  /*  4 */ C!: usize; // f32 [batch, length, stateSize]
  /*  5 */ D!: usize; // f32 [channels], or 0
  /*  6 */ z!: usize; // f32 [batch, length, channels], or 0
  /*  7 */ deltaBias!: usize; // f32 [channels], or 0
  /*  8 */ initialState!: usize; // f32 [batch, channels, stateSize], or 0
  /*  9 */ range!: usize; // i32 [batch, 2], or 0 (selectiveStateUpdate ignores it)
  /* 10 */ y!: usize; // f32 [batch, length, channels]
  /* 11 */ finalState!: usize; // f32 [batch, channels, stateSize], or 0
  /* 12 */ batch!: i32;
  /* 13 */ length!: i32;
  /* 14 */ channels!: i32;
  /* 15 */ stateSize!: i32; // 1 to 256
  /* 16 */ uStride!: i32;
  /* 17 */ deltaStride!: i32;
  /* 18 */ bStride!: i32;
  /* 19 */ cStride!: i32;
  /* 20 */ zStride!: i32; // ignored without z
  /* 21 */ deltaSoftplus!: i32; // flag
  /* 22 */ states!: usize; // what the backward needs, laid out as scan-backward.ts says, or 0; selectiveScan only
}

/** y [rows, features] = x / sqrt(mean(x²) + eps) * weight. `rows` may be 0. */
@unmanaged
export class NormArgs {
  /*  0 */ x!: usize; // f32
  /*  1 */ weight!: usize; // f32 [features], or 0
  /*  2 */ y!: usize; // f32
  /*  3 */ rows!: i32;
  /*  4 */ features!: i32;
  /*  5 */ xStride!: i32;
  /*  6 */ eps!: f32;
}

/** y [count, features] = weight[ids], ids clamped to [0, vocabSize). `count` may be 0. */
@unmanaged
export class GatherArgs {
  /*  0 */ ids!: usize; // i32 [count]
  /*  1 */ weight!: usize; // [vocabSize, features], storage: weightType
  /*  2 */ y!: usize; // f32
  /*  3 */ count!: i32;
  /*  4 */ vocabSize!: i32;
  /*  5 */ features!: i32;
  /*  6 */ weightType!: i32; // F32, F16 or BF16
}

/** The ceiling probes of the benchmark. Each unit writes one f32 to `result`, so that nothing can be optimised away. */
@unmanaged
export class ProbeArgs {
  /*  0 */ data!: usize; // f32, 16-byte aligned; readProbe only
  /*  1 */ bytes!: u32; // a multiple of 262,144; readProbe only
  /*  2 */ result!: usize; // f32 [units]
  /*  3 */ rounds!: i32; // madProbe only: its units; each does madProbeFlops() floating-point operations
}
