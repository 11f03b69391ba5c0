/** First real position of batch row b: `range` [batch, 2] clamped to 0 <= start <= end <= length; 0 without a range. */
export function rangeStart(range: usize, b: i32, length: i32): i32 {
  if (!range) return 0;
  return min(max(load<i32>(range + ((<usize>b) << 3)), 0), length);
}

/** The position after the last real one of batch row b. */
export function rangeEnd(range: usize, b: i32, length: i32): i32 {
  if (!range) return length;
  return max(min(load<i32>(range + ((<usize>b) << 3), 4), length), rangeStart(range, b, length));
}
