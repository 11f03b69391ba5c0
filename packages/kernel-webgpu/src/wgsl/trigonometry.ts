/**
 * WGSL `cosineAndSine(x)` = (cos x, sin x), to an absolute error of 1e-7 for |x| <= 1e4, because WGSL leaves the error of the built-in
 * functions open outside of [-pi, pi]. x = n pi/2 + r: the parts of pi/2 have so few digits that their products with n are exact.
 * Polynomials for |r| <= pi/4: Moshier, Cephes, sinf and cosf. NaN for NaN and for infinite x.
 */
export const cosineAndSine = /* wgsl */ `
fn cosineAndSine(x: f32) -> vec2<f32> {
  let n = floor(x * 0.63661977 + 0.5);
  let r = ((x - n * 1.5703125) - n * 4.837512969970703e-4) - n * 7.54978995489188e-8;
  let q = r * r;
  let sine = r + r * q * (-0.16666655 + q * (8.3321609e-3 + q * -1.9515296e-4));
  let cosine = 1.0 - 0.5 * q + q * q * (4.1666646e-2 + q * (-1.3887316e-3 + q * 2.4433157e-5));
  let quadrant = i32(n) & 3;
  let both = select(vec2<f32>(cosine, sine), vec2<f32>(-sine, cosine), (quadrant & 1) == 1);
  return select(both, -both, quadrant >= 2);
}`;
