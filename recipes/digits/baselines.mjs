import { add, at } from "../numbers.mjs";
import { side } from "./images.mjs";

// Classifiers to compare a model with, in plain JavaScript. Each sees the training images as they are, without shifts.

/** @typedef {import("./images.mjs").Image} Image */

const inputs = side * side;
const classes = 10;

/**
 * The fraction of held-out images that have the label of the nearest training image, by the Euclidean distance of the pixels.
 *
 * @param {readonly Image[]} train
 * @param {readonly Image[]} heldOut
 */
export function nearestNeighbour(train, heldOut) {
  const correct = heldOut.filter(({ pixels, label }) => {
    let nearest = { distance: Infinity, label: -1 };
    for (const known of train) {
      let distance = 0;
      for (let i = 0; i < inputs && distance < nearest.distance; i++)
        distance += (at(pixels, i) - at(known.pixels, i)) ** 2;
      if (distance < nearest.distance) nearest = { distance, label: known.label };
    }
    return nearest.label === label;
  });
  return correct.length / heldOut.length;
}

/**
 * The fraction of held-out images that softmax regression (multinomial logistic regression) classifies correctly. Pixels are
 * divided by 255. Trained by stochastic gradient descent, whose rate falls linearly to 0, with a weight decay.
 *
 * @param {readonly Image[]} train
 * @param {readonly Image[]} heldOut
 */
export function softmaxRegression(
  train,
  heldOut,
  { epochs = 20, batch = 50, rate = 0.3, decay = 1e-4 } = {},
) {
  const weights = new Float64Array(classes * inputs);
  const bias = new Float64Array(classes);
  const gradient = new Float64Array(classes * inputs);
  const steps = Math.floor((epochs * train.length) / batch);
  for (let step = 0; step < steps; step++) {
    const stepRate = (rate * (1 - step / steps)) / batch;
    gradient.fill(0);
    for (let i = 0; i < batch; i++) {
      // A stride that has no divisor in common with the number of images visits each of them once per epoch.
      const image = train[((step * batch + i) * stride) % train.length];
      if (!image) continue;
      const errors = softmax(logits(image.pixels));
      add(errors, image.label, -1);
      errors.forEach((error, c) => {
        for (let k = 0; k < inputs; k++) add(gradient, c * inputs + k, (error * at(image.pixels, k)) / 255);
        add(bias, c, -stepRate * error);
      });
    }
    for (let k = 0; k < weights.length; k++) {
      add(weights, k, -stepRate * (at(gradient, k) + batch * decay * at(weights, k)));
    }
  }
  const correct = heldOut.filter(({ pixels, label }) => {
    const scores = logits(pixels);
    return scores.indexOf(Math.max(...scores)) === label;
  });
  return correct.length / heldOut.length;

  /** @param {Uint8Array} pixels */
  function logits(pixels) {
    return bias.map((start, c) => {
      let sum = 0;
      for (let k = 0; k < inputs; k++) sum += at(weights, c * inputs + k) * at(pixels, k);
      return start + sum / 255;
    });
  }
}

/** A prime. */
const stride = 7919;

/** @param {Float64Array} logits */
function softmax(logits) {
  const largest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
