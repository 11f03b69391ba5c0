import { Pointer } from "./records.ts";

// Measures how fast the machine reads memory, for the benchmark: result[unit] = the sum of chunk `unit` of the data. A chunk
// is read as four streams at a time: on the machines measured that is a fifth faster than one, and `linear` reads its weights
// that way.

const CHUNK_BYTES: usize = 262144;

@unmanaged
export class ReadProbeArgs {
  data!: Pointer; // f32, 16-byte aligned
  result!: Pointer; // f32 [units]: without a result the compiler could drop the loop
  bytes!: u32; // a multiple of CHUNK_BYTES
}

export function readProbeUnits(args: ReadProbeArgs): i32 {
  return <i32>(args.bytes / <u32>CHUNK_BYTES);
}

export function readProbeRun(args: ReadProbeArgs, begin: i32, end: i32, scratch: usize): void {
  const apart = CHUNK_BYTES / 4;
  for (let unit = begin; unit < end; unit++) {
    const a = args.data + <usize>unit * CHUNK_BYTES;
    const b = a + apart;
    const c = b + apart;
    const d = c + apart;
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    for (let i: usize = 0; i < apart; i += 32) {
      s0 = f32x4.add(s0, f32x4.add(v128.load(a + i), v128.load(a + i, 16)));
      s1 = f32x4.add(s1, f32x4.add(v128.load(b + i), v128.load(b + i, 16)));
      s2 = f32x4.add(s2, f32x4.add(v128.load(c + i), v128.load(c + i, 16)));
      s3 = f32x4.add(s3, f32x4.add(v128.load(d + i), v128.load(d + i, 16)));
    }
    const sum = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
    store<f32>(args.result + (unit << 2), f32x4.extract_lane(sum, 0));
  }
}
