import { runConformance } from "@mamba/conformance";
import { expect, test } from "vitest";
import { openWebGpuKernel } from "../src/create.ts";
import { available, skipAll, smallestDevice } from "./available.ts";
import { only, quantizedTypeOf } from "./selection.ts";

// The suite on a device with the default limits of WebGPU and no features, with the shaders for GPUs, which need the most. The
// variant processes weights in chunks of a few rows, as it does tables above 128 MiB, and must give the same bits.
//
// Every op runs on its smallest arguments. The other tests of an op run when its code depends on the features of the device or on the
// size of the chunks; those of the rest would run the same code as conformance.test.ts.
const differing =
  /^(laws: .*)?\b(linear(Backward\w+)?|rmsNorm|argmax|sample|embedding(Backward)?|accumulate|adamwStep|sumOfSquares|selectiveScan) /;
// A scan for training splits more than 64 channels into chunks.
const splitScan = /^selectiveScan(Forward|Backward) .*\bD(6[5-9]|[7-9]\d|\d{3,})\b/;
// conformanceParallel.test.ts has the same tiles for these.
const repeated = /\bbf16\b|wider than a cache block/;
// Shaders of tiles for GPUs, which take seconds to compile here: cases that have several chunks, sequences, tiles and parts of heads.
const chosenTiles = [
  /^ssdScan B1 L65 H24 /,
  /^ssdScan B11 L140 .*NaN in all padding/,
  /^ssdScanBackward B1 L65 H24 /,
  /^ssdScanBackward B11 L65 H2 P4 /,
  /^ssdStateUpdate /,
  /^attention(Backward)? B3 L130 H3/,
  /^attention B2 L70 .*NaN/,
  /^cachedAttention B(1 L1 H14|4 L1 |2 L65 )/,
  /^expertLinear R(17 .* f32|9 .* q5_k)/,
  /^expertLinearBackward(Input|Weight) R(17 .* f32|3 .* q4_0)/,
];
const ofAllOps = /^(arguments|versions|memory|lifetime|the kernels close)/;

// Each quantised type is read in one product and in an embedding, and one of them is multiplied in tiles.
const isChosenType = (name: string): boolean =>
  quantizedTypeOf(name) === undefined ||
  /^(linear rows 1 |embedding |linearBackwardInput rows 9 in 64 out 24 q4_1)/.test(name);

const chosen = (name: string): boolean =>
  ofAllOps.test(name) ||
  chosenTiles.some((case_) => case_.test(name)) ||
  splitScan.test(name) ||
  (differing.test(`${name} `) && !repeated.test(name) && isChosenType(name));

if (available) {
  const device = await smallestDevice();
  test("the device has the default limits", () => {
    const { maxStorageBuffersPerShaderStage, maxStorageBufferBindingSize, maxBufferSize } = device.limits;
    expect(maxStorageBuffersPerShaderStage).toBe(8);
    expect(maxStorageBufferBindingSize).toBe(128 * 2 ** 20);
    expect(maxBufferSize).toBe(256 * 2 ** 20);
  });
  let tests = 0;
  const counted = only((name) => {
    const passes = chosen(name);
    if (passes) tests++;
    return passes;
  });
  await runConformance({
    test: counted,
    open: () => openWebGpuKernel(device, false, { parallel: true }),
    openVariants: [() => openWebGpuKernel(device, false, { parallel: true, chunkBytes: 1000 })],
  });
  test("each of these ops has its tests", () => expect(tests).toBeGreaterThan(700));
  test("a given device is not destroyed", async () => {
    const state = await Promise.race([device.lost, Promise.resolve("alive")]);
    expect(state).toBe("alive");
    device.destroy();
  });
} else skipAll("the conformance suite with the default limits");
