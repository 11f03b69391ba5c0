import { expect, test } from "vitest";
import { chunkLengthFor } from "./runScan.ts";

const sizes = (batch: number, length: number, channels: number) => ({
  batch,
  length,
  channels,
  stateSize: 16,
});

test.each([
  { what: "one long row of few channels", batch: 1, length: 8192, channels: 64, chunkLength: 64 },
  { what: "the same of more channels", batch: 1, length: 8192, channels: 1536, chunkLength: 832 },
  { what: "a length that is no multiple", batch: 1, length: 1001, channels: 1536, chunkLength: 112 },
  { what: "channels enough", batch: 1, length: 8192, channels: 5120, chunkLength: 8192 },
  { what: "rows enough", batch: 8, length: 8192, channels: 1536, chunkLength: 8192 },
  { what: "a short row", batch: 1, length: 255, channels: 64, chunkLength: 255 },
])("$what: chunks of $chunkLength", ({ batch, length, channels, chunkLength }) => {
  expect(chunkLengthFor(sizes(batch, length, channels), channels)).toBe(chunkLength);
});
