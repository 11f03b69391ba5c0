import { parseArgs } from "node:util";
import { root } from "./workspace.mjs";

// `pnpm large-model`: a model of the shape of falcon-mamba-7b with random weights, more than one WebAssembly memory holds, on the CPU
// backend. Checks that the process takes at most 1.2 times the bytes of the file that would hold the weights, that weights beyond
// 4 GiB come back bit for bit, and that logits are finite; prints tokens per second. It needs 5 GB of free memory with q4_0.

const { values } = parseArgs({
  options: {
    dtype: { type: "string", default: "q4_0" },
    layers: { type: "string", default: "64" },
    tokens: { type: "string", default: "8" },
    threads: { type: "string" },
  },
});

/** @param {string} path */
const built = (path) => import(`${root}packages/${path}`);
/** @type {typeof import("@mamba/kernel")} */
const { byteLength, elementCount, formats, fromFloat32, hostLength, isQuantized } =
  await built("kernel/dist/index.js");
/** @type {typeof import("@mamba/kernel/quantize")} */
const { quantize } = await built("kernel/dist/quantize.js");
/** @type {typeof import("@mamba/core")} */
const { generate, MambaLM, parameterSpecs, resolveLMConfig } = await built("core/dist/index.js");
/** @type {typeof import("@mamba/kernel-cpu")} */
const { createCpuKernel } = await built("kernel-cpu/dist/index.js");

const dtype = /** @type {import("@mamba/kernel").WeightDType} */ (values.dtype);
if (!Object.hasOwn(formats, dtype)) throw new Error(`--dtype must be a storage type, got ${dtype}`);
const config = resolveLMConfig({
  vocabSize: 65024,
  dModel: 4096,
  nLayers: Number(values.layers),
  dInner: 8192,
  dtRank: 256,
  dState: 16,
  innerNorms: "unweighted",
  tieEmbeddings: false,
});

const patternBytes = 4 * 2 ** 20;

/**
 * Some rows of random weights of about the size that training gives them.
 *
 * @param {number} columns
 */
function randomRows(columns) {
  const rows = Math.max(1, Math.floor(patternBytes / (4 * columns)));
  const scale = 1 / Math.sqrt(columns);
  const floats = Float32Array.from({ length: rows * columns }, () => (Math.random() * 2 - 1) * scale);
  return isQuantized(dtype) ? quantize(floats, dtype, columns) : fromFloat32(floats, dtype);
}

const kernel = await createCpuKernel(values.threads === undefined ? {} : { threads: Number(values.threads) });
console.log(`${kernel.capabilities.device}; room for ${gigabytes(kernel.capabilities.maxBytes ?? Infinity)}`);
const specs = parameterSpecs(config);
const fileBytes = specs.reduce(
  (sum, { shape, storage }) => sum + byteLength(storage === "any" ? dtype : "f32", shape),
  0,
);
const before = process.memoryUsage().rss;
let start = performance.now();
/** @type {Map<number, ReturnType<typeof randomRows>>} */
const patterns = new Map();
const parameters = new Map(
  specs.map(({ name, shape, storage, init }) => {
    if (storage !== "any") {
      const value = init.kind === "constant" ? init.value : 0;
      const data = Float32Array.from({ length: elementCount(shape) }, (_, i) =>
        init.kind === "aLog"
          ? Math.log((i % (shape.at(-1) ?? 1)) + 1)
          : init.kind === "dtBias"
            ? -4.6
            : value || Math.sin(i) / 8,
      );
      return [name, kernel.upload(data, shape, "f32")];
    }
    const columns = shape.at(-1) ?? 1;
    const pattern = patterns.get(columns) ?? randomRows(columns);
    patterns.set(columns, pattern);
    const tensor = kernel.zeros(shape, dtype);
    const rowLength = hostLength(dtype, columns);
    const [rows, rowsPerWrite] = [elementCount(shape) / columns, pattern.length / rowLength];
    for (let row = 0; row < rows; row += rowsPerWrite) {
      const count = Math.min(rowsPerWrite, rows - row);
      kernel.write(tensor, row * columns, pattern.subarray(0, count * rowLength));
    }
    return [name, tensor];
  }),
);
console.log(`${gigabytes(fileBytes)} of weights written in ${seconds(start)} s`);

/** The matrix that was written last lies beyond the first 4 GiB, when there are as many bytes. */
const name = "lm_head.weight";
const last = /** @type {import("@mamba/kernel").Tensor} */ (parameters.get(name));
const [stored] = await kernel.read(last);
const pattern = /** @type {ReturnType<typeof randomRows>} */ (patterns.get(config.dModel));
for (let at = 0; stored && at < stored.length; at += pattern.length) {
  const [a, b] = [
    stored.subarray(at, at + pattern.length),
    pattern.subarray(0, Math.min(pattern.length, stored.length - at)),
  ];
  const bytes = (/** @type {typeof a} */ x) => Buffer.from(x.buffer, x.byteOffset, x.byteLength);
  if (!bytes(a).equals(bytes(b)))
    throw new Error(`${name}: elements from ${at} on differ from those that were written`);
}

const model = new MambaLM(kernel, config, parameters);
start = performance.now();
let first = 0;
let count = 0;
for await (const { id } of generate(model, [1, 2, 3, 4], {
  maxTokens: Number(values.tokens),
  temperature: 0,
})) {
  if (!Number.isInteger(id)) throw new Error(`expected the id of a token, got ${id}`);
  if (count++ === 0) first = performance.now();
}
const perSecond = (count - 1) / ((performance.now() - first) / 1000);
const resident = process.memoryUsage().rss;
const ratio = resident / fileBytes;
console.log(`prompt of 4 tokens and the first token: ${((first - start) / 1000).toFixed(1)} s`);
console.log(
  `${perSecond.toFixed(2)} tokens/s, ${gigabytes(perSecond * fileBytes)} of weights read per second`,
);
console.log(
  `resident ${gigabytes(resident)} (${gigabytes(before)} before the weights), ${ratio.toFixed(3)} x the bytes of the file`,
);
console.log(`WebAssembly memories have grown to ${gigabytes(kernel.poolBytes)}`);
model.dispose();
await kernel.dispose();
if (ratio > 1.2)
  throw new Error(`the process takes ${ratio.toFixed(2)} times the bytes of the file, expected at most 1.2`);

/** @param {number} bytes */
function gigabytes(bytes) {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}

/** @param {number} since */
function seconds(since) {
  return ((performance.now() - since) / 1000).toFixed(1);
}
