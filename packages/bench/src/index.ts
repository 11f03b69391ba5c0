export { benchmarkCpu, type CpuBenchmark, type CpuBenchmarkOptions } from "./cpu/benchmarkCpu.ts";
export { describeCpuBenchmark } from "./cpu/report.ts";
export {
  benchmarkDevice,
  type DeviceBenchmark,
  type DeviceBenchmarkOptions,
} from "./device/benchmarkDevice.ts";
export { describeDeviceBenchmark } from "./device/report.ts";
export type { BenchmarkCase, BenchmarkHost, Pause } from "./benchmarkCase.ts";
export { decodeCase, prefillCase } from "./cases/models.ts";
export { measureCopy, measureMatmul, type Ceiling } from "./gpu/ceilings.ts";
export { scanName, scanPasses, type ScanPass, type ScanSize } from "./gpu/scans.ts";
export { time, type Effort } from "./gpu/time.ts";
