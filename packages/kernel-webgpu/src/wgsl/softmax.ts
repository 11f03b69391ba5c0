/**
 * WGSL `joined(a, b)`: combines two pairs (x, y) of a largest number x and the sum y of exp(number - x). A NaN takes precedence. A
 * sum starts from `nothingJoined`, which has the lowest finite number: -infinity - (-infinity) would be NaN. Needs `decay` and `isNan`.
 */
export const joined = /* wgsl */ `
const nothingJoined = vec2<f32>(-0x1.fffffep+127f, 0.0);
fn joined(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
  if (isNan(a.x) || isNan(b.x)) { return select(b, a, isNan(a.x)); }
  if (b.x > a.x) { return vec2<f32>(b.x, b.y + a.y * decay(a.x - b.x)); }
  return vec2<f32>(a.x, a.y + b.y * decay(b.x - a.x));
}`;
