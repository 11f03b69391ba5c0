import { expect, test } from "vitest";
import { spanFor } from "./scanSpans.ts";

const sizes = (batch: number, length: number, channels: number) => ({
  batch,
  length,
  channels,
  stateSize: 16,
});

test.each([
  { what: "one long row of few channels", batch: 1, length: 8192, channels: 64, span: 64 },
  { what: "the same of more channels", batch: 1, length: 8192, channels: 1536, span: 832 },
  { what: "a length that is no multiple", batch: 1, length: 1001, channels: 1536, span: 112 },
  { what: "channels enough", batch: 1, length: 8192, channels: 5120, span: 8192 },
  { what: "rows enough", batch: 8, length: 8192, channels: 1536, span: 8192 },
  { what: "a short row", batch: 1, length: 255, channels: 64, span: 255 },
])("$what: spans of $span", ({ batch, length, channels, span }) => {
  expect(spanFor(sizes(batch, length, channels), channels)).toBe(span);
});
