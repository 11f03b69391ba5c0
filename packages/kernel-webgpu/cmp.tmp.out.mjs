var __defProp = Object.defineProperty;
var __knownSymbol = (name, symbol) => (symbol = Symbol[name]) ? symbol : /* @__PURE__ */ Symbol.for("Symbol." + name);
var __typeError = (msg) => {
  throw TypeError(msg);
};
var __export = (target, all) => {
  for (var name in all)
    __defProp(target, name, { get: all[name], enumerable: true });
};
var __using = (stack, value, async) => {
  if (value != null) {
    if (typeof value !== "object" && typeof value !== "function") __typeError("Object expected");
    var dispose, inner2;
    if (async) dispose = value[__knownSymbol("asyncDispose")];
    if (dispose === void 0) {
      dispose = value[__knownSymbol("dispose")];
      if (async) inner2 = dispose;
    }
    if (typeof dispose !== "function") __typeError("Object not disposable");
    if (inner2) dispose = function() {
      try {
        inner2.call(this);
      } catch (e) {
        return Promise.reject(e);
      }
    };
    stack.push([async, dispose, value]);
  } else if (async) {
    stack.push([async]);
  }
  return value;
};
var __callDispose = (stack, error, hasError) => {
  var E = typeof SuppressedError === "function" ? SuppressedError : function(e, s, m, _) {
    return _ = Error(m), _.name = "SuppressedError", _.error = e, _.suppressed = s, _;
  };
  var fail2 = (e) => error = hasError ? new E(e, error, "An error was suppressed during disposal") : (hasError = true, e);
  var next = (it) => {
    while (it = stack.pop()) {
      try {
        var result2 = it[1] && it[1].call(it[2]);
        if (it[0]) return Promise.resolve(result2).then(next, (e) => (fail2(e), next()));
      } catch (e) {
        fail2(e);
      }
    }
    if (hasError) throw error;
  };
  return next();
};

// ../kernel/src/printable.ts
var active = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
function printable(text) {
  return text.replace(active, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

// ../kernel/src/errors.ts
var brand = /* @__PURE__ */ Symbol.for("@mamba/kernel.KernelError");
var KernelError = class extends Error {
  code;
  constructor(code, message, options3) {
    super(printable(message), options3);
    this.name = "KernelError";
    this.code = code;
    Object.defineProperty(this, brand, { value: true });
  }
  /** True for a `KernelError` of any copy of this package; with `code`, only for that code. */
  static is(error, code) {
    return error instanceof Error && error[brand] === true && (code === void 0 || error.code === code);
  }
};

// ../kernel/src/dtype.ts
var formats = {
  f32: { blockElements: 1, blockBytes: 4, hostArray: Float32Array },
  f16: { blockElements: 1, blockBytes: 2, hostArray: Uint16Array },
  bf16: { blockElements: 1, blockBytes: 2, hostArray: Uint16Array },
  i32: { blockElements: 1, blockBytes: 4, hostArray: Int32Array },
  q8_0: { blockElements: 32, blockBytes: 34, hostArray: Uint8Array },
  q4_0: { blockElements: 32, blockBytes: 18, hostArray: Uint8Array },
  q4_1: { blockElements: 32, blockBytes: 20, hostArray: Uint8Array },
  q5_0: { blockElements: 32, blockBytes: 22, hostArray: Uint8Array },
  q5_1: { blockElements: 32, blockBytes: 24, hostArray: Uint8Array },
  iq4_nl: { blockElements: 32, blockBytes: 18, hostArray: Uint8Array },
  q4_k: { blockElements: 256, blockBytes: 144, hostArray: Uint8Array },
  q5_k: { blockElements: 256, blockBytes: 176, hostArray: Uint8Array },
  q6_k: { blockElements: 256, blockBytes: 210, hostArray: Uint8Array }
};
function isQuantized(dtype) {
  return formats[dtype].blockElements > 1;
}
var quantizedTypes = Object.keys(formats).filter(
  isQuantized
);
function elementCount(shape) {
  let product = 1;
  for (const extent of shape) product *= extent;
  return product;
}
function lastExtent(shape) {
  return shape[shape.length - 1] ?? 1;
}
function formatShape(shape) {
  return `[${shape.join(", ")}]`;
}
function byteLength(dtype, shape) {
  const columns = lastExtent(shape);
  return elementCount(shape) / columns * byteOffset(dtype, columns);
}
function byteOffset(dtype, elements) {
  const { blockElements, blockBytes } = formats[dtype];
  if (elements % blockElements !== 0) {
    const found = `got ${elements}`;
    throw new KernelError("SHAPE", `${dtype}: elements must be a multiple of ${blockElements}, ${found}`);
  }
  return elements / blockElements * blockBytes;
}
function hostLength(dtype, elements) {
  return byteOffset(dtype, elements) / formats[dtype].hostArray.BYTES_PER_ELEMENT;
}
function hostArray(dtype, count) {
  return new formats[dtype].hostArray(hostLength(dtype, count));
}
function isHostArrayOf(data, dtype) {
  return data instanceof formats[dtype].hostArray;
}

// ../kernel/src/half.ts
var word = new Uint32Array(1);
var float = new Float32Array(word.buffer);
function bitsOf(value) {
  float[0] = value;
  return word[0];
}
function fromBits(bits) {
  word[0] = bits;
  return float[0];
}
function toBf16(value) {
  const bits = bitsOf(value);
  if ((bits & 2147483647) > 2139095040) return bits >>> 16 | 64;
  return bits + 32767 + (bits >>> 16 & 1) >>> 16;
}
function toF16(value) {
  const bits = bitsOf(value);
  const sign = bits >>> 16 & 32768;
  const magnitude = bits & 2147483647;
  if (magnitude > 2139095040) return sign | 32256;
  if (magnitude >= 1199566848) return sign | 31744;
  if (magnitude < 947912704) return sign | bitsOf(fromBits(magnitude) + 0.5) - 1056964608;
  return sign | magnitude - 939524096 + 4095 + (magnitude >>> 13 & 1) >>> 13;
}
function fromFloat32(data, dtype) {
  if (dtype === "f32") return data;
  const narrow2 = dtype === "f16" ? toF16 : toBf16;
  const out = new Uint16Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = narrow2(data[i]);
  return out;
}

// ../kernel/src/kernel.ts
function canTrain(kernel2) {
  return kernel2.capabilities.training;
}

// ../kernel/src/scope.ts
var Scope = class {
  #held = /* @__PURE__ */ new Set();
  /** Takes ownership of `item` and returns it. */
  use(item) {
    this.#held.add(item);
    return item;
  }
  /** Returns ownership of `item` to the caller: the scope no longer disposes it. */
  release(item) {
    this.#held.delete(item);
    return item;
  }
  dispose() {
    for (const item of this.#held) item[Symbol.dispose]();
    this.#held.clear();
  }
  [Symbol.dispose]() {
    this.dispose();
  }
};

// ../kernel/src/tensor.ts
function isDense(x) {
  return x.rowStride === lastExtent(x.shape);
}

// src/device/gpu.ts
var dawnPackage = { name: "webgpu" };
var dawn;
async function findGpu() {
  const platform = globalThis;
  if (platform.navigator?.gpu) return platform.navigator.gpu;
  if (platform.process?.versions?.node === void 0) {
    if (platform.isSecureContext === false) {
      return {
        code: "NO_DEVICE",
        reason: "WebGPU is available on secure pages only, and this page is not secure",
        remedy: "serve the page over https, or from localhost"
      };
    }
    return {
      code: "NO_DEVICE",
      reason: "this browser has no WebGPU (navigator.gpu)",
      remedy: "use a current version of Chrome, Edge, Safari or Firefox"
    };
  }
  try {
    return await (dawn ??= loadDawn());
  } catch (cause) {
    dawn = void 0;
    const code = cause?.code;
    const message = cause instanceof Error ? cause.message : String(cause);
    if (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND") {
      return {
        code: "NOT_INSTALLED",
        reason: "this runtime has no built-in WebGPU, and the package webgpu is not installed",
        remedy: "npm install webgpu"
      };
    }
    return {
      code: "DRIVER",
      reason: `the package webgpu could not be loaded: ${message}`,
      remedy: "install a version of the package webgpu that has binaries for this platform"
    };
  }
}
async function loadDawn() {
  const { create } = await import(
    /* webpackIgnore: true */
    /* @vite-ignore */
    dawnPackage.name
  );
  return create([]);
}
async function findAdapter(gpu, options3) {
  let reason = "WebGPU is supported, but it finds no adapter";
  try {
    const adapter = await gpu.requestAdapter(options3);
    if (adapter) return adapter;
  } catch (cause) {
    reason += `: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
  const node = globalThis.process?.versions?.node !== void 0;
  const remedy = node ? "install a driver for Vulkan (Linux), Direct3D 12 (Windows) or Metal (macOS); for a software adapter, set VK_ICD_FILENAMES to the ICD file of SwiftShader or lavapipe" : "update the graphics driver, or enable WebGPU and hardware acceleration in the browser's settings";
  return { code: "NO_DEVICE", reason, remedy };
}
function refuse(missing) {
  throw new KernelError(missing.code, `createWebGpuKernel: ${missing.reason}; ${missing.remedy}`);
}
function describeAdapter(info) {
  const name = info?.description || [info?.vendor, info?.architecture, info?.device].filter(Boolean).join(" ");
  return `WebGPU, ${name || "unnamed adapter"}`;
}
var softwareNames = /swiftshader|llvmpipe|lavapipe|basic render|\bwarp\b/i;
function isSoftware(info) {
  const { isFallbackAdapter, architecture = "", device = "", description = "" } = info ?? {};
  return isFallbackAdapter === true || softwareNames.test(`${architecture} ${device} ${description}`);
}

// src/device/traits.ts
var wantedFeatures = ["shader-f16", "subgroups", "timestamp-query"];
function traitsOf(device, changes = {}) {
  const { features } = device;
  const { parallel = !isSoftware(device.adapterInfo) } = changes;
  return {
    parallel,
    batchInvariant: !parallel,
    subgroups: features.has("subgroups"),
    f16: features.has("shader-f16"),
    ...changes
  };
}

// ../kernel/src/backend/deviceTensor.ts
var DeviceTensor = class {
  dtype;
  shape;
  rowStride;
  /** Elements of the memory before the first element of the tensor. */
  offset;
  storage;
  owner;
  #disposed = false;
  constructor(owner, storage, dtype, shape, rowStride, offset) {
    this.owner = owner;
    this.storage = storage;
    this.dtype = dtype;
    this.shape = shape;
    this.rowStride = rowStride;
    this.offset = offset;
  }
  get version() {
    return this.storage.version;
  }
  get disposed() {
    return this.#disposed;
  }
  dispose() {
    if (this.#disposed) return;
    this.#disposed = true;
    this.owner.release(this.storage);
  }
  [Symbol.dispose]() {
    this.dispose();
  }
};

// ../kernel/src/checks/fail.ts
function fail(code, op, message) {
  throw new KernelError(code, `${op}: ${message}`);
}

// ../kernel/src/checks/scalars.ts
function checkInteger(op, name, value, min, max) {
  if (!Number.isInteger(value) || value < min || value > max) {
    fail("ARGUMENT", op, `${name} must be a whole number from ${min} to ${max}, got ${value}`);
  }
}
function checkFinite(op, name, value) {
  if (!Number.isFinite(value)) fail("ARGUMENT", op, `${name} must be a finite number, got ${value}`);
}
function checkNotNegative(op, name, value) {
  if (!(value >= 0 && Number.isFinite(value))) {
    fail("ARGUMENT", op, `${name} must be a number >= 0, got ${value}`);
  }
}
function checkPositive(op, name, value) {
  if (!(value > 0 && Number.isFinite(value))) {
    fail("ARGUMENT", op, `${name} must be a number > 0, got ${value}`);
  }
}

// ../kernel/src/checks/tensors.ts
var floats = ["f32", "f16", "bf16"];
var weights = [...floats, ...quantizedTypes];
function checkAlive(op, name, tensor) {
  if (tensor.disposed) throw new KernelError("DISPOSED", `${op}: ${name} was disposed before this call`);
}
function checkF32(op, name, tensor) {
  checkAlive(op, name, tensor);
  if (tensor.dtype !== "f32") fail("DTYPE", op, `${name} must be f32, got ${tensor.dtype}`);
}
function checkIds(op, ids) {
  checkAlive(op, "ids", ids);
  if (ids.dtype !== "i32") fail("DTYPE", op, `ids must be i32, got ${ids.dtype}`);
  checkDense(op, "ids", ids);
}
function checkNotQuantized(op, name, { dtype }) {
  if (isQuantized(dtype)) fail("DTYPE", op, `${name} must be f32, f16, bf16 or i32, got ${dtype}`);
}
function checkDense(op, name, tensor) {
  if (!isDense(tensor)) fail("SHAPE", op, `${name} must be dense, got a column view`);
}
function checkSameShape(op, name, x, like, y) {
  if (x.shape.length !== y.shape.length || x.shape.some((extent, i) => extent !== y.shape[i])) {
    fail("SHAPE", op, `${name} must be ${formatShape(y.shape)} like ${like}, got ${formatShape(x.shape)}`);
  }
}
function checkShape(op, shape) {
  if (shape.length === 0) fail("SHAPE", op, "shape must have at least one axis, got []");
  for (const extent of shape) {
    if (!Number.isSafeInteger(extent) || extent < 1) {
      fail("SHAPE", op, `every extent must be a whole number >= 1, got ${formatShape(shape)}`);
    }
  }
  return elementCount(shape);
}
function rowCount(x) {
  return elementCount(x.shape) / lastExtent(x.shape);
}

// ../kernel/src/checks/memory.ts
function checkStored(op, shape, dtype, storage) {
  checkShape(op, shape);
  if (!storage.has(dtype)) {
    fail("DTYPE", op, `dtype must be ${[...storage].join(" or ")}, got ${String(dtype)}`);
  }
  const { blockElements } = formats[dtype];
  if (lastExtent(shape) % blockElements !== 0) {
    const found = `got ${formatShape(shape)}`;
    fail("SHAPE", op, `the last extent of ${dtype} must be a multiple of ${blockElements}, ${found}`);
  }
}
function checkBytes(op, shape, dtype, bytes, maxTensorBytes) {
  if (bytes <= maxTensorBytes) return;
  const needed = `${formatShape(shape)} ${dtype} takes ${bytes} bytes`;
  const limit = `the largest tensor here is ${maxTensorBytes} bytes`;
  throw new KernelError("OUT_OF_MEMORY", `${op}: ${needed}, ${limit}`);
}
function checkHostArray(op, data, dtype) {
  if (isHostArrayOf(data, dtype)) return;
  const found = data?.constructor.name ?? typeof data;
  fail("DTYPE", op, `${dtype} data must be a ${formats[dtype].hostArray.name}, got ${found}`);
}
function checkUpload(data, shape, dtype) {
  checkHostArray("upload", data, dtype);
  const length = hostLength(dtype, elementCount(shape));
  if (data.length !== length) {
    const unit = isQuantized(dtype) ? `bytes of ${dtype}` : "elements";
    fail("ARGUMENT", "upload", `shape ${formatShape(shape)} needs ${length} ${unit}, got ${data.length}`);
  }
}
function checkColumns(x, start, count) {
  checkAlive("columns", "x", x);
  checkNotQuantized("columns", "x", x);
  const width = lastExtent(x.shape);
  checkInteger("columns", "start", start, 0, width - 1);
  checkInteger("columns", "count", count, 1, width - start);
}
function checkRows(x, start, count) {
  checkAlive("rows", "x", x);
  checkNotQuantized("rows", "x", x);
  const [rows2 = 1] = x.shape;
  checkInteger("rows", "start", start, 0, rows2 - 1);
  checkInteger("rows", "count", count, 1, rows2 - start);
  if (!isDense(x)) return;
  const width = elementCount(x.shape) / rows2;
  const [from, to] = [start * width, (start + count) * width];
  const { dtype } = x;
  if (!isWholeWords(dtype, from) || !isWholeWords(dtype, to) && start + count < rows2) {
    const found = `elements ${from} to ${to} of ${formatShape(x.shape)}`;
    fail("ARGUMENT", "rows", `rows of ${dtype} must begin and end at even elements, got ${found}`);
  }
}
function isWholeWords(dtype, at) {
  return byteOffset(dtype, at) % 4 === 0;
}
function checkReshape(x, shape) {
  checkAlive("reshape", "x", x);
  checkNotQuantized("reshape", "x", x);
  if (checkShape("reshape", shape) !== elementCount(x.shape)) {
    const shapes3 = `${formatShape(x.shape)} as ${formatShape(shape)}`;
    fail("SHAPE", "reshape", `cannot view ${shapes3}: element counts differ`);
  }
  if (!isDense(x) && lastExtent(shape) !== lastExtent(x.shape)) {
    const view = formatShape(x.shape);
    fail("SHAPE", "reshape", `a column view ${view} keeps its last axis, got ${formatShape(shape)}`);
  }
}

// ../kernel/src/ops/index.ts
var ops_exports = {};
__export(ops_exports, {
  accumulate: () => accumulate,
  adamwStep: () => adamwStep,
  add: () => add,
  argmax: () => argmax,
  attention: () => attention,
  attentionBackward: () => attentionBackward,
  attentionForward: () => attentionForward,
  cachedAttention: () => cachedAttention,
  causalConv1d: () => causalConv1d,
  causalConv1dBackward: () => causalConv1dBackward,
  causalConv1dStep: () => causalConv1dStep,
  combineExperts: () => combineExperts,
  combineExpertsBackward: () => combineExpertsBackward,
  copyInto: () => copyInto,
  crossEntropy: () => crossEntropy,
  crossEntropyWithGradient: () => crossEntropyWithGradient,
  discretize: () => discretize,
  discretizeBackward: () => discretizeBackward,
  div: () => div,
  dropout: () => dropout,
  elementLoss: () => elementLoss,
  elementLossWithGradient: () => elementLossWithGradient,
  embedding: () => embedding,
  embeddingBackward: () => embeddingBackward,
  exp: () => exp,
  expertLinear: () => expertLinear,
  expertLinearBackwardInput: () => expertLinearBackwardInput,
  expertLinearBackwardWeight: () => expertLinearBackwardWeight,
  expertLoads: () => expertLoads,
  flip: () => flip,
  gatedRmsNorm: () => gatedRmsNorm,
  gatedRmsNormBackward: () => gatedRmsNormBackward,
  gatherRows: () => gatherRows,
  gelu: () => gelu,
  geluBackward: () => geluBackward,
  layerNorm: () => layerNorm,
  layerNormBackward: () => layerNormBackward,
  linear: () => linear,
  linearBackwardInput: () => linearBackwardInput,
  linearBackwardWeight: () => linearBackwardWeight,
  log: () => log,
  maxPositions: () => maxPositions,
  maxPositionsBackward: () => maxPositionsBackward,
  meanPositions: () => meanPositions,
  meanPositionsBackward: () => meanPositionsBackward,
  mul: () => mul,
  negExp: () => negExp,
  reluSquared: () => reluSquared,
  reluSquaredBackward: () => reluSquaredBackward,
  rmsNorm: () => rmsNorm,
  rmsNormBackward: () => rmsNormBackward,
  rotary: () => rotary,
  rotaryBackwardAngles: () => rotaryBackwardAngles,
  routeExperts: () => routeExperts,
  routeExpertsBackward: () => routeExpertsBackward,
  sample: () => sample,
  scale: () => scale,
  selectiveScan: () => selectiveScan,
  selectiveScanBackward: () => selectiveScanBackward,
  selectiveScanForward: () => selectiveScanForward,
  selectiveStateUpdate: () => selectiveStateUpdate,
  sigmoid: () => sigmoid,
  sigmoidBackward: () => sigmoidBackward,
  silu: () => silu,
  siluBackward: () => siluBackward,
  softmax: () => softmax,
  softmaxBackward: () => softmaxBackward,
  sqrt: () => sqrt,
  ssdScan: () => ssdScan,
  ssdScanBackward: () => ssdScanBackward,
  ssdScanForward: () => ssdScanForward,
  ssdStateUpdate: () => ssdStateUpdate,
  sub: () => sub,
  sumOfSquares: () => sumOfSquares,
  sumRows: () => sumRows,
  tanh: () => tanh,
  tanhBackward: () => tanhBackward,
  write: () => write
});

// ../kernel/src/checks/elementwise.ts
function checkBinary(op, nameX, x, nameY, y) {
  checkF32(op, nameX, x);
  checkF32(op, nameY, y);
  checkSameShape(op, nameY, y, nameX, x);
}
function checkBroadcast(op, a, b) {
  checkF32(op, "a", a);
  checkF32(op, "b", b);
  const leading = a.shape.length - b.shape.length;
  if (leading < 0 || b.shape.length === 0 || b.shape.some((extent, i) => extent !== a.shape[leading + i])) {
    const expected = `the shape of a, ${formatShape(a.shape)}, or of its last axes`;
    fail("SHAPE", op, `b must have ${expected}, got ${formatShape(b.shape)}`);
  }
  if (leading > 0) checkDense(op, "b", b);
  return { period: elementCount(b.shape) };
}

// ../kernel/src/ops/accumulate.ts
var accumulate = {
  parameters: ["target", "x", "factor"],
  check(target, x, factor2 = 1) {
    checkBinary("accumulate", "target", target, "x", x);
    checkFinite("accumulate", "factor", factor2);
  },
  writes: (target) => [target]
};

// ../kernel/src/checks/bindAxes.ts
function bindAxes(op, rules, known) {
  const bound = { ...known };
  for (const name in rules) {
    const rule = rules[name];
    const { tensor, dtypes: dtypes3 = onlyF32 } = rule;
    if (tensor === void 0) continue;
    checkAlive(op, name, tensor);
    if (!dtypes3.includes(tensor.dtype)) {
      throw new KernelError("DTYPE", `${op}: ${name} must be ${dtypes3.join(" or ")}, got ${tensor.dtype}`);
    }
    const { shape } = tensor;
    const axes = parseAxes(rule.axes);
    if (axes.length !== shape.length) throw mismatch(op, name, rule.axes, tensor, "");
    for (let i = 0; i < axes.length; i++) {
      const { letter, offset } = axes[i];
      const extent = shape[i];
      const expected = letter === "" ? 0 : bound[letter];
      if (expected === void 0) bound[letter] = extent - offset;
      else if (extent !== expected + offset) {
        throw mismatch(op, name, rule.axes, tensor, letter === "" ? "" : source(rules, letter, expected));
      }
    }
    if (rule.dense === true && !isDense(tensor)) {
      const found = `${formatShape(shape)} with row stride ${tensor.rowStride}`;
      throw new KernelError("SHAPE", `${op}: ${name} must be dense, got a column view ${found}`);
    }
  }
  return bound;
}
var onlyF32 = ["f32"];
var parsedAxes = /* @__PURE__ */ new Map();
function parseAxes(text) {
  const known = parsedAxes.get(text);
  if (known !== void 0) return known;
  const axes = text.split(" ").map((token) => {
    if (/^\d+$/.test(token)) return { letter: "", offset: Number(token) };
    const [letter = "", minus = "0"] = token.split("-");
    return { letter, offset: -Number(minus) };
  });
  if (axes.some(({ letter }) => letter !== "")) parsedAxes.set(text, axes);
  return axes;
}
function source(rules, letter, value) {
  for (const [name, { tensor, axes }] of Object.entries(rules)) {
    if (tensor === void 0 || !parseAxes(axes).some((axis) => axis.letter === letter)) continue;
    return ` with ${letter} = ${value} from ${name} ${formatShape(tensor.shape)}`;
  }
  return ` with ${letter} = ${value}`;
}
function mismatch(op, name, axes, tensor, why) {
  const expected = `[${axes.split(" ").join(", ")}]${why}`;
  return new KernelError("SHAPE", `${op}: ${name} must be ${expected}, got ${formatShape(tensor.shape)}`);
}

// ../kernel/src/ops/adamwStep.ts
var adamwStep = {
  parameters: ["slots", "hyper", "gradScale"],
  check(slots2, hyper, gradScale) {
    const op = "adamwStep";
    if (slots2.length === 0) fail("ARGUMENT", op, "slots must hold at least one parameter, got none");
    slots2.forEach((slot2, i) => {
      for (const name of ["param", "grad", "m", "v"]) {
        const path = `slots[${i}].${name}`;
        checkF32(op, path, slot2[name]);
        checkSameShape(op, path, slot2[name], "its param", slot2.param);
        checkDense(op, path, slot2[name]);
      }
    });
    bindAxes(op, { gradScale: { tensor: gradScale, axes: "1", dense: true } });
    checkInteger(op, "step", hyper.step, 1, Number.MAX_SAFE_INTEGER);
    for (const name of ["lr", "weightDecay", "eps"]) checkNotNegative(op, name, hyper[name]);
    for (const name of ["beta1", "beta2"]) {
      const value = hyper[name];
      if (!(value >= 0 && value < 1)) fail("ARGUMENT", op, `${name} must be in [0, 1), got ${value}`);
    }
  },
  writes: (slots2) => slots2.flatMap(({ param, m, v }) => [param, m, v])
};

// ../kernel/src/ops/add.ts
var add = {
  parameters: ["a", "b"],
  check: (a, b) => checkBroadcast("add", a, b)
};

// ../kernel/src/checks/logits.ts
function checkLogits(op, logits) {
  const { B: B5, V } = bindAxes(op, { logits: { tensor: logits, axes: "B V" } });
  return { batch: B5, vocabSize: V };
}

// ../kernel/src/ops/argmax.ts
var argmax = {
  parameters: ["logits"],
  check: (logits) => checkLogits("argmax", logits)
};

// ../kernel/src/checks/heads.ts
function headWidth(op, name, tensor, counter, count) {
  const width = lastExtent(tensor.shape) / count;
  if (!Number.isInteger(width)) {
    const found = formatShape(tensor.shape);
    fail("SHAPE", op, `the last extent of ${name} must be a multiple of ${counter} = ${count}, got ${found}`);
  }
  return width;
}
function checkHeads(op, heads, name, groups) {
  checkInteger(op, "heads", heads, 1, 2 ** 31 - 1);
  checkInteger(op, name, groups, 1, heads);
  if (heads % groups !== 0) fail("ARGUMENT", op, `${name} must divide heads = ${heads}, got ${groups}`);
}

// ../kernel/src/ops/residual.ts
var TensorResidual = class {
  saved;
  sizes;
  constructor(saved, sizes) {
    this.saved = saved;
    this.sizes = sizes;
  }
  get disposed() {
    return this.saved.disposed;
  }
  dispose() {
    this.saved.dispose();
  }
  [Symbol.dispose]() {
    this.dispose();
  }
};
var ScanResidual = class extends TensorResidual {
};
var SsdResidual = class extends TensorResidual {
};
var AttentionResidual = class extends TensorResidual {
};
function checkResidual(op, residual2, kind, sizes) {
  if (!(residual2 instanceof TensorResidual)) {
    throw new KernelError("FOREIGN_TENSOR", `${op}: residual belongs to another kernel`);
  }
  if (!(residual2 instanceof kind)) {
    throw new KernelError(
      "ARGUMENT",
      `${op}: residual must come from the forward of this op, got that of another op`
    );
  }
  const { sizes: own, disposed } = residual2;
  if (disposed) throw new KernelError("DISPOSED", `${op}: residual was disposed before this call`);
  for (const name in sizes) {
    const [found, expected] = [own[name], sizes[name]];
    if (found === expected) continue;
    const message = `residual must be of a call with ${name} ${String(expected)}, got the residual of a call with`;
    throw new KernelError("SHAPE", `${op}: ${message} ${name} ${String(found)}`);
  }
}

// ../kernel/src/ops/attention.ts
var attention = {
  parameters: ["args"],
  check: (args2) => checkAttention("attention", args2)
};
var attentionForward = {
  parameters: ["args"],
  check: (args2) => checkAttention("attentionForward", args2)
};
var attentionBackward = {
  parameters: ["dy", "args", "y", "residual"],
  check(dy2, args2, y, residual2) {
    const op = "attentionBackward";
    const sizes = checkAttention(op, args2);
    const { batch, length, heads, valueDim } = sizes;
    const results = { dy: { tensor: dy2, axes: "B L O" }, y: { tensor: y, axes: "B L O" } };
    bindAxes(op, results, { B: batch, L: length, O: heads * valueDim });
    checkResidual(op, residual2, AttentionResidual, sizes);
    return sizes;
  }
};
function checkAttention(op, args2) {
  checkAttentionHeads(op, args2);
  const { B: B5, L: L4 } = bindAxes(op, {
    q: { tensor: args2.q, axes: "B L Q" },
    k: { tensor: args2.k, axes: "B L K" },
    v: { tensor: args2.v, axes: "B L V" },
    sequenceIds: { tensor: args2.sequenceIds, axes: "B L", dtypes: ["i32"], dense: true }
  });
  const { heads, kvHeads } = args2;
  return { batch: B5, length: L4, heads, kvHeads, ...attentionWidths(op, args2) };
}
function checkAttentionHeads(op, { heads, kvHeads, scale: scale4 }) {
  checkHeads(op, heads, "kvHeads", kvHeads);
  checkFinite(op, "scale", scale4);
}
function attentionWidths(op, { q, k, v, heads, kvHeads }) {
  const keyDim = headWidth(op, "q", q, "heads", heads);
  const valueDim = headWidth(op, "v", v, "kvHeads", kvHeads);
  bindAxes(op, { k: { tensor: k, axes: "B L K" } }, { K: kvHeads * keyDim });
  return { keyDim, valueDim };
}

// ../kernel/src/ops/cachedAttention.ts
var cachedAttention = {
  parameters: ["args"],
  check(args2) {
    const op = "cachedAttention";
    checkAttentionHeads(op, args2);
    const { B: B5, L: L4, T } = bindAxes(op, {
      q: { tensor: args2.q, axes: "B L Q" },
      k: { tensor: args2.k, axes: "B L K" },
      v: { tensor: args2.v, axes: "B L V" },
      keys: { tensor: args2.keys, axes: "B T K", dense: true },
      values: { tensor: args2.values, axes: "B T V", dense: true },
      lengths: { tensor: args2.lengths, axes: "B", dtypes: ["i32"], dense: true }
    });
    if (L4 > T) fail("SHAPE", op, `keys must have at least the ${L4} positions of q, got ${T}`);
    const { heads, kvHeads } = args2;
    return { batch: B5, length: L4, heads, kvHeads, ...attentionWidths(op, args2), capacity: T };
  },
  writes: ({ keys, values }) => [keys, values]
};

// ../kernel/src/ops/causalConv1d.ts
var causalConv1d = {
  parameters: ["args", "want"],
  check: (args2) => checkConv("causalConv1d", args2)
};
var causalConv1dBackward = {
  parameters: ["dy", "args", "dFinalState"],
  check(dy2, args2, dFinalState) {
    const op = "causalConv1dBackward";
    const sizes = checkConv(op, args2);
    bindAxes(op, {
      x: { tensor: args2.x, axes: "B L D" },
      dy: { tensor: dy2, axes: "B L D" },
      weight: { tensor: args2.weight, axes: "D W" },
      dFinalState: { tensor: dFinalState, axes: "B D W-1", dense: true }
    });
    return sizes;
  }
};
function checkConv(op, args2) {
  const { B: B5, L: L4, D: D2, W: W2 } = bindAxes(op, {
    x: { tensor: args2.x, axes: "B L D" },
    weight: { tensor: args2.weight, axes: "D W", dense: true },
    bias: { tensor: args2.bias, axes: "D", dense: true },
    initialState: { tensor: args2.initialState, axes: "B D W-1", dense: true },
    sequenceIds: { tensor: args2.sequenceIds, axes: "B L", dtypes: ["i32"], dense: true }
  });
  checkWidth(op, W2, args2.activation);
  return { batch: B5, length: L4, channels: D2, width: W2 };
}
function checkWidth(op, width, activation) {
  checkInteger(op, "the convolution width W", width, 2, 16);
  if (activation !== void 0 && activation !== "silu") {
    fail("ARGUMENT", op, `activation must be "silu" or absent, got ${JSON.stringify(activation)}`);
  }
}

// ../kernel/src/ops/causalConv1dStep.ts
var causalConv1dStep = {
  parameters: ["state", "args"],
  check(state, args2) {
    const op = "causalConv1dStep";
    const { B: B5, D: D2, W: W2 } = bindAxes(op, {
      x: { tensor: args2.x, axes: args2.x.shape.length === 3 ? "B 1 D" : "B D" },
      weight: { tensor: args2.weight, axes: "D W", dense: true },
      bias: { tensor: args2.bias, axes: "D", dense: true },
      state: { tensor: state, axes: "B D W-1", dense: true }
    });
    checkWidth(op, W2, args2.activation);
    return { batch: B5, channels: D2, width: W2 };
  },
  writes: (state) => [state]
};

// ../kernel/src/ops/combineExperts.ts
var combineExperts = {
  parameters: ["y", "weights"],
  check: (y, weights2) => checkCombine("combineExperts", y, weights2)
};
var combineExpertsBackward = {
  parameters: ["dOut", "y", "weights"],
  check: (dOut, y, weights2) => checkCombine("combineExpertsBackward", y, weights2, dOut)
};
function checkCombine(op, y, weights2, dOut) {
  const { R, K, O } = bindAxes(op, {
    y: { tensor: y, axes: "R K O" },
    weights: { tensor: weights2, axes: "R K" },
    dOut: { tensor: dOut, axes: "R O" }
  });
  return { rows: R, perToken: K, outFeatures: O };
}

// ../kernel/src/ops/copyInto.ts
var copyInto = {
  parameters: ["target", "source"],
  check(target, source2) {
    const op = "copyInto";
    checkAlive(op, "target", target);
    checkAlive(op, "source", source2);
    checkNotQuantized(op, "target", target);
    const rounds = source2.dtype === "f32" && (target.dtype === "f16" || target.dtype === "bf16");
    if (target.dtype !== source2.dtype && !rounds) {
      const others = target.dtype === "f16" || target.dtype === "bf16" ? " or f32" : " like target";
      fail("DTYPE", op, `source must be ${target.dtype}${others}, got ${source2.dtype}`);
    }
    checkSameShape(op, "source", source2, "target", target);
    checkDense(op, "target", target);
    if (rounds) checkDense(op, "source", source2);
  },
  writes: (target) => [target]
};

// ../kernel/src/ops/crossEntropy.ts
var crossEntropy = {
  parameters: ["logits", "targets", "options"],
  check: (logits, targets, options3) => checkLoss("crossEntropy", logits, targets, options3)
};
var crossEntropyWithGradient = {
  parameters: ["logits", "targets", "options"],
  check: (logits, targets, options3) => checkLoss("crossEntropyWithGradient", logits, targets, options3)
};
function checkLoss(op, logits, targets, options3 = {}) {
  const given = options3;
  if (typeof given !== "object" || given === null) {
    fail("ARGUMENT", op, `options must be an object such as { ignoreIndex: -100 }, got ${String(given)}`);
  }
  const { ignoreIndex = -100, labelSmoothing = 0, classWeights } = options3;
  const { M, V } = bindAxes(op, {
    logits: { tensor: logits, axes: "M V" },
    targets: { tensor: targets, axes: "M", dtypes: ["i32"], dense: true },
    classWeights: { tensor: classWeights, axes: "V", dense: true }
  });
  checkInteger(op, "ignoreIndex", ignoreIndex, -(2 ** 31), 2 ** 31 - 1);
  if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
    fail("ARGUMENT", op, `labelSmoothing must be in [0, 1), got ${labelSmoothing}`);
  }
  return { rows: M, vocabSize: V, ignoreIndex, labelSmoothing };
}

// ../kernel/src/ops/discretize.ts
var discretize = {
  parameters: ["args"],
  check: (args2) => checkDiscretize("discretize", args2)
};
var discretizeBackward = {
  parameters: ["dy", "args"],
  check(dy2, args2) {
    const op = "discretizeBackward";
    const sizes = checkDiscretize(op, args2);
    checkF32(op, "dy", dy2);
    const [expected, found] = [formatShape(sizes.shape), formatShape(dy2.shape)];
    if (found !== expected) fail("SHAPE", op, `dy must be ${expected}, got ${found}`);
    return sizes;
  }
};
function checkDiscretize(op, { dt, bias, A, min = 0, max = Infinity }) {
  checkF32(op, "dt", dt);
  const heads = lastExtent(dt.shape);
  const vectors2 = {
    A: { tensor: A, axes: "H", dense: true },
    bias: { tensor: bias, axes: "H", dense: true }
  };
  bindAxes(op, vectors2, { H: heads });
  checkNotNegative(op, "min", min);
  if (!(max >= min)) fail("ARGUMENT", op, `max must be a number >= min = ${min}, got ${max}`);
  return { rows: rowCount(dt), heads, min, max, shape: [...dt.shape.slice(0, -1), 2 * heads] };
}

// ../kernel/src/ops/div.ts
var div = {
  parameters: ["a", "b"],
  check: (a, b) => checkBroadcast("div", a, b)
};

// ../kernel/src/ops/dropout.ts
var dropout = {
  parameters: ["x", "probability", "seed"],
  check(x, probability, seed2) {
    checkF32("dropout", "x", x);
    if (!(probability >= 0 && probability < 1)) {
      fail("ARGUMENT", "dropout", `probability must be in [0, 1), got ${probability}`);
    }
    checkInteger("dropout", "seed", seed2, 0, 2 ** 32 - 1);
    return { count: elementCount(x.shape), threshold: dropoutThreshold(probability) };
  }
};
function dropoutThreshold(probability) {
  return Math.floor(probability * 2 ** 32);
}
function dropoutKeeps(i, probability, seed2) {
  const hash2 = mix(mix(i ^ mix(seed2 + 2654435769)) + seed2);
  return hash2 >= dropoutThreshold(probability);
}
function mix(word2) {
  let h = word2 >>> 0;
  h = Math.imul(h ^ h >>> 16, 569420461);
  h = Math.imul(h ^ h >>> 15, 1935289751);
  return (h ^ h >>> 15) >>> 0;
}

// ../kernel/src/ops/elementLoss.ts
var kinds = ["squaredError", "huber", "binaryCrossEntropy", "quantile"];
var elementLoss = {
  parameters: ["args"],
  check: (args2) => checkLoss2("elementLoss", args2)
};
var elementLossWithGradient = {
  parameters: ["args"],
  check: (args2) => checkLoss2("elementLossWithGradient", args2)
};
function checkLoss2(op, args2) {
  const { kind, x, target, weight, delta, levels: levels2 } = args2;
  if (!kinds.includes(kind)) {
    fail("ARGUMENT", op, `kind must be one of ${kinds.join(", ")}, got ${JSON.stringify(kind)}`);
  }
  checkF32(op, "x", x);
  if (kind === "huber") checkPositive(op, "delta", delta ?? NaN);
  else if (delta !== void 0) fail("ARGUMENT", op, `delta belongs to huber, got ${delta} for ${kind}`);
  if (kind === "quantile" !== (levels2 !== void 0)) {
    fail("ARGUMENT", op, `levels belong to quantile, got ${levels2 ? "some" : "none"} for ${kind}`);
  }
  bindAxes(op, { levels: { tensor: levels2, axes: String(lastExtent(x.shape)), dense: true } });
  checkF32(op, "target", target);
  if (levels2) {
    const leading = x.shape.length === 1 ? [1] : x.shape.slice(0, -1);
    if (formatShape(target.shape) !== formatShape(leading)) {
      const expected = `${formatShape(leading)} for x ${formatShape(x.shape)}`;
      fail("SHAPE", op, `target must be ${expected}, got ${formatShape(target.shape)}`);
    }
  } else checkSameShape(op, "target", target, "x", x);
  checkDense(op, "target", target);
  if (weight) {
    checkF32(op, "weight", weight);
    checkSameShape(op, "weight", weight, "target", target);
    checkDense(op, "weight", weight);
  }
  return { count: elementCount(x.shape), levelCount: levels2 ? lastExtent(x.shape) : 1 };
}

// ../kernel/src/ops/embedding.ts
var embedding = {
  parameters: ["ids", "weight"],
  weightStorage: "any",
  check(ids, weight) {
    checkIds("embedding", ids);
    const { V, D: D2 } = bindAxes("embedding", {
      weight: { tensor: weight, axes: "V D", dtypes: weights, dense: true }
    });
    return { count: elementCount(ids.shape), vocabSize: V, features: D2, shape: [...ids.shape, D2] };
  }
};
var embeddingBackward = {
  parameters: ["dy", "ids", "vocabSize"],
  check(dy2, ids, vocabSize) {
    const op = "embeddingBackward";
    checkF32(op, "dy", dy2);
    checkIds(op, ids);
    const features = lastExtent(dy2.shape);
    const fits = dy2.shape.length === ids.shape.length + 1 && ids.shape.every((extent, i) => extent === dy2.shape[i]);
    if (!fits) {
      const expected = `${formatShape([...ids.shape, features])} for ids ${formatShape(ids.shape)}`;
      fail("SHAPE", op, `dy must be ${expected}, got ${formatShape(dy2.shape)}`);
    }
    checkInteger(op, "vocabSize", vocabSize, 1, 2 ** 31 - 1);
    return { count: elementCount(ids.shape), features };
  }
};

// ../kernel/src/ops/exp.ts
var exp = {
  parameters: ["x"],
  check: (x) => checkF32("exp", "x", x)
};

// ../kernel/src/ops/routeExperts.ts
var scorings = ["softmax", "topSoftmax", "sigmoid"];
var routeExperts = {
  parameters: ["args"],
  check: (args2) => checkRoute("routeExperts", args2)
};
var routeExpertsBackward = {
  parameters: ["dWeights", "args", "experts"],
  check(dWeights, args2, experts) {
    const op = "routeExpertsBackward";
    const sizes = checkRoute(op, args2);
    const rules = {
      dWeights: { tensor: dWeights, axes: "R K" },
      experts: { tensor: experts, axes: "R K", dtypes: ["i32"], dense: true }
    };
    bindAxes(op, rules, { R: sizes.rows, K: sizes.perToken });
    return sizes;
  }
};
var expertLoads = {
  parameters: ["experts", "expertCount"],
  check(experts, expertCount) {
    const op = "expertLoads";
    const { R, K } = bindAxes(op, {
      experts: { tensor: experts, axes: "R K", dtypes: ["i32"], dense: true }
    });
    checkExpertCount(op, expertCount);
    return { rows: R, perToken: K, expertCount };
  }
};
function checkExpertCount(op, expertCount) {
  checkInteger(op, "the number of experts E", expertCount, 1, 1024);
}
function checkRoute(op, { logits, bias, perToken, scoring, scale: scale4 = 1 }) {
  const { R, E } = bindAxes(op, {
    logits: { tensor: logits, axes: "R E" },
    bias: { tensor: bias, axes: "E", dense: true }
  });
  checkExpertCount(op, E);
  if (!scorings.includes(scoring)) {
    fail("ARGUMENT", op, `scoring must be one of ${scorings.join(", ")}, got ${JSON.stringify(scoring)}`);
  }
  if (bias && scoring !== "sigmoid") fail("ARGUMENT", op, `bias belongs to sigmoid, got one for ${scoring}`);
  checkInteger(op, "perToken", perToken, 1, Math.min(E, 64));
  checkFinite(op, "scale", scale4);
  return { rows: R, expertCount: E, perToken, scale: scale4 };
}

// ../kernel/src/ops/expertLinear.ts
var expertLinear = {
  parameters: ["args"],
  weightStorage: "any",
  check({ x, weight, experts }) {
    const op = "expertLinear";
    const { K, E, O, I } = bindAxes(op, {
      x: { tensor: x, axes: checkInputAxes(op, x) },
      weight: { tensor: weight, axes: "E O I", dtypes: weights, dense: true },
      experts: { tensor: experts, axes: "R K", dtypes: ["i32"], dense: true }
    });
    const [rows2 = 1] = x.shape;
    return { rows: rows2, perToken: K, expertCount: E, inFeatures: I, outFeatures: O, shared: x.shape.length === 2 };
  }
};
var expertLinearBackwardInput = {
  parameters: ["dy", "weight", "experts"],
  weightStorage: "any",
  check(dy2, weight, experts) {
    const { R, K, E, O, I } = bindAxes("expertLinearBackwardInput", {
      dy: { tensor: dy2, axes: "R K O" },
      weight: { tensor: weight, axes: "E O I", dtypes: weights, dense: true },
      experts: { tensor: experts, axes: "R K", dtypes: ["i32"], dense: true }
    });
    return { rows: R, perToken: K, expertCount: E, inFeatures: I, outFeatures: O };
  }
};
var expertLinearBackwardWeight = {
  parameters: ["dy", "x", "experts", "expertCount"],
  check(dy2, x, experts, expertCount) {
    const op = "expertLinearBackwardWeight";
    const { R, K, O, I } = bindAxes(op, {
      dy: { tensor: dy2, axes: "R K O" },
      x: { tensor: x, axes: checkInputAxes(op, x) },
      experts: { tensor: experts, axes: "R K", dtypes: ["i32"], dense: true }
    });
    checkExpertCount(op, expertCount);
    const shared3 = x.shape.length === 2;
    return { rows: R, perToken: K, expertCount, inFeatures: I, outFeatures: O, shared: shared3 };
  }
};
function checkInputAxes(op, x) {
  checkF32(op, "x", x);
  if (x.shape.length === 2) return "R I";
  if (x.shape.length === 3) return "R K I";
  fail("SHAPE", op, `x must be [R, I] or [R, K, I], got ${formatShape(x.shape)}`);
}

// ../kernel/src/ops/flip.ts
var flip = {
  parameters: ["x"],
  check(x) {
    const { B: B5, L: L4, D: D2 } = bindAxes("flip", { x: { tensor: x, axes: "B L D" } });
    return { batch: B5, length: L4, channels: D2 };
  }
};

// ../kernel/src/ops/gatedRmsNorm.ts
var gatedRmsNorm = {
  parameters: ["args"],
  check: (args2) => checkGatedNorm("gatedRmsNorm", args2)
};
var gatedRmsNormBackward = {
  parameters: ["dy", "args"],
  check(dy2, args2) {
    const op = "gatedRmsNormBackward";
    const sizes = checkGatedNorm(op, args2);
    checkF32(op, "dy", dy2);
    checkSameShape(op, "dy", dy2, "x", args2.x);
    return sizes;
  }
};
function checkGatedNorm(op, { x, z, weight, eps, groups }) {
  checkBinary(op, "x", x, "z", z);
  const features = lastExtent(x.shape);
  bindAxes(op, { weight: { tensor: weight, axes: "D", dense: true } }, { D: features });
  checkNotNegative(op, "eps", eps);
  checkInteger(op, "groups", groups, 1, features);
  if (features % groups !== 0) fail("ARGUMENT", op, `groups must divide D = ${features}, got ${groups}`);
  return { rows: rowCount(x), features, groups };
}

// ../kernel/src/ops/gatherRows.ts
var gatherRows = {
  parameters: ["x", "rows"],
  check(x, rows2) {
    checkAlive("gatherRows", "x", x);
    checkNotQuantized("gatherRows", "x", x);
    if (rows2.length === 0) fail("ARGUMENT", "gatherRows", "rows must name at least one row, got none");
    const [count = 0] = x.shape;
    for (const row of rows2) checkInteger("gatherRows", "each row", row, 0, count - 1);
  }
};

// ../kernel/src/ops/gelu.ts
var gelu = {
  parameters: ["x", "approximate"],
  check(x, approximate) {
    checkF32("gelu", "x", x);
    checkApproximation("gelu", approximate);
  }
};
var geluBackward = {
  parameters: ["dy", "x", "approximate"],
  check(dy2, x, approximate) {
    checkBinary("geluBackward", "dy", dy2, "x", x);
    checkApproximation("geluBackward", approximate);
  }
};
function checkApproximation(op, approximate) {
  if (approximate === "none" || approximate === "tanh") return;
  fail("ARGUMENT", op, `approximate must be "none" or "tanh", got ${JSON.stringify(approximate)}`);
}

// ../kernel/src/ops/layerNorm.ts
var layerNorm = {
  parameters: ["x", "weight", "bias", "eps"],
  check: (x, weight, bias, eps) => checkNorm("layerNorm", x, weight, bias, eps)
};
var layerNormBackward = {
  parameters: ["dy", "x", "weight", "bias", "eps"],
  check(dy2, x, weight, bias, eps) {
    checkBinary("layerNormBackward", "dy", dy2, "x", x);
    return checkNorm("layerNormBackward", x, weight, bias, eps);
  }
};
function checkNorm(op, x, weight, bias, eps) {
  checkF32(op, "x", x);
  const features = lastExtent(x.shape);
  bindAxes(op, {
    weight: { tensor: weight, axes: String(features), dense: true },
    bias: { tensor: bias, axes: String(features), dense: true }
  });
  checkNotNegative(op, "eps", eps);
  return { rows: rowCount(x), features };
}

// ../kernel/src/ops/linear.ts
var linear = {
  parameters: ["x", "weight", "bias"],
  weightStorage: "any",
  check(x, weight, bias) {
    checkF32("linear", "x", x);
    const inFeatures = lastExtent(x.shape);
    const { O, I } = bindAxes("linear", {
      weight: { tensor: weight, axes: "O I", dtypes: weights, dense: true },
      bias: { tensor: bias, axes: "O", dense: true }
    });
    if (I !== inFeatures) {
      const found = `${formatShape(weight.shape)} for x ${formatShape(x.shape)}`;
      fail("SHAPE", "linear", `weight must be [O, ${inFeatures}], got ${found}`);
    }
    return { rows: rowCount(x), inFeatures, outFeatures: O, shape: [...x.shape.slice(0, -1), O] };
  }
};
var linearBackwardInput = {
  parameters: ["dy", "weight"],
  weightStorage: "any",
  check(dy2, weight) {
    const op = "linearBackwardInput";
    checkF32(op, "dy", dy2);
    const outFeatures = lastExtent(dy2.shape);
    const { O, I } = bindAxes(op, { weight: { tensor: weight, axes: "O I", dtypes: weights, dense: true } });
    if (O !== outFeatures) {
      const found = `${formatShape(weight.shape)} for dy ${formatShape(dy2.shape)}`;
      fail("SHAPE", op, `weight must be [${outFeatures}, I], got ${found}`);
    }
    return { rows: rowCount(dy2), inFeatures: I, outFeatures: O, shape: [...dy2.shape.slice(0, -1), I] };
  }
};
var linearBackwardWeight = {
  parameters: ["dy", "x"],
  check(dy2, x) {
    const op = "linearBackwardWeight";
    checkF32(op, "dy", dy2);
    checkF32(op, "x", x);
    const leading = dy2.shape.slice(0, -1);
    if (x.shape.length !== dy2.shape.length || leading.some((extent, i) => extent !== x.shape[i])) {
      const expected = `[${[...leading, "I"].join(", ")}] like dy ${formatShape(dy2.shape)}`;
      fail("SHAPE", op, `x must be ${expected}, got ${formatShape(x.shape)}`);
    }
    return { rows: rowCount(dy2), inFeatures: lastExtent(x.shape), outFeatures: lastExtent(dy2.shape) };
  }
};

// ../kernel/src/ops/log.ts
var log = {
  parameters: ["x"],
  check: (x) => checkF32("log", "x", x)
};

// ../kernel/src/checks/positions.ts
function checkPositions(op, batch, length, { sequenceIds, ranges }) {
  if (sequenceIds === void 0 !== (ranges === void 0)) {
    const missing = ranges === void 0 ? "ranges" : "sequenceIds";
    fail("ARGUMENT", op, `sequenceIds and ranges must be given together, ${missing} is missing`);
  }
  const { S: S3 } = bindAxes(op, {
    sequenceIds: { tensor: sequenceIds, axes: "B L", dtypes: ["i32"], dense: true },
    ranges: { tensor: ranges, axes: "S 2", dtypes: ["i32"], dense: true }
  });
  if (sequenceIds === void 0) return batch;
  const [ownBatch, ownLength] = sequenceIds.shape;
  if (ownBatch !== batch || ownLength !== length) {
    fail("SHAPE", op, `sequenceIds must be [${batch}, ${length}], got [${sequenceIds.shape.join(", ")}]`);
  }
  return S3;
}

// ../kernel/src/ops/meanPositions.ts
var meanPositions = {
  parameters: ["args"],
  check: (args2) => checkPooling("meanPositions", args2)
};
var meanPositionsBackward = {
  parameters: ["args"],
  check(args2) {
    const op = "meanPositionsBackward";
    const { dy: dy2, batch, length } = args2;
    checkExtents(op, batch, length);
    const sequences = checkPositions(op, batch, length, args2);
    const { D: D2 } = bindAxes(op, { dy: { tensor: dy2, axes: "S D" } });
    bindAxes(op, { dy: { tensor: dy2, axes: `${sequences} ${D2}` } });
    return { batch, length, channels: D2, sequences };
  }
};
function checkPooling(op, args2) {
  const { B: B5, L: L4, D: D2 } = bindAxes(op, { x: { tensor: args2.x, axes: "B L D" } });
  return { batch: B5, length: L4, channels: D2, sequences: checkPositions(op, B5, L4, args2) };
}
function checkExtents(op, batch, length) {
  checkInteger(op, "batch", batch, 1, 2 ** 31 - 1);
  checkInteger(op, "length", length, 1, 2 ** 31 - 1);
}

// ../kernel/src/ops/maxPositions.ts
var maxPositions = {
  parameters: ["args"],
  check: (args2) => checkPooling("maxPositions", args2)
};
var maxPositionsBackward = {
  parameters: ["args"],
  check({ dy: dy2, index, batch, length }) {
    const op = "maxPositionsBackward";
    checkExtents(op, batch, length);
    const { S: S3, D: D2 } = bindAxes(op, {
      dy: { tensor: dy2, axes: "S D" },
      index: { tensor: index, axes: "S D", dtypes: ["i32"], dense: true }
    });
    return { batch, length, channels: D2, sequences: S3 };
  }
};

// ../kernel/src/ops/mul.ts
var mul = {
  parameters: ["a", "b"],
  check: (a, b) => checkBroadcast("mul", a, b)
};

// ../kernel/src/ops/negExp.ts
var negExp = {
  parameters: ["x"],
  check: (x) => checkF32("negExp", "x", x)
};

// ../kernel/src/ops/reluSquared.ts
var reluSquared = {
  parameters: ["x"],
  check: (x) => checkF32("reluSquared", "x", x)
};
var reluSquaredBackward = {
  parameters: ["dy", "x"],
  check: (dy2, x) => checkBinary("reluSquaredBackward", "dy", dy2, "x", x)
};

// ../kernel/src/ops/rmsNorm.ts
var rmsNorm = {
  parameters: ["x", "weight", "eps"],
  check: (x, weight, eps) => checkNorm2("rmsNorm", x, weight, eps)
};
var rmsNormBackward = {
  parameters: ["dy", "x", "weight", "eps"],
  check(dy2, x, weight, eps) {
    const op = "rmsNormBackward";
    checkF32(op, "dy", dy2);
    checkF32(op, "x", x);
    checkSameShape(op, "x", x, "dy", dy2);
    return checkNorm2(op, x, weight, eps);
  }
};
function checkNorm2(op, x, weight, eps) {
  checkF32(op, "x", x);
  const features = lastExtent(x.shape);
  const { D: D2 } = bindAxes(op, { weight: { tensor: weight, axes: "D", dense: true } });
  if (weight && D2 !== features) fail("SHAPE", op, `weight must be [${features}], got [${D2}]`);
  checkNotNegative(op, "eps", eps);
  return { rows: rowCount(x), features };
}

// ../kernel/src/ops/rotary.ts
var pairings = ["half", "interleaved"];
var rotary = {
  parameters: ["args"],
  check: (args2) => checkRotary("rotary", args2)
};
var rotaryBackwardAngles = {
  parameters: ["dy", "args"],
  check(dy2, args2) {
    const op = "rotaryBackwardAngles";
    const sizes = checkRotary(op, args2);
    bindAxes(op, { x: { tensor: args2.x, axes: "B L X" }, dy: { tensor: dy2, axes: "B L X" } });
    return sizes;
  }
};
function checkRotary(op, { x, angles, heads, pairing, anglesPerHead = false }) {
  const { B: B5, L: L4 } = bindAxes(op, {
    x: { tensor: x, axes: "B L X" },
    angles: { tensor: angles, axes: "B L A" }
  });
  checkInteger(op, "heads", heads, 1, 2 ** 31 - 1);
  if (!pairings.includes(pairing)) {
    fail("ARGUMENT", op, `pairing must be ${pairings.join(" or ")}, got ${JSON.stringify(pairing)}`);
  }
  const headDim = headWidth(op, "x", x, "heads", heads);
  const pairs = anglesPerHead ? headWidth(op, "angles", angles, "heads", heads) : lastExtent(angles.shape);
  if (2 * pairs > headDim) {
    const limit = `at most ${Math.floor(headDim / 2)} pairs in a head of ${headDim} columns`;
    fail("SHAPE", op, `angles must have ${limit}, got ${pairs} in ${formatShape(angles.shape)}`);
  }
  return { batch: B5, length: L4, heads, headDim, pairs };
}

// ../kernel/src/ops/sample.ts
var maxLogProbs = 1024;
var sample = {
  parameters: ["args", "want"],
  check({ logits, rows: rows2, seen, add: add4, allow }, want) {
    const op = "sample";
    const sizes = bindAxes(op, {
      logits: { tensor: logits, axes: "B V" },
      seen: { tensor: seen, axes: "B S", dtypes: ["i32"], dense: true },
      "add.ids": { tensor: add4?.ids, axes: "B K", dtypes: ["i32"], dense: true },
      "add.values": { tensor: add4?.values, axes: "B K", dense: true }
    });
    const { B: B5, V } = sizes;
    if (allow) {
      const axes = `B ${Math.ceil(V / 32)}`;
      bindAxes(op, {
        logits: { tensor: logits, axes: "B V" },
        allow: { tensor: allow, axes, dtypes: ["i32"], dense: true }
      });
    }
    if (rows2.length !== B5)
      fail("ARGUMENT", op, `rows must be ${B5}, one for each row of logits, got ${rows2.length}`);
    rows2.forEach(checkRow);
    if (want) checkInteger(op, "logProbs", want.logProbs, 0, Math.min(V, maxLogProbs));
    return { batch: B5, vocabSize: V, seenCount: seen ? sizes.S : 0, addCount: add4 ? sizes.K : 0 };
  }
};
function checkRow({ temperature, topK, topP, minP, uniform, repetitionPenalty }, row) {
  const op = "sample";
  const name = (field) => `rows[${row}].${field}`;
  checkNotNegative(op, name("temperature"), temperature);
  if (topK !== void 0) checkInteger(op, name("topK"), topK, 1, Number.MAX_SAFE_INTEGER);
  if (topP !== void 0 && !(topP > 0 && topP <= 1)) {
    fail("ARGUMENT", op, `${name("topP")} must be in (0, 1], got ${topP}`);
  }
  if (minP !== void 0 && !(minP >= 0 && minP <= 1)) {
    fail("ARGUMENT", op, `${name("minP")} must be in [0, 1], got ${minP}`);
  }
  if (!(uniform >= 0 && uniform < 1)) {
    fail("ARGUMENT", op, `${name("uniform")} must be in [0, 1), got ${uniform}`);
  }
  if (repetitionPenalty !== void 0) checkPositive(op, name("repetitionPenalty"), repetitionPenalty);
}

// ../kernel/src/ops/scale.ts
var scale = {
  parameters: ["x", "factor"],
  check(x, factor2) {
    checkF32("scale", "x", x);
    checkFinite("scale", "factor", factor2);
  }
};

// ../kernel/src/ops/selectiveScan.ts
var selectiveScan = {
  parameters: ["args", "want"],
  check: (args2) => checkScan("selectiveScan", args2)
};
var selectiveScanForward = {
  parameters: ["args"],
  check: (args2) => checkScan("selectiveScanForward", args2)
};
var selectiveScanBackward = {
  parameters: ["dy", "args", "residual", "dFinalState"],
  check(dy2, args2, residual2, dFinalState) {
    const op = "selectiveScanBackward";
    const sizes = checkScan(op, args2);
    bindAxes(op, {
      u: { tensor: args2.u, axes: "B L D" },
      dy: { tensor: dy2, axes: "B L D" },
      A: { tensor: args2.A, axes: "D N" },
      dFinalState: { tensor: dFinalState, axes: "B D N", dense: true }
    });
    checkResidual(op, residual2, ScanResidual, sizes);
    return sizes;
  }
};
function checkScan(op, args2) {
  const { B: B5, L: L4, D: D2, N: N5 } = bindAxes(op, {
    u: { tensor: args2.u, axes: "B L D" },
    delta: { tensor: args2.delta, axes: "B L D" },
    A: { tensor: args2.A, axes: "D N", dense: true },
    B: { tensor: args2.B, axes: "B L N" },
    C: { tensor: args2.C, axes: "B L N" },
    D: { tensor: args2.D, axes: "D", dense: true },
    z: { tensor: args2.z, axes: "B L D" },
    deltaBias: { tensor: args2.deltaBias, axes: "D", dense: true },
    initialState: { tensor: args2.initialState, axes: "B D N", dense: true },
    sequenceIds: { tensor: args2.sequenceIds, axes: "B L", dtypes: ["i32"], dense: true }
  });
  checkStateSize(op, N5);
  return { batch: B5, length: L4, channels: D2, stateSize: N5 };
}
function checkStateSize(op, stateSize) {
  checkInteger(op, "the state size N", stateSize, 1, 256);
}

// ../kernel/src/ops/selectiveStateUpdate.ts
var selectiveStateUpdate = {
  parameters: ["state", "args"],
  check(state, args2) {
    const op = "selectiveStateUpdate";
    const isSequence = args2.u.shape.length === 3;
    const channels2 = isSequence ? "B 1 D" : "B D";
    const states = isSequence ? "B 1 N" : "B N";
    const { B: B5, D: D2, N: N5 } = bindAxes(op, {
      u: { tensor: args2.u, axes: channels2 },
      delta: { tensor: args2.delta, axes: channels2 },
      A: { tensor: args2.A, axes: "D N", dense: true },
      B: { tensor: args2.B, axes: states },
      C: { tensor: args2.C, axes: states },
      D: { tensor: args2.D, axes: "D", dense: true },
      z: { tensor: args2.z, axes: channels2 },
      deltaBias: { tensor: args2.deltaBias, axes: "D", dense: true },
      state: { tensor: state, axes: "B D N", dense: true }
    });
    checkStateSize(op, N5);
    return { batch: B5, channels: D2, stateSize: N5 };
  },
  writes: (state) => [state]
};

// ../kernel/src/ops/sigmoid.ts
var sigmoid = {
  parameters: ["x"],
  check: (x) => checkF32("sigmoid", "x", x)
};
var sigmoidBackward = {
  parameters: ["dy", "y"],
  check: (dy2, y) => checkBinary("sigmoidBackward", "dy", dy2, "y", y)
};

// ../kernel/src/ops/silu.ts
var silu = {
  parameters: ["x"],
  check: (x) => checkF32("silu", "x", x)
};
var siluBackward = {
  parameters: ["dy", "x"],
  check: (dy2, x) => checkBinary("siluBackward", "dy", dy2, "x", x)
};

// ../kernel/src/ops/softmax.ts
var softmax = {
  parameters: ["x"],
  check(x) {
    checkF32("softmax", "x", x);
    return rowsOf(x);
  }
};
var softmaxBackward = {
  parameters: ["dy", "y"],
  check(dy2, y) {
    checkBinary("softmaxBackward", "dy", dy2, "y", y);
    return rowsOf(y);
  }
};
function rowsOf(x) {
  return { rows: rowCount(x), features: lastExtent(x.shape) };
}

// ../kernel/src/ops/sqrt.ts
var sqrt = {
  parameters: ["x"],
  check: (x) => checkF32("sqrt", "x", x)
};

// ../kernel/src/ops/ssdScan.ts
var ssdScan = {
  parameters: ["args", "want"],
  check: (args2) => checkSsdScan("ssdScan", args2)
};
var ssdScanForward = {
  parameters: ["args"],
  check: (args2) => checkSsdScan("ssdScanForward", args2)
};
var ssdScanBackward = {
  parameters: ["dy", "args", "residual", "dFinalState"],
  check(dy2, args2, residual2, dFinalState) {
    const op = "ssdScanBackward";
    const sizes = checkSsdScan(op, args2);
    bindAxes(op, {
      x: { tensor: args2.x, axes: "B L X" },
      dy: { tensor: dy2, axes: "B L X" }
    });
    checkSsdState(op, "dFinalState", dFinalState, sizes);
    checkResidual(op, residual2, SsdResidual, sizes);
    return sizes;
  }
};
function checkSsdScan(op, args2) {
  const { x, heads, groups } = args2;
  checkHeads(op, heads, "groups", groups);
  const { B: B5, L: L4 } = bindAxes(
    op,
    {
      x: { tensor: x, axes: "B L X" },
      B: { tensor: args2.B, axes: "B L Y" },
      C: { tensor: args2.C, axes: "B L Y" },
      logDecay: { tensor: args2.logDecay, axes: "B L H" },
      weight: { tensor: args2.weight, axes: "B L H" },
      D: { tensor: args2.D, axes: "H", dense: true },
      sequenceIds: { tensor: args2.sequenceIds, axes: "B L", dtypes: ["i32"], dense: true }
    },
    { H: heads }
  );
  const sizes = { batch: B5, length: L4, heads, groups, ...ssdWidths(op, args2) };
  checkSsdState(op, "initialState", args2.initialState, sizes);
  return sizes;
}
function ssdWidths(op, { x, B: B5, heads, groups }) {
  const headDim = headWidth(op, "x", x, "heads", heads);
  const stateSize = headWidth(op, "B", B5, "groups", groups);
  checkStateSize(op, stateSize);
  return { headDim, stateSize };
}
function checkSsdState(op, name, state, { batch, heads, headDim, stateSize }) {
  const known = { B: batch, H: heads, P: headDim, N: stateSize };
  bindAxes(op, { [name]: { tensor: state, axes: "B H P N", dense: true } }, known);
}

// ../kernel/src/ops/ssdStateUpdate.ts
var ssdStateUpdate = {
  parameters: ["state", "args"],
  check(state, args2) {
    const op = "ssdStateUpdate";
    const { x, heads, groups } = args2;
    checkHeads(op, heads, "groups", groups);
    const isSequence = x.shape.length === 3;
    const states = isSequence ? "B 1 Y" : "B Y";
    const scalars = isSequence ? "B 1 H" : "B H";
    const { B: B5 } = bindAxes(
      op,
      {
        x: { tensor: x, axes: isSequence ? "B 1 X" : "B X" },
        B: { tensor: args2.B, axes: states },
        C: { tensor: args2.C, axes: states },
        logDecay: { tensor: args2.logDecay, axes: scalars },
        weight: { tensor: args2.weight, axes: scalars },
        D: { tensor: args2.D, axes: "H", dense: true }
      },
      { H: heads }
    );
    const sizes = { batch: B5, heads, groups, ...ssdWidths(op, args2) };
    checkSsdState(op, "state", state, sizes);
    return sizes;
  },
  writes: (state) => [state]
};

// ../kernel/src/ops/sub.ts
var sub = {
  parameters: ["a", "b"],
  check: (a, b) => checkBroadcast("sub", a, b)
};

// ../kernel/src/ops/sumOfSquares.ts
var sumOfSquares = {
  parameters: ["tensors"],
  check(tensors) {
    const op = "sumOfSquares";
    if (tensors.length === 0) fail("ARGUMENT", op, "tensors must hold at least one tensor, got none");
    tensors.forEach((tensor, i) => checkF32(op, `tensors[${i}]`, tensor));
  }
};

// ../kernel/src/ops/sumRows.ts
var sumRows = {
  parameters: ["dy"],
  check(dy2) {
    checkF32("sumRows", "dy", dy2);
    return { rows: rowCount(dy2), features: lastExtent(dy2.shape) };
  }
};

// ../kernel/src/ops/tanh.ts
var tanh = {
  parameters: ["x"],
  check: (x) => checkF32("tanh", "x", x)
};
var tanhBackward = {
  parameters: ["dy", "y"],
  check: (dy2, y) => checkBinary("tanhBackward", "dy", dy2, "y", y)
};

// ../kernel/src/ops/write.ts
var write = {
  parameters: ["target", "start", "data"],
  check(target, start, data) {
    checkAlive("write", "target", target);
    checkHostArray("write", data, target.dtype);
    checkDense("write", "target", target);
    const count = elementCount(target.shape);
    checkInteger("write", "start", start, 0, count);
    const end = start + (isQuantized(target.dtype) ? rowElements(target, start, data) : data.length);
    if (end > count) {
      fail("ARGUMENT", "write", `elements ${start} to ${end} do not fit into ${formatShape(target.shape)}`);
    }
    if (isQuantized(target.dtype)) return;
    if (!isWholeWords(target.dtype, start) || !isWholeWords(target.dtype, end) && end !== count) {
      const chunk = `elements ${start} to ${end} of ${count}`;
      fail("ARGUMENT", "write", `${target.dtype} chunks begin and end at even elements, got ${chunk}`);
    }
  },
  writes: (target) => [target]
};
function rowElements({ dtype, shape }, start, blocks) {
  const columns = lastExtent(shape);
  const rowBytes = hostLength(dtype, columns);
  if (start % columns !== 0 || blocks.length % rowBytes !== 0) {
    const found = `${blocks.length} bytes at element ${start}`;
    const row = `of ${columns} elements in ${rowBytes} bytes`;
    fail("ARGUMENT", "write", `${dtype} chunks are whole rows ${row}, got ${found}`);
  }
  return blocks.length / rowBytes * columns;
}

// ../kernel/src/backend/checkOwned.ts
function checkOwned(owner, op, name, value, nested = false) {
  if (typeof value !== "object" || value === null) return;
  if (isTensor(value)) owner.own(op, name, value);
  else if (value instanceof TensorResidual) owner.own(op, name, value.saved);
  else if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item = value[i];
      if (typeof item === "object") checkOwned(owner, op, `${name}[${i}]`, item, true);
    }
  } else if (!ArrayBuffer.isView(value)) {
    const record = value;
    const prefix = nested ? `${name}.` : "";
    for (const field in record) {
      const item = record[field];
      if (typeof item === "object") checkOwned(owner, op, prefix + field, item, true);
    }
  }
}
function isTensor(value) {
  return "rowStride" in value;
}

// ../kernel/src/backend/opsKernel.ts
var allDefinitions = { ...ops_exports };
var opNames = Object.keys(allDefinitions);
var OpMethods = class _OpMethods {
  static {
    for (const op of opNames) {
      Object.defineProperty(_OpMethods.prototype, op, {
        value(...args2) {
          return this.call(op, args2);
        }
      });
    }
  }
};
var Base = OpMethods;
var basicStorage = /* @__PURE__ */ new Set(["f32", "f16", "bf16", "i32"]);
var everyStorage = /* @__PURE__ */ new Set([...basicStorage, ...quantizedTypes]);
var OpsKernel = class extends Base {
  capabilities;
  /** @internal */
  runtime;
  #ops;
  /**
   * @param facts the capabilities in which backends differ
   */
  constructor(runtime, ops, facts) {
    super();
    this.runtime = runtime;
    this.#ops = { ...ops };
    this.capabilities = { training: true, deterministic: true, ...facts };
  }
  [Symbol.asyncDispose]() {
    return this.dispose();
  }
  supports(op, dtype) {
    const definition14 = allDefinitions[op];
    if (definition14 === void 0) return false;
    if (dtype === "f32") return true;
    return dtype !== "i32" && definition14.weightStorage === "any" && this.capabilities.storage.has(dtype);
  }
  memory() {
    return this.runtime.memory;
  }
  upload(data, shape, dtype) {
    this.#checkAllocation("upload", shape, dtype);
    checkUpload(data, shape, dtype);
    this.runtime.checkOpen("upload");
    return this.#ops.upload(this.runtime, data, [...shape], dtype);
  }
  zeros(shape, dtype) {
    this.#checkAllocation("zeros", shape, dtype);
    this.runtime.checkOpen("zeros");
    return this.#ops.zeros(this.runtime, [...shape], dtype);
  }
  storedBytes(dtype, shape) {
    checkStored("storedBytes", shape, dtype, this.capabilities.storage);
    return byteLength(dtype, shape);
  }
  #checkAllocation(op, shape, dtype) {
    const { storage, maxTensorBytes } = this.capabilities;
    checkStored(op, shape, dtype, storage);
    checkBytes(op, shape, dtype, this.storedBytes(dtype, shape), maxTensorBytes);
  }
  columns(x, start, count) {
    return this.runtime.columns(x, start, count);
  }
  rows(x, start, count) {
    return this.runtime.rows(x, start, count);
  }
  reshape(x, shape) {
    return this.runtime.reshape(x, shape);
  }
  async read(...tensors) {
    this.runtime.checkOpen("read");
    const sources = tensors.map((tensor, i) => {
      checkAlive("read", `tensor ${i}`, tensor);
      return this.runtime.own("read", `tensor ${i}`, tensor);
    });
    return this.fetch(sources);
  }
  call(op, args2) {
    const { check: check2, parameters, writes } = allDefinitions[op];
    const { runtime } = this;
    const sizes = check2(...args2);
    runtime.checkOpen(op);
    for (let i = 0; i < args2.length; i++) checkOwned(runtime, op, parameters[i] ?? "argument", args2[i]);
    const implementation = this.#ops[op];
    if (implementation === void 0) {
      throw new KernelError("UNSUPPORTED", `${op}: the ${this.name} backend does not have this op`);
    }
    if (writes) markWritten(op, writes(...args2));
    return implementation(runtime, sizes, ...args2);
  }
};
function markWritten(op, written) {
  if (written.length > 1 && new Set(written.map(({ storage }) => storage)).size < written.length) {
    throw new KernelError("ARGUMENT", `${op}: the tensors that it writes must not share memory`);
  }
  for (const { storage } of written) storage.version++;
}

// ../kernel/src/backend/sizeClass.ts
function sizeClass(bytes) {
  if (bytes <= 4096) return Math.max(256, Math.ceil(bytes / 256) * 256);
  const step = 2 ** (Math.floor(Math.log2(bytes)) - 4);
  return Math.ceil(bytes / step) * step;
}

// ../kernel/src/backend/tensorOwner.ts
var TensorOwner = class {
  /** Results and temporaries of the op that runs now. */
  #results = [];
  #tensors = 0;
  #bytes = 0;
  #failure;
  /** Live handles, and the bytes of the memory behind them: the result of `KernelMemory.memory`. */
  get memory() {
    return { tensors: this.#tensors, bytes: this.#bytes };
  }
  /** Makes every later call throw this failure. */
  close(failure) {
    this.#failure ??= failure;
  }
  /** The failure that closed the kernel, if it is closed. */
  get failure() {
    return this.#failure;
  }
  /** Checks that the kernel is open. @throws KernelError `DISPOSED` or `DEVICE_LOST` */
  checkOpen(op) {
    const failure = this.#failure;
    if (failure) throw new KernelError(failure.code, `${op}: ${failure.message}`, { cause: failure });
    if (this.#results.length > 0) this.#results.length = 0;
  }
  /** Returns the tensor as one of this owner. @throws KernelError `FOREIGN_TENSOR` */
  own(op, name, tensor) {
    if (tensor instanceof DeviceTensor && tensor.owner === this) return tensor;
    this.dropResults();
    throw new KernelError("FOREIGN_TENSOR", `${op}: ${name} belongs to another kernel`);
  }
  /** Creates another handle on the memory of `x`. */
  view(x, shape, rowStride, offset) {
    return this.#counted(x.storage, x.dtype, shape, rowStride, offset);
  }
  /** `KernelMemory.columns`, with its checks. */
  columns(x, start, count) {
    checkColumns(x, start, count);
    this.checkOpen("columns");
    const own = this.own("columns", "x", x);
    return this.view(own, [...x.shape.slice(0, -1), count], x.rowStride, own.offset + start);
  }
  /** `KernelMemory.rows`, with its checks. */
  rows(x, start, count) {
    checkRows(x, start, count);
    this.checkOpen("rows");
    const own = this.own("rows", "x", x);
    const [rows2 = 1, ...rest] = x.shape;
    if (rest.length === 0)
      return this.view(own, [count], isDense(x) ? count : x.rowStride, own.offset + start);
    const apart = rowCount(x) / rows2 * x.rowStride;
    return this.view(own, [count, ...rest], x.rowStride, own.offset + start * apart);
  }
  /** `KernelMemory.reshape`, with its checks. */
  reshape(x, shape) {
    checkReshape(x, shape);
    this.checkOpen("reshape");
    const own = this.own("reshape", "x", x);
    const rowStride = isDense(x) ? lastExtent(shape) : x.rowStride;
    return this.view(own, [...shape], rowStride, own.offset);
  }
  /** Counts a disposed handle, and frees the memory after the last one. */
  release(storage) {
    if (!storage.hidden) this.#tensors--;
    if (--storage.handles > 0) return;
    if (!storage.hidden) this.#bytes -= storage.bytes;
    this.free(storage);
  }
  /** Creates the first handle on new memory: a dense tensor that covers all of it. */
  adopt(storage, dtype, shape) {
    if (!storage.hidden) this.#bytes += storage.bytes;
    return this.#counted(storage, dtype, shape, lastExtent(shape), 0);
  }
  /** Records a tensor that the running op creates: a result, or a temporary that the op disposes before it returns. */
  keepResult(tensor) {
    this.#results.push(tensor);
    return tensor;
  }
  /** Disposes all tensors that the running op created, because it fails. */
  dropResults() {
    for (const tensor of this.#results) tensor.dispose();
    this.#results.length = 0;
  }
  #counted(storage, dtype, shape, rowStride, offset) {
    storage.handles++;
    if (!storage.hidden) this.#tensors++;
    return this.handle(storage, dtype, shape, rowStride, offset);
  }
};

// src/device/constants.ts
var usage = {
  mapRead: 1,
  copySource: 4,
  copyTarget: 8,
  uniform: 64,
  storage: 128,
  queryResolve: 512
};
var computeStage = 4;
var mapRead = 1;

// src/device/errorScopes.ts
var filters = ["validation", "internal", "out-of-memory"];
function withErrorScopes(device, name, body) {
  for (const filter of filters) device.pushErrorScope(filter);
  let value;
  let errors = [];
  try {
    value = body();
  } finally {
    errors = filters.map(async () => {
      try {
        return (await device.popErrorScope())?.message;
      } catch {
        return void 0;
      }
    });
  }
  const outcome = Promise.all(errors).then(([memory, internal, validation]) => {
    const message = memory ?? internal ?? validation;
    if (message === void 0) return void 0;
    return new KernelError(memory === void 0 ? "DRIVER" : "OUT_OF_MEMORY", `${name}: ${message}`);
  });
  return { value, outcome };
}

// src/memory/tensor.ts
var WebGpuTensor = class extends DeviceTensor {
};
function storageError({ buffer, error }) {
  return buffer.error ?? error;
}

// src/quantized/layouts.ts
var layouts = {
  q8_0: { quants: 8, high: 0, coarse: 1 },
  q4_0: { quants: 4, high: 0, coarse: 1 },
  q4_1: { quants: 4, high: 0, coarse: 2 },
  q5_0: { quants: 4, high: 1, coarse: 1 },
  q5_1: { quants: 4, high: 1, coarse: 2 },
  iq4_nl: { quants: 4, high: 0, coarse: 1 },
  q4_k: { quants: 4, high: 0, fine: "pairs", coarse: 2 },
  q5_k: { quants: 4, high: 1, fine: "pairs", coarse: 2 },
  q6_k: { quants: 4, high: 2, fine: "scales", coarse: 1 }
};
function planesOf(dtype, columns) {
  const layout = layouts[dtype];
  const high = columns * layout.quants / 32;
  const fine = high + columns * layout.high / 32;
  const coarse = fine + (layout.fine ? columns / 64 : 0);
  const words = coarse + Math.ceil(columns / formats[dtype].blockElements * layout.coarse / 2);
  return { high, fine, coarse, words };
}
function storedBytes(dtype, shape) {
  return storedOffset({ dtype, rowStride: lastExtent(shape) }, elementCount(shape));
}
function storedOffset({ dtype, rowStride }, elements) {
  if (!isQuantized(dtype)) return byteOffset(dtype, elements);
  return elements / rowStride * planesOf(dtype, rowStride).words * 4;
}

// src/quantized/repack.ts
var fieldsOf = {
  q8_0: { quants: 1, run: 0, high: 0, fine: 0, coarse: 0 },
  q4_0: { quants: 1, run: 4, high: 0, fine: 0, coarse: 0 },
  q4_1: { quants: 2, run: 4, high: 0, fine: 0, coarse: 0 },
  q5_0: { quants: 3, run: 4, high: 1, fine: 0, coarse: 0 },
  q5_1: { quants: 4, run: 4, high: 2, fine: 0, coarse: 0 },
  iq4_nl: { quants: 1, run: 4, high: 0, fine: 0, coarse: 0 },
  q4_k: { quants: 8, run: 8, high: 0, fine: 2, coarse: 0 },
  q5_k: { quants: 24, run: 8, high: 8, fine: 2, coarse: 0 },
  q6_k: { quants: 0, run: 16, high: 64, fine: 96, coarse: 104 }
};
function pack(dtype, columns, blocks, words) {
  words.fill(0);
  convert(dtype, columns, blocks, words, true);
}
function unpack(dtype, columns, words, blocks) {
  convert(dtype, columns, blocks, words, false);
}
function convert(dtype, columns, blocks, words, packing) {
  const { blockElements, blockBytes } = formats[dtype];
  const layout = layouts[dtype];
  const fields = fieldsOf[dtype];
  const planes3 = planesOf(dtype, columns);
  const quantWords = blockElements * layout.quants / 32;
  const highWords = blockElements * layout.high / 32;
  const fineWords = layout.fine ? blockElements / 64 : 0;
  const halves2 = new Uint16Array(words.buffer, words.byteOffset, words.length * 2);
  const moveBytes = packing ? packBytes : unpackBytes;
  const moveNibbles = packing ? packNibbles : unpackNibbles;
  const moveHigh = highMove(layout, blockElements, packing);
  const movePairs = packing ? packPairs : unpackPairs;
  const copy = (block2, at, count) => {
    if (packing) for (let i = 0; i < count; i++) halves2[at + i] = blocks[block2 + i];
    else for (let i = 0; i < count; i++) blocks[block2 + i] = halves2[at + i];
  };
  let block = 0;
  for (let row = 0; row < words.length; row += planes3.words) {
    for (let b = 0; b < columns / blockElements; b++) {
      const quantsAt = row + b * quantWords;
      if (layout.quants === 8) moveBytes(blocks, block + fields.quants, words, quantsAt);
      else {
        for (let i = 0; i < quantWords; i += fields.run) {
          moveNibbles(blocks, block + fields.quants + 2 * i, words, quantsAt + i, fields.run);
        }
      }
      moveHigh?.(blocks, block + fields.high, words, row + planes3.high + b * highWords);
      const fineAt = row + planes3.fine + b * fineWords;
      if (layout.fine === "pairs") movePairs(blocks, block + fields.fine, words, fineAt);
      if (layout.fine === "scales") copy(block + fields.fine, 2 * fineAt, 2 * fineWords);
      copy(block + fields.coarse, 2 * (row + planes3.coarse) + b * layout.coarse, layout.coarse);
      block += blockBytes / 2;
    }
  }
}
function wordAt(blocks, at) {
  return blocks[at] | blocks[at + 1] << 16;
}
function putWord(blocks, at, word2) {
  blocks[at] = word2;
  blocks[at + 1] = word2 >>> 16;
}
function packBytes(blocks, block, words, at) {
  for (let i = 0; i < 8; i++) words[at + i] = wordAt(blocks, block + 2 * i);
}
function unpackBytes(blocks, block, words, at) {
  for (let i = 0; i < 8; i++) putWord(blocks, block + 2 * i, words[at + i]);
}
var low = 252645135;
var upper = 4042322160;
function packNibbles(blocks, block, words, at, run) {
  for (let i = 0; i < run / 2; i++) {
    const [a, b] = [wordAt(blocks, block + 4 * i), wordAt(blocks, block + 4 * i + 2)];
    words[at + i] = a & low | (b & low) << 4;
    words[at + run / 2 + i] = a >>> 4 & low | b & upper;
  }
}
function unpackNibbles(blocks, block, words, at, run) {
  for (let i = 0; i < run / 2; i++) {
    const [a, b] = [words[at + i], words[at + run / 2 + i]];
    putWord(blocks, block + 4 * i, a & low | (b & low) << 4);
    putWord(blocks, block + 4 * i + 2, a >>> 4 & low | b & upper);
  }
}
function highMove({ high }, blockElements, packing) {
  if (high === 0) return void 0;
  if (blockElements === 32) return packing ? packOrdered : unpackOrdered;
  const move = packing ? packFields : unpackFields;
  if (high === 1) return (blocks, block, words, at) => move(blocks, block, words, at, 1);
  return (blocks, block, words, at) => {
    move(blocks, block, words, at, 2);
    move(blocks, block + 16, words, at + 8, 2);
  };
}
function packOrdered(blocks, block, words, at) {
  const bits = wordAt(blocks, block);
  let word2 = 0;
  for (let m = 0; m < 8; m++) {
    word2 |= (Math.imul(bits >>> 4 * m & 15, 2113665) & 16843009) << m;
  }
  words[at] = word2;
}
function unpackOrdered(blocks, block, words, at) {
  const word2 = words[at];
  let bits = 0;
  for (let m = 0; m < 8; m++) {
    bits |= (Math.imul(word2 >>> m & 16843009, 16909320) >>> 24 & 15) << 4 * m;
  }
  putWord(blocks, block, bits);
}
function packFields(blocks, block, words, at, width) {
  const mask = width === 1 ? 16843009 : 50529027;
  for (let m = 0; m < 8; m++) {
    const bytes = wordAt(blocks, block + 2 * m);
    const [to, shift] = [at + (m * width >> 3), m * width & 7];
    for (let k = 0; k < 8; k += width)
      words[to + k] = words[to + k] | (bytes >>> k & mask) << shift;
  }
}
function unpackFields(blocks, block, words, at, width) {
  const mask = width === 1 ? 16843009 : 50529027;
  for (let m = 0; m < 8; m++) {
    const [from, shift] = [at + (m * width >> 3), m * width & 7];
    let bytes = 0;
    for (let k = 0; k < 8; k += width) bytes |= (words[from + k] >>> shift & mask) << k;
    putWord(blocks, block + 2 * m, bytes);
  }
}
function packPairs(blocks, block, words, at) {
  const [a, b, c] = [wordAt(blocks, block), wordAt(blocks, block + 2), wordAt(blocks, block + 4)];
  for (let j = 0; j < 4; j += 2) {
    let [first, last] = [0, 0];
    for (let i = 0; i < 2; i++) {
      const [shift, to] = [8 * (j + i), 16 * i];
      const [s, m, both2] = [a >>> shift & 255, b >>> shift & 255, c >>> shift & 255];
      first |= (s & 63 | (m & 63) << 8) << to;
      last |= (both2 & 15 | s >>> 6 << 4 | (both2 >>> 4 | m >>> 6 << 4) << 8) << to;
    }
    words[at + j / 2] = first;
    words[at + 2 + j / 2] = last;
  }
}
function unpackPairs(blocks, block, words, at) {
  let [a, b, c] = [0, 0, 0];
  for (let j = 0; j < 4; j++) {
    const [shift, from] = [8 * j, 16 * (j & 1)];
    const [first, last] = [
      words[at + (j >> 1)] >>> from,
      words[at + 2 + (j >> 1)] >>> from
    ];
    a |= (first & 63 | (last >>> 4 & 3) << 6) << shift;
    b |= (first >>> 8 & 63 | (last >>> 12 & 3) << 6) << shift;
    c |= (last & 15 | (last >>> 8 & 15) << 4) << shift;
  }
  putWord(blocks, block, a);
  putWord(blocks, block + 2, b);
  putWord(blocks, block + 4, c);
}

// src/shader.ts
var paramWords = 64;
function defineShader(definition14) {
  const { name, enable = [], workgroup = 64, code } = definition14;
  const read2 = Object.entries(definition14.read);
  const write3 = Object.entries(definition14.write);
  const params4 = Object.entries(definition14.params);
  const buffers = [...read2, ...write3];
  const fields = [
    "group_count_: u32",
    ...buffers.flatMap(([buffer]) => [`${buffer}_at: u32`, `${buffer}_stride: u32`]),
    ...params4.map(([param, type]) => `${param}: ${type}`)
  ];
  if (fields.length > paramWords || buffers.length > 8)
    throw new Error(
      `shader ${name}: at most 8 buffers and ${paramWords} parameter words, got ${buffers.length} and ${fields.length}`
    );
  const declarations = buffers.map(([buffer, type], i) => {
    const access = i < read2.length ? "read" : "read_write";
    return `@group(1) @binding(${i}) var<storage, ${access}> ${buffer}: array<${type}>;`;
  });
  const source2 = `${enable.map((feature) => `enable ${feature};
`).join("")}
struct Params_ { ${fields.join(", ")} }
@group(0) @binding(0) var<uniform> p: Params_;
${declarations.join("\n")}
const workgroupSize = ${workgroup}u;
${code}
@compute @workgroup_size(${workgroup})
fn main(
  @builtin(workgroup_id) id_: vec3<u32>,
  @builtin(num_workgroups) count_: vec3<u32>,
  @builtin(local_invocation_index) lane_: u32,
) {
  let group_ = id_.x + id_.y * count_.x;
  if (group_ >= p.group_count_) { return; }
  run(group_, lane_);
}
`;
  return {
    name,
    read: read2.map(([buffer]) => buffer),
    write: write3.map(([buffer]) => buffer),
    params: params4.map(([param, type]) => ({ name: param, float: type === "f32" })),
    placed: new Set(
      buffers.flatMap(([buffer]) => new RegExp(`\\bp\\.${buffer}_at\\b`).test(code) ? [buffer] : [])
    ),
    source: source2
  };
}

// src/shared/copyRows.ts
var copyRowsShader = defineShader({
  name: "copyRows",
  read: { source: "u32", index: "i32" },
  write: { y: "u32" },
  params: { words: "u32", width: "u32", rowsPerIndex: "u32", count: "u32", half: "u32" },
  code: (
    /* wgsl */
    `
// The index in the source of element e of the target.
fn sourceIndex(e: u32) -> u32 {
  var row = e / p.width;
  if (p.index_stride != 0u) { row = u32(index[row / p.rowsPerIndex]) * p.rowsPerIndex + row % p.rowsPerIndex; }
  return p.source_at + row * p.source_stride + e % p.width;
}
fn half(e: u32) -> u32 {
  let i = sourceIndex(e);
  return (source[i / 2u] >> (16u * (i % 2u))) & 0xffffu;
}
fn run(group: u32, lane: u32) {
  for (var k = 0u; k < 4u; k++) {
    let i = group * 256u + k * workgroupSize + lane;
    if (i >= p.words) { return; }
    if (p.half == 0u) {
      y[p.y_at + i] = source[sourceIndex(i)];
    } else {
      var high = 0u;
      if (2u * i + 1u < p.count) { high = half(2u * i + 1u) << 16u; }
      y[p.y_at / 2u + i] = half(2u * i) | high;
    }
  }
}`
  )
});
function copyRows(runtime, op, source2) {
  const target = runtime.result(op, source2.shape, source2.dtype);
  copyRowsInto(runtime, op, target, source2, rowCount(source2), lastExtent(source2.shape), void 0);
  return target;
}
function copyRowsInto(runtime, op, target, source2, rows2, width, selection) {
  const half = formats[source2.dtype].blockBytes === 2;
  const count = rows2 * width;
  const words = half ? Math.ceil(count / 2) : count;
  runtime.run(
    op,
    copyRowsShader,
    { source: source2, index: selection?.index, y: target },
    { words, width, rowsPerIndex: selection?.rowsPerIndex ?? 1, count, half: half ? 1 : 0 },
    Math.ceil(words / 256)
  );
}

// src/commands/readback.ts
var Readback = class {
  #runtime;
  #lost;
  #free = [];
  #pending = /* @__PURE__ */ new Set();
  /** @param lost ends every pending read */
  constructor(runtime, lost) {
    this.#runtime = runtime;
    this.#lost = lost;
  }
  /** Resolves when all reads that were started have ended, with a result or an error. */
  async settled() {
    await Promise.allSettled(this.#pending);
  }
  /** Returns dense host copies of `sources`, after all commands recorded so far. */
  read(sources) {
    const runtime = this.#runtime;
    const storages = sources.map((source2) => source2.storage);
    let total = 0;
    const offsets = sources.map((source2) => {
      const at = total;
      total += Math.ceil(storedBytes(source2.dtype, source2.shape) / 8) * 8;
      return at;
    });
    if (total === 0) return Promise.resolve([]);
    const { buffer: staging, refused } = this.#take(total);
    sources.forEach((source2, i) => {
      const dense = isDense(source2) ? source2 : copyRows(runtime, "read", source2);
      const from = storedOffset(dense, dense.offset);
      const bytes = Math.ceil(storedBytes(dense.dtype, dense.shape) / 4) * 4;
      runtime.commands.copy("read", dense.storage.buffer, from, staging, offsets[i] ?? 0, bytes);
      if (dense !== source2) dense.dispose();
    });
    const outcome = runtime.commands.flush();
    const work = async () => {
      const failure = await refused ?? await this.#map(staging, total);
      const workError = await refused ?? await outcome ?? storages.map(storageError).find((each2) => each2);
      const error = failure?.code === "DRIVER" ? workError ?? failure : failure ?? workError;
      if (error) {
        staging.destroy();
        runtime.takeError();
        throw new KernelError(error.code, `read: ${error.message}`, { cause: error });
      }
      const range = staging.getMappedRange(0, total);
      const results = sources.map(({ dtype, shape }, i) => {
        const data = hostArray(dtype, elementCount(shape));
        const offset = offsets[i] ?? 0;
        if (isQuantized(dtype)) {
          const words = new Uint32Array(range, offset, storedBytes(dtype, shape) / 4);
          unpack(dtype, lastExtent(shape), words, new Uint16Array(data.buffer));
        } else new Uint8Array(data.buffer).set(new Uint8Array(range, offset, data.byteLength));
        return data;
      });
      staging.unmap();
      this.#free.push(staging);
      return results;
    };
    const pending = work();
    this.#pending.add(pending);
    const remove = () => {
      this.#pending.delete(pending);
    };
    pending.then(remove, remove);
    return pending;
  }
  /** Waits for all recorded work. Rejects with the first error of that work which no read has reported. */
  async sync() {
    const runtime = this.#runtime;
    const outcome = runtime.commands.flush();
    const done = runtime.device.queue.onSubmittedWorkDone().then(() => void 0);
    const failure = await Promise.race([this.#lost, done]);
    await outcome;
    const error = failure ?? runtime.takeError();
    if (error) throw new KernelError(error.code, `sync: ${error.message}`, { cause: error });
  }
  destroy() {
    for (const buffer of this.#free) buffer.destroy();
    this.#free.length = 0;
  }
  async #map(staging, bytes) {
    const mapped = staging.mapAsync(mapRead, 0, bytes).then(() => void 0);
    return Promise.race([this.#lost, mapped]).catch(async (cause) => {
      return await this.#lossAfter() ?? new KernelError("DRIVER", `read: ${String(cause)}`, { cause });
    });
  }
  /** Mapping fails when the device is lost, and may fail before `device.lost` resolves. */
  async #lossAfter() {
    const soon = new Promise((resolve) => setTimeout(resolve, 100));
    return Promise.race([this.#lost, soon]);
  }
  /** Returns a buffer of at least `bytes`; `refused` resolves with the error when its allocation failed. */
  #take(bytes) {
    const fits = this.#free.findIndex(
      (buffer2) => buffer2.size >= bytes && buffer2.size <= 4 * sizeClass(bytes)
    );
    if (fits >= 0) return { buffer: this.#free.splice(fits, 1)[0] };
    for (const buffer2 of this.#free.splice(0, this.#free.length - 7)) buffer2.destroy();
    const { device } = this.#runtime;
    const label = "mamba: read";
    const descriptor = { label, size: sizeClass(bytes), usage: usage.mapRead | usage.copyTarget };
    const { value: buffer, outcome: refused } = withErrorScopes(
      device,
      label,
      () => device.createBuffer(descriptor)
    );
    return { buffer, refused };
  }
};

// src/ops/index.ts
var ops_exports2 = {};
__export(ops_exports2, {
  accumulate: () => accumulate2,
  adamwStep: () => adamwStep2,
  add: () => add2,
  argmax: () => argmax2,
  causalConv1d: () => causalConv1d2,
  causalConv1dBackward: () => causalConv1dBackward2,
  causalConv1dStep: () => causalConv1dStep2,
  copyInto: () => copyInto2,
  crossEntropy: () => crossEntropy2,
  crossEntropyWithGradient: () => crossEntropyWithGradient2,
  discretize: () => discretize2,
  discretizeBackward: () => discretizeBackward2,
  div: () => div2,
  dropout: () => dropout2,
  elementLoss: () => elementLoss2,
  elementLossWithGradient: () => elementLossWithGradient2,
  embedding: () => embedding2,
  embeddingBackward: () => embeddingBackward2,
  exp: () => exp2,
  flip: () => flip2,
  gatedRmsNorm: () => gatedRmsNorm2,
  gatedRmsNormBackward: () => gatedRmsNormBackward2,
  gatherRows: () => gatherRows2,
  gelu: () => gelu2,
  geluBackward: () => geluBackward2,
  layerNorm: () => layerNorm2,
  layerNormBackward: () => layerNormBackward2,
  linear: () => linear2,
  linearBackwardInput: () => linearBackwardInput2,
  linearBackwardWeight: () => linearBackwardWeight2,
  log: () => log2,
  maxPositions: () => maxPositions2,
  maxPositionsBackward: () => maxPositionsBackward2,
  meanPositions: () => meanPositions2,
  meanPositionsBackward: () => meanPositionsBackward2,
  mul: () => mul2,
  negExp: () => negExp2,
  reluSquared: () => reluSquared2,
  reluSquaredBackward: () => reluSquaredBackward2,
  rmsNorm: () => rmsNorm2,
  rmsNormBackward: () => rmsNormBackward2,
  rotary: () => rotary2,
  rotaryBackwardAngles: () => rotaryBackwardAngles2,
  sample: () => sample2,
  scale: () => scale2,
  selectiveScan: () => selectiveScan2,
  selectiveScanBackward: () => selectiveScanBackward2,
  selectiveScanForward: () => selectiveScanForward2,
  selectiveStateUpdate: () => selectiveStateUpdate2,
  sigmoid: () => sigmoid3,
  sigmoidBackward: () => sigmoidBackward2,
  silu: () => silu2,
  siluBackward: () => siluBackward2,
  softmax: () => softmax2,
  softmaxBackward: () => softmaxBackward2,
  sqrt: () => sqrt2,
  ssdScan: () => ssdScan2,
  ssdScanBackward: () => ssdScanBackward2,
  ssdScanForward: () => ssdScanForward2,
  ssdStateUpdate: () => ssdStateUpdate2,
  sub: () => sub2,
  sumOfSquares: () => sumOfSquares2,
  sumRows: () => sumRows2,
  tanh: () => tanh2,
  tanhBackward: () => tanhBackward2,
  upload: () => upload,
  write: () => write2,
  zeros: () => zeros2
});

// src/memory/chunks.ts
function rowChunks({ chunkBytes: chunkBytes2 }, tensor) {
  const [rows2 = 1, width = 1] = tensor.shape;
  const fit = Math.max(1, Math.floor(chunkBytes2 / storedOffset(tensor, width)));
  const most = fit < 4 ? fit : fit - fit % 4;
  const chunks = [];
  for (let first = 0; first < rows2; first += most) {
    const count = Math.min(most, rows2 - first);
    chunks.push({ tensor, start: first * width, count: count * width, first, rows: count });
  }
  return chunks;
}
function flatChunks({ chunkBytes: chunkBytes2 }, tensor, multiple = 1) {
  const fit = Math.floor(chunkBytes2 / byteOffset("f32", multiple));
  const most = Math.max(1, fit) * multiple;
  const total = elementCount(tensor.shape);
  const chunks = [];
  for (let start = 0; start < total; start += most) {
    chunks.push({ tensor, start, count: Math.min(most, total - start) });
  }
  return chunks;
}

// src/ops/accumulate.ts
var accumulateShader = defineShader({
  name: "accumulate",
  read: { x: "f32" },
  write: { sum: "f32" },
  params: { count: "u32", width: "u32", factor: "f32" },
  code: (
    /* wgsl */
    `
fn run(group: u32, lane: u32) {
  for (var k = 0u; k < 4u; k++) {
    let i = group * 256u + k * workgroupSize + lane;
    if (i >= p.count) { return; }
    let row = i / p.width;
    let column = i % p.width;
    sum[p.sum_at + row * p.sum_stride + column] += x[p.x_at + row * p.x_stride + column] * p.factor;
  }
}`
  )
});
var accumulate2 = (runtime, _, target, x, factor2 = 1) => {
  const op = "accumulate";
  const width = lastExtent(x.shape);
  if (!isDense(target) || !isDense(x)) {
    const count = rowCount(x) * width;
    const params4 = { count, width, factor: factor2 };
    runtime.run(op, accumulateShader, { x, sum: target }, params4, Math.ceil(count / 256));
    return;
  }
  for (const { start, count } of flatChunks(runtime, target)) {
    const buffers = { x: { tensor: x, start, count }, sum: { tensor: target, start, count } };
    runtime.run(op, accumulateShader, buffers, { count, width: count, factor: factor2 }, Math.ceil(count / 256));
  }
};

// src/ops/adamwStep.ts
var adamwStepShader = defineShader({
  name: "adamwStep",
  read: { grad: "f32", gradScale: "f32" },
  write: { param: "f32", m: "f32", v: "f32" },
  params: {
    count: "u32",
    paramScale: "f32",
    rate: "f32",
    unbias: "f32",
    eps: "f32",
    beta1: "f32",
    beta2: "f32",
    rest1: "f32",
    rest2: "f32"
  },
  code: (
    /* wgsl */
    `
fn run(group: u32, lane: u32) {
  var scale = 1.0;
  if (p.gradScale_stride != 0u) { scale = gradScale[p.gradScale_at]; }
  for (var k = 0u; k < 4u; k++) {
    let i = group * 256u + k * workgroupSize + lane;
    if (i >= p.count) { return; }
    let g = grad[p.grad_at + i] * scale;
    let mean = p.beta1 * m[p.m_at + i] + p.rest1 * g;
    let square = p.beta2 * v[p.v_at + i] + p.rest2 * g * g;
    m[p.m_at + i] = mean;
    v[p.v_at + i] = square;
    let at = p.param_at + i;
    param[at] = p.paramScale * param[at] - p.rate * mean / (sqrt(square) * p.unbias + p.eps);
  }
}`
  )
});
var adamwStep2 = (runtime, _, slots2, hyper, gradScale) => {
  const { step, lr, beta1, beta2, eps, weightDecay } = hyper;
  const params4 = {
    paramScale: 1 - lr * weightDecay,
    rate: lr / (1 - beta1 ** step),
    unbias: 1 / Math.sqrt(1 - beta2 ** step),
    eps,
    beta1,
    beta2,
    rest1: 1 - beta1,
    rest2: 1 - beta2
  };
  for (const { param, grad, m, v } of slots2) {
    for (const { start, count } of flatChunks(runtime, param)) {
      const at = (tensor) => ({ tensor, start, count });
      const buffers = { grad: at(grad), gradScale, param: at(param), m: at(m), v: at(v) };
      runtime.run("adamwStep", adamwStepShader, buffers, { count, ...params4 }, Math.ceil(count / 256));
    }
  }
};

// src/shared/elementwise.ts
function elementwiseShader(name, formula, helpers = "", place2 = "i + row * (p.b_stride - p.width)") {
  return defineShader({
    name,
    read: { a: "f32", b: "f32" },
    write: { y: "f32" },
    params: { count: "u32", width: "u32", period: "u32", factor: "f32" },
    code: (
      /* wgsl */
      `
${helpers}
fn value(a: f32, b: f32, factor: f32) -> f32 { return ${formula}; }
fn run(group: u32, lane: u32) {
  for (var k = 0u; k < 4u; k++) {
    let i = group * 256u + k * workgroupSize + lane;
    if (i >= p.count) { return; }
    let row = i / p.width;
    var other = 0.0;
    if (p.b_stride != 0u) { other = b[p.b_at + ${place2}]; }
    y[i] = value(a[p.a_at + i + row * (p.a_stride - p.width)], other, p.factor);
  }
}`
    )
  });
}
function repeatableShaders(name, formula) {
  return {
    same: elementwiseShader(name, formula),
    repeated: elementwiseShader(`${name} repeated`, formula, "", "i % p.period")
  };
}
function elementwise(runtime, op, shader2, a, { b, factor: factor2 = 0 } = {}) {
  const count = elementCount(a.shape);
  const dense = isDense(a) && (b === void 0 || isDense(b));
  const width = dense ? count : lastExtent(a.shape);
  const y = runtime.result(op, a.shape);
  const params4 = { count, width, period: b ? elementCount(b.shape) : 0, factor: factor2 };
  runtime.run(op, shader2, { a, b, y }, params4, Math.ceil(count / 256));
  return y;
}
function repeatable(runtime, op, { same, repeated }, a, b) {
  return elementwise(runtime, op, a.shape.length === b.shape.length ? same : repeated, a, { b });
}

// src/ops/add.ts
var addShaders = repeatableShaders("add", "a + b");
var add2 = (runtime, _, a, b) => repeatable(runtime, "add", addShaders, a, b);

// src/memoize.ts
function memoize(make) {
  const results = /* @__PURE__ */ new Map();
  return (...args2) => {
    const key = args2.join();
    let result2 = results.get(key);
    if (result2 === void 0) results.set(key, result2 = make(...args2));
    return result2;
  };
}

// src/wgsl/keys.ts
var keyOf = (
  /* wgsl */
  `
const nanKey = 0xffffffffu;
fn keyOf(bits: u32) -> u32 {
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) { return nanKey; }
  if (magnitude == 0u) { return 0x80000000u; }
  return select(bits | 0x80000000u, ~bits, bits != magnitude);
}`
);
var finiteKeys = (
  /* wgsl */
  `
const noneKey = 0x007fffffu; // -infinity
fn isFiniteKey(key: u32) -> bool { return key > noneKey && key < 0xff800000u; }
fn numberOf(key: u32) -> f32 { return bitcast<f32>(select(~key, key ^ 0x80000000u, key >= 0x80000000u)); }`
);
var betterKey = (
  /* wgsl */
  `
fn isBetter(a: vec2<u32>, b: vec2<u32>) -> bool { return a.x > b.x || (a.x == b.x && a.y < b.y); }
fn better(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> { return select(a, b, isBetter(b, a)); }`
);
function largestKey(subgroups) {
  const compared = (
    /* wgsl */
    `
var<workgroup> best: array<vec2<u32>, workgroupSize>;
${betterKey}`
  );
  if (!subgroups) {
    return (
      /* wgsl */
      `
${compared}
fn largestKey(lane: u32, key: u32, index: u32) -> vec2<u32> {
  best[lane] = vec2<u32>(key, index);
  for (var half = workgroupSize / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { best[lane] = better(best[lane], best[lane + half]); }
  }
  workgroupBarrier();
  return best[0];
}`
    );
  }
  return (
    /* wgsl */
    `
${compared}
const none_ = vec2<u32>(0u, 0xffffffffu);
fn bestOfSubgroup(own: vec2<u32>) -> vec2<u32> {
  let key = subgroupMax(own.x);
  return vec2<u32>(key, subgroupMin(select(none_.y, own.y, own.x == key)));
}
fn largestKey(lane: u32, key: u32, index: u32) -> vec2<u32> {
  let found = bestOfSubgroup(vec2<u32>(key, index));
  // One element per subgroup holds its result, whichever invocations form the subgroup.
  best[lane] = select(none_, found, subgroupElect());
  workgroupBarrier();
  let count = subgroupAdd(1u);
  var all = none_;
  for (var i = subgroupExclusiveAdd(1u); i < workgroupSize; i += count) {
    all = better(all, best[i]);
  }
  return bestOfSubgroup(all);
}`
  );
}

// src/ops/argmax.ts
var argmaxShader = memoize(
  (subgroups) => defineShader({
    name: "argmax",
    enable: subgroups ? ["subgroups"] : [],
    read: { logits: "u32" },
    write: { ids: "i32" },
    params: { vocabSize: "u32" },
    workgroup: 256,
    code: (
      /* wgsl */
      `
${keyOf}
${finiteKeys}
${largestKey(subgroups)}
fn run(row: u32, lane: u32) {
  let start = p.logits_at + row * p.logits_stride;
  var key = 0u;
  var index = 0u;
  for (var i = lane; i < p.vocabSize; i += workgroupSize) {
    let next = keyOf(logits[start + i]);
    if (next > key) { key = next; index = i; }
  }
  let found = largestKey(lane, key, index);
  if (lane == 0u) { ids[row] = select(-1, i32(found.y), isFiniteKey(found.x)); }
}`
    )
  })
);
var argmax2 = (runtime, { batch, vocabSize }, logits) => {
  const ids = runtime.result("argmax", [batch], "i32");
  const shader2 = argmaxShader(runtime.traits.subgroups);
  runtime.run("argmax", shader2, { logits, ids }, { vocabSize }, batch);
  return ids;
};

// src/wgsl/sequences.ts
function sequenceFunctions(word2) {
  if (word2 === void 0)
    return (
      /* wgsl */
      `
fn realCount(b: u32) -> u32 { return p.length; }
fn rowAt(b: u32, rank: u32) -> u32 { return b * p.length + rank; }
fn rowOf(at: u32) -> u32 { return at; }
fn isPadding(at: u32) -> bool { return false; }
fn startOf(b: u32, rank: u32) -> u32 { return 0u; }
fn isFresh(b: u32, rank: u32) -> bool { return false; }
fn freshIn(b: u32, low: u32, high: u32) -> bool { return false; }`
    );
  return (
    /* wgsl */
    `
fn indexWord(b: u32, word: u32) -> u32 {
  let i = b * (2u * p.length + 1u) + word;
  return ${word2};
}
fn realCount(b: u32) -> u32 { return indexWord(b, 2u * p.length); }
fn rowAt(b: u32, rank: u32) -> u32 { return b * p.length + indexWord(b, rank); }
fn rowOf(at: u32) -> u32 { return rowAt(at / p.length, at % p.length); }
fn isPadding(at: u32) -> bool { return at % p.length >= realCount(at / p.length); }
fn startOf(b: u32, rank: u32) -> u32 { return indexWord(b, p.length + rank); }
fn isFresh(b: u32, rank: u32) -> bool { return rank > 0u && startOf(b, rank) == rank; }
fn freshIn(b: u32, low: u32, high: u32) -> bool { return startOf(b, high - 1u) >= max(low, 1u); }`
  );
}

// src/shared/convInput.ts
function convInput(sequences) {
  return (
    /* wgsl */
    `
${sequenceFunctions(sequences ? "index[i]" : void 0)}
fn input(b: u32, d: u32, start: u32, rank: i32) -> f32 {
  if (rank >= i32(start)) { return x[p.x_at + rowAt(b, u32(rank)) * p.x_stride + d]; }
  if (start > 0u || p.initial_stride == 0u) { return 0.0; }
  let past = p.width - 1u;
  return initial[(b * p.channels + d) * past + u32(i32(past) + rank)];
}
${lastStart}`
  );
}
var lastStart = (
  /* wgsl */
  `
fn lastStart(b: u32) -> u32 {
  let count = realCount(b);
  if (count == 0u) { return 0u; }
  return startOf(b, count - 1u);
}`
);

// src/shared/sequenceIndex.ts
var sequenceIndexShader = defineShader({
  name: "sequenceIndex",
  read: { ids: "i32" },
  write: { index: "u32" },
  params: { length: "u32" },
  workgroup: 256,
  code: (
    /* wgsl */
    `
const none = 0xffffffffu;
var<workgroup> counts: array<u32, workgroupSize>;
var<workgroup> lasts: array<u32, workgroupSize>;
var<workgroup> starts: array<u32, workgroupSize>;
fn run(group: u32, lane: u32) {
  let row = p.ids_at + group * p.length;
  let out = group * (2u * p.length + 1u);
  let size = (p.length + workgroupSize - 1u) / workgroupSize;
  let begin = min(lane * size, p.length);
  let end = min(begin + size, p.length);
  var count = 0u;
  var last = none;
  for (var l = begin; l < end; l++) {
    if (ids[row + l] >= 0) { count++; last = l; }
  }
  counts[lane] = count;
  lasts[lane] = last;
  workgroupBarrier();

  var first = 0u;
  var total = 0u;
  var before = none;
  for (var i = 0u; i < workgroupSize; i++) {
    if (i == lane) { first = total; }
    if (i < lane && counts[i] > 0u) { before = lasts[i]; }
    total += counts[i];
  }
  var rank = first;
  var previous = before;
  var start = none;
  for (var l = begin; l < end; l++) {
    if (ids[row + l] < 0) { index[out + total + l - rank] = l; continue; }
    if (previous != none && ids[row + previous] != ids[row + l]) { start = rank; }
    index[out + rank] = l;
    previous = l;
    rank++;
  }
  starts[lane] = start;
  workgroupBarrier();

  start = 0u;
  for (var i = 0u; i < lane; i++) {
    if (starts[i] != none) { start = starts[i]; }
  }
  rank = first;
  previous = before;
  for (var l = begin; l < end; l++) {
    if (ids[row + l] < 0) { continue; }
    if (previous != none && ids[row + previous] != ids[row + l]) { start = rank; }
    index[out + p.length + rank] = start;
    previous = l;
    rank++;
  }
  if (lane == 0u) { index[out + 2u * p.length] = total; }
}`
  )
});
function sequenceIndex(runtime, op, ids) {
  if (!ids) return void 0;
  const [batch = 0, length = 0] = ids.shape;
  const index = runtime.result(op, [batch, 2 * length + 1], "i32");
  runtime.run(op, sequenceIndexShader, { ids, index }, { length }, batch);
  return index;
}

// src/wgsl/math.ts
var isNan = (
  /* wgsl */
  `
fn isNan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }`
);
var sigmoid2 = (
  /* wgsl */
  `
fn sigmoid(x: f32) -> f32 { return 1.0 / (1.0 + exp(-x)); }`
);
var softplus = (
  /* wgsl */
  `
${isNan}
fn softplus(x: f32) -> f32 {
  let e = exp(-abs(x));
  let s = e / (2.0 + e);
  let q = s * s;
  let series = 2.0 * s * (1.0 + q * (1.0 / 3.0 + q * (0.2 + q * (1.0 / 7.0 + q * (1.0 / 9.0)))));
  let tail = select(log(1.0 + e), series, e < 0.5);
  return select(select(tail, x + tail, x > 0.0), x, isNan(x));
}`
);
var siluDerivative = (
  /* wgsl */
  `
${sigmoid2}
fn siluDerivative(x: f32) -> f32 {
  let e = exp(-abs(x));
  let larger = 1.0 / (1.0 + e);
  let smaller = e * larger;
  let negative = x < 0.0;
  return select(larger, smaller, negative) * (1.0 + x * select(smaller, larger, negative));
}`
);
var exponential = (
  /* wgsl */
  `
fn exponential(x: f32) -> f32 {
  let series = 1.0 + x * (1.0 + x * (0.5 + x * (0.16666667 + x * 0.041666668)));
  return select(exp(x), series, abs(x) < 0.0625);
}`
);
var decay = (
  /* wgsl */
  `
${exponential}
fn decay(x: f32) -> f32 { return select(exponential(x), x, isNan(x)); }`
);
var log1p = (
  /* wgsl */
  `
fn log1p(x: f32) -> f32 {
  let s = x / (2.0 + x);
  let q = s * s;
  let series = 2.0 * s * (1.0 + q * (1.0 / 3.0 + q * (0.2 + q * (1.0 / 7.0 + q * (1.0 / 9.0)))));
  return select(log(1.0 + x), series, x < 0.5);
}`
);
var nan = (
  /* wgsl */
  `
fn nan() -> f32 { var bits = 0x7fc00000u; return bitcast<f32>(bits); }`
);
var logarithm = (
  /* wgsl */
  `
${nan}
fn logarithm(x: f32) -> f32 {
  var bits = bitcast<u32>(x);
  if ((bits & 0x7fffffffu) == 0u) { return bitcast<f32>(bits | 0xff800000u); }
  if (bits >= 0x7f800000u) { return select(nan(), x, bits == 0x7f800000u); }
  var shift = 0u;
  if (bits < 0x00800000u) { shift = countLeadingZeros(bits) - 8u; bits <<= shift; }
  let k = (i32(bits) - 0x3f3504f3) >> 23u;
  let f = bitcast<f32>(i32(bits) - (k << 23u)) - 1.0;
  let s = f / (2.0 + f);
  let q = s * s;
  let series = 2.0 * s * (1.0 + q * (1.0 / 3.0 + q * (0.2 + q * (1.0 / 7.0 + q * (1.0 / 9.0)))));
  let n = f32(k - i32(shift));
  return n * 0.693359375 + (series - n * 2.1219444e-4);
}`
);
var hyperbolicTangent = (
  /* wgsl */
  `
${isNan}
fn hyperbolicTangent(x: f32) -> f32 {
  let size = min(abs(x), 10.0);
  let q = size * size;
  let series = q * (-0.33333282 + q * (0.13331442 + q * (-0.053739715 + q * (0.020639079 + q * -0.005704987))));
  let far = 1.0 - 2.0 / (exp(2.0 * size) + 1.0);
  return select(select(select(far, -far, x < 0.0), x + x * series, size < 0.625), x, isNan(x));
}`
);

// src/ops/causalConv1d.ts
var causalConv1dShader = memoize(
  (sequences) => defineShader({
    name: `causalConv1d${sequences ? " sequences" : ""}`,
    read: { x: "f32", weight: "f32", bias: "f32", initial: "f32", index: "u32" },
    write: { y: "f32", final_: "f32" },
    params: { length: "u32", channels: "u32", width: "u32", count: "u32", states: "u32", silu: "u32" },
    code: (
      /* wgsl */
      `
${sigmoid2}
${convInput(sequences)}
fn run(group: u32, lane: u32) {
  var i = group * workgroupSize + lane;
  if (i < p.count) {
    let d = i % p.channels;
    let rank = (i / p.channels) % p.length;
    let b = i / (p.channels * p.length);
    let at = rowAt(b, rank) * p.channels + d;
    if (rank >= realCount(b)) { y[at] = 0.0; return; }
    let start = startOf(b, rank);
    var sum = 0.0;
    if (p.bias_stride != 0u) { sum = bias[d]; }
    let first = i32(rank) - i32(p.width - 1u);
    for (var k = 0u; k < p.width; k++) {
      sum += weight[d * p.width + k] * input(b, d, start, first + i32(k));
    }
    if (p.silu != 0u) { sum = sum * sigmoid(sum); }
    y[at] = sum;
    return;
  }
  i -= p.count;
  if (i >= p.states) { return; }
  let past = p.width - 1u;
  let d = (i / past) % p.channels;
  let b = i / (past * p.channels);
  final_[i] = input(b, d, lastStart(b), i32(realCount(b)) - i32(past) + i32(i % past));
}`
    )
  })
);
var causalConv1d2 = (runtime, { batch, length, channels: channels2, width }, args2, want) => {
  const op = "causalConv1d";
  const { x, weight, bias, activation, initialState: initial, sequenceIds } = args2;
  const index = sequenceIndex(runtime, op, sequenceIds);
  const y = runtime.result(op, x.shape);
  const finalState = want?.finalState ? runtime.result(op, [batch, channels2, width - 1]) : void 0;
  const count = batch * length * channels2;
  const states = finalState ? batch * channels2 * (width - 1) : 0;
  const params4 = { length, channels: channels2, width, count, states, silu: activation === "silu" ? 1 : 0 };
  const buffers = { x, weight, bias, initial, index, y, final_: finalState };
  const shader2 = causalConv1dShader(index !== void 0);
  runtime.run(op, shader2, buffers, params4, Math.ceil((count + states) / 64));
  index?.dispose();
  return finalState ? { y, finalState } : { y };
};

// src/shared/addRows.ts
var rowsPerChunk = 128;
var addRowsShader = defineShader({
  name: "sumRows",
  read: { x: "f32" },
  write: { sum: "f32" },
  params: { rows: "u32", width: "u32", columnGroups: "u32" },
  code: (
    /* wgsl */
    `
fn run(group: u32, lane: u32) {
  let chunk = group / p.columnGroups;
  let i = (group % p.columnGroups) * workgroupSize + lane;
  if (i >= p.width) { return; }
  let end = min((chunk + 1u) * ${rowsPerChunk}u, p.rows);
  var total = 0.0;
  for (var r = chunk * ${rowsPerChunk}u; r < end; r++) { total += x[p.x_at + r * p.x_stride + i]; }
  sum[p.sum_at + chunk * p.width + i] = total;
}`
  )
});
function addRows(runtime, op, x, rows2, width, sum) {
  const columnGroups = Math.ceil(width / 64);
  const chunks = Math.ceil(rows2 / rowsPerChunk);
  const params4 = { rows: rows2, width, columnGroups };
  if (chunks === 1) {
    runtime.run(op, addRowsShader, { x, sum }, params4, columnGroups);
    return;
  }
  const partial = runtime.result(op, [chunks, width]);
  runtime.run(op, addRowsShader, { x, sum: partial }, params4, chunks * columnGroups);
  addRows(runtime, op, partial, chunks, width, sum);
  partial.dispose();
}

// src/ops/causalConv1dBackward.ts
var convSumsShader = memoize(
  (sequences) => defineShader({
    name: `causalConv1dBackward sums${sequences ? " sequences" : ""}`,
    read: { dy: "f32", x: "f32", weight: "f32", bias: "f32", initial: "f32", index: "u32" },
    write: { ds: "f32" },
    params: { length: "u32", channels: "u32", width: "u32", count: "u32", silu: "u32" },
    code: (
      /* wgsl */
      `
${siluDerivative}
${convInput(sequences)}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let d = i % p.channels;
  let at = i / p.channels;
  let b = at / p.length;
  let rank = at % p.length;
  if (rank >= realCount(b)) { ds[i] = 0.0; return; }
  var gradient = dy[p.dy_at + rowAt(b, rank) * p.dy_stride + d];
  if (p.silu != 0u) {
    let start = startOf(b, rank);
    var sum = 0.0;
    if (p.bias_stride != 0u) { sum = bias[d]; }
    let first = i32(rank) - i32(p.width - 1u);
    for (var k = 0u; k < p.width; k++) {
      sum += weight[d * p.width + k] * input(b, d, start, first + i32(k));
    }
    gradient *= siluDerivative(sum);
  }
  ds[i] = gradient;
}`
    )
  })
);
var convInputShader = memoize(
  (sequences) => defineShader({
    name: `causalConv1dBackward input${sequences ? " sequences" : ""}`,
    read: { ds: "f32", weight: "f32", dFinal: "f32", index: "u32" },
    write: { dx: "f32", dInitial: "f32" },
    params: { length: "u32", channels: "u32", width: "u32", count: "u32", states: "u32" },
    code: (
      /* wgsl */
      `
${sequenceFunctions(sequences ? "index[i]" : void 0)}
${lastStart}
fn gradient(b: u32, d: u32, rank: i32) -> f32 {
  let past = i32(p.width) - 1;
  let size = i32(realCount(b));
  // The sequences that start up to here are the one of this input and earlier ones.
  let latest = u32(max(rank, 0));
  var sum = 0.0;
  for (var k = 0; k <= past; k++) {
    let at = rank + past - k;
    if (at >= 0 && at < size && startOf(b, u32(at)) <= latest) {
      sum += ds[(b * p.length + u32(at)) * p.channels + d] * weight[d * p.width + u32(k)];
    }
  }
  let finalAt = rank - (size - past);
  if (p.dFinal_stride != 0u && finalAt >= 0 && lastStart(b) <= latest) {
    sum += dFinal[(b * p.channels + d) * u32(past) + u32(finalAt)];
  }
  return sum;
}
fn run(group: u32, lane: u32) {
  var i = group * workgroupSize + lane;
  if (i < p.count) {
    let d = i % p.channels;
    let b = i / (p.channels * p.length);
    let rank = (i / p.channels) % p.length;
    var value = 0.0;
    if (rank < realCount(b)) { value = gradient(b, d, i32(rank)); }
    dx[rowAt(b, rank) * p.channels + d] = value;
    return;
  }
  i -= p.count;
  if (i >= p.states) { return; }
  let past = p.width - 1u;
  let b = i / (past * p.channels);
  dInitial[i] = gradient(b, (i / past) % p.channels, i32(i % past) - i32(past));
}`
    )
  })
);
var convWeightShader = memoize(
  (sequences) => defineShader({
    name: `causalConv1dBackward weight${sequences ? " sequences" : ""}`,
    read: { ds: "f32", x: "f32", initial: "f32", index: "u32" },
    write: { dWeight: "f32", dBias: "f32" },
    params: { length: "u32", channels: "u32", width: "u32", chunks: "u32", columnGroups: "u32" },
    code: (
      /* wgsl */
      `
${convInput(sequences)}
fn run(group: u32, lane: u32) {
  let chunk = group / p.columnGroups;
  let i = (group % p.columnGroups) * workgroupSize + lane;
  let d = i % p.channels;
  let k = i / p.channels;
  if (k > p.width) { return; }
  let b = chunk / p.chunks;
  let first = (chunk % p.chunks) * ${rowsPerChunk}u;
  let end = min(first + ${rowsPerChunk}u, realCount(b));
  var sum = 0.0;
  for (var rank = first; rank < end; rank++) {
    let gradient = ds[(b * p.length + rank) * p.channels + d];
    if (k == p.width) { sum += gradient; } else {
      sum += gradient * input(b, d, startOf(b, rank), i32(rank + k) - i32(p.width - 1u));
    }
  }
  if (k < p.width) { dWeight[(chunk * p.channels + d) * p.width + k] = sum; }
  else if (p.dBias_stride != 0u) { dBias[chunk * p.channels + d] = sum; }
}`
    )
  })
);
var causalConv1dBackward2 = (runtime, { batch, length, channels: channels2, width }, dy2, { x, weight, bias, activation, initialState: initial, sequenceIds }, dFinal) => {
  const op = "causalConv1dBackward";
  const sizes = { length, channels: channels2, width };
  const count = batch * length * channels2;
  const index = sequenceIndex(runtime, op, sequenceIds);
  const sequences = index !== void 0;
  const ds = runtime.result(op, [batch, length, channels2]);
  const silu4 = activation === "silu" ? 1 : 0;
  const inputs = { dy: dy2, x, weight, bias, initial, index };
  const sumsParams = { ...sizes, count, silu: silu4 };
  runtime.run(op, convSumsShader(sequences), { ...inputs, ds }, sumsParams, Math.ceil(count / 64));
  const dx = runtime.result(op, x.shape);
  const dInitial = initial && runtime.result(op, initial.shape);
  const states = dInitial ? batch * channels2 * (width - 1) : 0;
  const targets = { dx, dInitial };
  const groups = Math.ceil((count + states) / 64);
  runtime.run(
    op,
    convInputShader(sequences),
    { ds, weight, dFinal, index, ...targets },
    { ...sizes, count, states },
    groups
  );
  const dWeight = runtime.result(op, weight.shape);
  const dBias = bias && runtime.result(op, bias.shape);
  const chunks = Math.ceil(length / rowsPerChunk);
  const columnGroups = Math.ceil(channels2 * (width + 1) / 64);
  const rows2 = batch * chunks;
  const weights2 = runtime.result(op, [rows2, channels2 * width]);
  const biases = dBias && runtime.result(op, [rows2, channels2]);
  const sums = { dWeight: weights2, dBias: biases };
  runtime.run(
    op,
    convWeightShader(sequences),
    { ds, x, initial, index, ...sums },
    { ...sizes, chunks, columnGroups },
    rows2 * columnGroups
  );
  addRows(runtime, op, weights2, rows2, channels2 * width, dWeight);
  if (biases && dBias) addRows(runtime, op, biases, rows2, channels2, dBias);
  for (const temporary of [index, ds, weights2, biases]) temporary?.dispose();
  return {
    x: dx,
    weight: dWeight,
    ...dBias && { bias: dBias },
    ...dInitial && { initialState: dInitial }
  };
};

// src/ops/causalConv1dStep.ts
var causalConv1dStepShader = defineShader({
  name: "causalConv1dStep",
  read: { x: "f32", weight: "f32", bias: "f32" },
  write: { state: "f32", y: "f32" },
  params: { channels: "u32", width: "u32", count: "u32", silu: "u32" },
  code: (
    /* wgsl */
    `
${sigmoid2}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let d = i % p.channels;
  let b = i / p.channels;
  let past = p.width - 1u;
  let first = p.state_at + i * past;
  let newest = x[p.x_at + b * p.x_stride + d];
  var sum = 0.0;
  if (p.bias_stride != 0u) { sum = bias[d]; }
  for (var k = 0u; k < past; k++) {
    let old = state[first + k];
    sum += weight[d * p.width + k] * old;
    if (k > 0u) { state[first + k - 1u] = old; }
  }
  sum += weight[d * p.width + past] * newest;
  state[first + past - 1u] = newest;
  if (p.silu != 0u) { sum = sum * sigmoid(sum); }
  y[i] = sum;
}`
  )
});
var causalConv1dStep2 = (runtime, { batch, channels: channels2, width }, state, args2) => {
  const op = "causalConv1dStep";
  const { x, weight, bias, activation } = args2;
  const y = runtime.result(op, x.shape);
  const count = batch * channels2;
  const params4 = { channels: channels2, width, count, silu: activation === "silu" ? 1 : 0 };
  const buffers = { x, weight, bias, state, y };
  runtime.run(op, causalConv1dStepShader, buffers, params4, Math.ceil(count / 64));
  return y;
};

// src/shared/narrow.ts
var narrowShader = defineShader({
  name: "narrow",
  read: { x: "u32" },
  write: { y: "u32" },
  params: { count: "u32", words: "u32", brain: "u32" },
  code: (
    /* wgsl */
    `
fn rounded(bits: u32, shift: u32) -> u32 {
  return (bits + (1u << (shift - 1u)) - 1u + ((bits >> shift) & 1u)) >> shift;
}
fn half(i: u32) -> u32 {
  let bits = x[p.x_at + i];
  let size = bits & 0x7fffffffu;
  let sign = (bits >> 16u) & 0x8000u;
  if (p.brain != 0u) {
    if (size > 0x7f800000u) { return (bits >> 16u) | 0x40u; }
    return sign | rounded(size, 16u);
  }
  if (size > 0x7f800000u) { return sign | 0x7e00u; }
  if (size >= 0x477ff000u) { return sign | 0x7c00u; }
  // Below 2^-14 the result is a multiple of 2^-24; from 25 bits on it is 0.
  if (size < 0x38800000u) {
    return sign | rounded((size & 0x7fffffu) | 0x800000u, min(126u - (size >> 23u), 25u));
  }
  return sign | rounded(size - 0x38000000u, 13u);
}
fn run(group: u32, lane: u32) {
  for (var k = 0u; k < 4u; k++) {
    let i = group * 256u + k * workgroupSize + lane;
    if (i >= p.words) { return; }
    var high = 0u;
    if (2u * i + 1u < p.count) { high = half(2u * i + 1u) << 16u; }
    y[p.y_at / 2u + i] = half(2u * i) | high;
  }
}`
  )
});
function narrow(runtime, op, target, source2) {
  const brain = target.dtype === "bf16" ? 1 : 0;
  for (const { start, count } of flatChunks(runtime, source2, 2)) {
    const words = Math.ceil(count / 2);
    const buffers = { x: { tensor: source2, start, count }, y: { tensor: target, start, count } };
    runtime.run(op, narrowShader, buffers, { count, words, brain }, Math.ceil(words / 256));
  }
}

// src/ops/copyInto.ts
var copyInto2 = (runtime, _, target, source2) => {
  const op = "copyInto";
  if (source2.dtype !== target.dtype) {
    narrow(runtime, op, target, source2);
    return;
  }
  if (!isDense(source2)) {
    copyRowsInto(runtime, op, target, source2, rowCount(source2), lastExtent(source2.shape), void 0);
    return;
  }
  const { commands, pool } = runtime;
  const { buffer } = target.storage;
  const from = byteOffset(source2.dtype, source2.offset);
  const to = byteOffset(target.dtype, target.offset);
  const bytes = Math.ceil(byteLength(target.dtype, target.shape) / 4) * 4;
  if (source2.storage === target.storage) {
    const copy = pool.take(bytes, `${op}: copy of source`);
    copy.used = true;
    commands.copy(op, buffer, from, copy, 0, bytes);
    commands.copy(op, copy, 0, buffer, to, bytes);
    pool.give(copy);
  } else commands.copy(op, source2.storage.buffer, from, buffer, to, bytes);
  commands.write(target.storage);
};

// src/wgsl/softmax.ts
var joined = (
  /* wgsl */
  `
const nothingJoined = vec2<f32>(-0x1.fffffep+127f, 0.0);
fn joined(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
  if (isNan(a.x) || isNan(b.x)) { return select(b, a, isNan(a.x)); }
  if (b.x > a.x) { return vec2<f32>(b.x, b.y + a.y * decay(a.x - b.x)); }
  return vec2<f32>(a.x, a.y + b.y * decay(b.x - a.x));
}`
);

// src/wgsl/sums.ts
var lanesPerRow = 16;
var rowsPerGroup = 64 / lanesPerRow;
var rowOfLane = (
  /* wgsl */
  `
  let place = group * ${rowsPerGroup}u + lane / ${lanesPerRow}u;
  let row = min(place, p.rows - 1u);
  let first = lane % ${lanesPerRow}u;`
);
function reduction(type, name, combined) {
  return (
    /* wgsl */
    `
var<workgroup> ${name}Each_: array<${type}, workgroupSize>;
fn ${name}Combine_(a: ${type}, b: ${type}) -> ${type} { return ${combined}; }
fn ${name}(lane: u32, value: ${type}) -> ${type} {
  ${name}Each_[lane] = value;
  workgroupBarrier();
  let first = lane - lane % ${lanesPerRow}u;
  var all = ${name}Each_[first];
  for (var i = 1u; i < ${lanesPerRow}u; i++) { all = ${name}Combine_(all, ${name}Each_[first + i]); }
  return all;
}`
  );
}
function subgroupSums(count) {
  return (
    /* wgsl */
    `
var<workgroup> sums: array<f32, ${count}u * workgroupSize>;
fn putTerm(lane: u32, k: u32, value: f32) {
  let sum = subgroupAdd(value);
  sums[k * workgroupSize + lane] = select(0.0, sum, subgroupElect());
}
fn totalOf(k: u32) -> f32 {
  let count = subgroupAdd(1u);
  var sum = 0.0;
  for (var i = subgroupExclusiveAdd(1u); i < workgroupSize; i += count) { sum += sums[k * workgroupSize + i]; }
  return subgroupAdd(sum);
}`
  );
}
function sumOfAll(subgroups) {
  if (subgroups) {
    return (
      /* wgsl */
      `
${subgroupSums(1)}
fn sumOfAll(lane: u32, value: f32) -> f32 {
  putTerm(lane, 0u, value);
  workgroupBarrier();
  return totalOf(0u);
}`
    );
  }
  return (
    /* wgsl */
    `
var<workgroup> sums: array<f32, workgroupSize>;
fn sumOfAll(lane: u32, value: f32) -> f32 {
  sums[lane] = value;
  for (var half = workgroupSize / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { sums[lane] += sums[lane + half]; }
  }
  workgroupBarrier();
  return sums[0];
}`
  );
}

// src/ops/crossEntropy.ts
var params = { rows: "u32", vocabSize: "i32", ignoreIndex: "i32", kept: "f32", spread: "f32" };
var targetFunctions = (
  /* wgsl */
  `
${isNan}
${nan}
${decay}
fn isIgnored(row: u32) -> bool { return targets[row] == p.ignoreIndex; }
fn isOutside(row: u32) -> bool { return targets[row] < 0 || targets[row] >= p.vocabSize; }
fn classWeight(v: u32) -> f32 {
  if (p.classWeights_stride == 0u) { return 1.0; }
  return classWeights[p.classWeights_at + v];
}
fn targetWeight(row: u32) -> f32 {
  if (isOutside(row)) { return 1.0; }
  return classWeight(u32(targets[row]));
}`
);
var sumOfClasses = (
  /* wgsl */
  `
  for (var i = first; i < size; i += ${lanesPerRow}u) {
    let w = classWeight(i);
    if (w != 0.0) { even += w * vec2<f32>(all.x - logits[start + i], 1.0); }
  }
  even = sum(lane, even);`
);
var crossEntropyRowsShader = memoize(
  (smooth) => defineShader({
    name: `crossEntropy rows${smooth ? " smooth" : ""}`,
    read: { logits: "f32", targets: "i32", classWeights: "f32" },
    write: { each: "f32" },
    params,
    code: (
      /* wgsl */
      `
${targetFunctions}
${joined}
${reduction("vec2<f32>", "softmax", "joined(a, b)")}
${reduction("vec2<f32>", "sum", "a + b")}
fn run(group: u32, lane: u32) {
  ${rowOfLane}
  let start = p.logits_at + row * p.logits_stride;
  let size = u32(p.vocabSize);
  var own = nothingJoined;
  for (var i = first; i < size; i += ${lanesPerRow}u) { own = joined(own, vec2<f32>(logits[start + i], 1.0)); }
  let all = softmax(lane, own);
  var even = vec2<f32>(0.0);
  ${smooth ? sumOfClasses : ""}
  if (first != 0u || place >= p.rows) { return; }
  var loss = 0.0;
  var weight = p.kept * targetWeight(row);
  if (!isIgnored(row)) {
    if (isOutside(row)) { weight = nan(); loss = weight; }
    else if (isNan(all.x)) { loss = all.x; }
    else {
      // log(1) is not exactly 0 on every driver.
      let logSum = select(log(all.y), 0.0, all.y == 1.0);
      if (weight != 0.0) { loss = weight * (logSum + (all.x - logits[start + u32(targets[row])])); }
      loss += p.spread * (even.x + logSum * even.y);
    }
  }
  each[5u * row] = all.x;
  each[5u * row + 1u] = all.y;
  each[5u * row + 2u] = loss;
  each[5u * row + 3u] = weight;
  each[5u * row + 4u] = even.y;
}`
    )
  })
);
var crossEntropyMeanShader = defineShader({
  name: "crossEntropy mean",
  read: { each: "f32", targets: "i32", classWeights: "f32" },
  write: { loss: "f32", counted: "f32" },
  params,
  workgroup: lanesPerRow,
  code: (
    /* wgsl */
    `
${targetFunctions}
${reduction("vec2<f32>", "total", "a + b")}
fn run(group: u32, lane: u32) {
  var own = vec2<f32>(0.0);
  for (var row = lane; row < p.rows; row += workgroupSize) {
    own += vec2<f32>(each[5u * row + 2u], select(targetWeight(row), 0.0, isIgnored(row)));
  }
  let all = total(lane, own);
  if (lane == 0u) {
    loss[0] = select(all.x / all.y, 0.0, all.y == 0.0);
    counted[0] = all.y;
  }
}`
  )
});
var crossEntropyGradientShader = memoize(
  (smooth) => defineShader({
    name: `crossEntropy gradient${smooth ? " smooth" : ""}`,
    read: { logits: "f32", targets: "i32", classWeights: "f32", each: "f32", counted: "f32" },
    write: { dLogits: "f32" },
    params: { ...params, count: "u32" },
    code: (
      /* wgsl */
      `
${targetFunctions}
fn run(group: u32, lane: u32) {
  for (var k = 0u; k < 4u; k++) {
    let i = group * 256u + k * workgroupSize + lane;
    if (i >= p.count) { return; }
    let row = i / u32(p.vocabSize);
    let v = i - row * u32(p.vocabSize);
    let at = 5u * row;
    let weight = each[at + 3u];
    var gradient = 0.0;
    if (!isIgnored(row) && (counted[0] != 0.0 || isNan(weight))) {
      let probability = decay(logits[p.logits_at + row * p.logits_stride + v] - each[at]) / each[at + 1u];
      gradient = weight * (probability - select(0.0, 1.0, i32(v) == targets[row]));
      ${smooth ? "gradient += p.spread * (probability * each[at + 4u] - classWeight(v));" : ""}
      gradient /= counted[0];
    }
    dLogits[i] = gradient;
  }
}`
    )
  })
);
var crossEntropy2 = (runtime, sizes, logits, targets, options3) => {
  const { loss, each: each2, counted } = mean(runtime, "crossEntropy", sizes, logits, targets, options3);
  each2.dispose();
  counted.dispose();
  return { loss };
};
var crossEntropyWithGradient2 = (runtime, sizes, logits, targets, options3) => {
  const op = "crossEntropyWithGradient";
  const { loss, each: each2, counted, inputs, scalars } = mean(runtime, op, sizes, logits, targets, options3);
  const dLogits = runtime.result(op, logits.shape);
  const count = sizes.rows * sizes.vocabSize;
  const buffers = { ...inputs, each: each2, counted, dLogits };
  runtime.run(
    op,
    crossEntropyGradientShader(sizes.labelSmoothing > 0),
    buffers,
    { ...scalars, count },
    Math.ceil(count / 256)
  );
  each2.dispose();
  counted.dispose();
  return { loss, dLogits };
};
function mean(runtime, op, { rows: rows2, vocabSize, ignoreIndex, labelSmoothing }, logits, targets, { classWeights } = {}) {
  const loss = runtime.result(op, [1]);
  const each2 = runtime.result(op, [rows2, 5]);
  const counted = runtime.result(op, [1]);
  const inputs = { logits, targets, classWeights };
  const kept = 1 - labelSmoothing;
  const scalars = { rows: rows2, vocabSize, ignoreIndex, kept, spread: labelSmoothing / vocabSize };
  runtime.run(
    op,
    crossEntropyRowsShader(labelSmoothing > 0),
    { ...inputs, each: each2 },
    scalars,
    Math.ceil(rows2 / rowsPerGroup)
  );
  runtime.run(op, crossEntropyMeanShader, { each: each2, targets, classWeights, loss, counted }, scalars, 1);
  return { loss, each: each2, counted, inputs, scalars };
}

// src/ops/discretize.ts
var highOf = (max) => max === Infinity ? -1 : max;
var discretizeShader = defineShader({
  name: "discretize",
  read: { dt: "f32", bias: "f32", A: "f32" },
  write: { y: "f32" },
  params: { count: "u32", heads: "u32", low: "f32", high: "f32" },
  code: (
    /* wgsl */
    `
${softplus}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let row = i / p.heads;
  let h = i % p.heads;
  var raw = dt[p.dt_at + row * p.dt_stride + h];
  if (p.bias_stride != 0u) { raw += bias[p.bias_at + h]; }
  var weight = softplus(raw);
  // Not clamp, which may replace NaN.
  if (weight < p.low) { weight = p.low; }
  if (p.high >= 0.0 && weight > p.high) { weight = p.high; }
  let at = 2u * row * p.heads + h;
  y[at] = weight;
  y[at + p.heads] = weight * A[p.A_at + h];
}`
  )
});
var discretize2 = (runtime, { rows: rows2, heads, min, max, shape }, { dt, bias, A }) => {
  const op = "discretize";
  const y = runtime.result(op, shape);
  const count = rows2 * heads;
  const params4 = { count, heads, low: min, high: highOf(max) };
  runtime.run(op, discretizeShader, { dt, bias, A, y }, params4, Math.ceil(count / 64));
  return y;
};

// src/ops/discretizeBackward.ts
var discretizeBackwardShader = defineShader({
  name: "discretizeBackward",
  read: { dy: "f32", dt: "f32", bias: "f32", A: "f32" },
  write: { ddt: "f32", terms: "f32" },
  params: { count: "u32", heads: "u32", low: "f32", high: "f32" },
  code: (
    /* wgsl */
    `
${softplus}
${sigmoid2}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let row = i / p.heads;
  let h = i % p.heads;
  var raw = dt[p.dt_at + row * p.dt_stride + h];
  if (p.bias_stride != 0u) { raw += bias[p.bias_at + h]; }
  var weight = softplus(raw);
  var slope = select(sigmoid(raw), raw, isNan(raw));
  if (weight < p.low) { weight = p.low; slope = 0.0; }
  if (p.high >= 0.0 && weight > p.high) { weight = p.high; slope = 0.0; }
  let at = p.dy_at + row * p.dy_stride + h;
  let dl = dy[at + p.heads];
  ddt[i] = (dy[at] + dl * A[p.A_at + h]) * slope;
  terms[i] = dl * weight;
}`
  )
});
var discretizeBackward2 = (runtime, { rows: rows2, heads, min, max }, dy2, { dt, bias, A }) => {
  const op = "discretizeBackward";
  const ddt = runtime.result(op, dt.shape);
  const dA = runtime.result(op, A.shape);
  const dBias = bias && runtime.result(op, bias.shape);
  const terms = runtime.result(op, [rows2, heads]);
  const count = rows2 * heads;
  const params4 = { count, heads, low: min, high: highOf(max) };
  runtime.run(op, discretizeBackwardShader, { dy: dy2, dt, bias, A, ddt, terms }, params4, Math.ceil(count / 64));
  addRows(runtime, op, terms, rows2, heads, dA);
  if (dBias) addRows(runtime, op, ddt, rows2, heads, dBias);
  terms.dispose();
  return { dt: ddt, A: dA, ...dBias && { bias: dBias } };
};

// src/ops/div.ts
var divShaders = repeatableShaders("div", "a / b");
var div2 = (runtime, _, a, b) => repeatable(runtime, "div", divShaders, a, b);

// src/ops/dropout.ts
var dropoutShader = defineShader({
  name: "dropout",
  read: { x: "f32" },
  write: { y: "f32" },
  params: { count: "u32", width: "u32", seed: "u32", threshold: "u32", kept: "f32" },
  code: (
    /* wgsl */
    `
fn mix32(word: u32) -> u32 {
  var h = (word ^ (word >> 16u)) * 0x21f0aaadu;
  h = (h ^ (h >> 15u)) * 0x735a2d97u;
  return h ^ (h >> 15u);
}
fn run(group: u32, lane: u32) {
  let salt = mix32(p.seed + 0x9e3779b9u);
  for (var k = 0u; k < 4u; k++) {
    let i = group * 256u + k * workgroupSize + lane;
    if (i >= p.count) { return; }
    var value = 0.0;
    if (mix32(mix32(i ^ salt) + p.seed) >= p.threshold) {
      value = x[p.x_at + i + i / p.width * (p.x_stride - p.width)] / p.kept;
    }
    y[i] = value;
  }
}`
  )
});
var dropout2 = (runtime, { count, threshold }, x, probability, seed2) => {
  const y = runtime.result("dropout", x.shape);
  const params4 = { count, width: lastExtent(x.shape), seed: seed2, threshold, kept: 1 - probability };
  runtime.run("dropout", dropoutShader, { x, y }, params4, Math.ceil(count / 256));
  return y;
};

// src/ops/elementLoss.ts
var elementsPerGroup = 4096;
var lanes = 64;
var formulas = {
  squaredError: ["d * d", "2.0 * d"],
  huber: [
    "select(p.delta * (abs(d) - 0.5 * p.delta), 0.5 * d * d, abs(d) <= p.delta)",
    "clamp(d, -p.delta, p.delta)"
  ],
  binaryCrossEntropy: ["select(-x * t, x * (1.0 - t), x > 0.0) + log1p(exp(-abs(x)))", "sigmoid(x) - t"],
  quantile: ["max(-q * d, (1.0 - q) * d)", "select(select(0.0, -q, d < 0.0), 1.0 - q, d > 0.0)"]
};
function elementFunctions(formula) {
  return (
    /* wgsl */
    `
${isNan}
${log1p}
${sigmoid2}
fn weightOf(i: u32) -> f32 {
  if (p.weight_stride == 0u) { return 1.0; }
  return weight[p.weight_at + i / p.levelCount];
}
fn apply(i: u32) -> f32 {
  let x = predictions[p.predictions_at + i + i / p.width * (p.predictions_stride - p.width)];
  let t = targets[p.targets_at + i / p.levelCount];
  var q = 0.0;
  if (p.levels_stride != 0u) { q = levels[p.levels_at + i % p.levelCount]; }
  let d = x - t;
  if (isNan(d)) { return d; }
  return ${formula};
}`
  );
}
var read = { predictions: "f32", targets: "f32", weight: "f32", levels: "f32" };
var params2 = { count: "u32", width: "u32", levelCount: "u32", delta: "f32" };
var sumsShader = (kind) => defineShader({
  name: `elementLoss ${kind}`,
  read,
  write: { sums: "f32" },
  params: params2,
  workgroup: lanes,
  code: (
    /* wgsl */
    `
${elementFunctions(formulas[kind][0])}
fn run(group: u32, lane: u32) {
  let end = min((group + 1u) * ${elementsPerGroup}u, p.count);
  var sum = vec2<f32>(0.0);
  for (var i = group * ${elementsPerGroup}u + lane; i < end; i += workgroupSize) {
    let w = weightOf(i);
    if (w != 0.0) { sum += w * vec2<f32>(apply(i), 1.0); }
  }
  let at = 2u * (group * workgroupSize + lane);
  sums[at] = sum.x;
  sums[at + 1u] = sum.y;
}`
  )
});
var gradientShader = (kind) => defineShader({
  name: `elementLoss ${kind} gradient`,
  read: { ...read, total: "f32" },
  write: { dx: "f32" },
  params: params2,
  code: (
    /* wgsl */
    `
${elementFunctions(formulas[kind][1])}
fn run(group: u32, lane: u32) {
  for (var k = 0u; k < 4u; k++) {
    let i = group * 256u + k * workgroupSize + lane;
    if (i >= p.count) { return; }
    let w = weightOf(i);
    var gradient = 0.0;
    if (w != 0.0 && total[1] != 0.0) { gradient = w * apply(i) / total[1]; }
    dx[i] = gradient;
  }
}`
  )
});
var shadersOf = (kind) => ({ sums: sumsShader(kind), gradient: gradientShader(kind) });
var shaders = {
  squaredError: shadersOf("squaredError"),
  huber: shadersOf("huber"),
  binaryCrossEntropy: shadersOf("binaryCrossEntropy"),
  quantile: shadersOf("quantile")
};
var meanShader = defineShader({
  name: "elementLoss mean",
  read: { total: "f32" },
  write: { loss: "f32" },
  params: {},
  workgroup: 1,
  code: "fn run(group: u32, lane: u32) { loss[0] = select(total[0] / total[1], 0.0, total[1] == 0.0); }"
});
var elementLoss2 = (runtime, sizes, args2) => {
  const { loss, total } = mean2(runtime, "elementLoss", sizes, args2);
  total.dispose();
  return { loss };
};
var elementLossWithGradient2 = (runtime, sizes, args2) => {
  const op = "elementLossWithGradient";
  const { loss, total, inputs, scalars } = mean2(runtime, op, sizes, args2);
  const dx = runtime.result(op, args2.x.shape);
  const groups = Math.ceil(sizes.count / 256);
  runtime.run(op, shaders[args2.kind].gradient, { ...inputs, total, dx }, scalars, groups);
  total.dispose();
  return { loss, dx };
};
function mean2(runtime, op, { count, levelCount }, { kind, x, target, weight, delta = 0, levels: levels2 }) {
  const groups = Math.ceil(count / elementsPerGroup);
  const loss = runtime.result(op, [1]);
  const sums = runtime.result(op, [groups, 2 * lanes]);
  const laneSums = runtime.result(op, [lanes, 2]);
  const total = runtime.result(op, [2]);
  const inputs = { predictions: x, targets: target, weight, levels: levels2 };
  const scalars = { count, width: lastExtent(x.shape), levelCount, delta };
  runtime.run(op, shaders[kind].sums, { ...inputs, sums }, scalars, groups);
  addRows(runtime, op, sums, groups, 2 * lanes, laneSums);
  addRows(runtime, op, laneSums, lanes, 2, total);
  runtime.run(op, meanShader, { total, loss }, {}, 1);
  laneSums.dispose();
  sums.dispose();
  return { loss, total, inputs, scalars };
}

// src/quantized/wgsl.ts
var zeros = { q4_0: 8, q5_0: 16, q6_k: 32 };
var iq4Values = "-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113";
function planes(dtype) {
  const layout = layouts[dtype];
  const high = `columns_ / ${32 / layout.quants}u`;
  const fine = layout.high ? `${high} + columns_ / ${32 / layout.high}u` : high;
  const coarse = layout.fine ? `${fine} + columns_ / 64u` : fine;
  const blocks = `columns_ / ${formats[dtype].blockElements}u`;
  const words = `${coarse} + ${layout.coarse === 2 ? blocks : `(${blocks} + 1u) / 2u`}`;
  return { high, fine, coarse, words };
}
function shared(dtype) {
  const layout = layouts[dtype];
  const at = planes(dtype);
  const block = `g / ${formats[dtype].blockElements / 8}u`;
  const lines2 = [];
  if (layout.quants === 4) lines2.push("let quants = weight[row + g];");
  if (layout.high === 1) {
    lines2.push(`let high = weight[row + ${at.high} + g / 4u] >> (2u * (g % 4u));`);
  } else if (layout.high === 2) {
    lines2.push(`let high = weight[row + ${at.high} + g / 2u] >> (4u * (g % 2u));`);
  }
  if (layout.coarse === 2) lines2.push(`let both = unpack2x16float(weight[row + ${at.coarse} + ${block}]);`);
  else {
    lines2.push(`let pair = unpack2x16float(weight[row + ${at.coarse} + ${block} / 2u]);`);
    lines2.push(`let d = select(pair.x, pair.y, (${block}) % 2u == 1u);`);
  }
  if (layout.fine === "pairs") {
    lines2.push(`let fine = weight[row + ${at.fine} + g / 8u] >> (16u * (g / 4u % 2u));`);
    lines2.push("let scale = both.x * f32(fine & 63u);");
    lines2.push("let minimum = -both.y * f32((fine >> 8u) & 63u);");
  } else if (layout.fine === "scales") {
    lines2.push(`let fine = i32(weight[row + ${at.fine} + g / 8u] << (24u - 8u * (g / 2u % 4u))) >> 24u;`);
    lines2.push("let scale = d * f32(fine);");
  } else if (layout.coarse === 2) lines2.push("let scale = both.x;", "let minimum = both.y;");
  else lines2.push("let scale = d;");
  return lines2.join("\n  ");
}
function four(dtype, h) {
  const layout = layouts[dtype];
  if (layout.quants === 8) return `scale * signedBytes(weight[row + 2u * g + ${h}])`;
  const nibbles = `((quants >> (4u * ${h})) & 0x0f0f0f0fu)`;
  if (dtype === "iq4_nl") return `scale * iq4Values(${nibbles})`;
  const high = [
    "",
    ` | (((high >> ${h}) & 0x01010101u) << 4u)`,
    ` | (((high >> (2u * ${h})) & 0x03030303u) << 4u)`
  ][layout.high];
  const numbers = `bytes(${nibbles}${high})`;
  if (layout.coarse === 2) return `scale * ${numbers} + minimum`;
  return `scale * (${numbers} - ${zeros[dtype]}.0)`;
}
function quantizedReaders(dtype) {
  const columns = "let columns_ = p.weight_stride;";
  return (
    /* wgsl */
    `
fn bytes(word: u32) -> vec4<f32> { return vec4<f32>((vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(255u)); }
fn signedBytes(word: u32) -> vec4<f32> {
  return vec4<f32>(vec4<i32>(vec4<u32>(word) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u));
}
${dtype === "iq4_nl" ? `const values = array<f32, 16>(${iq4Values});
fn iq4Values(word: u32) -> vec4<f32> {
  return vec4<f32>(values[word & 15u], values[(word >> 8u) & 15u], values[(word >> 16u) & 15u], values[(word >> 24u) & 15u]);
}` : ""}
struct Eight { first: vec4<f32>, last: vec4<f32> }
fn weightRow(r: u32) -> u32 {
  ${columns}
  return p.weight_at + r * (${planes(dtype).words});
}
fn eightWeights(row: u32, g: u32) -> Eight {
  ${columns}
  ${shared(dtype)}
  return Eight(${four(dtype, "0u")}, ${four(dtype, "1u")});
}
fn fourWeights(row: u32, i: u32) -> vec4<f32> {
  ${columns}
  let g = i / 2u;
  let h = i % 2u;
  ${shared(dtype)}
  return ${four(dtype, "h")};
}`
  );
}

// src/wgsl/weights.ts
function isQuantizedKind(kind) {
  return kind in layouts;
}
function weightElement(kind, four2 = false) {
  if (kind === "f32") return four2 ? "vec4<f32>" : "f32";
  if (kind === "native f16") return four2 ? "vec4<f16>" : "f16";
  if (isQuantizedKind(kind)) return "u32";
  return four2 ? "vec2<u32>" : "u32";
}
var pair = {
  f16: "unpack2x16float(word)",
  bf16: "vec2<f32>(bitcast<f32>(word << 16u), bitcast<f32>(word & 0xffff0000u))"
};
function weightAt(kind) {
  if (kind === "f32" || kind === "native f16") return "fn weightAt(i: u32) -> f32 { return f32(weight[i]); }";
  return (
    /* wgsl */
    `
fn weightAt(i: u32) -> f32 {
  let word = weight[i / 2u];
  let both = ${pair[kind]};
  return select(both.x, both.y, (i & 1u) == 1u);
}`
  );
}
function weight4(kind) {
  if (kind === "f32" || kind === "native f16") {
    return "fn weight4(i: u32) -> vec4<f32> { return vec4<f32>(weight[i]); }";
  }
  return (
    /* wgsl */
    `
fn twoWeights(word: u32) -> vec2<f32> { return ${pair[kind]}; }
fn weight4(i: u32) -> vec4<f32> {
  let words = weight[i];
  return vec4<f32>(twoWeights(words.x), twoWeights(words.y));
}`
  );
}

// src/ops/embedding.ts
function elementReader(dtype) {
  if (isQuantizedKind(dtype)) {
    return (
      /* wgsl */
      `
${quantizedReaders(dtype)}
fn element(row: u32, column: u32) -> f32 { return fourWeights(weightRow(row), column / 4u)[column % 4u]; }`
    );
  }
  return (
    /* wgsl */
    `
${weightAt(dtype)}
fn element(row: u32, column: u32) -> f32 { return weightAt(p.weight_at + row * p.features + column); }`
  );
}
var embeddingShader = memoize(
  (dtype) => defineShader({
    name: `embedding ${dtype}`,
    read: { ids: "i32", weight: weightElement(dtype) },
    write: { y: "f32" },
    params: { count: "u32", features: "u32", vocabSize: "i32", first: "i32", rows: "i32" },
    code: (
      /* wgsl */
      `
${elementReader(dtype)}
fn run(group: u32, lane: u32) {
  for (var k = 0u; k < 4u; k++) {
    let i = group * 256u + k * workgroupSize + lane;
    if (i >= p.count) { return; }
    let row = clamp(ids[p.ids_at + i / p.features], 0, p.vocabSize - 1) - p.first;
    if (row >= 0 && row < p.rows) { y[i] = element(u32(row), i % p.features); }
  }
}`
    )
  })
);
var embedding2 = (runtime, sizes, ids, weight) => {
  const op = "embedding";
  const { count: rows2, vocabSize, features, shape } = sizes;
  const shader2 = embeddingShader(weight.dtype);
  const y = runtime.result(op, shape);
  const count = rows2 * features;
  const bytesRead2 = storedBytes(weight.dtype, [rows2, features]);
  for (const chunk of rowChunks(runtime, weight)) {
    const params4 = { count, features, vocabSize, first: chunk.first, rows: chunk.rows };
    const buffers = { ids, weight: { ...chunk, bytesRead: bytesRead2 }, y };
    runtime.run(op, shader2, buffers, params4, Math.ceil(count / 256));
  }
  return y;
};

// src/ops/embeddingBackward.ts
var embeddingLinksShader = defineShader({
  name: "embeddingBackward links",
  read: { ids: "i32" },
  write: { links: "u32" },
  params: { count: "u32", vocabSize: "i32" },
  code: (
    /* wgsl */
    `
fn idAt(i: u32) -> i32 { return clamp(ids[p.ids_at + i], 0, p.vocabSize - 1); }
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let id = idAt(i);
  var before = i;
  while (before > 0u && idAt(before - 1u) != id) { before--; }
  var next = i + 1u;
  while (next < p.count && idAt(next) != id) { next++; }
  links[2u * i] = select(0u, 1u, before == 0u);
  links[2u * i + 1u] = next;
}`
  )
});
var embeddingBackwardShader = defineShader({
  name: "embeddingBackward",
  read: { dy: "f32", ids: "i32", links: "u32" },
  write: { dWeight: "f32" },
  params: { count: "u32", vocabSize: "i32", features: "u32", columnGroups: "u32", first: "i32", rows: "i32" },
  code: (
    /* wgsl */
    `
fn run(group: u32, lane: u32) {
  var i = group / p.columnGroups;
  let feature = (group % p.columnGroups) * workgroupSize + lane;
  if (feature >= p.features || links[2u * i] == 0u) { return; }
  let row = clamp(ids[p.ids_at + i], 0, p.vocabSize - 1) - p.first;
  if (row < 0 || row >= p.rows) { return; }
  var sum = 0.0;
  while (i < p.count) {
    sum += dy[p.dy_at + i * p.dy_stride + feature];
    i = links[2u * i + 1u];
  }
  dWeight[p.dWeight_at + u32(row) * p.features + feature] = sum;
}`
  )
});
var embeddingBackward2 = (runtime, { count, features }, dy2, ids, vocabSize) => {
  const op = "embeddingBackward";
  const dWeight = runtime.result(op, [vocabSize, features]);
  const links = runtime.result(op, [2 * count], "i32");
  const linkGroups = Math.ceil(count / 64);
  runtime.run(op, embeddingLinksShader, { ids, links }, { count, vocabSize }, linkGroups);
  runtime.commands.clear(op, dWeight.storage.buffer, 0, dWeight.storage.bytes);
  runtime.commands.write(dWeight.storage);
  const columnGroups = Math.ceil(features / 64);
  for (const chunk of rowChunks(runtime, dWeight)) {
    const params4 = { count, vocabSize, features, columnGroups, first: chunk.first, rows: chunk.rows };
    const buffers = { dy: dy2, ids, links, dWeight: chunk };
    runtime.run(op, embeddingBackwardShader, buffers, params4, count * columnGroups);
  }
  links.dispose();
  return dWeight;
};

// src/ops/exp.ts
var expShader = elementwiseShader("exp", "decay(a)", isNan + decay);
var exp2 = (runtime, _, x) => elementwise(runtime, "exp", expShader, x);

// src/ops/flip.ts
var flipShader = defineShader({
  name: "flip",
  read: { x: "f32" },
  write: { y: "f32" },
  params: { count: "u32", length: "u32", channels: "u32" },
  code: (
    /* wgsl */
    `
fn run(group: u32, lane: u32) {
  for (var k = 0u; k < 4u; k++) {
    let i = group * 256u + k * workgroupSize + lane;
    if (i >= p.count) { return; }
    let row = i / p.channels;
    let l = row % p.length;
    let source = row - l + (p.length - 1u - l);
    y[i] = x[p.x_at + source * p.x_stride + i % p.channels];
  }
}`
  )
});
var flip2 = (runtime, { batch, length, channels: channels2 }, x) => {
  const y = runtime.result("flip", x.shape);
  const count = batch * length * channels2;
  runtime.run("flip", flipShader, { x, y }, { count, length, channels: channels2 }, Math.ceil(count / 256));
  return y;
};

// src/ops/gatedRmsNorm.ts
var gatedRmsNormShader = defineShader({
  name: "gatedRmsNorm",
  read: { x: "f32", z: "f32", weight: "f32" },
  write: { y: "f32" },
  params: { rows: "u32", groups: "u32", width: "u32", eps: "f32", normFirst: "u32" },
  code: (
    /* wgsl */
    `
${sigmoid2}
${reduction("f32", "total", "a + b")}
fn silu(x: f32) -> f32 { return x * sigmoid(x); }
fn run(group: u32, lane: u32) {
  ${rowOfLane}
  let column = (row % p.groups) * p.width;
  let r = row / p.groups;
  let atX = p.x_at + r * p.x_stride + column;
  let atZ = p.z_at + r * p.z_stride + column;
  var squares = 0.0;
  for (var i = first; i < p.width; i += ${lanesPerRow}u) {
    var value = x[atX + i];
    if (p.normFirst == 0u) { value *= silu(z[atZ + i]); }
    squares = fma(value, value, squares);
  }
  let norm = sqrt(total(lane, squares) / f32(p.width) + p.eps);
  if (place >= p.rows) { return; }
  for (var i = first; i < p.width; i += ${lanesPerRow}u) {
    y[row * p.width + i] = x[atX + i] * silu(z[atZ + i]) / norm * weight[p.weight_at + column + i];
  }
}`
  )
});
var gatedRmsNorm2 = (runtime, { rows: rows2, features, groups }, { x, z, weight, eps, normBeforeGate = false }) => {
  const op = "gatedRmsNorm";
  const y = runtime.result(op, x.shape);
  const ranges = rows2 * groups;
  const params4 = { rows: ranges, groups, width: features / groups, eps, normFirst: normBeforeGate ? 1 : 0 };
  runtime.run(op, gatedRmsNormShader, { x, z, weight, y }, params4, Math.ceil(ranges / rowsPerGroup));
  return y;
};

// src/ops/gatedRmsNormBackward.ts
var gatedRmsNormBackwardShader = defineShader({
  name: "gatedRmsNormBackward",
  read: { dy: "f32", x: "f32", z: "f32", weight: "f32" },
  write: { dx: "f32", dz: "f32", terms: "f32" },
  params: { rows: "u32", groups: "u32", width: "u32", eps: "f32", normFirst: "u32" },
  code: (
    /* wgsl */
    `
${siluDerivative}
${reduction("vec2<f32>", "total", "a + b")}
fn run(group: u32, lane: u32) {
  ${rowOfLane}
  let column = (row % p.groups) * p.width;
  let r = row / p.groups;
  let atX = p.x_at + r * p.x_stride + column;
  let atZ = p.z_at + r * p.z_stride + column;
  let atDy = p.dy_at + r * p.dy_stride + column;
  let atWeight = p.weight_at + column;
  let gateFirst = p.normFirst == 0u;
  var sums = vec2<f32>(0.0);
  for (var i = first; i < p.width; i += ${lanesPerRow}u) {
    let gate = z[atZ + i];
    let silu = gate * sigmoid(gate);
    let normed = x[atX + i] * select(1.0, silu, gateFirst);
    let gradient = dy[atDy + i] * weight[atWeight + i] * select(silu, 1.0, gateFirst);
    sums += normed * vec2<f32>(normed, gradient);
  }
  sums = total(lane, sums) / f32(p.width);
  if (place >= p.rows) { return; }
  let norm = sqrt(sums.x + p.eps);
  let mean = sums.y / norm;
  for (var i = first; i < p.width; i += ${lanesPerRow}u) {
    let gate = z[atZ + i];
    let silu = gate * sigmoid(gate);
    let value = x[atX + i];
    let n = value * select(1.0, silu, gateFirst) / norm;
    let weighted = dy[atDy + i] * weight[atWeight + i];
    let through = (weighted * select(silu, 1.0, gateFirst) - n * mean) / norm;
    let at = row * p.width + i;
    dx[at] = through * select(1.0, silu, gateFirst);
    dz[at] = select(weighted * n, through * value, gateFirst) * siluDerivative(gate);
    terms[at] = dy[atDy + i] * n * select(silu, 1.0, gateFirst);
  }
}`
  )
});
var gatedRmsNormBackward2 = (runtime, { rows: rows2, features, groups }, dy2, { x, z, weight, eps, normBeforeGate = false }) => {
  const op = "gatedRmsNormBackward";
  const dx = runtime.result(op, x.shape);
  const dz = runtime.result(op, z.shape);
  const dWeight = runtime.result(op, weight.shape);
  const terms = runtime.result(op, [rows2, features]);
  const ranges = rows2 * groups;
  const params4 = { rows: ranges, groups, width: features / groups, eps, normFirst: normBeforeGate ? 1 : 0 };
  const buffers = { dy: dy2, x, z, weight, dx, dz, terms };
  runtime.run(op, gatedRmsNormBackwardShader, buffers, params4, Math.ceil(ranges / rowsPerGroup));
  addRows(runtime, op, terms, rows2, features, dWeight);
  terms.dispose();
  return { x: dx, z: dz, weight: dWeight };
};

// src/quantized/writeRows.ts
var chunkBytes = 2 ** 20;
function writeRows(commands, storage, at, dtype, columns, data) {
  const rowBytes = byteOffset(dtype, columns);
  const rowWords = planesOf(dtype, columns).words;
  const rows2 = data.length / rowBytes;
  const most = Math.min(rows2, Math.max(1, Math.floor(chunkBytes / rowBytes)));
  const words = new Uint32Array(most * rowWords);
  for (let row = 0; row < rows2; row += most) {
    const count = Math.min(most, rows2 - row);
    const bytes = data.subarray(row * rowBytes, (row + count) * rowBytes);
    const blocks = bytes.byteOffset % 2 === 0 ? bytes : new Uint8Array(bytes);
    const packed = words.subarray(0, count * rowWords);
    pack(dtype, columns, new Uint16Array(blocks.buffer, blocks.byteOffset, blocks.length / 2), packed);
    commands.upload(storage, at + row * rowWords * 4, packed, packed.byteLength);
  }
}

// src/memory/hostArrays.ts
function uploadArray(runtime, op, data, shape, dtype) {
  const tensor = runtime.allocate(op, shape, dtype, true);
  tensor.storage.buffer.used = true;
  writeArray(runtime, tensor, 0, data);
  return tensor;
}
function writeArray(runtime, target, start, data) {
  const { dtype, storage } = target;
  if (isQuantized(dtype)) {
    const at2 = storedOffset(target, start);
    writeRows(runtime.commands, storage, at2, dtype, lastExtent(target.shape), data);
    return;
  }
  const at = byteOffset(dtype, target.offset + start);
  const whole = Math.floor(data.byteLength / 4) * 4;
  if (whole > 0) runtime.commands.upload(storage, at, data, whole);
  if (whole === data.byteLength) return;
  const last = new Uint16Array([data[data.length - 1] ?? 0, 0]);
  runtime.commands.upload(storage, at + whole, last, 4);
}

// src/ops/gatherRows.ts
var gatherRows2 = (runtime, _, x, rows2) => {
  var _stack = [];
  try {
    const op = "gatherRows";
    const [count = 1, ...rest] = x.shape;
    const result2 = runtime.result(op, [rows2.length, ...rest], x.dtype);
    const index = __using(_stack, uploadArray(runtime, op, Int32Array.from(rows2), [rows2.length], "i32"));
    const column = __using(_stack, rest.length === 0 ? runtime.view(x, [count, 1], 1, x.offset) : void 0);
    const source2 = column ?? x;
    const rowsPerIndex = rowCount(source2) / count;
    const selection = { index, rowsPerIndex };
    copyRowsInto(runtime, op, result2, source2, rows2.length * rowsPerIndex, lastExtent(source2.shape), selection);
    return result2;
  } catch (_2) {
    var _error = _2, _hasError = true;
  } finally {
    __callDispose(_stack, _error, _hasError);
  }
};

// src/wgsl/gelu.ts
var inner = "1.5957691 * x * (1.0 + 0.044715 * x * x)";
var geluGates = {
  none: (
    /* wgsl */
    `
fn gate(x: f32) -> f32 {
  let z = min(abs(x), 30.0);
  let t = 1.0 / (1.0 + 0.26 * z);
  let tail = exp(-0.5 * z * z) * t * (0.10375906 + t * (0.103016756 + t * (0.103030212 + t * (0.0510278624 + t *
    (0.160947382 + t * (-0.150948197 + t * (0.251490542 + t * (-0.152828423 + t * 0.0305047942))))))));
  return select(1.0 - tail, tail, x < 0.0);
}
fn gateSlope(x: f32) -> f32 { return 0.3989423 * x * exp(-0.5 * x * x); }`
  ),
  tanh: (
    /* wgsl */
    `
${sigmoid2}
fn gate(x: f32) -> f32 { return sigmoid(${inner}); }
fn gateSlope(x: f32) -> f32 {
  let u = ${inner};
  return 1.5957691 * x * (1.0 + 0.134145 * x * x) * sigmoid(u) * sigmoid(-u);
}`
  )
};
var geluDerivative = (
  /* wgsl */
  `
${isNan}
fn geluDerivative(x: f32) -> f32 { return select(gate(x) + gateSlope(clamp(x, -30.0, 30.0)), x, isNan(x)); }`
);

// src/ops/gelu.ts
var shaders2 = {
  none: elementwiseShader("gelu none", "a * gate(a)", geluGates.none),
  tanh: elementwiseShader("gelu tanh", "a * gate(a)", geluGates.tanh)
};
var gelu2 = (runtime, _, x, approximate) => elementwise(runtime, "gelu", shaders2[approximate], x);

// src/ops/geluBackward.ts
var shader = (approximate) => elementwiseShader(
  `geluBackward ${approximate}`,
  "a * geluDerivative(b)",
  geluGates[approximate] + geluDerivative
);
var shaders3 = { none: shader("none"), tanh: shader("tanh") };
var geluBackward2 = (runtime, _, dy2, x, approximate) => elementwise(runtime, "geluBackward", shaders3[approximate], dy2, { b: x });

// src/ops/layerNorm.ts
var layerNormShader = defineShader({
  name: "layerNorm",
  read: { x: "f32", weight: "f32", bias: "f32" },
  write: { y: "f32" },
  params: { rows: "u32", features: "u32", eps: "f32" },
  code: (
    /* wgsl */
    `
${reduction("f32", "sum", "a + b")}
${reduction("vec2<f32>", "sums", "a + b")}
fn run(group: u32, lane: u32) {
  ${rowOfLane}
  let start = p.x_at + row * p.x_stride;
  var own = 0.0;
  for (var i = first; i < p.features; i += ${lanesPerRow}u) { own += x[start + i] - x[start]; }
  let mean = x[start] + sum(lane, own) / f32(p.features);
  var both = vec2<f32>(0.0);
  for (var i = first; i < p.features; i += ${lanesPerRow}u) {
    let value = x[start + i] - mean;
    both += value * vec2<f32>(1.0, value);
  }
  let all = sums(lane, both) / f32(p.features);
  if (place >= p.rows) { return; }
  let norm = sqrt(max(all.y - all.x * all.x, 0.0) + p.eps);
  for (var i = first; i < p.features; i += ${lanesPerRow}u) {
    var gain = 1.0;
    var shift = 0.0;
    if (p.weight_stride != 0u) { gain = weight[p.weight_at + i]; }
    if (p.bias_stride != 0u) { shift = bias[p.bias_at + i]; }
    y[row * p.features + i] = (x[start + i] - mean - all.x) / norm * gain + shift;
  }
}`
  )
});
var layerNorm2 = (runtime, { rows: rows2, features }, x, weight, bias, eps) => {
  const y = runtime.result("layerNorm", x.shape);
  const groups = Math.ceil(rows2 / rowsPerGroup);
  runtime.run("layerNorm", layerNormShader, { x, weight, bias, y }, { rows: rows2, features, eps }, groups);
  return y;
};

// src/ops/layerNormBackward.ts
var layerNormBackwardShader = defineShader({
  name: "layerNormBackward",
  read: { dy: "f32", x: "f32", weight: "f32" },
  write: { dx: "f32", dWeights: "f32" },
  params: { rows: "u32", features: "u32", eps: "f32" },
  code: (
    /* wgsl */
    `
${reduction("f32", "sum", "a + b")}
${reduction("vec4<f32>", "sums", "a + b")}
fn gradient(row: u32, i: u32) -> f32 {
  let value = dy[p.dy_at + row * p.dy_stride + i];
  if (p.weight_stride == 0u) { return value; }
  return value * weight[p.weight_at + i];
}
fn run(group: u32, lane: u32) {
  ${rowOfLane}
  let start = p.x_at + row * p.x_stride;
  var own = 0.0;
  for (var i = first; i < p.features; i += ${lanesPerRow}u) { own += x[start + i] - x[start]; }
  let mean = x[start] + sum(lane, own) / f32(p.features);
  var each = vec4<f32>(0.0);
  for (var i = first; i < p.features; i += ${lanesPerRow}u) {
    let value = x[start + i] - mean;
    let g = gradient(row, i);
    each += vec4<f32>(value, value * value, g, g * value);
  }
  let all = sums(lane, each) / f32(p.features);
  if (place >= p.rows) { return; }
  let norm = sqrt(max(all.y - all.x * all.x, 0.0) + p.eps);
  let slope = (all.w - all.x * all.z) / norm;
  for (var i = first; i < p.features; i += ${lanesPerRow}u) {
    let n = (x[start + i] - mean - all.x) / norm;
    let at = row * p.features + i;
    dx[at] = (gradient(row, i) - all.z - n * slope) / norm;
    if (p.dWeights_stride != 0u) { dWeights[at] = dy[p.dy_at + row * p.dy_stride + i] * n; }
  }
}`
  )
});
var layerNormBackward2 = (runtime, { rows: rows2, features }, dy2, x, weight, bias, eps) => {
  const op = "layerNormBackward";
  const dx = runtime.result(op, x.shape);
  const dWeight = weight && runtime.result(op, [features]);
  const dBias = bias && runtime.result(op, [features]);
  const dWeights = weight && runtime.result(op, [rows2, features]);
  const buffers = { dy: dy2, x, weight, dx, dWeights };
  const groups = Math.ceil(rows2 / rowsPerGroup);
  runtime.run(op, layerNormBackwardShader, buffers, { rows: rows2, features, eps }, groups);
  if (dWeights && dWeight) addRows(runtime, op, dWeights, rows2, features, dWeight);
  dWeights?.dispose();
  if (dBias) addRows(runtime, op, dy2, rows2, features, dBias);
  return { dx, ...dWeight && { dWeight }, ...dBias && { dBias } };
};

// src/wgsl/lines.ts
var lines = (count, line) => Array.from({ length: count }, (_, i) => line(i)).join("\n    ");
var grid = (rows2, columns, code) => lines(rows2, (r2) => Array.from({ length: columns }, (_, c) => code(r2, c)).join(" "));

// src/products/wgsl.ts
var forms = {
  /** y = x · weightᵀ + bias */
  forward: { x: "along", weight: "along", sum: "plain" },
  /** dx = dy · weight, with dy as x */
  "backward input": { x: "along", weight: "across", sum: "continued" },
  /** dWeight = dyᵀ · x, with dy as x and x as weight */
  "backward weight": { x: "across", weight: "across", sum: "chunks" }
};
var productParams = {
  ...{ rows: "u32", columns: "u32", depth: "u32", first: "u32" },
  /** Numbers per row of y. */
  width: "u32",
  /** Number of tiles that cover the rows. */
  rowTiles: "u32",
  /** Numbers of x before the first term. */
  xStart: "u32",
  /** 1 when the sums continue those that y holds. */
  continued: "u32"
};
var storeOutput = (form) => {
  const withBias = "sum + select(0.0, bias[p.first + c], p.bias_stride != 0u)";
  return (
    /* wgsl */
    `
fn place(r: u32, c: u32) -> u32 { return p.y_at + r * p.width + p.first + c; }
// Without an early return, which is slow on software adapters.
fn store(r: u32, c: u32, sum: f32) {
  if ((r < p.rows) & (c < p.columns)) { y[place(r, c)] = ${form === "forward" ? withBias : "sum"}; }
}`
  );
};
function productBuffers(kind, fourX, fourWeights = fourX) {
  const enable = kind === "native f16" ? ["f16"] : [];
  const x = fourX ? "vec4<f32>" : "f32";
  return {
    enable,
    read: { x, weight: weightElement(kind, fourWeights), bias: "f32" },
    write: { y: "f32" },
    params: productParams
  };
}
function summed(form, size, place2, terms) {
  const { sum } = forms[form];
  const zero = (name) => grid(size, size, (r2, c) => `var ${name}${r2}_${c} = 0.0;`);
  const store = (name) => grid(size, size, (r2, c) => `store(${place2(r2, c)}, ${name}${r2}_${c});`);
  if (sum !== "chunks") {
    const held = grid(size, size, (r2, c) => `s${r2}_${c} = y[place(${place2(r2, c)})];`);
    return (
      /* wgsl */
      `
    ${zero("s")}
  ${sum === "continued" ? `if (p.continued != 0u) {
    ${held}
  }` : ""}
  let start = 0u;
  let end = p.depth;
${terms}
    ${store("s")}`
    );
  }
  return (
    /* wgsl */
    `
    ${zero("total")}
  for (var start = 0u; start < p.depth; start += 256u) {
    let end = min(start + 256u, p.depth);
    ${zero("s")}
${terms}
    ${grid(size, size, (r2, c) => `total${r2}_${c} += s${r2}_${c};`)}
  }
    ${store("total")}`
  );
}
function added(sum, terms, x, weight) {
  let value = sum;
  for (let t2 = 0; t2 < terms; t2++) value = `fma(${x(t2)}, ${weight(t2)}, ${value})`;
  return `${sum} = ${value};`;
}
function readers(kind, fourX, fourWeights = fourX) {
  const four2 = (name) => `fn ${name}Four(i: u32) -> vec4<f32> {
  return vec4<f32>(${name}One(i), ${name}One(i + 1u), ${name}One(i + 2u), ${name}One(i + 3u));
}`;
  return (
    /* wgsl */
    `
fn xOne(i: u32) -> f32 { return ${fourX ? "x[i / 4u][i % 4u]" : "x[i]"}; }
${fourX ? "fn xFour(i: u32) -> vec4<f32> { return x[i]; }" : four2("x")}
${isQuantizedKind(kind) ? quantizedReaders(kind) : `${fourWeights ? weight4(kind) : weightAt(kind)}
fn weightOne(i: u32) -> f32 { return ${fourWeights ? "weight4(i / 4u)[i % 4u]" : "weightAt(i)"}; }
${fourWeights ? "fn weightFour(i: u32) -> vec4<f32> { return weight4(i); }" : four2("weight")}`}`
  );
}

// src/products/gemv.ts
var maxGemvRows = 8;
function planFor(kind, rows2, quantized) {
  if (kind === "alone") return { kind, workgroup: 16, lanes: 1, outputs: quantized && rows2 > 2 ? 1 : 4 };
  if (kind === "memory") return { kind, workgroup: 64, lanes: 8, outputs: 1 };
  return { kind, workgroup: 64, lanes: 64, outputs: rows2 <= 2 ? 4 : 1 };
}
var gemvShader = memoize(
  (weightKind, four2, rows2, grouped, planKind) => {
    const { enable, ...buffers } = productBuffers(weightKind, four2);
    const plan = planFor(planKind, rows2, isQuantizedKind(weightKind));
    const { workgroup, lanes: lanes3, outputs } = plan;
    const all = (line) => lines(outputs, (o) => lines(rows2, (r2) => line(r2, o)));
    return defineShader({
      name: `linear ${weightKind}, ${rows2} rows${grouped ? " at a time" : ""}, ${planKind}${four2 ? "" : ", unaligned"}`,
      enable: planKind === "subgroups" ? [...enable, "subgroups"] : enable,
      ...buffers,
      workgroup,
      code: (
        /* wgsl */
        `
${isQuantizedKind(weightKind) ? quantizedTerms(weightKind, four2) : floatTerms(weightKind, four2)}
const lanes = ${lanes3}u;
${planKind === "memory" ? `var<workgroup> partial: array<f32, ${rows2}u * workgroupSize>;` : ""}
${planKind === "subgroups" ? subgroupSums(rows2 * outputs) : ""}
${storeOutput("forward")}
fn run(index: u32, lane: u32) {
  ${grouped ? `let group = index / p.rowTiles;
  let firstRow = (index % p.rowTiles) * ${rows2}u;` : `let group = index;
  const firstRow = 0u;`}
  let output = (group * (workgroupSize / lanes) + lane / lanes) * ${outputs}u;
  let steps = p.depth / termCount;
  let xFrom = p.x_at / ${four2 ? 4 : 1}u;
  let xStride = p.x_stride / ${four2 ? 4 : 1}u;
    ${lines(outputs, (o) => `let w${o} = weightStart(min(output + ${o}u, p.columns - 1u));`)}
    // Rows past the last read it again and are not stored.
    ${lines(rows2, (r2) => `let x_${r2} = xFrom + ${grouped ? `min(firstRow + ${r2}u, p.rows - 1u)` : `${r2}u`} * xStride;`)}
    ${all((r2, o) => `var sum${r2}_${o} = 0.0;`)}
  for (var i = lane % lanes; i < steps; i += lanes) {
    ${lines(rows2, (r2) => `let x${r2} = xTerms(x_${r2}, i);`)}
    ${lines(outputs, (o) => `let own${o} = weightTerms(w${o}, i);`)}
    ${all((r2, o) => `sum${r2}_${o} = plus(sum${r2}_${o}, own${o}, x${r2});`)}
  }
${totals(plan, rows2, all)}
}`
      )
    });
  }
);
function floatTerms(kind, four2) {
  return (
    /* wgsl */
    `
${four2 ? weight4(kind) : weightAt(kind)}
alias Terms = ${four2 ? "vec4<f32>" : "f32"};
const termCount = ${four2 ? 4 : 1}u;
fn weightStart(r: u32) -> u32 { return p.weight_at / termCount + r * (p.depth / termCount); }
fn weightTerms(start: u32, i: u32) -> Terms { return ${four2 ? "weight4" : "weightAt"}(start + i); }
fn xTerms(start: u32, i: u32) -> Terms { return x[start + i]; }
fn plus(sum: f32, a: Terms, b: Terms) -> f32 {
  return ${four2 ? plusFour("a", "b", "sum") : "fma(a, b, sum)"};
}`
  );
}
function quantizedTerms(kind, four2) {
  const numbers = (from) => [0, 1, 2, 3].map((j) => `x[at + ${from + j}u]`).join(", ");
  return (
    /* wgsl */
    `
${quantizedReaders(kind)}
alias Terms = Eight;
const termCount = 8u;
fn weightStart(r: u32) -> u32 { return weightRow(r); }
fn weightTerms(start: u32, i: u32) -> Terms { return eightWeights(start, i); }
fn xTerms(start: u32, i: u32) -> Terms {
  ${four2 ? "return Eight(x[start + 2u * i], x[start + 2u * i + 1u]);" : `let at = start + 8u * i;
  return Eight(vec4<f32>(${numbers(0)}), vec4<f32>(${numbers(4)}));`}
}
fn plus(sum: f32, a: Terms, b: Terms) -> f32 {
  let half = ${plusFour("a.first", "b.first", "sum")};
  return ${plusFour("a.last", "b.last", "half")};
}`
  );
}
var plusFour = (a, b, sum) => `fma(${a}.w, ${b}.w, fma(${a}.z, ${b}.z, fma(${a}.y, ${b}.y, fma(${a}.x, ${b}.x, ${sum}))))`;
function totals({ kind, outputs }, rows2, all) {
  if (kind === "alone")
    return `    ${all((r2, o) => `store(firstRow + ${r2}u, output + ${o}u, sum${r2}_${o});`)}`;
  if (kind === "subgroups") {
    return (
      /* wgsl */
      `
    ${all((r2, o) => `putTerm(lane, ${r2 * outputs + o}u, sum${r2}_${o});`)}
  workgroupBarrier();
  for (var k = 0u; k < ${rows2 * outputs}u; k++) {
    let sum = totalOf(k);
    if (lane == 0u) { store(firstRow + k / ${outputs}u, output + k % ${outputs}u, sum); }
  }`
    );
  }
  return (
    /* wgsl */
    `
    ${all((r2) => `partial[${r2}u * workgroupSize + lane] = sum${r2}_0;`)}
  workgroupBarrier();
  let groupOutputs = workgroupSize / lanes;
  for (var i = lane; i < groupOutputs * ${rows2}u; i += workgroupSize) {
    let from_ = (i / groupOutputs) * workgroupSize + (i % groupOutputs) * lanes;
    var sum = 0.0;
    for (var k = 0u; k < lanes; k++) { sum += partial[from_ + k]; }
    store(firstRow + i / groupOutputs, group * groupOutputs + i % groupOutputs, sum);
  }`
  );
}
function gemv({ parallel, subgroups }, kind, four2, rows2) {
  const planKind = parallel ? subgroups ? "subgroups" : "memory" : "alone";
  const own = Math.min(rows2, maxGemvRows);
  const computed = isQuantizedKind(kind) ? 2 ** Math.ceil(Math.log2(own)) : own;
  const { workgroup, lanes: lanes3, outputs } = planFor(planKind, computed, isQuantizedKind(kind));
  const grouped = rows2 > maxGemvRows || isQuantizedKind(kind) && rows2 > 1;
  return {
    shader: gemvShader(kind, four2, computed, grouped, planKind),
    outputs: workgroup / lanes3 * outputs
  };
}

// src/products/registerTiles.ts
var alongValue = (v) => ({ 4: (at, term) => `${v}${at}[${term}]`, 1: (at) => `${v}${at}` });
function acrossValue(v) {
  const value = (at, term) => `${v}${term}_${at >> 2}[${at & 3}]`;
  return { 4: value, 1: value };
}
function side(name, layout, size, unit) {
  const [v, start, first, count] = name === "x" ? ["a", "(p.x_at + p.xStart)", "row", "p.rows"] : ["b", "p.weight_at", "column", "p.columns"];
  const step = `(p.${name}_stride / ${unit}u)`;
  if (layout === "along") {
    const start_ = (i) => `let ${v}_${i} = ${start} / ${unit}u + min(${first} + ${i}u, ${count} - 1u) * ${step};`;
    return {
      start: lines(size, start_),
      read: {
        4: lines(size, (i) => `let ${v}${i} = ${name}Four(${v}_${i} + i);`),
        1: lines(size, (i) => `let ${v}${i} = ${name}One(${v}_${i} * ${unit}u + k);`)
      },
      value: alongValue(v)
    };
  }
  const read2 = (terms) => grid(
    terms,
    size / 4,
    (t2, g) => `let ${v}${t2}_${g} = ${name}Four(${v}_ + (k + ${t2}u) * ${v}Step + ${4 * g / unit}u);`
  );
  return {
    start: `let ${v}_ = (${start} + min(${first}, (${count} - 1u) / 4u * 4u)) / ${unit}u;
    let ${v}Step = ${step};`,
    read: { 4: read2(4), 1: read2(1) },
    value: acrossValue(v)
  };
}
function quantizedSide(layout, size) {
  if (layout === "along") {
    const row = (i) => `let b_${i} = weightRow(min(column + ${i}u, p.columns - 1u));`;
    return {
      start: lines(size, row),
      read: {
        4: lines(size, (i) => `let b${i} = fourWeights(b_${i}, k / 4u);`),
        1: lines(size, (i) => `let b${i} = fourWeights(b_${i}, k / 4u)[k % 4u];`)
      },
      value: alongValue("b")
    };
  }
  const read2 = (terms) => lines(terms, (t2) => {
    const each2 = (g) => `let b${t2}_${g} = fourWeights(row${t2}, b_ + ${g}u);`;
    return `let row${t2} = weightRow(k + ${t2}u); ${lines(size / 4, each2)}`;
  });
  return {
    start: "let b_ = min(column, p.columns - 1u) / 4u;",
    read: { 4: read2(4), 1: read2(1) },
    value: acrossValue("b")
  };
}
var registerTileShader = memoize(
  (form, kind, four2, size) => {
    const unit = four2 ? 4 : 1;
    const x = side("x", forms[form].x, size, unit);
    const { weight: layout } = forms[form];
    const weight = isQuantizedKind(kind) ? quantizedSide(layout, size) : side("weight", layout, size, unit);
    const add4 = (terms) => grid(
      size,
      size,
      (r2, c) => added(
        `s${r2}_${c}`,
        terms,
        (t2) => x.value[terms](r2, t2),
        (t2) => weight.value[terms](c, t2)
      )
    );
    return defineShader({
      name: `linear ${form} ${kind}, tiles of ${size}${four2 ? "" : ", unaligned"}`,
      ...productBuffers(kind, four2),
      code: (
        /* wgsl */
        `
${readers(kind, four2)}
${storeOutput(form)}
fn run(group: u32, lane: u32) {
  let row = ((group % p.rowTiles) * 8u + lane / 8u) * ${size}u;
  let column = ((group / p.rowTiles) * 8u + lane % 8u) * ${size}u;
    ${x.start}
    ${weight.start}
${summed(
          form,
          size,
          (r2, c) => `row + ${r2}u, column + ${c}u`,
          /* wgsl */
          `
  var k = start;
  for (; k + 4u <= end; k += 4u) {
    let i = k / ${unit}u;
    ${x.read[4]}
    ${weight.read[4]}
    ${add4(4)}
  }
  for (; k < end; k++) {
    ${x.read[1]}
    ${weight.read[1]}
    ${add4(1)}
  }`
        )}
}`
      )
    });
  }
);

// src/products/sharedTiles.ts
function fill(name, layout, four2, quantized) {
  const [tile, start, first, count] = name === "x" ? ["xs", "p.x_at + p.xStart", "row", "p.rows"] : ["ws", "p.weight_at", "column", "p.columns"];
  const [own, term] = layout === "along" ? ["lane / 4u", "lane % 4u"] : ["lane % 64u", "lane / 64u"];
  const index = `min(${first} + ${own}, ${count} - 1u)`;
  const { at, read: read2 } = quantized ? quantizedRead(layout, index) : floatRead(name, layout, four2, start, index);
  return (
    /* wgsl */
    `
    {
      let at = ${at};
      let from_ = k + ${term} * 4u;
      var four = vec4<f32>(0.0);
      ${read2}
      ${tile}[${own} * pitch + ${term}] = four;
    }`
  );
}
function floatRead(name, layout, four2, start, index) {
  const [at, step] = layout === "along" ? [`${start} + ${index} * p.${name}_stride`, ""] : [`${start} + ${index}`, ` * p.${name}_stride`];
  const read2 = four2 ? `if (from_ < end) {
        let found = ${name}Four((at + from_) / 4u);
        four = select(vec4<f32>(0.0), found, vec4<u32>(0u, 1u, 2u, 3u) + from_ < vec4<u32>(end));
      }` : eachTerm(`${name}One(at + (from_ + i)${step})`);
  return { at, read: read2 };
}
function quantizedRead(layout, index) {
  if (layout === "along") {
    return { at: `weightRow(${index})`, read: "if (from_ < end) { four = fourWeights(at, from_ / 4u); }" };
  }
  return { at: index, read: eachTerm("fourWeights(weightRow(from_ + i), at / 4u)[at % 4u]") };
}
var eachTerm = (value) => `for (var i = 0u; i < 4u && from_ + i < end; i++) { four[i] = ${value}; }`;
var sharedTileShader = memoize(
  (form, kind, aligned) => {
    const { x, weight } = forms[form];
    const [fourX, fourWeights] = [aligned && x === "along", aligned && weight === "along"];
    return defineShader({
      name: `linear ${form} ${kind}, shared tiles${aligned ? "" : ", unaligned"}`,
      ...productBuffers(kind, fourX, fourWeights),
      workgroup: 256,
      code: (
        /* wgsl */
        `
${readers(kind, fourX, fourWeights)}
// Rows of a tile are five vectors apart, so that neighbouring invocations read different memory banks.
const pitch = 5u;
var<workgroup> xs: array<vec4<f32>, 64u * pitch>;
var<workgroup> ws: array<vec4<f32>, 64u * pitch>;
${storeOutput(form)}
fn run(group: u32, lane: u32) {
  let row = (group % p.rowTiles) * 64u;
  let column = (group / p.rowTiles) * 64u;
  let ownRow = lane / 16u;
  let ownColumn = lane % 16u;
${summed(
          form,
          4,
          (r2, c) => `row + ownRow + ${16 * r2}u, column + ownColumn + ${16 * c}u`,
          /* wgsl */
          `
  for (var k = start; k < end; k += 16u) {
${fill("x", x, fourX, false)}
${fill("weight", weight, fourWeights, isQuantizedKind(kind))}
    workgroupBarrier();
    for (var i = 0u; i < 4u; i++) {
    ${lines(4, (r2) => `let a${r2} = xs[(ownRow + ${16 * r2}u) * pitch + i];`)}
    ${lines(4, (c) => `let b${c} = ws[(ownColumn + ${16 * c}u) * pitch + i];`)}
    ${grid(
            4,
            4,
            (r2, c) => added(
              `s${r2}_${c}`,
              4,
              (t2) => `a${r2}[${t2}]`,
              (t2) => `b${c}[${t2}]`
            )
          )}
    }
    workgroupBarrier();
  }`
        )}
}`
      )
    });
  }
);

// src/products/product.ts
function runProduct(runtime, op, form, product) {
  const { x, weight, bias, y, dtype, aligned, continued, ...sizes } = product;
  const { rows: rows2, columns, xStart } = sizes;
  const four2 = aligned && xStart % 4 === 0;
  const { shader: shader2, tileRows, tileColumns } = productShader(runtime.traits, form, dtype, four2, rows2);
  const rowTiles = Math.ceil(rows2 / tileRows);
  runtime.run(
    op,
    shader2,
    { x, weight, bias, y },
    { ...sizes, rowTiles, continued: continued ? 1 : 0 },
    rowTiles * Math.ceil(columns / tileColumns)
  );
}
function productShader(traits, form, dtype, four2, rows2) {
  const kind = dtype === "f16" && traits.f16 ? "native f16" : dtype;
  const always = traits.parallel && traits.batchInvariant;
  if (form === "forward" && (rows2 <= maxGemvRows || always)) {
    const { shader: shader2, outputs } = gemv(traits, kind, four2, rows2);
    return { shader: shader2, tileRows: Math.min(rows2, maxGemvRows), tileColumns: outputs };
  }
  if (traits.parallel) return { shader: sharedTileShader(form, kind, four2), tileRows: 64, tileColumns: 64 };
  const size = rows2 > 32 && !isQuantizedKind(kind) ? 8 : 4;
  return { shader: registerTileShader(form, kind, four2, size), tileRows: 8 * size, tileColumns: 8 * size };
}
function areAligned(...tensors) {
  return tensors.every(({ offset, rowStride }) => offset % 4 === 0 && rowStride % 4 === 0);
}

// src/ops/linear.ts
var linear2 = (runtime, { rows: rows2, inFeatures, outFeatures, shape }, x, weight, bias) => {
  const y = runtime.result("linear", shape);
  for (const chunk of rowChunks(runtime, weight)) {
    runProduct(runtime, "linear", "forward", {
      ...{ x, weight: chunk, bias, y, dtype: weight.dtype },
      ...{ aligned: areAligned(x, weight), rows: rows2, columns: chunk.rows, depth: inFeatures },
      ...{ first: chunk.first, width: outFeatures, xStart: 0, continued: false }
    });
  }
  return y;
};

// src/ops/linearBackwardInput.ts
var linearBackwardInput2 = (runtime, { rows: rows2, inFeatures, shape }, dy2, weight) => {
  const op = "linearBackwardInput";
  const dx = runtime.result(op, shape);
  for (const chunk of rowChunks(runtime, weight)) {
    runProduct(runtime, op, "backward input", {
      ...{ x: dy2, weight: chunk, y: dx, dtype: weight.dtype },
      ...{ aligned: areAligned(dy2, weight), rows: rows2, columns: inFeatures, depth: chunk.rows },
      ...{ first: 0, width: inFeatures, xStart: chunk.first, continued: chunk.first > 0 }
    });
  }
  return dx;
};

// src/ops/linearBackwardWeight.ts
var linearBackwardWeight2 = (runtime, { rows: rows2, inFeatures, outFeatures }, dy2, x) => {
  const op = "linearBackwardWeight";
  const dWeight = runtime.result(op, [outFeatures, inFeatures]);
  for (const chunk of rowChunks(runtime, dWeight)) {
    runProduct(runtime, op, "backward weight", {
      ...{ x: dy2, weight: x, y: chunk, dtype: "f32" },
      ...{ aligned: areAligned(dy2, x), rows: chunk.rows, columns: inFeatures, depth: rows2 },
      ...{ first: 0, width: inFeatures, xStart: chunk.first, continued: false }
    });
  }
  return dWeight;
};

// src/ops/log.ts
var logShader = elementwiseShader("log", "logarithm(a)", logarithm);
var log2 = (runtime, _, x) => elementwise(runtime, "log", logShader, x);

// src/wgsl/positionRanges.ts
var positionRanges = (
  /* wgsl */
  `
fn rangeOf(s: u32) -> vec2<u32> {
  if (p.ranges_stride == 0u) { return vec2<u32>(s, s + 1u) * p.length; }
  let at = p.ranges_at + 2u * s;
  return vec2<u32>(clamp(vec2<i32>(ranges[at], ranges[at + 1u]), vec2<i32>(0), vec2<i32>(i32(p.positions))));
}
fn counts(at: u32, s: u32) -> bool { return p.ids_stride == 0u || ids[p.ids_at + at] == i32(s); }`
);

// src/shared/poolPositions.ts
var channels = 16;
var lanes2 = 8;
function poolingShader(pooling) {
  const { name, element, type, helpers = "", none, next, combined, write: write3, store } = pooling;
  return defineShader({
    name,
    read: { x: element, ids: "i32", ranges: "i32" },
    write: write3,
    params: { length: "u32", positions: "u32", channels: "u32", columnGroups: "u32" },
    workgroup: channels * lanes2,
    code: (
      /* wgsl */
      `
${positionRanges}
${helpers}
var<workgroup> found: array<${type}, workgroupSize>;
fn run(group: u32, lane: u32) {
  let s = group / p.columnGroups;
  let d = group % p.columnGroups * ${channels}u + lane % ${channels}u;
  let range = rangeOf(s);
  let own = lane / ${channels}u;
  let all = p.ids_stride == 0u;
  var rank = 0u;
  var a = ${none};
  if (d < p.channels) {
    for (var at = range.x + select(0u, own, all); at < range.y; at += select(1u, ${lanes2}u, all)) {
      if (!all) {
        if (!counts(at, s)) { continue; }
        rank++;
        if ((rank - 1u) % ${lanes2}u != own) { continue; }
      }
      let value = x[p.x_at + at * p.x_stride + d];
      a = ${next};
    }
  }
  found[lane] = a;
  workgroupBarrier();
  if (lane >= ${channels}u || d >= p.channels) { return; }
  for (var k = 1u; k < ${lanes2}u; k++) {
    let b = found[lane + k * ${channels}u];
    a = ${combined};
  }
  let i = s * p.channels + d;
  ${store}
}`
    )
  });
}
function poolPositions(runtime, op, shader2, sizes, { x, sequenceIds: ids, ranges }, outputs) {
  const { batch, length, channels: width, sequences } = sizes;
  const columnGroups = Math.ceil(width / channels);
  const params4 = { length, positions: batch * length, channels: width, columnGroups };
  const buffers = { x, ids, ranges, ...outputs };
  runtime.run(op, shader2, buffers, params4, sequences * columnGroups);
}

// src/ops/maxPositions.ts
var maxPositionsShader = poolingShader({
  name: "maxPositions",
  element: "u32",
  type: "vec2<u32>",
  helpers: keyOf + betterKey,
  none: "vec2<u32>(0u, 0xffffffffu)",
  next: "better(a, vec2<u32>(keyOf(value), at))",
  combined: "better(a, b)",
  write: { y: "u32", index: "i32" },
  store: `
  index[i] = i32(a.y);
  y[i] = 0x7fc00000u;
  if (a.x != 0u) { y[i] = x[p.x_at + a.y * p.x_stride + d]; }`
});
var maxPositions2 = (runtime, sizes, args2) => {
  const op = "maxPositions";
  const shape = [sizes.sequences, sizes.channels];
  const y = runtime.result(op, shape);
  const index = runtime.result(op, shape, "i32");
  poolPositions(runtime, op, maxPositionsShader, sizes, args2, { y, index });
  return { y, index };
};

// src/ops/maxPositionsBackward.ts
var maxPositionsBackwardShader = defineShader({
  name: "maxPositionsBackward",
  read: { dy: "f32", index: "i32" },
  write: { dx: "f32" },
  params: { count: "u32", channels: "u32", positions: "u32" },
  code: (
    /* wgsl */
    `
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let d = i % p.channels;
  let at = u32(index[p.index_at + i]);
  if (at < p.positions) { dx[at * p.channels + d] = dy[p.dy_at + i / p.channels * p.dy_stride + d]; }
}`
  )
});
var maxPositionsBackward2 = (runtime, sizes, { dy: dy2, index }) => {
  const op = "maxPositionsBackward";
  const { batch, length, channels: channels2, sequences } = sizes;
  const dx = runtime.result(op, [batch, length, channels2]);
  runtime.commands.clear(op, dx.storage.buffer, 0, dx.storage.bytes);
  runtime.commands.write(dx.storage);
  const count = sequences * channels2;
  const params4 = { count, channels: channels2, positions: batch * length };
  runtime.run(op, maxPositionsBackwardShader, { dy: dy2, index, dx }, params4, Math.ceil(count / 64));
  return dx;
};

// src/ops/meanPositions.ts
var meanPositionsShader = poolingShader({
  name: "meanPositions",
  element: "f32",
  type: "vec2<f32>",
  helpers: nan,
  none: "vec2<f32>(0.0)",
  next: "a + vec2<f32>(value, 1.0)",
  combined: "a + b",
  write: { y: "f32" },
  store: "y[i] = select(a.x / a.y, nan(), a.y == 0.0);"
});
var meanPositions2 = (runtime, sizes, args2) => {
  const y = runtime.result("meanPositions", [sizes.sequences, sizes.channels]);
  poolPositions(runtime, "meanPositions", meanPositionsShader, sizes, args2, { y });
  return y;
};

// src/ops/meanPositionsBackward.ts
var sequenceCountsShader = defineShader({
  name: "meanPositionsBackward counts",
  read: { ids: "i32", ranges: "i32" },
  write: { total: "f32" },
  params: { rows: "u32", length: "u32", positions: "u32" },
  code: (
    /* wgsl */
    `
${positionRanges}
${reduction("f32", "sum", "a + b")}
fn run(group: u32, lane: u32) {
  ${rowOfLane}
  let range = rangeOf(row);
  var own = 0.0;
  for (var at = range.x + first; at < range.y; at += ${lanesPerRow}u) { own += select(0.0, 1.0, counts(at, row)); }
  let all = sum(lane, own);
  if (first == 0u && place < p.rows) { total[row] = all; }
}`
  )
});
var meanPositionsBackwardShader = defineShader({
  name: "meanPositionsBackward",
  read: { dy: "f32", ids: "i32", ranges: "i32", total: "f32" },
  write: { dx: "f32" },
  params: { count: "u32", channels: "u32", rows: "u32", length: "u32", positions: "u32" },
  code: (
    /* wgsl */
    `
${positionRanges}
fn run(group: u32, lane: u32) {
  for (var k = 0u; k < 4u; k++) {
    let i = group * 256u + k * workgroupSize + lane;
    if (i >= p.count) { return; }
    let at = i / p.channels;
    var s = at / p.length;
    var size = f32(p.length);
    if (p.ids_stride != 0u) { s = u32(ids[p.ids_at + at]); }
    var gradient = 0.0;
    if (s < p.rows) {
      let range = rangeOf(s);
      if (p.ids_stride != 0u) { size = total[s]; }
      if (at >= range.x && at < range.y) { gradient = dy[p.dy_at + s * p.dy_stride + i % p.channels] / size; }
    }
    dx[i] = gradient;
  }
}`
  )
});
var meanPositionsBackward2 = (runtime, sizes, args2) => {
  const op = "meanPositionsBackward";
  const { batch, length, channels: channels2, sequences: rows2 } = sizes;
  const { dy: dy2, sequenceIds: ids, ranges } = args2;
  const dx = runtime.result(op, [batch, length, channels2]);
  const positions = batch * length;
  const total = ids && runtime.result(op, [rows2]);
  if (total) {
    const params5 = { rows: rows2, length, positions };
    runtime.run(op, sequenceCountsShader, { ids, ranges, total }, params5, Math.ceil(rows2 / rowsPerGroup));
  }
  const count = positions * channels2;
  const params4 = { count, channels: channels2, rows: rows2, length, positions };
  const buffers = { dy: dy2, ids, ranges, total, dx };
  runtime.run(op, meanPositionsBackwardShader, buffers, params4, Math.ceil(count / 256));
  total?.dispose();
  return dx;
};

// src/ops/mul.ts
var mulShaders = repeatableShaders("mul", "a * b");
var mul2 = (runtime, _, a, b) => repeatable(runtime, "mul", mulShaders, a, b);

// src/ops/negExp.ts
var negExpShader = elementwiseShader("negExp", "select(-exp(a), a, isNan(a))", isNan);
var negExp2 = (runtime, _, x) => elementwise(runtime, "negExp", negExpShader, x);

// src/ops/reluSquared.ts
var reluSquaredShader = elementwiseShader(
  "reluSquared",
  "select(max(a, 0.0) * max(a, 0.0), a, isNan(a))",
  isNan
);
var reluSquared2 = (runtime, _, x) => elementwise(runtime, "reluSquared", reluSquaredShader, x);

// src/ops/reluSquaredBackward.ts
var reluSquaredBackwardShader = elementwiseShader(
  "reluSquaredBackward",
  "a * select(2.0 * max(b, 0.0), b, isNan(b))",
  isNan
);
var reluSquaredBackward2 = (runtime, _, dy2, x) => elementwise(runtime, "reluSquaredBackward", reluSquaredBackwardShader, dy2, { b: x });

// src/ops/rmsNorm.ts
var rmsNormShader = memoize(
  (subgroups) => defineShader({
    name: "rmsNorm",
    enable: subgroups ? ["subgroups"] : [],
    read: { x: "f32", weight: "f32" },
    write: { y: "f32" },
    params: { features: "u32", eps: "f32" },
    workgroup: 128,
    code: (
      /* wgsl */
      `
${sumOfAll(subgroups)}
fn run(row: u32, lane: u32) {
  let start = p.x_at + row * p.x_stride;
  var squares = 0.0;
  for (var i = lane; i < p.features; i += workgroupSize) {
    let value = x[start + i];
    squares += value * value;
  }
  let norm = sqrt(sumOfAll(lane, squares) / f32(p.features) + p.eps);
  for (var i = lane; i < p.features; i += workgroupSize) {
    var gain = 1.0;
    if (p.weight_stride != 0u) { gain = weight[p.weight_at + i]; }
    y[row * p.features + i] = x[start + i] / norm * gain;
  }
}`
    )
  })
);
var rmsNorm2 = (runtime, { rows: rows2, features }, x, weight, eps) => {
  const y = runtime.result("rmsNorm", x.shape);
  const shader2 = rmsNormShader(runtime.traits.subgroups);
  runtime.run("rmsNorm", shader2, { x, weight, y }, { features, eps }, rows2);
  return y;
};

// src/ops/rmsNormBackward.ts
var rmsNormBackwardShader = defineShader({
  name: "rmsNormBackward",
  read: { dy: "f32", x: "f32", weight: "f32" },
  write: { dx: "f32", norms: "f32" },
  params: { rows: "u32", features: "u32", eps: "f32" },
  code: (
    /* wgsl */
    `
${reduction("vec2<f32>", "total", "a + b")}
fn gradient(row: u32, i: u32) -> f32 {
  let value = dy[p.dy_at + row * p.dy_stride + i];
  if (p.weight_stride == 0u) { return value; }
  return value * weight[p.weight_at + i];
}
fn run(group: u32, lane: u32) {
  ${rowOfLane}
  let start = p.x_at + row * p.x_stride;
  var sums = vec2<f32>(0.0);
  for (var i = first; i < p.features; i += ${lanesPerRow}u) {
    let value = x[start + i];
    sums += value * vec2<f32>(value, gradient(row, i));
  }
  sums = total(lane, sums) / f32(p.features);
  if (place >= p.rows) { return; }
  let norm = sqrt(sums.x + p.eps);
  let mean = sums.y / norm;
  for (var i = first; i < p.features; i += ${lanesPerRow}u) {
    dx[row * p.features + i] = (gradient(row, i) - x[start + i] / norm * mean) / norm;
  }
  if (first == 0u && p.norms_stride != 0u) { norms[row] = norm; }
}`
  )
});
var rmsNormBackwardWeightShader = defineShader({
  name: "rmsNormBackward weight",
  read: { dy: "f32", x: "f32", norms: "f32" },
  write: { sum: "f32" },
  params: { rows: "u32", features: "u32", columnGroups: "u32" },
  code: (
    /* wgsl */
    `
fn run(group: u32, lane: u32) {
  let chunk = group / p.columnGroups;
  let i = (group % p.columnGroups) * workgroupSize + lane;
  if (i >= p.features) { return; }
  let end = min((chunk + 1u) * ${rowsPerChunk}u, p.rows);
  var total = 0.0;
  for (var r = chunk * ${rowsPerChunk}u; r < end; r++) {
    total += dy[p.dy_at + r * p.dy_stride + i] * (x[p.x_at + r * p.x_stride + i] / norms[r]);
  }
  sum[chunk * p.features + i] = total;
}`
  )
});
var rmsNormBackward2 = (runtime, { rows: rows2, features }, dy2, x, weight, eps) => {
  const op = "rmsNormBackward";
  const dx = runtime.result(op, x.shape);
  const norms = weight && runtime.result(op, [rows2]);
  const groups = Math.ceil(rows2 / rowsPerGroup);
  const inputs = { dy: dy2, x, weight };
  runtime.run(op, rmsNormBackwardShader, { ...inputs, dx, norms }, { rows: rows2, features, eps }, groups);
  if (!norms) return { dx };
  const dWeight = runtime.result(op, [features]);
  const columnGroups = Math.ceil(features / 64);
  const chunks = Math.ceil(rows2 / rowsPerChunk);
  const sum = runtime.result(op, [chunks, features]);
  const params4 = { rows: rows2, features, columnGroups };
  runtime.run(op, rmsNormBackwardWeightShader, { dy: dy2, x, norms, sum }, params4, chunks * columnGroups);
  addRows(runtime, op, sum, chunks, features, dWeight);
  sum.dispose();
  norms.dispose();
  return { dx, dWeight };
};

// src/wgsl/trigonometry.ts
var cosineAndSine = (
  /* wgsl */
  `
fn cosineAndSine(x: f32) -> vec2<f32> {
  let n = floor(x * 0.63661977 + 0.5);
  let r = ((x - n * 1.5703125) - n * 4.837512969970703e-4) - n * 7.54978995489188e-8;
  let q = r * r;
  let sine = r + r * q * (-0.16666655 + q * (8.3321609e-3 + q * -1.9515296e-4));
  let cosine = 1.0 - 0.5 * q + q * q * (4.1666646e-2 + q * (-1.3887316e-3 + q * 2.4433157e-5));
  let quadrant = i32(n) & 3;
  let both = select(vec2<f32>(cosine, sine), vec2<f32>(-sine, cosine), (quadrant & 1) == 1);
  return select(both, -both, quadrant >= 2);
}`
);

// src/ops/rotary.ts
var pairOf = (
  /* wgsl */
  `
fn pairOf(i: u32) -> vec2<u32> {
  if (p.interleaved != 0u) { return vec2<u32>(2u * i, 2u * i + 1u); }
  return vec2<u32>(i, i + p.pairs);
}`
);
var rotaryShader = defineShader({
  name: "rotary",
  read: { x: "f32", angles: "f32" },
  write: { y: "f32" },
  params: {
    ...{ count: "u32", heads: "u32", headDim: "u32", pairs: "u32", places: "u32" },
    ...{ interleaved: "u32", perHead: "u32", inverse: "u32" }
  },
  code: (
    /* wgsl */
    `
${cosineAndSine}
${pairOf}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let place = i % p.places;
  let h = (i / p.places) % p.heads;
  let row = i / (p.places * p.heads);
  let from_ = p.x_at + row * p.x_stride + h * p.headDim;
  let to = (row * p.heads + h) * p.headDim;
  if (place >= p.pairs) {
    let column = place + p.pairs;
    y[to + column] = x[from_ + column];
    return;
  }
  let angle = angles[p.angles_at + row * p.angles_stride + select(0u, h * p.pairs, p.perHead != 0u) + place];
  var turn = cosineAndSine(angle);
  if (p.inverse != 0u) { turn.y = -turn.y; }
  let columns = pairOf(place);
  let a = x[from_ + columns.x];
  let b = x[from_ + columns.y];
  y[to + columns.x] = a * turn.x - b * turn.y;
  y[to + columns.y] = a * turn.y + b * turn.x;
}`
  )
});
var rotary2 = (runtime, { batch, length, heads, headDim, pairs }, { x, angles, pairing, anglesPerHead = false, inverse = false }) => {
  const op = "rotary";
  const y = runtime.result(op, x.shape);
  const places = headDim - pairs;
  const count = batch * length * heads * places;
  const params4 = {
    ...{ count, heads, headDim, pairs, places },
    interleaved: pairing === "interleaved" ? 1 : 0,
    perHead: anglesPerHead ? 1 : 0,
    inverse: inverse ? 1 : 0
  };
  runtime.run(op, rotaryShader, { x, angles, y }, params4, Math.ceil(count / 64));
  return y;
};

// src/ops/rotaryBackwardAngles.ts
var rotaryBackwardAnglesShader = defineShader({
  name: "rotaryBackwardAngles",
  read: { dy: "f32", x: "f32", angles: "f32" },
  write: { dAngles: "f32" },
  params: {
    ...{ count: "u32", heads: "u32", headDim: "u32", pairs: "u32" },
    ...{ interleaved: "u32", perHead: "u32", inverse: "u32" }
  },
  code: (
    /* wgsl */
    `
${cosineAndSine}
${pairOf}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let width = p.pairs * select(1u, p.heads, p.perHead != 0u);
  let row = i / width;
  let column = i % width;
  var turn = cosineAndSine(angles[p.angles_at + row * p.angles_stride + column]);
  if (p.inverse != 0u) { turn.y = -turn.y; }
  let columns = pairOf(column % p.pairs);
  var h = column / p.pairs;
  let end = select(p.heads, h + 1u, p.perHead != 0u);
  var sum = 0.0;
  for (; h < end; h++) {
    let atX = p.x_at + row * p.x_stride + h * p.headDim;
    let atDy = p.dy_at + row * p.dy_stride + h * p.headDim;
    let a = x[atX + columns.x];
    let b = x[atX + columns.y];
    sum += dy[atDy + columns.y] * (a * turn.x - b * turn.y) - dy[atDy + columns.x] * (a * turn.y + b * turn.x);
  }
  dAngles[i] = select(sum, -sum, p.inverse != 0u);
}`
  )
});
var rotaryBackwardAngles2 = (runtime, { batch, length, heads, headDim, pairs }, dy2, { x, angles, pairing, anglesPerHead = false, inverse = false }) => {
  const op = "rotaryBackwardAngles";
  const dAngles = runtime.result(op, angles.shape);
  const count = batch * length * pairs * (anglesPerHead ? heads : 1);
  const params4 = {
    ...{ count, heads, headDim, pairs },
    interleaved: pairing === "interleaved" ? 1 : 0,
    perHead: anglesPerHead ? 1 : 0,
    inverse: inverse ? 1 : 0
  };
  runtime.run(op, rotaryBackwardAnglesShader, { dy: dy2, x, angles, dAngles }, params4, Math.ceil(count / 64));
  return dAngles;
};

// src/sampling/adjust.ts
var adjustShader = defineShader({
  name: "sample adjust",
  read: { logits: "u32", options: "u32", seen: "i32", ids: "i32", values: "f32", allow: "u32" },
  write: { y: "u32" },
  params: { vocabSize: "u32", seenCount: "u32", addCount: "u32", optionWords: "u32" },
  workgroup: 256,
  code: (
    /* wgsl */
    `
fn run(row: u32, lane: u32) {
  let begin = p.logits_at + row * p.logits_stride;
  let to = row * p.vocabSize;
  for (var v = lane; v < p.vocabSize; v += workgroupSize) { y[to + v] = logits[begin + v]; }
  storageBarrier();
  if (p.seen_stride != 0u) {
    let penalty = bitcast<f32>(options[(row + 1u) * p.optionWords - 1u]);
    for (var k = lane; k < p.seenCount; k += workgroupSize) {
      let id = u32(seen[p.seen_at + row * p.seenCount + k]);
      if (id >= p.vocabSize || penalty == 1.0) { continue; }
      // From the logits, not from y: an id that occurs several times is penalised once.
      let logit = bitcast<f32>(logits[begin + id]);
      y[to + id] = bitcast<u32>(select(logit * penalty, logit / penalty, logit > 0.0));
    }
    storageBarrier();
  }
  if (p.ids_stride != 0u) {
    // All values of one id are added by one invocation, in their order.
    for (var k = 0u; k < p.addCount; k++) {
      let id = u32(ids[p.ids_at + row * p.addCount + k]);
      if (id >= p.vocabSize || id % workgroupSize != lane) { continue; }
      y[to + id] = bitcast<u32>(bitcast<f32>(y[to + id]) + values[p.values_at + row * p.addCount + k]);
    }
    storageBarrier();
  }
  let words = (p.vocabSize + 31u) / 32u;
  for (var v = lane; v < p.vocabSize; v += workgroupSize) {
    let bits = logits[begin + v];
    if (bits == 0x7f800000u || (bits & 0x7fffffffu) > 0x7f800000u) { y[to + v] = bits; continue; }
    if (p.allow_stride == 0u) { continue; }
    let word = allow[p.allow_at + row * words + v / 32u];
    if (((word >> (v % 32u)) & 1u) == 0u) { y[to + v] = 0xff800000u; }
  }
}`
  )
});

// src/wgsl/buckets.ts
var bucketCut = (
  /* wgsl */
  `
var<workgroup> sums: array<f32, 16u * workgroupSize>;
var<workgroup> buckets: array<f32, 16>;
// Fills 16 buckets of keys >= found with their mass, or with their count; the last bucket has no upper bound.
fn fill(lane: u32, found: u32, shift: u32, least: u32, byMass: bool) {
  for (var k = 0u; k < 16u; k++) { sums[k * workgroupSize + lane] = 0.0; }
  for (var i = lane; i < p.vocabSize; i += workgroupSize) {
    let key = keyAt(i);
    if (key < max(found, least) || !hasMass(key)) { continue; }
    var mass = 1.0;
    if (byMass) { mass = massOf(i); }
    sums[min((key - found) >> shift, 15u) * workgroupSize + lane] += mass;
  }
  workgroupBarrier();
  if (lane < 16u) {
    var sum = 0.0;
    for (var k = 0u; k < workgroupSize; k++) { sum += sums[lane * workgroupSize + k]; }
    buckets[lane] = sum;
  }
  workgroupBarrier();
}
// The largest threshold >= least whose keys have at least the mass wanted, or least if there is none.
fn cut(lane: u32, wanted: f32, least: u32, byMass: bool) -> u32 {
  var found = 0u;
  for (var digit = 0u; digit < 8u; digit++) {
    let shift = 28u - 4u * digit;
    fill(lane, found, shift, least, byMass);
    var above = 0.0;
    var k = 16u;
    while (k > 1u && above < wanted) { k--; above += buckets[k]; }
    if (above < wanted) { k = 0u; }
    found += k << shift;
  }
  return max(found, least);
}
// The mass of all keys >= least.
fn massFrom(lane: u32, least: u32) -> f32 {
  fill(lane, 0u, 28u, least, true);
  var sum = 0.0;
  for (var k = 0u; k < 16u; k++) { sum += buckets[k]; }
  return sum;
}`
);

// src/sampling/logProbs.ts
var ranked = 8;
var logProbsShader = memoize(
  (subgroups) => defineShader({
    name: "sample log-probabilities",
    enable: subgroups ? ["subgroups"] : [],
    read: { logits: "u32", ids: "i32" },
    write: { logProb: "u32", topIds: "i32", topLogProbs: "u32" },
    params: { vocabSize: "u32", count: "u32" },
    workgroup: 128,
    code: (
      /* wgsl */
      `
${keyOf}
${finiteKeys}
${log1p}
${largestKey(subgroups)}
const nanBits = 0x7fc00000u;
var<private> start: u32;
var<workgroup> isValid: u32;
var<workgroup> counts: array<vec2<u32>, workgroupSize>;
fn keyAt(i: u32) -> u32 { return keyOf(logits[start + i]); }
fn hasMass(key: u32) -> bool { return true; }
fn massOf(i: u32) -> f32 { return 1.0; }
${bucketCut}

// Writes the count largest keys and their ids in the order of ids: the keys to topLogProbs.
fn gather(lane: u32, first: u32, threshold: u32) {
  let chunk = (p.vocabSize + workgroupSize - 1u) / workgroupSize;
  let begin = min(lane * chunk, p.vocabSize);
  let end = min(begin + chunk, p.vocabSize);
  var own = vec2<u32>(0u); // above the threshold, equal to it
  for (var i = begin; i < end; i++) {
    let key = keyAt(i);
    own += vec2<u32>(select(0u, 1u, key > threshold), select(0u, 1u, key == threshold));
  }
  counts[lane] = own;
  workgroupBarrier();
  var all = vec2<u32>(0u);
  var before = vec2<u32>(0u);
  for (var k = 0u; k < workgroupSize; k++) {
    if (k == lane) { before = all; }
    all += counts[k];
  }
  let ties = p.count - all.x;
  for (var i = begin; i < end; i++) {
    let key = keyAt(i);
    if (key < threshold || (key == threshold && before.y >= ties)) { continue; }
    let at = first + before.x + min(before.y, ties);
    topIds[at] = i32(i);
    topLogProbs[at] = key;
    if (key == threshold) { before.y++; } else { before.x++; }
  }
  storageBarrier();
}

fn run(row: u32, lane: u32) {
  start = p.logits_at + row * p.logits_stride;
  let first = row * p.count;
  var key = 0u;
  for (var i = lane; i < p.vocabSize; i += workgroupSize) { key = max(key, keyAt(i)); }
  let most = largestKey(lane, key, 0u).x;
  if (lane == 0u) { isValid = select(0u, 1u, isFiniteKey(most)); }
  if (workgroupUniformLoad(&isValid) == 0u) {
    if (lane == 0u) { logProb[row] = nanBits; }
    for (var k = lane; k < p.count; k += workgroupSize) {
      topIds[first + k] = -1;
      topLogProbs[first + k] = nanBits;
    }
    return;
  }
  let largest = numberOf(most);
  var others = 0.0;
  var equal = 0.0;
  for (var i = lane; i < p.vocabSize; i += workgroupSize) {
    if (keyAt(i) == most) { equal += 1.0; } else { others += exp(bitcast<f32>(logits[start + i]) - largest); }
  }
  sums[lane] = others;
  sums[workgroupSize + lane] = equal;
  workgroupBarrier();
  others = 0.0;
  equal = -1.0;
  for (var k = 0u; k < workgroupSize; k++) {
    others += sums[k];
    equal += sums[workgroupSize + k];
  }
  workgroupBarrier();
  let rest = log1p(equal + others);
  if (lane == 0u) {
    let id = ids[row];
    logProb[row] = nanBits;
    if (id >= 0) { logProb[row] = bitcast<u32>((bitcast<f32>(logits[start + u32(id)]) - largest) - rest); }
  }
  if (p.count == 0u) { return; }

  gather(lane, first, cut(lane, f32(p.count), 0u, false));
  var ranks: array<u32, ${ranked}>;
  var keys: array<u32, ${ranked}>;
  var own: array<i32, ${ranked}>;
  for (var j = 0u; j < ${ranked}u; j++) {
    let k = j * workgroupSize + lane;
    if (k >= p.count) { break; }
    keys[j] = topLogProbs[first + k];
    own[j] = topIds[first + k];
    for (var other = 0u; other < p.count; other++) {
      let next = topLogProbs[first + other];
      ranks[j] += select(0u, 1u, next > keys[j] || (next == keys[j] && other < k));
    }
  }
  storageBarrier();
  for (var j = 0u; j < ${ranked}u; j++) {
    let k = j * workgroupSize + lane;
    if (k >= p.count) { break; }
    topIds[first + ranks[j]] = own[j];
    topLogProbs[first + ranks[j]] = bitcast<u32>((numberOf(keys[j]) - largest) - rest);
  }
}`
    )
  })
);

// src/ops/sample.ts
var optionWords = 6;
var sampleShader = memoize(
  (subgroups) => defineShader({
    name: "sample",
    enable: subgroups ? ["subgroups"] : [],
    read: { logits: "u32", options: "u32" },
    write: { ids: "i32" },
    params: { vocabSize: "u32" },
    workgroup: 128,
    code: (
      /* wgsl */
      `
${keyOf}
${finiteKeys}
${largestKey(subgroups)}
var<private> start: u32;
var<private> largest: f32;
var<private> temperature: f32;
var<private> minP: f32;
var<workgroup> isValid: u32;

fn keyAt(i: u32) -> u32 { return keyOf(logits[start + i]); }
fn hasMass(key: u32) -> bool { return key > noneKey; }
// The mass relative to the most probable token.
fn massOf(i: u32) -> f32 { return exp((bitcast<f32>(logits[start + i]) - largest) / temperature); }
${bucketCut}
// The weight of id i in the draw: 0 when a filter removes it.
fn drawn(i: u32, least: u32) -> f32 {
  let key = keyAt(i);
  if (key < least || !hasMass(key)) { return 0.0; }
  let mass = massOf(i);
  return select(0.0, mass, mass >= minP);
}

fn run(row: u32, lane: u32) {
  start = p.logits_at + row * p.logits_stride;
  var key = 0u;
  var index = 0u;
  for (var i = lane; i < p.vocabSize; i += workgroupSize) {
    let next = keyAt(i);
    if (next > key) { key = next; index = i; }
  }
  let most = largestKey(lane, key, index);
  if (lane == 0u) { isValid = select(0u, 1u, isFiniteKey(most.x)); }
  let option = row * ${optionWords}u;
  temperature = bitcast<f32>(options[option]);
  if (workgroupUniformLoad(&isValid) == 0u || bitcast<f32>(options[option]) == 0.0) {
    if (lane == 0u) { ids[row] = select(-1, i32(most.y), isFiniteKey(most.x)); }
    return;
  }
  largest = numberOf(most.x);
  let topP = bitcast<f32>(options[option + 1u]);
  minP = bitcast<f32>(options[option + 2u]);
  let topK = options[option + 3u];

  var least = 0u;
  if (topK < p.vocabSize) { least = cut(lane, f32(topK), 0u, false); }
  if (topP < 1.0) {
    let wanted = topP * massFrom(lane, least);
    least = cut(lane, wanted, least, true);
  }

  // Each invocation sums a chunk of consecutive ids. The first invocation finds the chunk of the draw, then the id in it.
  let chunk = (p.vocabSize + workgroupSize - 1u) / workgroupSize;
  var sum = 0.0;
  for (var i = lane * chunk; i < min(lane * chunk + chunk, p.vocabSize); i++) { sum += drawn(i, least); }
  sums[lane] = sum;
  workgroupBarrier();
  if (lane != 0u) { return; }
  var all = 0.0;
  var last = 0u;
  for (var k = 0u; k < workgroupSize; k++) {
    all += sums[k];
    if (sums[k] > 0.0) { last = k; }
  }
  let wanted = bitcast<f32>(options[option + 4u]) * all;
  var before = 0.0;
  var k = 0u;
  while (k < last && before + sums[k] <= wanted) { before += sums[k]; k++; }
  var id = 0u;
  var within = 0.0;
  for (var i = k * chunk; i < min(k * chunk + chunk, p.vocabSize); i++) {
    let mass = drawn(i, least);
    if (mass > 0.0) { id = i; }
    within += mass;
    if (before + within > wanted) { break; }
  }
  ids[row] = i32(id);
}`
    )
  })
);
var sample2 = (runtime, sizes, args2, want) => {
  const op = "sample";
  const { batch, vocabSize } = sizes;
  const { subgroups } = runtime.traits;
  const { logits, rows: rows2 } = args2;
  const ids = runtime.result(op, [batch], "i32");
  const options3 = needsOptions(args2) ? uploadOptions(runtime, rows2, vocabSize) : void 0;
  const adjusted = isAdjusted(args2) ? adjust(runtime, sizes, args2, options3) : void 0;
  const from = adjusted ?? logits;
  if (rows2.every(isGreedy))
    runtime.run(op, argmaxShader(subgroups), { logits: from, ids }, { vocabSize }, batch);
  else runtime.run(op, sampleShader(subgroups), { logits: from, options: options3, ids }, { vocabSize }, batch);
  for (const temporary of [options3, adjusted]) temporary?.dispose();
  return want ? { ids, ...logProbs(runtime, sizes, logits, ids, want.logProbs) } : { ids };
};
function isGreedy({ temperature }) {
  return temperature === 0;
}
function isPenalised({ seen, rows: rows2 }) {
  return seen !== void 0 && rows2.some(({ repetitionPenalty = 1 }) => repetitionPenalty !== 1);
}
function isAdjusted(args2) {
  return args2.add !== void 0 || args2.allow !== void 0 || isPenalised(args2);
}
function needsOptions(args2) {
  return isPenalised(args2) || !args2.rows.every(isGreedy);
}
function uploadOptions(runtime, rows2, vocabSize) {
  const words = new Int32Array(rows2.length * optionWords);
  const floats3 = new Float32Array(words.buffer);
  rows2.forEach((row, b) => {
    const { temperature, topP = 1, minP = 0, topK = vocabSize, uniform, repetitionPenalty = 1 } = row;
    floats3.set([temperature, topP, minP, 0, uniform, repetitionPenalty], b * optionWords);
    words[b * optionWords + 3] = Math.min(topK, vocabSize);
  });
  return uploadArray(runtime, "sample", words, [words.length], "i32");
}
function adjust(runtime, { batch, vocabSize, seenCount, addCount }, args2, options3) {
  const { logits, seen, add: add4, allow } = args2;
  const y = runtime.result("sample", [batch, vocabSize]);
  const buffers = {
    logits,
    options: options3,
    seen: isPenalised(args2) ? seen : void 0,
    ids: add4?.ids,
    values: add4?.values,
    allow,
    y
  };
  runtime.run("sample", adjustShader, buffers, { vocabSize, seenCount, addCount, optionWords }, batch);
  return y;
}
function logProbs(runtime, { batch, vocabSize }, logits, ids, count) {
  const op = "sample";
  const logProb = runtime.result(op, [batch]);
  const topIds = count > 0 ? runtime.result(op, [batch, count], "i32") : void 0;
  const topLogProbs = topIds && runtime.result(op, topIds.shape);
  const shader2 = logProbsShader(runtime.traits.subgroups);
  runtime.run(op, shader2, { logits, ids, logProb, topIds, topLogProbs }, { vocabSize, count }, batch);
  return topIds && topLogProbs ? { logProb, topIds, topLogProbs } : { logProb };
}

// src/ops/scale.ts
var scaleShader = elementwiseShader("scale", "a * factor");
var scale2 = (runtime, _, x, factor2) => elementwise(runtime, "scale", scaleShader, x, { factor: factor2 });

// src/memory/packs.ts
var absentOffset = 4294967295;
function pack2(runtime, op, tensors) {
  return fill2(runtime, op, tensors, (words) => runtime.result(op, [words]));
}
function fill2({ commands }, op, tensors, allocate) {
  let words = 0;
  const at = tensors.map((tensor) => {
    if (!tensor) return absentOffset;
    const start = words;
    words += elementCount(tensor.shape);
    return start;
  });
  const packed = allocate(words);
  tensors.forEach((tensor, i) => {
    if (!tensor) return;
    const { dtype, shape, offset, storage } = tensor;
    const [from, to] = [byteOffset(dtype, offset), (at[i] ?? 0) * 4];
    commands.copy(op, storage.buffer, from, packed.storage.buffer, to, byteLength(dtype, shape));
  });
  commands.write(packed.storage);
  return { tensor: packed, at };
}
var Packs = class {
  #runtime;
  /** By the memory of the first tensor. */
  #cached = /* @__PURE__ */ new Map();
  constructor(runtime) {
    this.#runtime = runtime;
  }
  /**
   * Like `pack`, but cached until one of the tensors changes or the first one is freed. The caller does not dispose it.
   *
   * @param written the tensor that the op writes in place, after it has read the pack
   */
  get(op, tensors, written) {
    const [first] = tensors;
    const cached = this.#cached.get(first.storage);
    if (cached && tensors.every((tensor, i) => isCurrent(cached, i, tensor))) return cached.pack;
    cached?.pack.tensor.dispose();
    const pack3 = fill2(this.#runtime, op, tensors, (words) => this.#runtime.hidden(op, words));
    const sources = tensors.map((tensor) => {
      return tensor && { storage: tensor.storage, offset: tensor.offset, count: elementCount(tensor.shape) };
    });
    const versions = sources.map((source2) => {
      return source2?.storage === written.storage ? -1 : source2?.storage.version;
    });
    this.#cached.set(first.storage, { pack: pack3, sources, versions });
    return pack3;
  }
  /** Frees the pack of a freed memory. */
  forget(storage) {
    const cached = this.#cached.get(storage);
    if (!cached) return;
    this.#cached.delete(storage);
    cached.pack.tensor.dispose();
  }
};
function isCurrent({ sources, versions }, i, tensor) {
  const source2 = sources[i];
  if (!tensor || !source2) return tensor === source2;
  return tensor.storage === source2.storage && tensor.offset === source2.offset && elementCount(tensor.shape) === source2.count && tensor.version === versions[i];
}

// src/scan/packScan.ts
function packScan(runtime, op, args2) {
  const index = sequenceIndex(runtime, op, args2.sequenceIds);
  const { tensor, at } = pack2(runtime, op, [args2.A, args2.D, args2.deltaBias, index]);
  index?.dispose();
  const [, skip_at = absentOffset, bias_at = absentOffset, index_at = absentOffset] = at;
  const params4 = { skip_at, bias_at, index_at, softplus: args2.deltaSoftplus ? 1 : 0 };
  return { tensor, sequences: index !== void 0, params: params4 };
}

// src/scan/stateWgsl.ts
var maxUnrolled = 64;
function stateOf(stateSize, outputs = true) {
  const unrolled = stateSize <= maxUnrolled;
  const each2 = (line) => unrolled ? Array.from({ length: stateSize }, (_, n) => `  ${line(`_${n}`, `${n}u`)}`).join("\n") : `  for (var n = 0u; n < stateSize; n++) { ${line("[n]", "n")} }`;
  const variables = unrolled ? Array.from({ length: stateSize }, (_, n) => `var<private> h_${n}: f32; var<private> A_${n}: f32;`) : ["var<private> h: array<f32, stateSize>; var<private> A: array<f32, stateSize>;"];
  const next = (n, i) => `h${n} = exponential(dt * A${n}) * h${n} + input * B[b + ${i}];`;
  const move = outputs ? (
    /* wgsl */
    `
fn step(dt: f32, input: f32, b: u32, c: u32) -> f32 {
  var sum = 0.0;
${each2((n, i) => `${next(n, i)} sum += C[c + ${i}] * h${n};`)}
  return sum;
}`
  ) : (
    /* wgsl */
    `
fn advance(dt: f32, input: f32, b: u32) {
${each2(next)}
}`
  );
  return (
    /* wgsl */
    `
${exponential}
const stateSize = ${stateSize}u;
${variables.join("\n")}
fn loadA(at: u32) {
${each2((n, i) => `A${n} = packed[at + ${i}];`)}
}
fn loadState(at: u32) {
${each2((n, i) => `h${n} = state[at + ${i}];`)}
}
fn clearState() {
${each2((n) => `h${n} = 0.0;`)}
}
fn storeState(at: u32) {
${each2((n, i) => `state[at + ${i}] = h${n};`)}
}
${move}`
  );
}

// src/scan/wgsl.ts
var stateInterval = 16;
function intervalCount(length) {
  return Math.ceil(length / stateInterval);
}
function scanSequences(sequences) {
  return (
    /* wgsl */
    `
const absent = ${absentOffset}u;
${sequenceFunctions(sequences ? "bitcast<u32>(packed[p.index_at + i])" : void 0)}`
  );
}
function scanShaderName(name, sequences) {
  return sequences ? `${name} sequences` : name;
}
var stepSize = (
  /* wgsl */
  `
${softplus}
fn rawDelta(row: u32, d: u32) -> f32 {
  let raw = delta[p.delta_at + row * p.delta_stride + d];
  if (p.bias_at == absent) { return raw; }
  return raw + packed[p.bias_at + d];
}
fn stepSize(raw: f32) -> f32 {
  if (p.softplus != 0u) { return softplus(raw); }
  return raw;
}`
);
var gated = (
  /* wgsl */
  `
fn gated(row: u32, d: u32) -> f32 {
  let gradient = dy[p.dy_at + row * p.dy_stride + d];
  if (p.z_stride == 0u) { return gradient; }
  let gate = z[p.z_at + row * p.z_stride + d];
  return gradient * (gate * sigmoid(gate));
}`
);

// src/scan/forwardShaders.ts
var params3 = {
  batch: "u32",
  length: "u32",
  /** Channels [first, first + channels) are scanned. */
  channels: "u32",
  first: "u32",
  /** Workgroups that cover the channels. */
  channelGroups: "u32",
  /** Positions per chunk. */
  chunkLength: "u32",
  chunks: "u32",
  /** Slots of `state` per chunk. */
  slots: "u32",
  bias_at: "u32",
  index_at: "u32",
  softplus: "u32"
};
var selectiveScanShader = memoize(
  (stateSize, sequences) => defineShader({
    name: scanShaderName(`selectiveScan N${stateSize}`, sequences),
    read: { u: "f32", delta: "f32", B: "f32", C: "f32", z: "f32", packed: "f32" },
    write: { state: "f32", y: "f32" },
    params: { ...params3, skip_at: "u32", initial: "u32", interval: "u32", finalSlot: "u32" },
    code: (
      /* wgsl */
      `
${sigmoid2}
${scanSequences(sequences)}
${stepSize}
${stateOf(stateSize)}
fn clear(b: u32, d: u32, low: u32, high: u32) {
  for (var l = low; l < high; l++) { y[rowAt(b, l) * p.y_stride + d] = 0.0; }
}
fn run(group: u32, lane: u32) {
  let local = (group % p.channelGroups) * workgroupSize + lane;
  if (local >= p.channels) { return; }
  let s = (group / p.channelGroups) % p.chunks;
  let b = group / (p.channelGroups * p.chunks);
  let d = p.first + local;
  let low = s * p.chunkLength;
  let end = min(low + p.chunkLength, p.length);
  let high = clamp(realCount(b), low, end);
  let own = p.state_at + (b * p.channels + local) * stateSize;
  let slot = p.batch * p.channels * stateSize;
  var skip = 0.0;
  if (p.skip_at != absent) { skip = packed[p.skip_at + d]; }
  loadA(d * stateSize);
  if (p.initial != 0u) { loadState(own + s * p.slots * slot); }
  var nextSlot = low / p.interval + 1u;
  for (var l = low; l < high; l++) {
    if (l == nextSlot * p.interval) {
      storeState(own + nextSlot * slot);
      nextSlot++;
    }
    let row = rowAt(b, l);
    let x = u[p.u_at + row * p.u_stride + d];
    let dt = stepSize(rawDelta(row, d));
    ${sequences ? "if (isFresh(b, l)) { clearState(); }" : ""}
    var sum = step(dt, dt * x, p.B_at + row * p.B_stride, p.C_at + row * p.C_stride);
    if (p.skip_at != absent) { sum += skip * x; }
    if (p.z_stride != 0u) {
      let gate = z[p.z_at + row * p.z_stride + d];
      sum *= gate * sigmoid(gate);
    }
    y[row * p.y_stride + d] = sum;
  }
  clear(b, d, high, end);
  if (p.finalSlot != absent && s == p.chunks - 1u) { storeState(own + p.finalSlot * slot); }
}`
    )
  })
);
var scanChunkEndsShader = memoize(
  (stateSize, sequences) => defineShader({
    name: scanShaderName(`selectiveScan chunk ends N${stateSize}`, sequences),
    read: { u: "f32", delta: "f32", B: "f32", packed: "f32" },
    write: { state: "f32", sums: "f32" },
    params: params3,
    code: (
      /* wgsl */
      `
${scanSequences(sequences)}
${stepSize}
${stateOf(stateSize, false)}
fn run(group: u32, lane: u32) {
  let local = (group % p.channelGroups) * workgroupSize + lane;
  if (local >= p.channels) { return; }
  let s = (group / p.channelGroups) % (p.chunks - 1u);
  let b = group / (p.channelGroups * (p.chunks - 1u));
  let d = p.first + local;
  let low = s * p.chunkLength;
  let high = min(realCount(b), low + p.chunkLength);
  loadA(d * stateSize);
  var total = 0.0;
  for (var l = low; l < high; l++) {
    let row = rowAt(b, l);
    let dt = stepSize(rawDelta(row, d));
    ${sequences ? "if (isFresh(b, l)) { clearState(); }" : ""}
    total += dt;
    advance(dt, dt * u[p.u_at + row * p.u_stride + d], p.B_at + row * p.B_stride);
  }
  sums[(s * p.batch + b) * p.channels + local] = total;
  let slot = p.batch * p.channels * stateSize;
  storeState(p.state_at + (s + 1u) * p.slots * slot + (b * p.channels + local) * stateSize);
}`
    )
  })
);
var scanCarryShader = memoize(
  (sequences) => defineShader({
    name: scanShaderName("selectiveScan carry", sequences),
    read: { packed: "f32", sums: "f32" },
    write: { state: "f32" },
    params: {
      batch: "u32",
      length: "u32",
      channels: "u32",
      first: "u32",
      stateSize: "u32",
      stateGroups: "u32",
      chunkLength: "u32",
      chunks: "u32",
      slots: "u32",
      count: "u32",
      backwards: "u32",
      index_at: "u32"
    },
    code: (
      /* wgsl */
      `
${isNan}
${decay}
${scanSequences(sequences)}
fn run(group: u32, lane: u32) {
  let b = group / p.stateGroups;
  let i = (group % p.stateGroups) * workgroupSize + lane;
  let states = p.channels * p.stateSize;
  if (i >= states) { return; }
  let count = realCount(b);
  let A = packed[p.first * p.stateSize + i];
  var at = p.state_at + b * states + i;
  var carry = state[at];
  for (var k = 0u; k < p.count; k++) {
    at += p.slots * p.batch * states;
    let low = select(k, p.chunks - 1u - k, p.backwards != 0u) * p.chunkLength;
    let high = min(low + p.chunkLength, count);
    // A chunk of padding leaves the carry unchanged, without a multiplication by exp(0 * A), which is NaN for infinite A.
    ${sequences ? "if (low < high && freshIn(b, low, high)) { carry = state[at]; } else" : ""}
    if (low < high) {
      let x = A * sums[(k * p.batch + b) * p.channels + i / p.stateSize];
      // Each single step leaves an infinite state infinite, even when the decay over all steps together is 0.
      let infinite = (bitcast<u32>(carry) & 0x7fffffffu) == 0x7f800000u && !isNan(x);
      carry = select(decay(x) * carry, carry, infinite) + state[at];
    }
    state[at] = carry;
  }
}`
    )
  })
);

// src/scan/runScan.ts
var busyInvocations = 16384;
var minChunkLength = 64;
var minChunks = 4;
function chunkLengthFor({ batch, length }, channels2) {
  const chunks = Math.min(
    Math.floor(busyInvocations / (batch * channels2)),
    Math.floor(length / minChunkLength)
  );
  return chunks < minChunks ? length : Math.ceil(length / chunks / stateInterval) * stateInterval;
}
function scanChunkLength(runtime, sizes, channels2) {
  const { length } = sizes;
  if (runtime.scanChunk !== void 0) return Math.min(runtime.scanChunk, length);
  const { parallel, batchInvariant } = runtime.traits;
  return parallel && !batchInvariant ? chunkLengthFor(sizes, channels2) : length;
}
function runScan(runtime, op, { batch, length, stateSize }, { first, channels: channels2 }, { inputs, packed, y, state, initial, chunkLength: chunkLength2, interval, finalSlot }) {
  const channelGroups = Math.ceil(channels2 / 64);
  const chunks = Math.ceil(length / chunkLength2);
  const slots2 = chunkLength2 / interval;
  const params4 = {
    ...{ batch, length, channels: channels2, first, stateSize, channelGroups, chunkLength: chunkLength2, chunks, slots: slots2 },
    ...packed.params
  };
  if (chunks > 1) {
    const { u, delta, B: B5 } = inputs;
    const count = chunks - 1;
    const sums = runtime.result(op, [count, batch, channels2]);
    const ends = { u, delta, B: B5, packed: packed.tensor, state, sums };
    runtime.run(
      op,
      scanChunkEndsShader(stateSize, packed.sequences),
      ends,
      params4,
      batch * count * channelGroups
    );
    const stateGroups = Math.ceil(channels2 * stateSize / 64);
    runtime.run(
      op,
      scanCarryShader(packed.sequences),
      { packed: packed.tensor, sums, state },
      { ...params4, stateGroups, count, backwards: 0 },
      batch * stateGroups
    );
    sums.dispose();
  }
  runtime.run(
    op,
    selectiveScanShader(stateSize, packed.sequences),
    { ...inputs, packed: packed.tensor, state, y },
    { ...params4, initial: initial ? 1 : 0, interval, finalSlot },
    batch * chunks * channelGroups
  );
}

// src/scan/splitChannels.ts
function splitChannels(runtime, sizes) {
  const { batch, length, channels: channels2, stateSize } = sizes;
  const rows2 = batch * length;
  const steps = 3 * rows2;
  const states = (intervalCount(length) + 1) * batch * stateSize;
  const sumsBC = 2 * rows2 * stateSize / 64;
  const groupBytes = byteOffset("f32", 64);
  const most = Math.max(1, Math.floor(runtime.chunkBytes / groupBytes / Math.max(steps, states, sumsBC))) * 64;
  const chunks = [];
  for (let first = 0; first < channels2; first += most) {
    chunks.push({ first, channels: Math.min(most, channels2 - first) });
  }
  return chunks;
}
function statesOf(states, sizes, { first, channels: channels2 }) {
  const perChannel = (intervalCount(sizes.length) + 1) * sizes.batch * sizes.stateSize;
  return { tensor: states, start: perChannel * first, count: perChannel * channels2 };
}
function fillFirstSlot(runtime, op, { tensor, start }, state, sizes, chunk) {
  const { commands } = runtime;
  const { buffer } = tensor.storage;
  const slotAt = byteOffset("f32", start);
  if (state) {
    const from = byteOffset("f32", state.offset);
    forEachRange(sizes, chunk, (stateAt, at, bytes) => {
      commands.copy(op, state.storage.buffer, from + stateAt, buffer, slotAt + at, bytes);
    });
  } else {
    commands.clear(op, buffer, slotAt, byteOffset("f32", sizes.batch * chunk.channels * sizes.stateSize));
  }
  commands.write(tensor.storage);
}
function copySlot(runtime, op, { tensor, start }, slot2, state, sizes, chunk) {
  const { commands } = runtime;
  const slotAt = byteOffset("f32", start + slot2 * sizes.batch * chunk.channels * sizes.stateSize);
  forEachRange(sizes, chunk, (stateAt, at, bytes) => {
    commands.copy(op, tensor.storage.buffer, slotAt + at, state.storage.buffer, stateAt, bytes);
  });
  commands.write(state.storage);
}
function forEachRange({ batch, channels: channels2, stateSize }, chunk, copy) {
  const bytes = byteOffset("f32", chunk.channels * stateSize);
  if (chunk.channels === channels2) {
    copy(0, 0, batch * bytes);
    return;
  }
  for (let b = 0; b < batch; b++) {
    copy(byteOffset("f32", (b * channels2 + chunk.first) * stateSize), b * bytes, bytes);
  }
}

// src/ops/selectiveScan.ts
var selectiveScan2 = (runtime, sizes, args2, want) => {
  const op = "selectiveScan";
  const { batch, length, channels: channels2, stateSize } = sizes;
  const { u, delta, B: B5, C, z, initialState: initial } = args2;
  const packed = packScan(runtime, op, args2);
  const y = runtime.result(op, u.shape);
  const finalState = want?.finalState ? runtime.result(op, [batch, channels2, stateSize]) : void 0;
  const allChannels = { first: 0, channels: channels2 };
  const chunkLength2 = scanChunkLength(runtime, sizes, channels2);
  const work = { inputs: { u, delta, B: B5, C, z }, packed, y, chunkLength: chunkLength2, interval: chunkLength2 };
  if (chunkLength2 < length) {
    const chunks = Math.ceil(length / chunkLength2);
    const slots2 = runtime.result(op, [chunks + 1, batch, channels2, stateSize]);
    const state = { tensor: slots2, start: 0, count: (chunks + 1) * batch * channels2 * stateSize };
    fillFirstSlot(runtime, op, state, initial, sizes, allChannels);
    runScan(runtime, op, sizes, allChannels, { ...work, state, initial: true, finalSlot: chunks });
    if (finalState) copySlot(runtime, op, state, chunks, finalState, sizes, allChannels);
    slots2.dispose();
  } else {
    if (initial && finalState) {
      const { buffer, bytes } = finalState.storage;
      const from = byteOffset("f32", initial.offset);
      runtime.commands.copy(op, initial.storage.buffer, from, buffer, 0, bytes);
    }
    const state = finalState ?? initial;
    const finalSlot = finalState ? 0 : absentOffset;
    runScan(runtime, op, sizes, allChannels, { ...work, state, initial: initial !== void 0, finalSlot });
  }
  packed.tensor.dispose();
  return finalState ? { y, finalState } : { y };
};

// src/scan/backwardShaders.ts
var scanStepsShader = memoize(
  (sequences) => defineShader({
    name: scanShaderName("selectiveScanBackward steps", sequences),
    read: { u: "f32", delta: "f32", dy: "f32", z: "f32", packed: "f32" },
    write: { steps: "f32" },
    params: {
      length: "u32",
      channels: "u32",
      first: "u32",
      count: "u32",
      bias_at: "u32",
      index_at: "u32",
      softplus: "u32"
    },
    code: (
      /* wgsl */
      `
${sigmoid2}
${scanSequences(sequences)}
${stepSize}
${gated}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let place = i / p.channels;
  let row = rowOf(place);
  let d = p.first + i % p.channels;
  var dt = 0.0;
  var x = 0.0;
  var ds = 0.0;
  if (!isPadding(place)) {
    dt = stepSize(rawDelta(row, d));
    x = dt * u[p.u_at + row * p.u_stride + d];
    ds = gated(row, d);
  }
  steps[i] = dt;
  steps[p.count + i] = x;
  steps[2u * p.count + i] = ds;
}`
    )
  })
);
var scanChunkGradientsShader = memoize(
  (sequences) => defineShader({
    name: scanShaderName("selectiveScanBackward chunk gradients", sequences),
    read: { steps: "f32", C: "f32", packed: "f32" },
    write: { carry: "f32", sums: "f32" },
    params: {
      batch: "u32",
      length: "u32",
      channels: "u32",
      first: "u32",
      stateSize: "u32",
      chunks: "u32",
      stateGroups: "u32",
      count: "u32",
      index_at: "u32"
    },
    code: (
      /* wgsl */
      `
${isNan}
${decay}
${scanSequences(sequences)}
fn run(group: u32, lane: u32) {
  let i = (group % p.stateGroups) * workgroupSize + lane;
  let states = p.channels * p.stateSize;
  if (i >= states) { return; }
  let c = (group / p.stateGroups) % p.chunks;
  let b = group / (p.stateGroups * p.chunks);
  let d = i / p.stateSize;
  let n = i % p.stateSize;
  let low = c * ${stateInterval}u;
  let A = packed[p.first * p.stateSize + i];
  var g = 0.0;
  var total = 0.0;
  for (var l = min(realCount(b), low + ${stateInterval}u); l > low; l--) {
    let row = rowAt(b, l - 1u);
    let at = (b * p.length + l - 1u) * p.channels + d;
    let dt = steps[at];
    g = (g + steps[2u * p.count + at] * C[p.C_at + row * p.C_stride + n]) * decay(dt * A);
    ${sequences ? "if (isFresh(b, l - 1u)) { g = 0.0; }" : ""}
    total += dt;
  }
  let behind = p.chunks - 1u - c;
  carry[((behind + 1u) * p.batch + b) * states + i] = g;
  if (n == 0u) { sums[(behind * p.batch + b) * p.channels + d] = total; }
}`
    )
  })
);
var scanChunksShader = memoize((sequences) => {
  const rowOf2 = (l) => sequences ? "rows[k]" : `(b * p.length + ${l})`;
  const isFresh = "((fresh >> k) & 1u) != 0u";
  return defineShader({
    name: scanShaderName("selectiveScanBackward chunks", sequences),
    read: { B: "f32", C: "f32", packed: "f32", states: "f32", carry: "f32" },
    write: { steps: "f32", dBC: "f32", dA: "f32" },
    params: {
      batch: "u32",
      length: "u32",
      channels: "u32",
      first: "u32",
      stateSize: "u32",
      chunks: "u32",
      channelGroups: "u32",
      count: "u32",
      index_at: "u32"
    },
    code: (
      /* wgsl */
      `
${isNan}
${decay}
${scanSequences(sequences)}
const chunk = ${stateInterval}u;
const half = ${2 * stateInterval}u * workgroupSize;
// Two halves, used in turn: the terms of one n are added while those of the next are written, so one barrier per n suffices.
var<workgroup> terms: array<f32, 2u * half>;
var<private> dt: array<f32, chunk>;
var<private> x: array<f32, chunk>;
var<private> ds: array<f32, chunk>;
var<private> v: array<f32, chunk>;
var<private> w: array<f32, chunk>;
var<private> s: array<f32, chunk>;
var<private> before: array<f32, chunk>;
var<private> shrink: array<f32, chunk>;
${sequences ? "var<private> rows: array<u32, chunk>;" : ""}
fn run(group: u32, lane: u32) {
  let channelGroup = group % p.channelGroups;
  let c = (group / p.channelGroups) % p.chunks;
  let b = group / (p.channelGroups * p.chunks);
  let d = channelGroup * workgroupSize + lane;
  let low = c * chunk;
  let high = min(realCount(b), low + chunk);
  let active_ = d < p.channels && low < high;
  let slot = p.batch * p.channels * p.stateSize;
  let sizeBC = p.batch * p.length * p.stateSize;
  let own = (b * p.channels + d) * p.stateSize;
  let carryAt = own + (p.chunks - 1u - c) * slot;
  let statesAt = p.states_at + own + c * slot;
  // Terms of padding and of channels past the last stay 0.
  for (var i = lane; i < 2u * half; i += workgroupSize) { terms[i] = 0.0; }
  ${sequences ? "var fresh = 0u; // bit k is set when a sequence starts at position k of the chunk" : ""}
  if (active_) {
    for (var l = low; l < high; l++) {
      let k = l - low;
      let at = (b * p.length + l) * p.channels + d;
      dt[k] = steps[at];
      x[k] = steps[p.count + at];
      ds[k] = steps[2u * p.count + at];${sequences ? "\n      rows[k] = rowAt(b, l);" : ""}
      ${sequences ? "if (isFresh(b, l)) { fresh |= 1u << k; }" : ""}
    }
  }
  for (var n = 0u; n < p.stateSize; n++) {
    let side = (n % 2u) * half;
    var sumA = 0.0;
    if (active_) {
      let A = packed[(p.first + d) * p.stateSize + n];
      var h = states[statesAt + n];
      for (var l = low; l < high; l++) {
        let k = l - low;
        let a = decay(dt[k] * A);
        before[k] = h;
        shrink[k] = a;
        h = a * ${sequences ? `select(h, 0.0, ${isFresh})` : "h"} + x[k] * B[p.B_at + ${rowOf2("l")} * p.B_stride + n];
      }
      var g = carry[carryAt + n];
      for (var l = high; l > low; l--) {
        let k = l - 1u - low;
        let row = ${rowOf2("l - 1u")};
        let coefficient = C[p.C_at + row * p.C_stride + n];
        s[k] += coefficient * h;
        terms[side + (chunk + k) * workgroupSize + lane] = ds[k] * h;
        g += ds[k] * coefficient;
        let through = g * ${sequences ? `select(before[k], 0.0, ${isFresh})` : "before[k]"} * shrink[k];
        sumA += through * dt[k];
        w[k] += through * A;
        v[k] += g * B[p.B_at + row * p.B_stride + n];
        terms[side + k * workgroupSize + lane] = g * x[k];
        ${sequences ? `g = select(g * shrink[k], 0.0, ${isFresh});` : "g *= shrink[k];"}
        h = before[k];
      }
    }
    if (d < p.channels) { dA[((b * p.chunks + c) * p.channels + d) * p.stateSize + n] = sumA; }
    workgroupBarrier();
    let l = low + lane % chunk;
    if (lane < 2u * chunk && l < p.length) {
      var sum = 0.0;
      // Each invocation starts at another term, so that neighbours read different memory banks.
      for (var i = 0u; i < workgroupSize; i++) {
        sum += terms[side + lane * workgroupSize + (i + lane) % workgroupSize];
      }
      dBC[(2u * channelGroup + lane / chunk) * sizeBC + rowAt(b, l) * p.stateSize + n] = sum;
    }
  }
  if (active_) {
    for (var l = low; l < high; l++) {
      let at = (b * p.length + l) * p.channels + d;
      steps[at] = v[l - low];
      steps[p.count + at] = w[l - low];
      steps[2u * p.count + at] = s[l - low];
    }
  }
}`
    )
  });
});

// src/scan/inputGradientShaders.ts
var scanInputsShader = memoize(
  (sequences) => defineShader({
    name: scanShaderName("selectiveScanBackward inputs", sequences),
    read: { u: "f32", delta: "f32", dy: "f32", z: "f32", packed: "f32", steps: "f32" },
    write: { du: "f32", ddelta: "f32" },
    params: {
      length: "u32",
      channels: "u32",
      first: "u32",
      count: "u32",
      skip_at: "u32",
      bias_at: "u32",
      index_at: "u32",
      softplus: "u32"
    },
    code: (
      /* wgsl */
      `
${sigmoid2}
${scanSequences(sequences)}
${stepSize}
${gated}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let place = i / p.channels;
  let row = rowOf(place);
  let d = p.first + i % p.channels;
  let at = row * p.du_stride + d;
  if (isPadding(place)) { du[at] = 0.0; ddelta[at] = 0.0; return; }
  let v = steps[i];
  let raw = rawDelta(row, d);
  var input = stepSize(raw) * v;
  if (p.skip_at != absent) { input += gated(row, d) * packed[p.skip_at + d]; }
  du[at] = input;
  // softplus(x) = x for x > 20.
  let slope = select(1.0, sigmoid(raw), p.softplus != 0u && !(raw > 20.0));
  ddelta[at] = (steps[p.count + i] + u[p.u_at + row * p.u_stride + d] * v) * slope;
}`
    )
  })
);
var scanGateShader = memoize(
  (sequences) => defineShader({
    name: scanShaderName("selectiveScanBackward gate", sequences),
    read: { u: "f32", dy: "f32", z: "f32", packed: "f32", steps: "f32" },
    write: { dz: "f32" },
    params: {
      length: "u32",
      channels: "u32",
      first: "u32",
      count: "u32",
      skip_at: "u32",
      index_at: "u32"
    },
    code: (
      /* wgsl */
      `
${siluDerivative}
${scanSequences(sequences)}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let place = i / p.channels;
  let row = rowOf(place);
  let d = p.first + i % p.channels;
  let at = row * p.dz_stride + d;
  if (isPadding(place)) { dz[at] = 0.0; return; }
  var s = steps[2u * p.count + i];
  if (p.skip_at != absent) { s += packed[p.skip_at + d] * u[p.u_at + row * p.u_stride + d]; }
  dz[at] = dy[p.dy_at + row * p.dy_stride + d] * s * siluDerivative(z[p.z_at + row * p.z_stride + d]);
}`
    )
  })
);
var scanSkipShader = memoize(
  (sequences) => defineShader({
    name: scanShaderName("selectiveScanBackward skip", sequences),
    read: { u: "f32", dy: "f32", z: "f32", packed: "f32" },
    write: { sum: "f32" },
    params: { rows: "u32", length: "u32", channels: "u32", channelGroups: "u32", index_at: "u32" },
    code: (
      /* wgsl */
      `
${sigmoid2}
${scanSequences(sequences)}
${gated}
fn run(group: u32, lane: u32) {
  let chunk = group / p.channelGroups;
  let d = (group % p.channelGroups) * workgroupSize + lane;
  if (d >= p.channels) { return; }
  let end = min((chunk + 1u) * ${rowsPerChunk}u, p.rows);
  var total = 0.0;
  for (var place = chunk * ${rowsPerChunk}u; place < end; place++) {
    if (isPadding(place)) { continue; }
    let row = rowOf(place);
    total += gated(row, d) * u[p.u_at + row * p.u_stride + d];
  }
  sum[chunk * p.channels + d] = total;
}`
    )
  })
);

// src/ops/selectiveScanBackward.ts
var selectiveScanBackward2 = (runtime, sizes, dy2, args2, { saved: states }, dFinal) => {
  const op = "selectiveScanBackward";
  const { batch, length, channels: channels2, stateSize } = sizes;
  const { u, delta, B: B5, C, z, initialState: initial } = args2;
  const { tensor: packed, sequences: packedSequences, params: options3 } = packScan(runtime, op, args2);
  const result2 = (like) => runtime.result(op, like.shape);
  const sequences = { u: result2(u), delta: result2(delta), ...z && { z: result2(z) } };
  const [dA, dB, dC] = [result2(args2.A), result2(B5), result2(C)];
  const D2 = args2.D && result2(args2.D);
  const deltaBias = args2.deltaBias && result2(args2.deltaBias);
  const initialState = initial && result2(initial);
  const rows2 = batch * length;
  const chunks = intervalCount(length);
  const channelChunks = splitChannels(runtime, sizes);
  const sizeBC = 2 * rows2 * stateSize;
  const allBC = runtime.result(op, [channelChunks.length, sizeBC]);
  channelChunks.forEach((channelChunk, i) => {
    const width = channelChunk.channels;
    const count = rows2 * width;
    const channelGroups = Math.ceil(width / 64);
    const params4 = { ...sizes, ...channelChunk, ...options3, rows: rows2, count, chunks, channelGroups };
    const groups = Math.ceil(count / 64);
    const steps = runtime.result(op, [3, count]);
    runtime.run(op, scanStepsShader(packedSequences), { u, delta, dy: dy2, z, packed, steps }, params4, groups);
    const carry = runtime.result(op, [chunks + 1, batch, width, stateSize]);
    const slots2 = { tensor: carry, start: 0, count: elementCount(carry.shape) };
    fillFirstSlot(runtime, op, slots2, dFinal, sizes, channelChunk);
    const stateGroups = Math.ceil(width * stateSize / 64);
    const sums = runtime.result(op, [chunks, batch, width]);
    const ends = { steps, C, packed, carry, sums };
    runtime.run(
      op,
      scanChunkGradientsShader(packedSequences),
      ends,
      { ...params4, stateGroups },
      batch * chunks * stateGroups
    );
    const order = { chunkLength: stateInterval, slots: 1, count: chunks, backwards: 1 };
    const carried = { packed, sums, state: carry };
    runtime.run(
      op,
      scanCarryShader(packedSequences),
      carried,
      { ...params4, stateGroups, ...order },
      batch * stateGroups
    );
    if (initialState) copySlot(runtime, op, slots2, chunks, initialState, sizes, channelChunk);
    const sumsBC = runtime.result(op, [channelGroups, sizeBC]);
    const sumsA = runtime.result(op, [batch * chunks, width * stateSize]);
    const keptStates = statesOf(states, sizes, channelChunk);
    const chunked = { B: B5, C, packed, states: keptStates, carry, steps, dBC: sumsBC, dA: sumsA };
    runtime.run(op, scanChunksShader(packedSequences), chunked, params4, batch * chunks * channelGroups);
    const [startA, countA] = [channelChunk.first * stateSize, width * stateSize];
    addRows(runtime, op, sumsA, batch * chunks, countA, { tensor: dA, start: startA, count: countA });
    const chunkBC = { tensor: allBC, start: i * sizeBC, count: sizeBC };
    addRows(runtime, op, sumsBC, channelGroups, sizeBC, chunkBC);
    const outputs = { du: sequences.u, ddelta: sequences.delta };
    const inputs = { u, dy: dy2, z, packed, steps };
    runtime.run(op, scanInputsShader(packedSequences), { ...inputs, delta, ...outputs }, params4, groups);
    if (sequences.z)
      runtime.run(op, scanGateShader(packedSequences), { ...inputs, dz: sequences.z }, params4, groups);
    for (const temporary of [steps, carry, sums, sumsBC, sumsA]) temporary.dispose();
  });
  const several = channelChunks.length > 1;
  const dBC = several ? runtime.result(op, [sizeBC]) : allBC;
  if (several) {
    addRows(runtime, op, allBC, channelChunks.length, sizeBC, dBC);
    allBC.dispose();
  }
  runtime.commands.copy(op, dBC.storage.buffer, 0, dB.storage.buffer, 0, dB.storage.bytes);
  runtime.commands.copy(op, dBC.storage.buffer, dB.storage.bytes, dC.storage.buffer, 0, dC.storage.bytes);
  for (const tensor of [dB, dC]) runtime.commands.write(tensor.storage);
  if (D2) {
    const rowChunks2 = Math.ceil(rows2 / rowsPerChunk);
    const channelGroups = Math.ceil(channels2 / 64);
    const sum = runtime.result(op, [rowChunks2, channels2]);
    const read2 = { u, dy: dy2, z, packed };
    runtime.run(
      op,
      scanSkipShader(packedSequences),
      { ...read2, sum },
      { ...sizes, ...options3, rows: rows2, channelGroups },
      rowChunks2 * channelGroups
    );
    addRows(runtime, op, sum, rowChunks2, channels2, D2);
    sum.dispose();
  }
  if (deltaBias) addRows(runtime, op, sequences.delta, rows2, channels2, deltaBias);
  packed.dispose();
  dBC.dispose();
  return {
    ...sequences,
    ...{ A: dA, B: dB, C: dC },
    ...D2 && { D: D2 },
    ...deltaBias && { deltaBias },
    ...initialState && { initialState }
  };
};

// src/ops/selectiveScanForward.ts
var selectiveScanForward2 = (runtime, sizes, args2) => {
  const op = "selectiveScanForward";
  const { batch, length, channels: channels2, stateSize } = sizes;
  const { u, delta, B: B5, C, z, initialState: initial } = args2;
  const inputs = { u, delta, B: B5, C, z };
  const packed = packScan(runtime, op, args2);
  const y = runtime.result(op, u.shape);
  const finalState = runtime.result(op, [batch, channels2, stateSize]);
  const intervals = intervalCount(length);
  const states = runtime.result(op, [intervals + 1, batch, channels2, stateSize]);
  for (const chunk of splitChannels(runtime, sizes)) {
    const state = statesOf(states, sizes, chunk);
    fillFirstSlot(runtime, op, state, initial, sizes, chunk);
    const chunkLength2 = Math.ceil(scanChunkLength(runtime, sizes, chunk.channels) / stateInterval) * stateInterval;
    const work = { state, initial: true, chunkLength: chunkLength2, interval: stateInterval, finalSlot: intervals };
    runScan(runtime, op, sizes, chunk, { inputs, packed, y, ...work });
    copySlot(runtime, op, state, intervals, finalState, sizes, chunk);
  }
  packed.tensor.dispose();
  return { y, finalState, residual: new ScanResidual(states, sizes) };
};

// src/ops/selectiveStateUpdate.ts
var selectiveStateUpdateShader = defineShader({
  name: "selectiveStateUpdate",
  read: { u: "f32", delta: "f32", B: "f32", C: "f32", z: "f32", packed: "f32" },
  write: { state: "f32", y: "f32" },
  params: {
    count: "u32",
    channels: "u32",
    stateSize: "u32",
    skip_at: "u32",
    bias_at: "u32",
    softplus: "u32",
    skips: "u32",
    biased: "u32"
  },
  code: (
    /* wgsl */
    `
${sigmoid2}
${softplus}
${exponential}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let b = i / p.channels;
  let d = i % p.channels;
  let x = u[p.u_at + b * p.u_stride + d];
  var dt = delta[p.delta_at + b * p.delta_stride + d];
  if (p.biased != 0u) { dt += packed[p.bias_at + d]; }
  if (p.softplus != 0u) { dt = softplus(dt); }
  let input = dt * x;
  var sum = 0.0;
  for (var n = 0u; n < p.stateSize; n++) {
    let at = p.state_at + i * p.stateSize + n;
    let h = exponential(dt * packed[d * p.stateSize + n]) * state[at] + input * B[p.B_at + b * p.B_stride + n];
    state[at] = h;
    sum += C[p.C_at + b * p.C_stride + n] * h;
  }
  if (p.skips != 0u) { sum += packed[p.skip_at + d] * x; }
  if (p.z_stride != 0u) {
    let gate = z[p.z_at + b * p.z_stride + d];
    sum *= gate * sigmoid(gate);
  }
  y[i] = sum;
}`
  )
});
var selectiveStateUpdate2 = (runtime, { batch, channels: channels2, stateSize }, state, { u, delta, A, B: B5, C, D: D2, z, deltaBias, deltaSoftplus }) => {
  const op = "selectiveStateUpdate";
  const packed = runtime.packs.get(op, [A, D2, deltaBias], state);
  const [, skip_at = absentOffset, bias_at = absentOffset] = packed.at;
  const y = runtime.result(op, u.shape);
  const count = batch * channels2;
  runtime.run(
    op,
    selectiveStateUpdateShader,
    { u, delta, B: B5, C, z, packed: packed.tensor, state, y },
    {
      count,
      channels: channels2,
      stateSize,
      skip_at,
      bias_at,
      softplus: deltaSoftplus ? 1 : 0,
      skips: D2 ? 1 : 0,
      biased: deltaBias ? 1 : 0
    },
    Math.ceil(count / 64)
  );
  return y;
};

// src/ops/sigmoid.ts
var sigmoidShader = elementwiseShader(
  "sigmoid",
  "select(sigmoid(a), a, isNan(a))",
  isNan + sigmoid2
);
var sigmoid3 = (runtime, _, x) => elementwise(runtime, "sigmoid", sigmoidShader, x);

// src/ops/sigmoidBackward.ts
var sigmoidBackwardShader = elementwiseShader("sigmoidBackward", "a * b * (1.0 - b)");
var sigmoidBackward2 = (runtime, _, dy2, y) => elementwise(runtime, "sigmoidBackward", sigmoidBackwardShader, dy2, { b: y });

// src/ops/silu.ts
var siluShader = elementwiseShader("silu", "a * sigmoid(a)", sigmoid2);
var silu2 = (runtime, _, x) => elementwise(runtime, "silu", siluShader, x);

// src/ops/siluBackward.ts
var siluBackwardShader = elementwiseShader("siluBackward", "a * siluDerivative(b)", siluDerivative);
var siluBackward2 = (runtime, _, dy2, x) => elementwise(runtime, "siluBackward", siluBackwardShader, dy2, { b: x });

// src/ops/softmax.ts
var softmaxShader = defineShader({
  name: "softmax",
  read: { x: "f32" },
  write: { y: "f32" },
  params: { rows: "u32", features: "u32" },
  code: (
    /* wgsl */
    `
${isNan}
${nan}
${decay}
${joined}
${reduction("vec2<f32>", "total", "joined(a, b)")}
fn run(group: u32, lane: u32) {
  ${rowOfLane}
  let start = p.x_at + row * p.x_stride;
  var own = nothingJoined;
  for (var i = first; i < p.features; i += ${lanesPerRow}u) { own = joined(own, vec2<f32>(x[start + i], 1.0)); }
  let all = total(lane, own);
  if (place >= p.rows) { return; }
  let isWrong = (bitcast<u32>(all.x) & 0x7f800000u) == 0x7f800000u || all.y == 0.0;
  for (var i = first; i < p.features; i += ${lanesPerRow}u) {
    y[row * p.features + i] = select(decay(x[start + i] - all.x) / all.y, nan(), isWrong);
  }
}`
  )
});
var softmax2 = (runtime, { rows: rows2, features }, x) => {
  const y = runtime.result("softmax", x.shape);
  runtime.run("softmax", softmaxShader, { x, y }, { rows: rows2, features }, Math.ceil(rows2 / rowsPerGroup));
  return y;
};

// src/ops/softmaxBackward.ts
var softmaxBackwardShader = defineShader({
  name: "softmaxBackward",
  read: { dy: "f32", y: "f32" },
  write: { dx: "f32" },
  params: { rows: "u32", features: "u32" },
  code: (
    /* wgsl */
    `
${reduction("f32", "total", "a + b")}
fn run(group: u32, lane: u32) {
  ${rowOfLane}
  let dyStart = p.dy_at + row * p.dy_stride;
  let yStart = p.y_at + row * p.y_stride;
  var own = 0.0;
  for (var i = first; i < p.features; i += ${lanesPerRow}u) { own += dy[dyStart + i] * y[yStart + i]; }
  let all = total(lane, own);
  if (place >= p.rows) { return; }
  for (var i = first; i < p.features; i += ${lanesPerRow}u) {
    dx[row * p.features + i] = y[yStart + i] * (dy[dyStart + i] - all);
  }
}`
  )
});
var softmaxBackward2 = (runtime, { rows: rows2, features }, dy2, y) => {
  const op = "softmaxBackward";
  const dx = runtime.result(op, y.shape);
  const groups = Math.ceil(rows2 / rowsPerGroup);
  runtime.run(op, softmaxBackwardShader, { dy: dy2, y, dx }, { rows: rows2, features }, groups);
  return dx;
};

// src/ops/sqrt.ts
var sqrtShader = elementwiseShader("sqrt", "select(sqrt(a), nan(), a < 0.0 || isNan(a))", isNan + nan);
var sqrt2 = (runtime, _, x) => elementwise(runtime, "sqrt", sqrtShader, x);

// src/wgsl/tileProduct.ts
var rows = 8;
var vectors = 2;
var tileRow = (r2) => `(ownRow + 8u * ${r2})`;
var tileShaderName = (name, parallel) => parallel ? `${name}, shared tiles` : name;
var zeroSums = (sums) => `var ${sums}: array<vec4<f32>, ${rows * vectors}>;`;
var eachSum = (sums, r2, code) => lines(vectors, (v) => code(`${sums}[${vectors}u * ${r2} + ${v}u]`, `(ownColumn + ${32 * v}u)`));
var sharedTiles = {
  memory: (
    /* wgsl */
    `
// Rows of a tile are padded, so that neighbouring invocations use different memory banks.
const leftPitch = 5u;
const rightPitch = 17u;
var<workgroup> leftTile: array<vec4<f32>, 64u * leftPitch>;
var<workgroup> rightTile: array<vec4<f32>, 16u * rightPitch>;`
  ),
  place: (
    /* wgsl */
    `
  let ownRow = lane / 8u;
  let ownColumn = lane % 8u * 4u;`
  ),
  zeroSums,
  eachRow: (code) => lines(rows, (r2) => code(`${r2}u`)),
  eachSum,
  product: sharedProduct
};
var ownTiles = {
  memory: "",
  // Neighbours, which compute at the same time, have the same columns.
  place: (
    /* wgsl */
    `
  let ownRow = lane % 8u;
  let ownColumn = lane / 8u * 4u;`
  ),
  zeroSums,
  eachRow: (code) => `for (var r = 0u; r < ${rows}u; r++) { ${code("r")} }`,
  eachSum,
  product: ownProduct
};
function tileCode(parallel) {
  return parallel ? sharedTiles : ownTiles;
}
var fourColumns = (right, first, k) => `vec4<f32>(${[0, 1, 2, 3].map((c) => right.value(`(${first} + ${c}u)`, k)).join(", ")})`;
function sharedProduct({ sums, terms, left, right, range }) {
  const [row, term] = left.layout === "along" ? ["place / 4u", "place % 4u"] : ["place % 64u", "place / 64u"];
  const [column, k] = right.layout === "along" ? ["place / 16u", "place % 16u"] : ["place % 16u", "place / 16u"];
  const addTerm = (r2, t2) => lines(vectors, (v) => {
    const sum = `${sums}[${vectors}u * ${r2} + ${v}u]`;
    return `${sum} = fma(vec4<f32>(a[${t2}]), b${t2}_${v}, ${sum});`;
  });
  const addRow = (r2) => {
    const all = lines(4, (t2) => addTerm(r2, t2));
    const own = `ranges[${r2}]`;
    const inRange = (t2) => `k + ${t2}u >= ${own}.x && k + ${t2}u <= ${own}.y`;
    const some = lines(4, (t2) => `if (${inRange(t2)}) { ${addTerm(r2, t2)} }`);
    const added2 = range ? `if (k >= ${own}.x && k + 3u <= ${own}.y) {
    ${all}
    } else if (k + 3u >= ${own}.x && k <= ${own}.y) {
    ${some}
    }` : all;
    return `{ let a = leftTile[${tileRow(r2)} * leftPitch + i];
    ${added2} }`;
  };
  const isTerm = range ? `k < ${terms} && k >= range.x && k <= range.y` : `k < ${terms}`;
  return (
    /* wgsl */
    `
  {
  ${range ? `var ranges: array<vec2<u32>, ${rows}>;
${sharedTiles.eachRow((r2) => `ranges[${r2}] = ${range(tileRow(r2))};`)}` : ""}
  for (var start = 0u; start < ${terms}; start += 16u) {
    workgroupBarrier();
    for (var place = lane; place < 256u; place += workgroupSize) {
      let at = ${row};
      let tileTerm = ${term};
      ${range ? `let range = ${range("at")};` : ""}
      var four = vec4<f32>(0.0);
      for (var t = 0u; t < 4u; t++) {
        let k = start + 4u * tileTerm + t;
        if (${isTerm}) { four[t] = ${left.value("at", "k")}; }
      }
      leftTile[at * leftPitch + tileTerm] = four;
    }
    for (var place = lane; place < 256u; place += workgroupSize) {
      let tileColumn = ${column};
      let tileTerm = ${k};
      let k = start + tileTerm;
      var four = vec4<f32>(0.0);
      if (k < ${terms}) { four = ${fourColumns(right, "4u * tileColumn", "k")}; }
      rightTile[tileTerm * rightPitch + tileColumn] = four;
    }
    workgroupBarrier();
    let steps = min(4u, (${terms} - start + 3u) / 4u);
    for (var i = 0u; i < steps; i++) {
      let k = start + 4u * i;
      ${lines(4, (t2) => lines(vectors, (v) => `let b${t2}_${v} = rightTile[(4u * i + ${t2}u) * rightPitch + lane % 8u + ${8 * v}u];`))}
      ${sharedTiles.eachRow(addRow)}
    }
  }
  }`
  );
}
function ownProduct({ sums, terms, left, right, rows: rowCount2, columns, range }) {
  return (
    /* wgsl */
    `
  for (var v = 0u; v < ${vectors}u; v++) {
    let tileColumn = ownColumn + 32u * v;
    if (tileColumn < ${columns}) {
      for (var k = 0u; k < ${terms}; k++) {
        let four = ${fourColumns(right, "tileColumn", "k")};
        for (var r = 0u; r < ${rows}u; r++) {
          let at = ${tileRow("r")};
          if (at >= ${rowCount2}) { break; }
          ${range ? `let range = ${range("at")};
          if (k < range.x || k > range.y) { continue; }` : ""}
          let place = ${vectors}u * r + v;
          ${sums}[place] = fma(vec4<f32>(${left.value("at", "k")}), four, ${sums}[place]);
        }
      }
    }
  }`
  );
}

// src/ssd/wgsl.ts
var chunkLength = 64;
var planes2 = 6;
var ssdParams = {
  batch: "u32",
  length: "u32",
  chunks: "u32",
  /** Heads of this part of the call, and the number of the first. */
  heads: "u32",
  first: "u32",
  headDim: "u32",
  stateSize: "u32",
  /** Heads that read one group of B and C. */
  perGroup: "u32"
};
var planWords = (chunks) => 3 * chunks * chunkLength + 1;
var planPlaces = (
  /* wgsl */
  `
fn ranks() -> u32 { return p.chunks * ${chunkLength}u; }
fn infoAt(b: u32) -> u32 { return b * (3u * ranks() + 1u); }
fn planeAt(plane: u32, b: u32, h: u32) -> u32 {
  return p.batch * (3u * ranks() + 1u) + ((plane * p.batch + b) * p.heads + h) * ranks();
}
fn chunkDecayAt(b: u32, c: u32, h: u32) -> u32 {
  return planeAt(${planes2}u, 0u, 0u) + (b * p.heads + h) * p.chunks + c;
}
const freshBits = 0xbf800000u; // in the place of the decay of a chunk in which a sequence starts: -1`
);
var planReaders = (
  /* wgsl */
  `
${planPlaces}
fn number(i: u32) -> f32 { return bitcast<f32>(plan[i]); }
fn rowAt(b: u32, rank: u32) -> u32 { return plan[infoAt(b) + rank]; }
fn startOf(b: u32, rank: u32) -> u32 { return plan[infoAt(b) + ranks() + rank]; }
fn lastOf(b: u32, rank: u32) -> u32 { return plan[infoAt(b) + 2u * ranks() + rank]; }
fn realCount(b: u32) -> u32 { return plan[infoAt(b) + 3u * ranks()]; }
fn seesStart(b: u32, rank: u32, low: u32) -> bool { return startOf(b, rank) < max(low, 1u); }`
);
var decayBetween = (parallel) => (
  /* wgsl */
  `
${isNan}
${decay}
${parallel ? `var<workgroup> own: array<f32, 256>;
fn loadOwn(lane: u32, b: u32, h: u32, low: u32) {
  for (var i = 0u; i < 4u; i++) { own[64u * i + lane] = number(planeAt(i, b, h) + low + lane); }
}
fn plane(i: u32, rank: u32) -> f32 { return own[64u * i + rank]; }` : `var<private> ownAt: u32;
var<private> planeSize: u32;
fn loadOwn(lane: u32, b: u32, h: u32, low: u32) {
  ownAt = planeAt(0u, b, h) + low;
  planeSize = planeAt(1u, 0u, 0u) - planeAt(0u, 0u, 0u);
}
fn plane(i: u32, rank: u32) -> f32 { return number(ownAt + planeSize * i + rank); }`}
fn ownWeight(j: u32) -> f32 { return plane(1u, j); }
fn decayBetween(i: u32, j: u32) -> f32 {
  var sum = 0.0;
  if (i / 16u == j / 16u) {
    for (var t = j + 1u; t <= i; t++) { sum += plane(0u, t); }
  } else {
    sum = plane(3u, j);
    for (var t = j / 16u + 1u; t < i / 16u; t++) { sum += plane(2u, 16u * t + 15u); }
    sum += plane(2u, i);
  }
  return decay(sum);
}`
);
var chunkOfGroup = (tiles) => (
  /* wgsl */
  `
  let h = (group / ${tiles}) % p.heads;
  let c = (group / (${tiles} * p.heads)) % p.chunks;
  let b = group / (${tiles} * p.heads * p.chunks);
  let low = c * ${chunkLength}u;
  let end = min(low + ${chunkLength}u, p.length);
  let high = clamp(realCount(b), low, end);
  let terms = high - low;
  let head = p.first + h;
  let g = head / p.perGroup;`
);

// src/ssd/gradientShaders.ts
var headsPerPart = 8;
var ssdPairsShader = memoize((parallel) => {
  const tile = tileCode(parallel);
  return defineShader({
    name: tileShaderName("ssdScanBackward pairs", parallel),
    read: { dy: "f32", x: "f32", plan: "u32" },
    write: { pairs: "f32" },
    params: ssdParams,
    code: (
      /* wgsl */
      `
${planReaders}
${decayBetween(parallel)}
${tile.memory}
fn run(group: u32, lane: u32) {
  ${chunkOfGroup("1u")}
  ${tile.place}
  loadOwn(lane, b, h, low);
  ${tile.zeroSums("s")}
  ${tile.product({
        sums: "s",
        terms: "p.headDim",
        left: {
          layout: "along",
          value: (i, k) => `dy[p.dy_at + rowAt(b, low + ${i}) * p.dy_stride + head * p.headDim + ${k}]`
        },
        right: {
          layout: "along",
          value: (j, k) => `x[p.x_at + rowAt(b, low + ${j}) * p.x_stride + head * p.headDim + ${k}]`
        },
        rows: "terms",
        columns: "terms"
      })}
  ${tile.eachRow((r2) => tile.eachSum("s", r2, (sum, at) => `store(group * 4096u, b, low, ${tileRow(r2)}, ${at}, terms, ${sum});`))}
}
fn store(at: u32, b: u32, low: u32, i: u32, column: u32, terms: u32, sums: vec4<f32>) {
  for (var k = 0u; k < 4u; k++) {
    let j = column + k;
    var value = 0.0;
    if (i < terms && j <= i && startOf(b, low + i) <= low + j) { value = sums[k] * decayBetween(i, j); }
    pairs[at + i * 64u + j] = value;
  }
}`
    )
  });
});
var ssdGroupShader = memoize((isB, parallel) => {
  const tile = tileCode(parallel);
  const rank = (r2) => `(low + ${tileRow(r2)})`;
  const [factor2, sees] = isB ? ["number(planeAt(5u, b, h) + rank)", "startOf(b, high - 1u) <= rank"] : ["number(planeAt(4u, b, h) + rank)", "seesStart(b, rank, low)"];
  const [own, other] = isB ? ["B", "C"] : ["C", "B"];
  const pair2 = isB ? "k * 64u + at" : "at * 64u + k";
  const column = (name, row, n) => `${name}[p.${name}_at + rowAt(b, ${row}) * p.${name}_stride + g * p.stateSize + ${n}]`;
  return defineShader({
    name: tileShaderName(`ssdScanBackward ${own}`, parallel),
    read: { x: "f32", B: "f32", C: "f32", slots: "f32", pairs: "f32", plan: "u32" },
    write: { sums: "f32", dots: "f32" },
    params: {
      ...ssdParams,
      columnTiles: "u32",
      firstPart: "u32",
      parts: "u32",
      partsPerGroup: "u32",
      width: "u32"
    },
    code: (
      /* wgsl */
      `
${planReaders}
${tile.memory}
var<workgroup> rowSums: array<f32, 512>;
fn run(group: u32, lane: u32) {
  let tile = group % p.columnTiles;
  let column = tile * 64u;
  let part = p.firstPart + (group / p.columnTiles) % p.parts;
  let c = (group / (p.columnTiles * p.parts)) % p.chunks;
  let b = group / (p.columnTiles * p.parts * p.chunks);
  let g = part / p.partsPerGroup;
  let firstHead = g * p.perGroup + part % p.partsPerGroup * ${headsPerPart}u;
  let firstLocal = firstHead - p.first;
  let heads = min(${headsPerPart}u, (g + 1u) * p.perGroup - firstHead);
  let low = c * 64u;
  let end = min(low + 64u, p.length);
  let high = clamp(realCount(b), low, end);
  let terms = high - low;
  ${tile.place}
  ${tile.zeroSums("total")}
  ${tile.zeroSums("s")}
  for (var h = firstLocal; h < firstLocal + heads; h++) {
    let head = p.first + h;
    let slot = ${isB ? "p.chunks - 1u - c" : "c"};
    let slotAt = p.slots_at + ((slot * p.batch + b) * p.heads + h) * p.headDim * p.stateSize;
    // Not a declaration in the loop: some drivers keep its numbers from the iteration before.
    ${tile.eachRow((r2) => tile.eachSum("s", r2, (sum) => `${sum} = vec4<f32>(0.0);`))}
    ${tile.product({
        sums: "s",
        terms: "p.headDim",
        left: {
          layout: "along",
          value: (at, k) => `x[p.x_at + rowAt(b, low + ${at}) * p.x_stride + head * p.headDim + ${k}]`
        },
        right: {
          layout: "across",
          value: (at, k) => `slots[slotAt + ${k} * p.stateSize + min(column + ${at}, p.stateSize - 1u)]`
        },
        rows: "terms",
        columns: "p.stateSize - column"
      })}
    ${tile.eachRow(
        (r2) => (
          /* wgsl */
          `
    {
      let rank = ${rank(r2)};
      var dot_ = 0.0;
      if (rank < high) {
        let reached = ${sees};
        let factor = ${factor2};
        ${isB ? "let weight = number(planeAt(1u, b, h) + rank);" : ""}
        ${tile.eachSum(
            "s",
            r2,
            (sum, at) => (
              /* wgsl */
              `
        if (reached) {
          let scaled = ${sum} * factor;
          for (var i = 0u; i < 4u; i++) {
            let n = column + ${at} + i;
            if (n < p.stateSize) { dot_ = fma(${column(own, "rank", "n")}, scaled[i], dot_); }
          }
          ${sum.replace(/^s/, "total")} += scaled${isB ? " * weight" : ""};
        }`
            )
          )}
      }
      rowSums[${tileRow(r2)} * 8u + ownColumn / 4u] = dot_;
    }`
        )
      )}
    workgroupBarrier();
    var sum = 0.0;
    for (var i = 0u; i < 8u; i++) { sum += rowSums[lane * 8u + i]; }
    dots[((b * p.heads + h) * p.columnTiles + tile) * ranks() + low + lane] = sum;
    workgroupBarrier();
  }
  ${tile.product({
        sums: "total",
        terms: "terms",
        left: {
          layout: isB ? "across" : "along",
          value: (at, k) => `allHeads(b, c, firstLocal, heads, ${at}, ${k})`
        },
        right: {
          layout: "across",
          value: (at, k) => column(other, `low + ${k}`, `min(column + ${at}, p.stateSize - 1u)`)
        },
        rows: "terms",
        columns: "p.stateSize - column",
        range: (at) => `termsOf(b, low + ${at}, low, high)`
      })}
  let sumsAt = part % p.partsPerGroup * p.batch * p.length * p.width + g * p.stateSize;
  ${tile.eachRow((r2) => tile.eachSum("total", r2, (sum, at) => `store(sumsAt, b, ${rank(r2)}, high, end, column + ${at}, ${sum});`))}
}
fn termsOf(b: u32, rank: u32, low: u32, high: u32) -> vec2<u32> {
  if (rank >= high) { return vec2<u32>(1u, 0u); }
  return ${isB ? "vec2<u32>(rank - low, lastOf(b, rank) - low)" : "vec2<u32>(max(startOf(b, rank), low) - low, rank - low)"};
}
// The sum over the heads of weight[j] R[i, j], for two ranks of one sequence.
fn allHeads(b: u32, c: u32, firstLocal: u32, heads: u32, at: u32, k: u32) -> f32 {
  var sum = 0.0;
  for (var h = firstLocal; h < firstLocal + heads; h++) {
    let value = pairs[((b * p.chunks + c) * p.heads + h) * 4096u + ${pair2}];
    sum += value * number(planeAt(1u, b, h) + c * 64u + ${isB ? "at" : "k"});
  }
  return sum;
}
fn store(at: u32, b: u32, rank: u32, high: u32, end: u32, column: u32, values: vec4<f32>) {
  if (rank >= end) { return; }
  for (var i = 0u; i < 4u; i++) {
    if (column + i < p.stateSize) { sums[at + rowAt(b, rank) * p.width + column + i] = select(0.0, values[i], rank < high); }
  }
}`
    )
  });
});
var ssdChunkSumsShader = defineShader({
  name: "ssdScanBackward chunk sums",
  read: { dy: "f32", x: "f32", slots: "f32", gradients: "f32", plan: "u32" },
  write: { through: "f32", skips: "f32" },
  params: ssdParams,
  code: (
    /* wgsl */
    `
${planReaders}
var<workgroup> each: array<vec2<f32>, workgroupSize>;
fn run(group: u32, lane: u32) {
  ${chunkOfGroup("1u")}
  let size = p.headDim * p.stateSize;
  let state = p.slots_at + ((c * p.batch + b) * p.heads + h) * size;
  let gradient = p.gradients_at + (((p.chunks - 1u - c) * p.batch + b) * p.heads + h) * size;
  var sum = vec2<f32>(0.0);
  for (var i = lane; i < size; i += workgroupSize) { sum.x = fma(slots[state + i], gradients[gradient + i], sum.x); }
  if (lane < terms) {
    let row = rowAt(b, low + lane);
    for (var i = head * p.headDim; i < (head + 1u) * p.headDim; i++) {
      sum.y = fma(dy[p.dy_at + row * p.dy_stride + i], x[p.x_at + row * p.x_stride + i], sum.y);
    }
  }
  each[lane] = sum;
  workgroupBarrier();
  if (lane > 0u) { return; }
  for (var i = 1u; i < workgroupSize; i++) { sum += each[i]; }
  let bits = plan[chunkDecayAt(b, c, h)];
  through[group] = select(sum.x * bitcast<f32>(bits), 0.0, bits == freshBits);
  skips[group] = sum.y;
}`
  )
});
var ssdDecaysShader = defineShader({
  name: "ssdScanBackward decays",
  read: { products: "f32", plan: "u32", u: "f32", v: "f32", through: "f32" },
  write: { pairs: "f32", dLogDecay: "f32", dWeight: "f32" },
  params: { ...ssdParams, groups: "u32", firstGroup: "u32", columnTiles: "u32" },
  code: (
    /* wgsl */
    `
${planReaders}
var<workgroup> us: array<f32, 64>;
var<workgroup> vs: array<f32, 64>;
fn run(group: u32, lane: u32) {
  ${chunkOfGroup("1u")}
  let pairsAt = group * 4096u;
  let productsAt = ((b * p.chunks + c) * p.groups + g - p.firstGroup) * 4096u;
  let rank = low + lane;
  let isReal = rank < high;
  let weights = planeAt(1u, b, h) + low;
  var dw = 0.0;
  var own = vec2<f32>(0.0);
  if (isReal) {
    for (var tile = 0u; tile < p.columnTiles; tile++) {
      let at = ((b * p.heads + h) * p.columnTiles + tile) * ranks() + rank;
      own += vec2<f32>(u[at], v[at]);
    }
    dw = own.y;
    own.y *= number(weights + lane);
    for (var i = lane; i <= lastOf(b, rank) - low; i++) {
      dw = fma(products[productsAt + i * 64u + lane], pairs[pairsAt + i * 64u + lane], dw);
    }
  }
  us[lane] = own.x;
  vs[lane] = own.y;
  storageBarrier();
  workgroupBarrier();
  if (isReal) {
    var before = 0.0;
    for (var j = max(startOf(b, rank), low) - low; j <= lane; j++) {
      let at = pairsAt + lane * 64u + j;
      let term = products[productsAt + lane * 64u + j] * pairs[at] * number(weights + j);
      pairs[at] = before;
      before += term;
    }
  }
  storageBarrier();
  workgroupBarrier();
  if (rank >= end) { return; }
  let at = rowAt(b, rank) * p.dWeight_stride + head;
  if (!isReal) {
    dWeight[at] = 0.0;
    dLogDecay[at] = 0.0;
    return;
  }
  var da = through[group];
  for (var j = 0u; j < lane; j++) { da += vs[j]; }
  for (var i = lane; i < terms; i++) { da += us[i] + pairs[pairsAt + i * 64u + lane]; }
  dWeight[at] = dw;
  dLogDecay[at] = da;
}`
  )
});

// src/ssd/outputShaders.ts
var ssdProductsShader = memoize((parallel) => {
  const tile = tileCode(parallel);
  return defineShader({
    name: tileShaderName("ssdScan products", parallel),
    read: { B: "f32", C: "f32", plan: "u32" },
    write: { products: "f32" },
    params: { ...ssdParams, groups: "u32", firstGroup: "u32" },
    code: (
      /* wgsl */
      `
${planReaders}
${tile.memory}
fn run(group: u32, lane: u32) {
  let g = p.firstGroup + group % p.groups;
  let low = (group / p.groups) % p.chunks * 64u;
  let b = group / (p.groups * p.chunks);
  let count = clamp(realCount(b), low, low + 64u) - low;
  ${tile.place}
  ${tile.zeroSums("s")}
  ${tile.product({
        sums: "s",
        terms: "p.stateSize",
        left: {
          layout: "along",
          value: (i, n) => `C[p.C_at + rowAt(b, low + ${i}) * p.C_stride + g * p.stateSize + ${n}]`
        },
        right: {
          layout: "along",
          value: (j, n) => `B[p.B_at + rowAt(b, low + ${j}) * p.B_stride + g * p.stateSize + ${n}]`
        },
        rows: "count",
        columns: "count"
      })}
  ${tile.eachRow((r2) => tile.eachSum("s", r2, (sum, at) => `store(group * 4096u + ${tileRow(r2)} * 64u + ${at}, ${sum});`))}
}
fn store(at: u32, sums: vec4<f32>) {
  for (var i = 0u; i < 4u; i++) { products[at + i] = sums[i]; }
}`
    )
  });
});
var ssdOutputShader = memoize((backwards, parallel) => {
  const tile = tileCode(parallel);
  const factor2 = backwards ? "number(planeAt(5u, b, h) + rank) * number(planeAt(1u, b, h) + rank)" : "number(planeAt(4u, b, h) + rank)";
  const sees = backwards ? "startOf(b, high - 1u) <= rank" : "seesStart(b, rank, low)";
  const range = (rank) => backwards ? `vec2<u32>(${rank} - low, lastOf(b, ${rank}) - low)` : `vec2<u32>(max(startOf(b, ${rank}), low) - low, ${rank} - low)`;
  const [i, j] = backwards ? ["other", "at"] : ["at", "other"];
  return defineShader({
    name: tileShaderName(backwards ? "ssdScanBackward inputs" : "ssdScan outputs", parallel),
    read: { x: "f32", C: "f32", slots: "f32", products: "f32", plan: "u32", D: "f32" },
    write: { y: "f32" },
    params: { ...ssdParams, groups: "u32", firstGroup: "u32", columnTiles: "u32", initial: "u32" },
    code: (
      /* wgsl */
      `
${planReaders}
${decayBetween(parallel)}
${tile.memory}
// The terms of a rank, both included; none past the real ranks.
fn termsOf(b: u32, rank: u32, low: u32, high: u32) -> vec2<u32> {
  if (rank >= high) { return vec2<u32>(1u, 0u); }
  return ${range("rank")};
}
fn coefficient(at: u32, other: u32, productsAt: u32) -> f32 {
  return products[productsAt + ${i} * 64u + ${j}] * decayBetween(${i}, ${j}) * ownWeight(${j});
}
fn run(group: u32, lane: u32) {
  ${chunkOfGroup("p.columnTiles")}
  let column = (group % p.columnTiles) * 64u;
  ${tile.place}
  loadOwn(lane, b, h, low);
  ${tile.zeroSums("s")}
  let slot = ${backwards ? "p.chunks - 1u - c" : "c"};
  let slotAt = p.slots_at + ((slot * p.batch + b) * p.heads + h) * p.headDim * p.stateSize;
  // A state that is known to be 0 is not multiplied: an infinity times 0 would be NaN.
  let isZero = slot == 0u && p.initial == 0u;
  if (!isZero) {
  ${tile.product({
        sums: "s",
        terms: "p.stateSize",
        left: {
          layout: "along",
          value: (at, n) => `C[p.C_at + rowAt(b, low + ${at}) * p.C_stride + g * p.stateSize + ${n}]`
        },
        right: {
          layout: "along",
          value: (at, n) => `slots[slotAt + min(column + ${at}, p.headDim - 1u) * p.stateSize + ${n}]`
        },
        rows: "terms",
        columns: "p.headDim - column"
      })}
  }
  ${tile.eachRow(
        (r2) => (
          /* wgsl */
          `
  {
    let rank = low + ${tileRow(r2)};
    if (rank < high && ${sees}) {
      let factor = ${factor2};
      ${tile.eachSum("s", r2, (sum) => `${sum} *= factor;`)}
    } else {
      ${tile.eachSum("s", r2, (sum) => `${sum} = vec4<f32>(0.0);`)}
    }
  }`
        )
      )}
  let g_ = g - p.firstGroup;
  let productsAt = ((b * p.chunks + c) * p.groups + g_) * 4096u;
  ${tile.product({
        sums: "s",
        terms: "terms",
        left: {
          layout: backwards ? "across" : "along",
          value: (at, other) => `coefficient(${at}, ${other}, productsAt)`
        },
        right: {
          layout: "across",
          value: (at, other) => `x[p.x_at + rowAt(b, low + ${other}) * p.x_stride + head * p.headDim + min(column + ${at}, p.headDim - 1u)]`
        },
        rows: "terms",
        columns: "p.headDim - column",
        range: (at) => `termsOf(b, low + ${at}, low, high)`
      })}
  ${tile.eachRow((r2) => tile.eachSum("s", r2, (sum, at) => `store(b, head, low + ${tileRow(r2)}, high, end, column + ${at}, ${sum});`))}
}
fn store(b: u32, head: u32, rank: u32, high: u32, end: u32, column: u32, sums: vec4<f32>) {
  if (rank >= end) { return; }
  let row = rowAt(b, rank);
  for (var i = 0u; i < 4u; i++) {
    if (column + i >= p.headDim) { return; }
    let d = head * p.headDim + column + i;
    var value = 0.0;
    if (rank < high) {
      value = sums[i];
      if (p.D_stride != 0u) { value += D[p.D_at + head] * x[p.x_at + row * p.x_stride + d]; }
    }
    y[row * p.y_stride + d] = value;
  }
}`
    )
  });
});

// src/ssd/planShader.ts
var ssdPlanShader = defineShader({
  name: "ssdScan plan",
  read: { logDecay: "f32", weight: "f32", index: "u32" },
  write: { plan: "u32" },
  params: { ...ssdParams, count: "u32" },
  code: (
    /* wgsl */
    `
${isNan}
${decay}
${planPlaces}
fn indexWord(b: u32, word: u32) -> u32 { return index[b * (2u * p.length + 1u) + word]; }
fn rowAt(b: u32, rank: u32) -> u32 {
  let l = min(rank, p.length - 1u);
  if (p.index_stride == 0u) { return b * p.length + l; }
  return b * p.length + indexWord(b, l);
}
fn startOf(b: u32, rank: u32) -> u32 {
  if (p.index_stride == 0u) { return 0u; }
  return indexWord(b, p.length + rank);
}
fn realCount(b: u32) -> u32 {
  if (p.index_stride == 0u) { return p.length; }
  return indexWord(b, 2u * p.length);
}
fn describeRanks(b: u32, low: u32, high: u32) {
  let info = infoAt(b);
  for (var rank = low; rank < low + 64u; rank++) { plan[info + rank] = rowAt(b, rank); }
  var last = high;
  for (var next = high; next > low; next--) {
    let rank = next - 1u;
    let start = startOf(b, rank);
    if (next == high || startOf(b, next) != start) { last = rank; }
    plan[info + ranks() + rank] = start;
    plan[info + 2u * ranks() + rank] = last;
  }
  if (low == 0u) { plan[info + 3u * ranks()] = realCount(b); }
}
fn put(at: u32, value: f32) { plan[at] = bitcast<u32>(value); }
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let h = i % p.heads;
  let c = (i / p.heads) % p.chunks;
  let b = i / (p.heads * p.chunks);
  let low = c * 64u;
  let high = clamp(realCount(b), low, low + 64u);
  if (h == 0u) { describeRanks(b, low, high); }
  var lastStart = 0u;
  if (high > low) { lastStart = startOf(b, high - 1u); }
  var total = 0.0;
  var part = 0.0;
  var isReached = true;
  for (var rank = low; rank < high; rank++) {
    let row = rowAt(b, rank);
    let a = logDecay[p.logDecay_at + row * p.logDecay_stride + p.first + h];
    if (rank % 16u == 0u) { part = 0.0; }
    part += a;
    total += a;
    if (rank > 0u && startOf(b, rank) == rank) { isReached = false; }
    put(planeAt(0u, b, h) + rank, a);
    put(planeAt(1u, b, h) + rank, weight[p.weight_at + row * p.weight_stride + p.first + h]);
    put(planeAt(2u, b, h) + rank, part);
    put(planeAt(4u, b, h) + rank, select(0.0, decay(total), isReached));
  }
  part = 0.0;
  var behind = 0.0;
  for (var next = high; next > low; next--) {
    let rank = next - 1u;
    if (next % 16u == 0u) { part = 0.0; }
    put(planeAt(3u, b, h) + rank, part);
    put(planeAt(5u, b, h) + rank, select(0.0, decay(behind), rank >= lastStart));
    let a = bitcast<f32>(plan[planeAt(0u, b, h) + rank]);
    part += a;
    behind += a;
  }
  put(chunkDecayAt(b, c, h), decay(total));
  if (lastStart >= max(low, 1u)) { plan[chunkDecayAt(b, c, h)] = freshBits; }
}`
  )
});

// src/ssd/stateShaders.ts
var ssdChunkStatesShader = memoize((parallel) => {
  const tile = tileCode(parallel);
  return defineShader({
    name: tileShaderName("ssdScan chunk states", parallel),
    read: { x: "f32", B: "f32", plan: "u32" },
    write: { slots: "f32" },
    params: { ...ssdParams, rowTiles: "u32", columnTiles: "u32", backwards: "u32" },
    code: (
      /* wgsl */
      `
${planReaders}
${tile.memory}
fn run(group: u32, lane: u32) {
  ${chunkOfGroup("(p.rowTiles * p.columnTiles)")}
  let row = (group / p.columnTiles % p.rowTiles) * 64u;
  let column = (group % p.columnTiles) * 64u;
  ${tile.place}
  // Ranks [from_, to) count: those of the last sequence, or backwards of the first.
  var from_ = low;
  var to = high;
  if (terms > 0u) {
    if (p.backwards == 0u) { from_ = max(low, startOf(b, high - 1u)); }
    else if (!seesStart(b, low, low)) { to = low; }
    else { to = lastOf(b, low) + 1u; }
  }
  let count = to - from_;
  let decays = planeAt(select(5u, 4u, p.backwards != 0u), b, h);
  let weights = planeAt(1u, b, h);
  ${tile.zeroSums("s")}
  ${tile.product({
        sums: "s",
        terms: "count",
        left: {
          layout: "across",
          value: (at, k) => `scaledX(b, from_ + ${k}, min(row + ${at}, p.headDim - 1u), head, decays, weights)`
        },
        right: {
          layout: "across",
          value: (at, k) => `B[p.B_at + rowAt(b, from_ + ${k}) * p.B_stride + g * p.stateSize + min(column + ${at}, p.stateSize - 1u)]`
        },
        rows: "p.headDim - row",
        columns: "p.stateSize - column"
      })}
  let slot = select(c, p.chunks - 1u - c, p.backwards != 0u) + 1u;
  let at = p.slots_at + ((slot * p.batch + b) * p.heads + h) * p.headDim * p.stateSize;
  ${tile.eachRow((r2) => tile.eachSum("s", r2, (sum, at) => `store(at, row + ${tileRow(r2)}, column + ${at}, ${sum});`))}
}
fn scaledX(b: u32, rank: u32, d: u32, head: u32, decays: u32, weights: u32) -> f32 {
  let value = x[p.x_at + rowAt(b, rank) * p.x_stride + head * p.headDim + d] * number(decays + rank);
  if (p.backwards != 0u) { return value; }
  return value * number(weights + rank);
}
fn store(at: u32, row: u32, column: u32, sums: vec4<f32>) {
  if (row >= p.headDim) { return; }
  for (var i = 0u; i < 4u; i++) {
    if (column + i < p.stateSize) { slots[at + row * p.stateSize + column + i] = sums[i]; }
  }
}`
    )
  });
});
var ssdCarryShader = defineShader({
  name: "ssdScan carry",
  read: { plan: "u32" },
  write: { slots: "f32" },
  params: { ...ssdParams, count: "u32", backwards: "u32" },
  code: (
    /* wgsl */
    `
${planReaders}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let states = p.headDim * p.stateSize;
  let h = (i / states) % p.heads;
  let b = i / (states * p.heads);
  var state = slots[p.slots_at + i];
  for (var s = 0u; s < p.chunks; s++) {
    let c = select(s, p.chunks - 1u - s, p.backwards != 0u);
    let bits = plan[chunkDecayAt(b, c, h)];
    let at = p.slots_at + (s + 1u) * p.count + i;
    if (bits == freshBits) { state = slots[at]; }
    else { state = fma(bitcast<f32>(bits), state, slots[at]); }
    slots[at] = state;
  }
}`
  )
});

// src/ssd/runSsd.ts
function chunkCount({ length }) {
  return Math.ceil(length / chunkLength);
}
function partsPerGroup({ heads, groups }) {
  return Math.ceil(heads / groups / headsPerPart);
}
function splitHeads(runtime, sizes) {
  const { batch, heads, groups, headDim, stateSize } = sizes;
  const chunks = chunkCount(sizes);
  const perGroup = heads / groups;
  const words = batch * Math.max((chunks + 1) * headDim * stateSize, chunks * chunkLength ** 2);
  const partBytes = byteOffset("f32", words) * Math.min(headsPerPart, perGroup);
  const most = Math.max(1, Math.floor(runtime.chunkBytes / partBytes));
  const perPart = partsPerGroup(sizes);
  const startOf = (part) => Math.floor(part / perPart) * perGroup + part % perPart * headsPerPart;
  const ranges = [];
  const all = groups * perPart;
  for (let firstPart = 0; firstPart < all; firstPart += most) {
    const parts = Math.min(most, all - firstPart);
    const first = startOf(firstPart);
    ranges.push({ first, heads: startOf(firstPart + parts) - first, firstPart, parts });
  }
  return ranges;
}
function asChannels({ batch, length, heads, headDim, stateSize }) {
  return { batch, length, channels: heads, stateSize: headDim * stateSize };
}
function slotsOf(slots2, sizes, { first, heads }) {
  const perHead = (chunkCount(sizes) + 1) * sizes.batch * sizes.headDim * sizes.stateSize;
  return { tensor: slots2, start: perHead * first, count: perHead * heads };
}
function fillSlots(runtime, op, slots2, state, sizes, { first, heads }) {
  fillFirstSlot(runtime, op, slots2, state, asChannels(sizes), { first, channels: heads });
}
function takeLastSlot(runtime, op, slots2, state, sizes, { first, heads }) {
  copySlot(runtime, op, slots2, chunkCount(sizes), state, asChannels(sizes), { first, channels: heads });
}
function planHeads(runtime, op, sizes, {
  B: B5,
  C,
  logDecay,
  weight,
  sequenceIds
}, { first, heads }) {
  const { batch, length, headDim, stateSize } = sizes;
  const chunks = chunkCount(sizes);
  const perGroup = sizes.heads / sizes.groups;
  const firstGroup = Math.floor(first / perGroup);
  const groups = Math.floor((first + heads - 1) / perGroup) + 1 - firstGroup;
  const params4 = {
    ...{ batch, length, chunks, heads, first, headDim, stateSize, perGroup, groups, firstGroup },
    rowTiles: Math.ceil(headDim / 64),
    columnTiles: Math.ceil(stateSize / 64)
  };
  const words = batch * (planWords(chunks) + planes2 * heads * chunks * chunkLength + heads * chunks);
  const plan = runtime.result(op, [words], "i32");
  const index = sequenceIndex(runtime, op, sequenceIds);
  const count = batch * chunks * heads;
  runtime.run(
    op,
    ssdPlanShader,
    { logDecay, weight, index, plan },
    { ...params4, count },
    Math.ceil(count / 64)
  );
  index?.dispose();
  const products = runtime.result(op, [batch, chunks, groups, chunkLength, chunkLength]);
  runtime.run(
    op,
    ssdProductsShader(runtime.traits.parallel),
    { B: B5, C, plan, products },
    params4,
    batch * chunks * groups
  );
  return { plan, products, params: params4 };
}
function runStates(runtime, op, { plan, params: params4 }, { x, B: B5, slots: slots2 }, backwards) {
  const { batch, chunks, heads, headDim, stateSize, rowTiles, columnTiles } = params4;
  const groups = batch * chunks * heads * rowTiles * columnTiles;
  runtime.run(
    op,
    ssdChunkStatesShader(runtime.traits.parallel),
    { x, B: B5, plan, slots: slots2 },
    { ...params4, backwards },
    groups
  );
  const count = batch * heads * headDim * stateSize;
  runtime.run(op, ssdCarryShader, { plan, slots: slots2 }, { ...params4, count, backwards }, Math.ceil(count / 64));
}
function runOutputs(runtime, op, { plan, products, params: params4 }, { x, C, D: D2, slots: slots2, y }, initial, backwards) {
  const { batch, chunks, heads, rowTiles: columnTiles } = params4;
  runtime.run(
    op,
    ssdOutputShader(backwards, runtime.traits.parallel),
    { x, C, slots: slots2, products, plan, D: D2, y },
    { ...params4, columnTiles, initial: initial ? 1 : 0 },
    batch * chunks * heads * columnTiles
  );
}
function runSsdScan(runtime, op, sizes, args2, slots2, finalState) {
  const { x, B: B5, C, D: D2, initialState } = args2;
  const y = runtime.result(op, x.shape);
  for (const range of splitHeads(runtime, sizes)) {
    const plan = planHeads(runtime, op, sizes, args2, range);
    const own = slotsOf(slots2, sizes, range);
    fillSlots(runtime, op, own, initialState, sizes, range);
    runStates(runtime, op, plan, { x, B: B5, slots: own }, 0);
    runOutputs(runtime, op, plan, { x, C, D: D2, slots: own, y }, initialState !== void 0, false);
    if (finalState) takeLastSlot(runtime, op, own, finalState, sizes, range);
    plan.plan.dispose();
    plan.products.dispose();
  }
  return y;
}

// src/ops/ssdScan.ts
var ssdScan2 = (runtime, sizes, args2, want) => {
  const op = "ssdScan";
  const { batch, heads, headDim, stateSize } = sizes;
  const states = [batch, heads, headDim, stateSize];
  const finalState = want?.finalState ? runtime.result(op, states) : void 0;
  const slots2 = runtime.result(op, [chunkCount(sizes) + 1, ...states]);
  const y = runSsdScan(runtime, op, sizes, args2, slots2, finalState);
  slots2.dispose();
  return finalState ? { y, finalState } : { y };
};

// src/ops/ssdScanBackward.ts
var ssdScanBackward2 = (runtime, sizes, dy2, args2, { saved }, dFinal) => {
  const op = "ssdScanBackward";
  const { batch, length, groups, headDim, stateSize } = sizes;
  const { x, B: B5, C, D: D2, logDecay, weight, initialState: initial } = args2;
  const { parallel } = runtime.traits;
  const chunks = chunkCount(sizes);
  const dx = runtime.result(op, x.shape);
  const dLogDecay = runtime.result(op, logDecay.shape);
  const dWeight = runtime.result(op, weight.shape);
  const dD = D2 && runtime.result(op, D2.shape);
  const dInitial = initial && runtime.result(op, initial.shape);
  const perGroup = partsPerGroup(sizes);
  const width = groups * stateSize;
  const sumsShape = perGroup === 1 ? B5.shape : [perGroup, batch * length * width];
  const sums = { B: runtime.result(op, sumsShape), C: runtime.result(op, sumsShape) };
  for (const range of splitHeads(runtime, sizes)) {
    const work = planHeads(runtime, op, sizes, args2, range);
    const { plan, products, params: params4 } = work;
    const headChunks = batch * chunks * range.heads;
    const states = slotsOf(saved, sizes, range);
    const gradients2 = runtime.result(op, [chunks + 1, batch, range.heads, headDim, stateSize]);
    const slots2 = {
      tensor: gradients2,
      start: 0,
      count: (chunks + 1) * batch * range.heads * headDim * stateSize
    };
    fillSlots(runtime, op, slots2, dFinal, sizes, range);
    runStates(runtime, op, work, { x: dy2, B: C, slots: slots2 }, 1);
    runOutputs(runtime, op, work, { x: dy2, C: B5, D: D2, slots: slots2, y: dx }, dFinal !== void 0, true);
    if (dInitial) takeLastSlot(runtime, op, slots2, dInitial, sizes, range);
    const pairs = runtime.result(op, [headChunks, chunkLength, chunkLength]);
    runtime.run(op, ssdPairsShader(parallel), { dy: dy2, x, plan, pairs }, params4, headChunks);
    const { firstPart, parts } = range;
    const partParams = { ...params4, firstPart, parts, partsPerGroup: perGroup, width };
    const partGroups = batch * chunks * parts * params4.columnTiles;
    const dots = [batch * range.heads, params4.columnTiles, chunks * chunkLength];
    const [u, v] = [runtime.result(op, dots), runtime.result(op, dots)];
    const shared3 = { B: B5, C, pairs, plan };
    runtime.run(
      op,
      ssdGroupShader(false, parallel),
      { ...shared3, x: dy2, slots: states, sums: sums.C, dots: u },
      partParams,
      partGroups
    );
    runtime.run(
      op,
      ssdGroupShader(true, parallel),
      { ...shared3, x, slots: slots2, sums: sums.B, dots: v },
      partParams,
      partGroups
    );
    const through = runtime.result(op, [headChunks]);
    const skips = runtime.result(op, [batch * chunks, range.heads]);
    const sumsWork = { dy: dy2, x, slots: states, gradients: slots2, plan, through };
    runtime.run(op, ssdChunkSumsShader, { ...sumsWork, skips }, params4, headChunks);
    if (dD) {
      addRows(runtime, op, skips, batch * chunks, range.heads, {
        tensor: dD,
        start: range.first,
        count: range.heads
      });
    }
    runtime.run(
      op,
      ssdDecaysShader,
      { products, plan, u, v, through, pairs, dLogDecay, dWeight },
      params4,
      headChunks
    );
    for (const temporary of [plan, products, gradients2, pairs, u, v, through, skips]) temporary.dispose();
  }
  const total = (tensor) => {
    if (perGroup === 1) return tensor;
    const sum = runtime.result(op, B5.shape);
    addRows(runtime, op, tensor, perGroup, batch * length * width, sum);
    tensor.dispose();
    return sum;
  };
  return {
    x: dx,
    B: total(sums.B),
    C: total(sums.C),
    logDecay: dLogDecay,
    weight: dWeight,
    ...dD && { D: dD },
    ...dInitial && { initialState: dInitial }
  };
};

// src/ops/ssdScanForward.ts
var ssdScanForward2 = (runtime, sizes, args2) => {
  const op = "ssdScanForward";
  const { batch, heads, headDim, stateSize } = sizes;
  const states = [batch, heads, headDim, stateSize];
  const finalState = runtime.result(op, states);
  const slots2 = runtime.result(op, [chunkCount(sizes) + 1, ...states]);
  const y = runSsdScan(runtime, op, sizes, args2, slots2, finalState);
  return { y, finalState, residual: new SsdResidual(slots2, sizes) };
};

// src/ops/ssdStateUpdate.ts
var ssdStateUpdateShader = memoize(
  (parallel) => defineShader({
    name: `ssdStateUpdate${parallel ? ", shared rows" : ""}`,
    read: { x: "f32", B: "f32", C: "f32", logDecay: "f32", weight: "f32", D: "f32" },
    write: { state: "f32", y: "f32" },
    params: { rows: "u32", heads: "u32", headDim: "u32", stateSize: "u32", perGroup: "u32" },
    code: (
      /* wgsl */
      `
${isNan}
${decay}
${parallel ? reduction("f32", "total", "a + b") : ""}
fn run(group: u32, lane: u32) {
  ${parallel ? rowOfLane : `let place = group * workgroupSize + lane;
  if (place >= p.rows) { return; }
  let row = place;
  let first = 0u;`}
  let width = p.heads * p.headDim;
  let b = row / width;
  let column = row % width;
  let h = column / p.headDim;
  let from_ = (h / p.perGroup) * p.stateSize;
  let atB = p.B_at + b * p.B_stride + from_;
  let atC = p.C_at + b * p.C_stride + from_;
  let value = x[p.x_at + b * p.x_stride + column];
  let input = weight[p.weight_at + b * p.weight_stride + h] * value;
  let keep = decay(logDecay[p.logDecay_at + b * p.logDecay_stride + h]);
  let start = p.state_at + row * p.stateSize;
  var sum = 0.0;
  for (var n = first; n < p.stateSize; n += ${parallel ? lanesPerRow : 1}u) {
    let next = fma(keep, state[start + n], input * B[atB + n]);
    sum = fma(C[atC + n], next, sum);
    ${parallel ? "if (place < p.rows) { state[start + n] = next; }" : "state[start + n] = next;"}
  }
  ${parallel ? `sum = total(lane, sum);
  if (place >= p.rows || first > 0u) { return; }` : ""}
  if (p.D_stride != 0u) { sum = fma(D[p.D_at + h], value, sum); }
  y[row] = sum;
}`
    )
  })
);
var ssdStateUpdate2 = (runtime, { batch, heads, groups, headDim, stateSize }, state, { x, B: B5, C, logDecay, weight, D: D2 }) => {
  const op = "ssdStateUpdate";
  const { parallel } = runtime.traits;
  const y = runtime.result(op, x.shape);
  const rows2 = batch * heads * headDim;
  runtime.run(
    op,
    ssdStateUpdateShader(parallel),
    { x, B: B5, C, logDecay, weight, D: D2, state, y },
    { rows: rows2, heads, headDim, stateSize, perGroup: heads / groups },
    Math.ceil(rows2 / (parallel ? rowsPerGroup : 64))
  );
  return y;
};

// src/ops/sub.ts
var subShaders = repeatableShaders("sub", "a - b");
var sub2 = (runtime, _, a, b) => repeatable(runtime, "sub", subShaders, a, b);

// src/ops/sumOfSquares.ts
var elementsPerGroup2 = 4096;
var sumsPerGroup = 64;
var sumOfSquaresShader = defineShader({
  name: "sumOfSquares",
  read: { x: "f32" },
  write: { sums: "f32" },
  params: { count: "u32", width: "u32", first: "u32" },
  workgroup: sumsPerGroup,
  code: (
    /* wgsl */
    `
fn run(group: u32, lane: u32) {
  let end = min((group + 1u) * ${elementsPerGroup2}u, p.count);
  var sum = 0.0;
  for (var i = group * ${elementsPerGroup2}u + lane; i < end; i += workgroupSize) {
    let value = x[p.x_at + i / p.width * p.x_stride + i % p.width];
    sum += value * value;
  }
  sums[(p.first + group) * workgroupSize + lane] = sum;
}`
  )
});
var sumOfSquares2 = (runtime, _, tensors) => {
  const op = "sumOfSquares";
  let groups = 0;
  const chunks = [];
  const add4 = (x, count, width) => {
    chunks.push({ x, count, width, first: groups });
    groups += Math.ceil(count / elementsPerGroup2);
  };
  for (const tensor of tensors) {
    if (!isDense(tensor)) {
      add4(tensor, elementCount(tensor.shape), lastExtent(tensor.shape));
      continue;
    }
    for (const chunk of flatChunks(runtime, tensor, elementsPerGroup2)) add4(chunk, chunk.count, chunk.count);
  }
  const sum = runtime.result(op, [1]);
  const sums = runtime.result(op, [groups, sumsPerGroup]);
  const lanes3 = runtime.result(op, [sumsPerGroup, 1]);
  for (const { x, count, width, first } of chunks) {
    runtime.run(
      op,
      sumOfSquaresShader,
      { x, sums },
      { count, width, first },
      Math.ceil(count / elementsPerGroup2)
    );
  }
  addRows(runtime, op, sums, groups, sumsPerGroup, lanes3);
  addRows(runtime, op, lanes3, sumsPerGroup, 1, sum);
  sums.dispose();
  lanes3.dispose();
  return sum;
};

// src/ops/sumRows.ts
var sumRows2 = (runtime, { rows: rows2, features }, dy2) => {
  const sum = runtime.result("sumRows", [features]);
  addRows(runtime, "sumRows", dy2, rows2, features, sum);
  return sum;
};

// src/ops/tanh.ts
var tanhShader = elementwiseShader("tanh", "hyperbolicTangent(a)", hyperbolicTangent);
var tanh2 = (runtime, _, x) => elementwise(runtime, "tanh", tanhShader, x);

// src/ops/tanhBackward.ts
var tanhBackwardShader = elementwiseShader("tanhBackward", "a * ((1.0 - b) * (1.0 + b))");
var tanhBackward2 = (runtime, _, dy2, y) => elementwise(runtime, "tanhBackward", tanhBackwardShader, dy2, { b: y });

// src/ops/upload.ts
var upload = (runtime, data, shape, dtype) => uploadArray(runtime, "upload", data, shape, dtype);

// src/ops/write.ts
var write2 = (runtime, _, target, start, data) => {
  if (data.length > 0) writeArray(runtime, target, start, data);
};

// src/ops/zeros.ts
var zeros2 = (runtime, shape, dtype) => {
  const tensor = runtime.allocate("zeros", shape, dtype);
  const { buffer, bytes } = tensor.storage;
  if (buffer.used) {
    runtime.commands.clear("zeros", buffer, 0, Math.ceil(bytes / 4) * 4);
    runtime.commands.write(tensor.storage);
  }
  buffer.used = true;
  return tensor;
};

// src/warmUp.ts
function inferenceShaders(traits, stateSize, weights2) {
  const { subgroups } = traits;
  return [
    ...weights2.flatMap((dtype) => [
      embeddingShader(dtype),
      productShader(traits, "forward", dtype, true, 1).shader,
      productShader(traits, "forward", dtype, true, 512).shader
    ]),
    rmsNormShader(subgroups),
    causalConv1dShader(false),
    causalConv1dStepShader,
    addShaders.same,
    mulShaders.same,
    scaleShader,
    siluShader,
    negExpShader,
    selectiveScanShader(stateSize, false),
    scanChunkEndsShader(stateSize, false),
    scanCarryShader(false),
    selectiveStateUpdateShader,
    argmaxShader(subgroups),
    sampleShader(subgroups)
  ];
}
async function warmUp({ pipelines, traits }, options3) {
  const { stateSize = 16, weights: weights2 = ["f32", "f16", "bf16"], onProgress } = options3;
  const shaders4 = inferenceShaders(traits, stateSize, weights2);
  let done = 0;
  await Promise.all(
    shaders4.map(async (shader2) => {
      try {
        await pipelines.compileAsync(shader2);
      } catch (cause) {
        const message = cause instanceof Error ? cause.message : String(cause);
        throw new KernelError("DRIVER", `warmUp: shader ${shader2.name}: ${message}`, { cause });
      }
      onProgress?.(++done, shaders4.length);
    })
  );
}

// src/kernel.ts
var WebGpuKernel = class extends OpsKernel {
  name = "webgpu";
  lost;
  #readback;
  #owned;
  /**
   * @internal
   * @param lost resolves when the device is lost
   * @param owned true when the device is destroyed with the kernel
   */
  constructor(runtime, device, lost, owned) {
    super(runtime, ops_exports2, {
      device,
      storage: everyStorage,
      activations: "f32",
      maxTensorBytes: runtime.device.limits.maxBufferSize,
      maxBytes: void 0,
      // WebGPU does not tell
      batchInvariant: runtime.traits.batchInvariant && runtime.scanChunk === void 0
    });
    this.#owned = owned;
    this.lost = new Promise((resolve) => {
      void lost.then((failure) => {
        if (runtime.failure) return;
        runtime.close(failure);
        resolve(failure);
      });
    });
    this.#readback = new Readback(runtime, this.lost);
  }
  /**
   * Totals so far: dispatches, the bytes that they read and write (see `DispatchTime`), submissions, and the buffers and bind
   * groups that were created.
   */
  get counts() {
    const { commands, pool, bindGroups } = this.runtime;
    return { ...commands.counts, buffers: pool.created, bindGroups: bindGroups.created };
  }
  /**
   * Compiles the shaders of inference ahead of their first use, without blocking the thread. A shader that is not compiled
   * ahead is compiled at its first use, which blocks the thread.
   *
   * @throws KernelError `DRIVER`, `DISPOSED`, `DEVICE_LOST`
   */
  async warmUp(options3 = {}) {
    this.runtime.checkOpen("warmUp");
    await warmUp(this.runtime, options3);
  }
  /**
   * Calls `run` and returns all dispatches that it records, with their times on the device if it has `timestamp-query`. Each
   * dispatch gets its own pass meanwhile, so the whole takes longer than without a profile. One profile at a time.
   *
   * @throws KernelError `DISPOSED` or `DEVICE_LOST`, and the errors of `run`
   */
  async profile(run) {
    this.runtime.checkOpen("profile");
    const { commands } = this.runtime;
    commands.startProfile();
    try {
      await run();
    } catch (error) {
      await commands.endProfile();
      throw error;
    }
    return commands.endProfile();
  }
  storedBytes(dtype, shape) {
    super.storedBytes(dtype, shape);
    return storedBytes(dtype, shape);
  }
  fetch(tensors) {
    return this.#readback.read(tensors);
  }
  async sync() {
    this.runtime.checkOpen("sync");
    await this.#readback.sync();
  }
  async dispose() {
    this.runtime.close(new KernelError("DISPOSED", "the kernel was disposed"));
    await this.#readback.settled();
    this.#readback.destroy();
    this.runtime.destroy();
    if (this.#owned) this.runtime.device.destroy();
  }
};

// src/commands/bindGroups.ts
var maxCached = 8192;
var BindGroups = class {
  #device;
  #groups = /* @__PURE__ */ new Map();
  #created = 0;
  constructor(device) {
    this.#device = device;
  }
  /** Bind groups created so far. */
  get created() {
    return this.#created;
  }
  /** The cache key of a group. */
  key(pipeline, bindings) {
    let key = pipeline.layoutKey;
    for (const { buffer, offset, size } of bindings) key += `|${buffer.id}@${offset}+${size}`;
    return key;
  }
  get(key) {
    return this.#groups.get(key);
  }
  create(key, pipeline, label, bindings) {
    if (this.#groups.size === maxCached) this.#groups.clear();
    const group = this.#device.createBindGroup({
      label,
      layout: pipeline.layout,
      entries: bindings.map(({ buffer, offset, size }, binding) => ({
        binding,
        resource: { buffer: buffer.gpu, offset, size }
      }))
    });
    this.#groups.set(key, group);
    this.#created++;
    return group;
  }
};

// src/commands/profiler.ts
var Profiler = class {
  #device;
  #queries;
  #done = [];
  #recorded = [];
  #submitted;
  /** @param most dispatches per batch */
  constructor(device, most) {
    this.#device = device;
    if (device.features.has("timestamp-query")) {
      this.#queries = device.createQuerySet({ label: "mamba: profile", type: "timestamp", count: 2 * most });
    }
  }
  /** Adds a dispatch. Returns the descriptor of its own pass, which writes the timestamps. */
  record(dispatch) {
    const at = 2 * this.#recorded.length;
    this.#recorded.push(dispatch);
    const label = `mamba: ${dispatch.shader}`;
    if (!this.#queries) return { label };
    const [beginningOfPassWriteIndex, endOfPassWriteIndex] = [at, at + 1];
    return {
      label,
      timestampWrites: { querySet: this.#queries, beginningOfPassWriteIndex, endOfPassWriteIndex }
    };
  }
  /** Records the copy of the timestamps to the host. These are the last commands of the batch. */
  resolve(encoder) {
    const batch = this.#recorded;
    this.#recorded = [];
    if (!this.#queries || batch.length === 0) {
      this.#submitted = () => Promise.resolve(batch.map((one2) => ({ ...one2, seconds: void 0 })));
      return;
    }
    const size = batch.length * 16;
    const create = (flags) => this.#device.createBuffer({ label: "mamba: profile", size, usage: flags | usage.copyTarget });
    const resolved = create(usage.queryResolve | usage.copySource);
    const staging = create(usage.mapRead);
    encoder.resolveQuerySet(this.#queries, 0, 2 * batch.length, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, size);
    this.#submitted = async () => {
      try {
        await staging.mapAsync(mapRead);
        const times = new BigUint64Array(staging.getMappedRange());
        return batch.map((one2, i) => {
          const nanoseconds = times[2 * i + 1] - times[2 * i];
          return { ...one2, seconds: Number(nanoseconds) / 1e9 };
        });
      } finally {
        resolved.destroy();
        staging.destroy();
      }
    };
  }
  /** Called after the batch was submitted: starts to read its timestamps. */
  submitted() {
    if (this.#submitted) this.#done.push(this.#submitted());
    this.#submitted = void 0;
  }
  /** Ends the profile. Resolves with all dispatches in order, after the device has run them. */
  async end() {
    try {
      return (await Promise.all(this.#done)).flat();
    } catch (cause) {
      throw new KernelError("DRIVER", `profile: the timestamps could not be read: ${String(cause)}`, {
        cause
      });
    } finally {
      this.#queries?.destroy();
    }
  }
};

// src/commands/commands.ts
var slots = 1024;
var maxGroups = 65535;
var Commands = class {
  /** Parameters of the batch: a slot of `paramWords` for each dispatch. */
  words = new Uint32Array(slots * paramWords);
  /** The memory of `words` as floats. */
  floats = new Float32Array(this.words.buffer);
  #device;
  #params;
  #paramGroup;
  #offset = new Uint32Array(1);
  #afterSubmit;
  #onError;
  #encoder;
  #pass;
  #pipeline;
  #used = 0;
  #serial = 1;
  #ops = /* @__PURE__ */ new Set();
  #written = /* @__PURE__ */ new Set();
  #dispatches = 0;
  #bytes = 0;
  #profiler;
  #submissions = 0;
  #outcome = Promise.resolve(void 0);
  /**
   * @param on `submit` runs after each submission. `error` runs when a submission fails, in which case none of its commands
   * ran, and returns the error to report.
   */
  constructor(device, paramLayout, on) {
    this.#device = device;
    this.#afterSubmit = on.submit;
    this.#onError = on.error;
    const size = this.words.byteLength;
    this.#params = device.createBuffer({
      label: "mamba: parameters",
      size,
      usage: usage.uniform | usage.copyTarget
    });
    this.#paramGroup = device.createBindGroup({
      label: "mamba: parameters",
      layout: paramLayout,
      entries: [{ binding: 0, resource: { buffer: this.#params, offset: 0, size: paramWords * 4 } }]
    });
  }
  /** The number of the batch being recorded. */
  get serial() {
    return this.#serial;
  }
  /** Work submitted or recorded so far. */
  get counts() {
    return { dispatches: this.#dispatches, submissions: this.#submissions, bytes: this.#bytes };
  }
  /** Times all dispatches that are recorded from here on. */
  startProfile() {
    void this.flush();
    this.#profiler = new Profiler(this.#device, slots);
  }
  /** Submits the rest of the profile and returns the times of all dispatches since `startProfile`. */
  async endProfile() {
    void this.flush();
    const profiler = this.#profiler;
    this.#profiler = void 0;
    return profiler ? profiler.end() : [];
  }
  /** The index in `words` of the parameters of the next dispatch. */
  slot() {
    if (this.#used === slots) void this.flush();
    return this.#used * paramWords;
  }
  /** Records that the batch uses a buffer. */
  use(buffer) {
    buffer.lastBatch = this.#serial;
  }
  /** Records that the batch writes to a memory. */
  write(storage) {
    storage.buffer.lastBatch = this.#serial;
    this.#written.add(storage);
  }
  /** Runs `groups` workgroups, which read and write `bytes`, with the parameters in the last slot returned by `slot`. */
  dispatch({ op, shader: shader2, bytes }, pipeline, buffers, groups) {
    if (this.#profiler) this.#endPass();
    const pass = this.#pass ??= this.#begin().beginComputePass(
      this.#profiler?.record({ op, shader: shader2, bytes }) ?? { label: "mamba" }
    );
    if (this.#pipeline !== pipeline) pass.setPipeline(this.#pipeline = pipeline);
    this.#offset[0] = this.#used++ * paramWords * 4;
    pass.setBindGroup(0, this.#paramGroup, this.#offset, 0, 1);
    pass.setBindGroup(1, buffers);
    const rows2 = Math.ceil(groups / maxGroups);
    pass.dispatchWorkgroups(Math.ceil(groups / rows2), rows2);
    this.#ops.add(op);
    this.#dispatches++;
    this.#bytes += bytes;
  }
  /** Copies bytes; all counts are multiples of 4. */
  copy(op, source2, from, target, to, bytes) {
    this.use(source2);
    if ("gpu" in target) this.use(target);
    this.#copies(op).copyBufferToBuffer(source2.gpu, from, "gpu" in target ? target.gpu : target, to, bytes);
  }
  /** Fills bytes of a buffer with zeros; both counts are multiples of 4. */
  clear(op, target, at, bytes) {
    this.use(target);
    this.#copies(op).clearBuffer(target.gpu, at, bytes);
  }
  /**
   * Copies the first `bytes` bytes of `data`, a multiple of 4, to byte `at` of a memory, after all commands recorded so far.
   */
  upload(storage, at, data, bytes) {
    if (storage.buffer.lastBatch >= this.#serial) void this.flush();
    const source2 = data.buffer;
    this.#device.queue.writeBuffer(storage.buffer.gpu, at, source2, data.byteOffset, bytes);
  }
  /** Submits the recorded commands. Resolves with the error of this batch or, when it is empty, of the last one. */
  flush() {
    const encoder = this.#encoder;
    if (!encoder) return this.#outcome;
    const written = this.#written;
    const { outcome } = withErrorScopes(this.#device, [...this.#ops].join(", "), () => {
      this.#pass?.end();
      this.#profiler?.resolve(encoder);
      const { queue } = this.#device;
      if (this.#used > 0) queue.writeBuffer(this.#params, 0, this.words, 0, this.#used * paramWords);
      queue.submit([encoder.finish()]);
      this.#profiler?.submitted();
    });
    this.#outcome = outcome.then((error) => {
      const reported = error && this.#onError(error);
      if (reported) for (const storage of written) storage.error ??= reported;
      return reported;
    });
    this.#encoder = this.#pass = this.#pipeline = void 0;
    this.#ops = /* @__PURE__ */ new Set();
    this.#written = /* @__PURE__ */ new Set();
    this.#used = 0;
    this.#serial++;
    this.#submissions++;
    this.#afterSubmit();
    return this.#outcome;
  }
  destroy() {
    this.#params.destroy();
  }
  #begin() {
    return this.#encoder ??= this.#device.createCommandEncoder({ label: "mamba" });
  }
  #copies(op) {
    this.#endPass();
    this.#ops.add(op);
    return this.#begin();
  }
  #endPass() {
    this.#pass?.end();
    this.#pass = this.#pipeline = void 0;
  }
};

// src/commands/dispatcher.ts
var Dispatcher = class {
  #resources;
  #device;
  #maxBindingBytes;
  #onError;
  /** Bound in the place of absent tensors. One per binding: WebGPU does not allow one buffer in two written bindings. */
  #absent;
  #bindings = [];
  /** Bytes that the dispatch being recorded reads and writes. */
  #bytes = 0;
  /** @param onError is called with the error of a shader or a bind group that the device refuses, and returns the one to report */
  constructor(resources, onError) {
    this.#resources = resources;
    this.#device = resources.device;
    this.#maxBindingBytes = this.#device.limits.maxStorageBufferBindingSize;
    this.#onError = onError;
    this.#absent = Array.from({ length: 8 }, () => {
      return { buffer: resources.pool.take(256, "mamba: absent tensor"), offset: 0, size: 256 };
    });
  }
  /** Records one dispatch: see `Runtime.run`. */
  run(op, shader2, buffers, params4, groups) {
    const { commands } = this.#resources;
    const pipeline = this.#pipeline(op, shader2);
    const snapshots = this.#snapshots(op, shader2, buffers);
    let at = commands.slot();
    const { words, floats: floats3 } = commands;
    words[at++] = groups;
    const bindings = this.#bindings;
    bindings.length = 0;
    this.#bytes = 0;
    for (const name of shader2.read) {
      at = this.#bind(op, shader2, name, buffers[name], at, snapshots?.get(name));
    }
    for (const name of shader2.write) {
      const bound = buffers[name];
      at = this.#bind(op, shader2, name, bound, at, void 0);
      if (bound) commands.write(tensorOf(bound).storage);
    }
    for (const { name, float: float2 } of shader2.params) {
      if (float2) floats3[at++] = params4[name];
      else words[at++] = params4[name];
    }
    const group = this.#group(op, shader2, pipeline);
    commands.dispatch({ op, shader: shader2.name, bytes: this.#bytes }, pipeline.pipeline, group, groups);
  }
  /** Adds the binding of one buffer and writes its two parameters. */
  #bind(op, shader2, name, bound, at, snapshot) {
    const { commands } = this.#resources;
    const { words } = commands;
    if (bound === void 0) {
      words[at] = words[at + 1] = 0;
      this.#bindings.push(this.#absent[this.#bindings.length]);
      return at + 2;
    }
    const tensor = tensorOf(bound);
    const { storage, dtype } = tensor;
    const error = storageError(storage);
    if (error) throw new KernelError(error.code, `${op}: ${name}: ${error.message}`, { cause: error });
    const { from, end } = bytesOf(bound);
    const isWhole = bound === tensor && shader2.placed.has(name) && storage.bytes <= this.#maxBindingBytes;
    const offset = isWhole ? 0 : alignedDown(from, 256);
    const bytes = isWhole ? alignedUp(storage.bytes, 4) : alignedUp(end, 4) - offset;
    if (bytes > this.#maxBindingBytes) {
      const limit = this.#maxBindingBytes;
      throw new KernelError(
        "OUT_OF_MEMORY",
        `${op}: ${name} must be at most ${limit} bytes, the largest binding of this device, got ${bytes} bytes`
      );
    }
    const elementBytes = isQuantized(dtype) ? 4 : formats[dtype].blockBytes;
    const start = (from - (snapshot ? alignedDown(from, 4) : offset)) / elementBytes;
    if (start > 0 && !shader2.placed.has(name)) {
      throw new Error(`shader ${shader2.name}: ${name} must be read from ${name}_at on, which is ${start}`);
    }
    this.#bytes += bound === tensor ? storedBytes(dtype, tensor.shape) : bound.bytesRead ?? storedOffset(tensor, bound.count);
    words[at] = start;
    words[at + 1] = tensor.rowStride;
    commands.use(storage.buffer);
    this.#bindings.push(snapshot ?? { buffer: storage.buffer, offset, size: bytes });
    return at + 2;
  }
  /**
   * Copies arguments that cannot be bound where they lie: tensors that one dispatch both reads and writes, because WebGPU does
   * not allow both bindings on one buffer; and those at no multiple of 256 bytes in a shader that reads from the start of the
   * binding.
   */
  #snapshots(op, shader2, buffers) {
    const { commands, pool } = this.#resources;
    let copies;
    for (const name of shader2.read) {
      const bound = buffers[name];
      if (!bound) continue;
      const { storage, offset } = tensorOf(bound);
      const isLoose = offset > 0 && !shader2.placed.has(name) && bytesOf(bound).from % 256 !== 0;
      if (!isLoose && !isWritten(shader2, buffers, storage)) continue;
      const { from, end } = bytesOf(bound);
      const size = alignedUp(end, 4) - alignedDown(from, 4);
      const buffer = pool.take(size, `${op}: copy of ${name}`);
      buffer.used = true;
      commands.copy(op, storage.buffer, alignedDown(from, 4), buffer, 0, size);
      (copies ??= /* @__PURE__ */ new Map()).set(name, { buffer, offset: 0, size });
    }
    for (const { buffer } of copies?.values() ?? []) pool.give(buffer);
    return copies;
  }
  #pipeline(op, shader2) {
    const cached = this.#resources.pipelines.get(shader2);
    if (cached) {
      const { error } = cached;
      if (error) throw new KernelError(error.code, error.message, { cause: error });
      return cached;
    }
    const created = withErrorScopes(
      this.#device,
      `${op}: shader ${shader2.name}`,
      () => this.#resources.pipelines.compile(shader2)
    );
    void created.outcome.then((error) => {
      if (error) created.value.error = this.#onError(error);
    });
    return created.value;
  }
  #group(op, shader2, pipeline) {
    const { bindGroups } = this.#resources;
    const key = bindGroups.key(pipeline, this.#bindings);
    const cached = bindGroups.get(key);
    if (cached) return cached;
    const label = `${op}: shader ${shader2.name}`;
    const created = withErrorScopes(
      this.#device,
      label,
      () => bindGroups.create(key, pipeline, label, this.#bindings)
    );
    void created.outcome.then((error) => {
      if (error) this.#onError(error);
    });
    return created.value;
  }
};
function tensorOf(bound) {
  return bound instanceof WebGpuTensor ? bound : bound.tensor;
}
function bytesOf(bound) {
  if (!(bound instanceof WebGpuTensor)) {
    const { tensor, start, count } = bound;
    const from = storedOffset(tensor, tensor.offset + start);
    return { from, end: from + storedOffset(tensor, count) };
  }
  const { shape, rowStride, offset } = bound;
  const elements = (rowCount(bound) - 1) * rowStride + lastExtent(shape);
  return { from: storedOffset(bound, offset), end: storedOffset(bound, offset + elements) };
}
function isWritten(shader2, buffers, storage) {
  for (const name of shader2.write) {
    const bound = buffers[name];
    if (bound && tensorOf(bound).storage === storage) return true;
  }
  return false;
}
function alignedDown(bytes, multiple) {
  return bytes - bytes % multiple;
}
function alignedUp(bytes, multiple) {
  return Math.ceil(bytes / multiple) * multiple;
}

// src/commands/pipelines.ts
var shared2 = /* @__PURE__ */ new WeakMap();
var Pipelines = class _Pipelines {
  #device;
  /** Layout of the parameters (group 0). */
  paramLayout;
  #layouts = /* @__PURE__ */ new Map();
  #pipelines = /* @__PURE__ */ new Map();
  constructor(device) {
    this.#device = device;
    this.paramLayout = device.createBindGroupLayout({
      label: "mamba: parameters",
      entries: [
        { binding: 0, visibility: computeStage, buffer: { type: "uniform", hasDynamicOffset: true } }
      ]
    });
  }
  static of(device) {
    let own = shared2.get(device);
    if (!own) shared2.set(device, own = new _Pipelines(device));
    return own;
  }
  /** Returns the shader if it is compiled. */
  get(shader2) {
    return this.#pipelines.get(shader2);
  }
  /** Compiles at once, which blocks the thread. Errors of the device go to the open error scopes. */
  compile(shader2) {
    const { buffers, pipeline: layout } = this.#layout(shader2);
    const pipeline = this.#device.createComputePipeline(this.#describe(shader2, layout));
    return this.#add(shader2, pipeline, buffers);
  }
  /** Compiles without blocking the thread. Rejects with the error of the browser. */
  async compileAsync(shader2) {
    if (this.#pipelines.has(shader2)) return;
    const { buffers, pipeline: layout } = this.#layout(shader2);
    const pipeline = await this.#device.createComputePipelineAsync(this.#describe(shader2, layout));
    if (!this.#pipelines.has(shader2)) this.#add(shader2, pipeline, buffers);
  }
  #add(shader2, pipeline, layout) {
    const made = { pipeline, layout, layoutKey: layoutKey(shader2), error: void 0 };
    this.#pipelines.set(shader2, made);
    return made;
  }
  #describe(shader2, layout) {
    const label = `mamba: ${shader2.name}`;
    const module = this.#device.createShaderModule({ label, code: shader2.source });
    return { label, layout, compute: { module, entryPoint: "main" } };
  }
  #layout(shader2) {
    const { read: read2, write: write3 } = shader2;
    const key = layoutKey(shader2);
    const cached = this.#layouts.get(key);
    if (cached) return cached;
    const label = `mamba: ${read2.length} read, ${write3.length} written`;
    const buffers = this.#device.createBindGroupLayout({
      label,
      entries: [...read2, ...write3].map((_, binding) => ({
        binding,
        visibility: computeStage,
        buffer: { type: binding < read2.length ? "read-only-storage" : "storage" }
      }))
    });
    const bindGroupLayouts = [this.paramLayout, buffers];
    const made = { buffers, pipeline: this.#device.createPipelineLayout({ label, bindGroupLayouts }) };
    this.#layouts.set(key, made);
    return made;
  }
};
function layoutKey({ read: read2, write: write3 }) {
  return `${read2.length},${write3.length}`;
}

// src/memory/bufferPool.ts
var maxFreeBytes = 256 * 2 ** 20;
var BufferPool = class {
  #device;
  /** Free buffers by size class, the last freed at the end. */
  #free = /* @__PURE__ */ new Map();
  #onError;
  #all = /* @__PURE__ */ new Set();
  #freeBytes = 0;
  #nextId = 1;
  #created = 0;
  /** @param onError is called with the error of a failed allocation */
  constructor(device, onError) {
    this.#device = device;
    this.#onError = onError;
  }
  /** Buffers created so far. A steady state creates none. */
  get created() {
    return this.#created;
  }
  /**
   * Returns a buffer of at least `bytes`, with undefined content.
   *
   * @param idleSince the number of a batch: returns no buffer that this batch or a later one used, because a write by the
   * host runs before all recorded commands
   */
  take(bytes, label, idleSince) {
    const size = sizeClass(bytes);
    const list = this.#free.get(size);
    if (list) {
      for (let i = list.length - 1; i >= 0; i--) {
        const buffer2 = list[i];
        if (idleSince !== void 0 && buffer2.lastBatch >= idleSince) continue;
        list.splice(i, 1);
        this.#freeBytes -= size;
        return buffer2;
      }
    }
    const descriptor = { label, size, usage: usage.storage | usage.copySource | usage.copyTarget };
    const { value: gpu, outcome } = withErrorScopes(
      this.#device,
      label,
      () => this.#device.createBuffer(descriptor)
    );
    const buffer = {
      gpu,
      bytes: size,
      id: this.#nextId++,
      lastBatch: 0,
      used: false,
      error: void 0
    };
    void outcome.then((error) => {
      if (!error) return;
      buffer.error = error;
      this.#all.delete(buffer);
      this.#onError(error);
    });
    this.#created++;
    this.#all.add(buffer);
    return buffer;
  }
  /** Frees a buffer. */
  give(buffer) {
    if (!this.#all.has(buffer)) return;
    const list = this.#free.get(buffer.bytes);
    if (list) list.push(buffer);
    else this.#free.set(buffer.bytes, [buffer]);
    this.#freeBytes += buffer.bytes;
  }
  /**
   * Destroys free buffers, least recently used first, until at most `limit` bytes are free. Call it only when no recorded
   * command waits for its submission.
   */
  trim(limit = maxFreeBytes) {
    if (this.#freeBytes <= limit) return;
    const all = [...this.#free.values()].flat().sort((a, b) => a.lastBatch - b.lastBatch);
    for (const buffer of all) {
      if (this.#freeBytes <= limit) break;
      const list = this.#free.get(buffer.bytes);
      list?.splice(list.indexOf(buffer), 1);
      this.#freeBytes -= buffer.bytes;
      this.#all.delete(buffer);
      buffer.gpu.destroy();
    }
  }
  /** Destroys every buffer, including those in use. */
  destroy() {
    for (const buffer of this.#all) buffer.gpu.destroy();
    this.#all.clear();
    this.#free.clear();
  }
};

// src/runtime.ts
var Runtime = class extends TensorOwner {
  device;
  pool;
  commands;
  bindGroups;
  packs;
  pipelines;
  traits;
  /** Larger tensors are processed in chunks of at most this many bytes. */
  chunkBytes;
  /** Positions per chunk of every scan. Undefined: chosen from the sizes of the scan. */
  scanChunk;
  #dispatcher;
  #error;
  constructor(device, tuning = {}) {
    super();
    this.device = device;
    const { chunkBytes: chunkBytes2, scanChunk, ...traits } = tuning;
    this.traits = traitsOf(device, traits);
    this.scanChunk = scanChunk;
    this.chunkBytes = chunkBytes2 ?? device.limits.maxStorageBufferBindingSize - 256;
    const onError = (error) => this.#error ??= error;
    this.pipelines = Pipelines.of(device);
    this.pool = new BufferPool(device, onError);
    this.commands = new Commands(device, this.pipelines.paramLayout, {
      submit: () => {
        this.pool.trim();
      },
      error: onError
    });
    this.bindGroups = new BindGroups(device);
    this.packs = new Packs(this);
    this.#dispatcher = new Dispatcher(this, onError);
  }
  /** Returns and clears the first unreported error of enqueued work. */
  takeError() {
    const error = this.#error;
    this.#error = void 0;
    return error;
  }
  /**
   * Returns a dense tensor with undefined content.
   *
   * @param idle true when the host writes to it next: such a write runs before all recorded commands
   */
  allocate(op, shape, dtype, idle = false) {
    const bytes = storedBytes(dtype, shape);
    const buffer = this.pool.take(bytes, `${op}: allocation`, idle ? this.commands.serial : void 0);
    return this.adopt({ buffer, bytes, handles: 0, version: 0, error: void 0 }, dtype, shape);
  }
  /** Returns a tensor that belongs to the kernel, not to its caller: `memory` does not count it. */
  hidden(op, words) {
    const shape = [words];
    const bytes = byteLength("f32", shape);
    const buffer = this.pool.take(bytes, `${op}: allocation`);
    buffer.used = true;
    const storage = { buffer, bytes, handles: 0, hidden: true, version: 0, error: void 0 };
    return this.adopt(storage, "f32", shape);
  }
  /** Like `allocate`, for a tensor that the running op creates: a result, or a temporary that it disposes before it returns. */
  result(op, shape, dtype = "f32") {
    const tensor = this.allocate(op, shape, dtype);
    tensor.storage.buffer.used = true;
    return this.keepResult(tensor);
  }
  /**
   * Records one dispatch. Buffers and parameters have the names that the shader declares. A tensor that is both read and
   * written is read as it was before the dispatch.
   *
   * @param groups number of workgroups, without a limit
   * @throws KernelError `OUT_OF_MEMORY` for a tensor larger than the largest binding, or the error of the work that should
   * have written an argument
   */
  run(op, shader2, buffers, params4, groups) {
    try {
      this.#dispatcher.run(op, shader2, buffers, params4, groups);
    } catch (error) {
      this.dropResults();
      throw error;
    }
  }
  /** Frees all memory of the device. */
  destroy() {
    this.pool.destroy();
    this.commands.destroy();
  }
  handle(storage, dtype, shape, rowStride, offset) {
    return new WebGpuTensor(this, storage, dtype, shape, rowStride, offset);
  }
  free(storage) {
    this.pool.give(storage.buffer);
    this.packs.forget(storage);
  }
};

// src/create.ts
var wantedLimits = ["maxBufferSize", "maxStorageBufferBindingSize"];
async function createWebGpuKernel(options3 = {}) {
  const { powerPreference = "high-performance", batchInvariant } = options3;
  let { device, adapter } = options3;
  const owned = device === void 0;
  if (device === void 0) {
    if (adapter === void 0) {
      const gpu = options3.gpu ?? await findGpu();
      if ("code" in gpu) refuse(gpu);
      const found = await findAdapter(gpu, { powerPreference });
      if ("code" in found) refuse(found);
      adapter = found;
    }
    device = await requestDevice(adapter);
  }
  return openWebGpuKernel(device, owned, batchInvariant ? { batchInvariant } : void 0);
}
async function requestDevice(adapter) {
  const { limits, features } = adapter;
  const requiredLimits = Object.fromEntries(wantedLimits.map((name) => [name, limits[name]]));
  try {
    const requiredFeatures = wantedFeatures.filter((name) => features.has(name));
    return await adapter.requestDevice({ label: "mamba", requiredLimits, requiredFeatures });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new KernelError("DRIVER", `createWebGpuKernel: the adapter refused a device: ${message}`, {
      cause
    });
  }
}
async function openWebGpuKernel(device, owned, tuning) {
  const lost = device.lost.then(({ reason, message }) => {
    return new KernelError("DEVICE_LOST", `the WebGPU device is lost (${reason || "unknown"}): ${message}`);
  });
  const already = await Promise.race([lost, new Promise((next) => setTimeout(next, 0))]);
  if (already) throw new KernelError("DEVICE_LOST", `createWebGpuKernel: ${already.message}`);
  return new WebGpuKernel(new Runtime(device, tuning), describeAdapter(device.adapterInfo), lost, owned);
}

// ../conformance/src/assert.ts
var ConformanceError = class extends Error {
  name = "ConformanceError";
};
function check(condition, message) {
  if (!condition) throw new ConformanceError(message);
}

// ../conformance/src/case.ts
var defaultTolerance = 1e-10;
function roundedTolerance(results) {
  return results < 16 ? 4e-4 : 2e-4;
}
function defineCase(definition14) {
  const { op, run } = definition14;
  return {
    ...partsOf(op, definition14),
    training: false,
    // The runner passes exactly the names that `inputs` returned.
    run: (kernel2, tensors, _prepared, firstRow = 0) => run(kernel2, tensors, firstRow)
  };
}
function defineTrainingCase(definition14) {
  const { op, prepare, run } = definition14;
  return {
    ...partsOf(op, definition14),
    training: true,
    ...prepare && {
      prepare: (kernel2, tensors) => prepare(trainingKernel(op, kernel2), tensors)
    },
    // The runner passes the inputs by their names, and the result of `prepare`.
    run: (kernel2, tensors, prepared) => run(trainingKernel(op, kernel2), tensors, prepared)
  };
}
function partsOf(op, parts) {
  const { label, sizes, cost, tolerance, roundedTolerance: roundedTolerance2, requires = [], inputs, reference: reference46 } = parts;
  return {
    op,
    name: `${op} ${label}`,
    sizes,
    cost,
    tolerance: tolerance?.nmse ?? defaultTolerance,
    roundedTolerance: roundedTolerance2,
    reason: tolerance?.reason,
    requires,
    inputs,
    reference: (values) => reference46(values)
  };
}
function trainingKernel(op, kernel2) {
  check(canTrain(kernel2), `${op}: the kernel cannot train (capabilities.training is false)`);
  return kernel2;
}
function floats2(data, shape, dtype = "f32") {
  return { data: fromFloat32(data, dtype), shape, dtype };
}
function ints(data, shape) {
  return { data: Int32Array.from(data), shape, dtype: "i32" };
}

// ../conformance/src/random.ts
var Random = class {
  #state;
  /** Equal seeds give equal sequences. A string is hashed (FNV-1a), so that a case can be seeded by its name. */
  constructor(seed2) {
    this.#state = typeof seed2 === "number" ? seed2 >>> 0 : hash(seed2);
  }
  /** In [min, max), default [0, 1), with 32 random bits. */
  uniform(min = 0, max = 1) {
    this.#state = this.#state + 1831565813 >>> 0;
    let t2 = this.#state;
    t2 = Math.imul(t2 ^ t2 >>> 15, t2 | 1);
    t2 ^= t2 + Math.imul(t2 ^ t2 >>> 7, t2 | 61);
    return min + ((t2 ^ t2 >>> 14) >>> 0) / 2 ** 32 * (max - min);
  }
  /** A whole number in [min, max]. */
  integer(min, max) {
    return min + Math.floor(this.uniform() * (max - min + 1));
  }
  /** From N(0, deviation²), by the Box-Muller transform. */
  normal(deviation = 1) {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform()) * deviation;
  }
  /** `count` random bytes. Beyond 2^20 bytes they repeat: see `fill`. */
  bytes(count) {
    return fill3(new Uint8Array(count), () => this.integer(0, 255));
  }
  /** `count` float32 values from U[min, max). Beyond 2^20 values they repeat: see `fill`. */
  uniforms(count, min, max) {
    return fill3(new Float32Array(count), () => this.uniform(min, max));
  }
  /** `count` float32 values from N(0, deviation²). Beyond 2^20 values they repeat: see `fill`. */
  normals(count, deviation = 1) {
    return fill3(new Float32Array(count), () => this.normal(deviation));
  }
};
var drawnValues = 2 ** 20;
function fill3(data, draw) {
  const count = data.length;
  const drawn2 = Math.min(count, drawnValues);
  for (let i = 0; i < drawn2; i++) data[i] = draw();
  for (let filled = drawn2; filled < count; filled *= 2) data.copyWithin(filled, 0, filled);
  return data;
}
function hash(text) {
  let h = 2166136261;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619);
  return h >>> 0;
}

// ../conformance/src/ops/index.ts
var ops_exports3 = {};
__export(ops_exports3, {
  accumulate: () => accumulate3,
  adamwStep: () => adamwStep3,
  add: () => add3,
  argmax: () => argmax3,
  attention: () => attention2,
  attentionBackward: () => attentionBackward2,
  attentionForward: () => attentionForward2,
  cachedAttention: () => cachedAttention2,
  causalConv1d: () => causalConv1d3,
  causalConv1dBackward: () => causalConv1dBackward3,
  causalConv1dStep: () => causalConv1dStep3,
  combineExperts: () => combineExperts2,
  combineExpertsBackward: () => combineExpertsBackward2,
  crossEntropy: () => crossEntropy3,
  crossEntropyWithGradient: () => crossEntropyWithGradient3,
  div: () => div3,
  dropout: () => dropout3,
  elementLoss: () => elementLoss3,
  elementLossWithGradient: () => elementLossWithGradient3,
  embedding: () => embedding3,
  embeddingBackward: () => embeddingBackward3,
  exp: () => exp3,
  expertLinear: () => expertLinear2,
  expertLinearBackwardInput: () => expertLinearBackwardInput2,
  expertLinearBackwardWeight: () => expertLinearBackwardWeight2,
  expertLoads: () => expertLoads2,
  flip: () => flip3,
  gelu: () => gelu3,
  geluBackward: () => geluBackward3,
  layerNorm: () => layerNorm3,
  layerNormBackward: () => layerNormBackward3,
  linear: () => linear3,
  linearBackwardInput: () => linearBackwardInput3,
  linearBackwardWeight: () => linearBackwardWeight3,
  log: () => log3,
  maxPositions: () => maxPositions3,
  maxPositionsBackward: () => maxPositionsBackward3,
  meanPositions: () => meanPositions3,
  meanPositionsBackward: () => meanPositionsBackward3,
  mul: () => mul3,
  negExp: () => negExp3,
  rmsNorm: () => rmsNorm3,
  rmsNormBackward: () => rmsNormBackward3,
  routeExperts: () => routeExperts2,
  routeExpertsBackward: () => routeExpertsBackward2,
  sample: () => sample3,
  scale: () => scale3,
  selectiveScan: () => selectiveScan3,
  selectiveScanBackward: () => selectiveScanBackward3,
  selectiveScanForward: () => selectiveScanForward3,
  selectiveStateUpdate: () => selectiveStateUpdate3,
  sigmoid: () => sigmoid5,
  sigmoidBackward: () => sigmoidBackward3,
  silu: () => silu3,
  siluBackward: () => siluBackward3,
  softmax: () => softmax4,
  softmaxBackward: () => softmaxBackward3,
  sqrt: () => sqrt3,
  ssdScan: () => ssdScan3,
  ssdScanBackward: () => ssdScanBackward3,
  ssdScanForward: () => ssdScanForward3,
  ssdStateUpdate: () => ssdStateUpdate3,
  sub: () => sub3,
  sumOfSquares: () => sumOfSquares3,
  sumRows: () => sumRows3,
  tanh: () => tanh3,
  tanhBackward: () => tanhBackward3
});

// ../conformance/src/cases/inputs.ts
var lengths = [1, 3, 5, 17, 33, 129, 513, 2049];
function asView(input, before = 3, after = 2) {
  return { ...input, view: { before, after } };
}
function result(shape, data) {
  return { shape, data };
}
function withValues(data, values) {
  data.set(values.slice(0, data.length));
  return data;
}
function gradients(grads2) {
  return Object.fromEntries(
    Object.entries(grads2).flatMap(([name, tensor]) => tensor ? [[`d_${name}`, tensor]] : [])
  );
}
function elementSizes(shape) {
  return { elements: shape.reduce((a, b) => a * b, 1), last: lastExtent(shape) };
}
function bytesOf2(count, dtype = "f32") {
  return byteOffset(dtype, count);
}
function cycled(values, i) {
  return values[i % values.length] ?? values[0];
}

// ../conformance/src/opSuite.ts
var manyRows = 33;
function defineOp(op, parts) {
  const { rows: rows2, ...rest } = parts;
  return { ...assemble(op, false, { ...rest, batched: rows2 }, (kernel2) => kernel2), many: rows2.many };
}
function defineTrainingOp(op, parts) {
  return assemble(op, true, parts, (kernel2) => trainingKernel(op, kernel2));
}
function assemble(op, training, parts, narrow2) {
  const { reference: reference46, cases: cases2, benchmarks = [], minimal, batched, outOfRange: outOfRange2 } = parts;
  const { args: args2, dense = [], anyAxes = [], anyWidth = [], writes = [], prepare, call } = minimal;
  return {
    op,
    training,
    reference: reference46,
    cases: cases2,
    benchmarks,
    minimal: {
      ...{ args: args2, dense, anyAxes, anyWidth, writes },
      ...prepare && { prepare: (kernel2) => prepare(narrow2(kernel2)) },
      // The callers pass a tensor for each name in `args`.
      call: (kernel2, tensors, prepared) => call(narrow2(kernel2), tensors, prepared)
    },
    ...batched && { batched },
    ...outOfRange2 && { outOfRange: (kernel2, scope) => outOfRange2(narrow2(kernel2), scope) }
  };
}
var [B, L, D, N, W] = [2, 4, 3, 5, 4];
var f32 = (...shape) => ({ shape, dtype: "f32" });
var i32 = (...shape) => ({ shape, dtype: "i32" });

// ../conformance/src/ops/accumulate.ts
function reference(target, x, factor2 = 1) {
  const y = new Float64Array(x.length);
  for (let i = 0; i < y.length; i++) y[i] = target[i] + x[i] * factor2;
  return y;
}
function build(shape, options3 = {}) {
  const { factor: factor2, views = [], note = "", values = [] } = options3;
  const label = `[${shape.join(",")}]${factor2 === void 0 ? "" : ` times ${factor2}`}${note}`;
  const count = elementCount(shape);
  return defineTrainingCase({
    op: "accumulate",
    label,
    sizes: elementSizes(shape),
    cost: { flops: 2 * count, bytes: bytesOf2(3 * count) },
    inputs: () => {
      const random = new Random(`accumulate ${label}`);
      const target = floats2(random.normals(count), shape);
      const x = floats2(withValues(random.normals(count), values), shape);
      return {
        target: { ...views.includes("target") ? asView(target) : target, inPlace: true },
        x: views.includes("x") ? asView(x, 1, 5) : x
      };
    },
    run: (kernel2, t2) => {
      kernel2.accumulate(t2.target, t2.x, factor2);
      return {};
    },
    reference: (v) => ({ target: result(shape, reference(v.target, v.x, factor2)) })
  });
}
var accumulate3 = defineTrainingOp("accumulate", {
  reference,
  cases: [
    ...lengths.map((n, i) => build([n], i % 2 ? { factor: Math.fround(-0.3) } : {})),
    build([2, 3, 5]),
    build([4, 33], { views: ["target"], note: " into a view" }),
    build([4, 33], { views: ["x"], factor: 2.5, note: " of a view" }),
    build([3, 2, 17], { views: ["target", "x"], factor: -1, note: " of a view into a view" }),
    build([5, 1], { views: ["target"], note: " into a view of one column" }),
    build([2, 10007], { note: ", work for several threads" }),
    build([300, 67], { views: ["target", "x"], note: " of a view into a view, work for several threads" }),
    build([9], { factor: 0, note: ", which changes nothing" }),
    build([29], { values: [NaN, Infinity, -0, 0, 1e-40, -Infinity], note: " with NaN and infinities" }),
    build([6], { factor: 0, values: [NaN, Infinity], note: ": zero times NaN is NaN" })
  ],
  minimal: {
    args: { target: f32(B, L, D), x: f32(B, L, D) },
    writes: ["target"],
    call: (k, t2) => {
      k.accumulate(t2.target, t2.x);
      return [];
    }
  },
  outOfRange: (kernel2, scope) => {
    const x = scope.use(kernel2.zeros([2, 5], "f32"));
    const by = (factor2) => () => {
      kernel2.accumulate(x, x, factor2);
    };
    return [
      ["factor NaN", by(NaN)],
      ["factor infinite", by(Infinity)]
    ];
  }
});

// ../conformance/src/ops/adamwStep.ts
function reference2(param, grad, m, v, hyper, gradScale = 1) {
  const { step, lr, beta1, beta2, eps, weightDecay } = hyper;
  const after = { param: Float64Array.from(param), m: Float64Array.from(m), v: Float64Array.from(v) };
  for (let i = 0; i < param.length; i++) {
    const g = grad[i] * gradScale;
    const mean3 = beta1 * m[i] + (1 - beta1) * g;
    const square = beta2 * v[i] + (1 - beta2) * g * g;
    const direction = mean3 / (1 - beta1 ** step) / (Math.sqrt(square / (1 - beta2 ** step)) + eps);
    after.m[i] = mean3;
    after.v[i] = square;
    after.param[i] = param[i] - lr * (weightDecay * param[i] + direction);
  }
  return after;
}
function costOf(elements, steps, scaled) {
  const flops = steps * elements * (scaled ? 17 : 16);
  return { flops, bytes: steps * bytesOf2(7 * elements + (scaled ? 1 : 0)) };
}
var base = { step: 1, lr: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 };
var slotNames = ["param", "grad", "m", "v"];
function adamCase(shapes3, options3 = {}) {
  const { steps = 1, gradScale, fresh = false, note = "", values = [] } = options3;
  const hyper = { ...base, ...options3.hyper };
  const first = hyper.step;
  const scaled = gradScale === void 0 ? "" : " +gradScale";
  const label = `${shapes3.map((shape) => `[${shape.join(",")}]`).join(" ")}${scaled}${note}`;
  const elements = shapes3.reduce((sum, shape) => sum + elementCount(shape), 0);
  return defineTrainingCase({
    op: "adamwStep",
    label,
    sizes: { tensors: shapes3.length, elements },
    cost: costOf(elements, steps, gradScale !== void 0),
    inputs: () => {
      const random = new Random(`adamwStep ${label}`);
      const inputs = shapes3.flatMap((shape, i) => {
        const count = elementCount(shape);
        const grad = random.normals(count, 0.1);
        if (i === 0) withValues(grad, values);
        const moment = (data) => fresh ? data.fill(0) : data;
        return [
          [`param${i}`, { ...floats2(random.normals(count, 0.2), shape), inPlace: true }],
          [`grad${i}`, floats2(grad, shape)],
          [`m${i}`, { ...floats2(moment(random.normals(count, 0.03)), shape), inPlace: true }],
          [`v${i}`, { ...floats2(moment(random.uniforms(count, 1e-4, 0.01)), shape), inPlace: true }]
        ];
      });
      if (gradScale !== void 0) inputs.push(["gradScale", floats2(Float32Array.of(gradScale), [1])]);
      return Object.fromEntries(inputs);
    },
    run: (kernel2, t2) => {
      const slots2 = shapes3.map((_, i) => slot(t2, i));
      for (let k = 0; k < steps; k++) kernel2.adamwStep(slots2, { ...hyper, step: first + k }, t2["gradScale"]);
      return {};
    },
    reference: (v) => Object.fromEntries(
      shapes3.flatMap((shape, i) => {
        let after = slot(v, i);
        const { grad } = slot(v, i);
        for (let k = 0; k < steps; k++) {
          const step = { ...hyper, step: first + k };
          after = reference2(after.param, grad, after.m, after.v, step, v["gradScale"]?.[0]);
        }
        return ["param", "m", "v"].map((name) => [
          `${name}${i}`,
          result(shape, Float64Array.from(after[name]))
        ]);
      })
    )
  });
}
function slot(all, i) {
  return Object.fromEntries(slotNames.map((name) => [name, all[`${name}${i}`]]));
}
var decay2 = { weightDecay: 0.1 };
var adamwStep3 = defineTrainingOp("adamwStep", {
  reference: reference2,
  cases: [
    ...lengths.map((count, i) => adamCase([[count]], { hyper: { step: i + 1, weightDecay: 0.1 * (i % 2) } })),
    adamCase([[7, 5]], { fresh: true, note: ", the first step" }),
    adamCase([[7, 5]], { fresh: true, hyper: decay2, note: ", the first step with decay" }),
    adamCase([[33], [4, 9], [1], [2, 3, 5]], { fresh: true, steps: 5, hyper: decay2, note: ", five steps" }),
    adamCase([[33], [4, 9]], { hyper: { step: 1e3, lr: 3e-4, weightDecay: 0.01 }, note: ", step 1000" }),
    adamCase([[17]], { hyper: { step: 3e6, ...decay2 }, note: ", when the bias is long gone" }),
    adamCase([[20003], [5], [300, 67]], { hyper: decay2, note: ", work for several threads" }),
    adamCase([[17], [6]], { gradScale: 0.25, steps: 3, hyper: decay2, note: ", clipped" }),
    adamCase([[17]], { gradScale: 0, fresh: true, hyper: decay2, note: " of zero: decay alone" }),
    adamCase([[40]], { hyper: { eps: 0.1, beta1: 0.5, beta2: 0.95 }, fresh: true, note: ", a large eps" }),
    adamCase([[9]], { hyper: { beta1: 0, beta2: 0, step: 4 }, note: ", no memory" }),
    adamCase([[12]], {
      fresh: true,
      values: new Array(12).fill(0),
      hyper: decay2,
      note: ", zero gradients"
    }),
    adamCase([[9]], {
      fresh: true,
      values: [1e-18, -1e-20, 1e-12, 1e12],
      note: ", gradients from 1e-20 to 1e12"
    }),
    adamCase([[9], [5]], { values: [1, NaN], note: ", NaN in one place" })
  ],
  minimal: {
    args: { param: f32(D, 7), grad: f32(D, 7), m: f32(D, 7), v: f32(D, 7), gradScale: f32(1) },
    dense: ["param", "grad", "m", "v"],
    writes: ["param", "m", "v"],
    call: (k, { gradScale, ...slot2 }) => {
      k.adamwStep([slot2], { ...base, beta2: 0.99, weightDecay: 0.1 }, gradScale);
      return [];
    }
  },
  outOfRange: (kernel2, scope) => {
    const x = scope.use(kernel2.zeros([2, 5], "f32"));
    const slots2 = [{ param: x, grad: x, m: x, v: x }];
    const step = (change, of = slots2) => () => {
      kernel2.adamwStep(of, { ...base, ...change });
    };
    return [
      ["no slots", step({}, [])],
      ["moments that share the memory of the parameter", step({})],
      ["step 0", step({ step: 0 })],
      ["step 1.5", step({ step: 1.5 })],
      ["lr NaN", step({ lr: NaN })],
      ["lr negative", step({ lr: -0.1 })],
      ["beta1 of 1", step({ beta1: 1 })],
      ["beta2 negative", step({ beta2: -0.1 })],
      ["eps negative", step({ eps: -1e-8 })],
      ["weightDecay infinite", step({ weightDecay: Infinity })]
    ];
  }
});

// ../conformance/src/cases/elementwise.ts
var shapes = [...lengths.map((n) => [n]), [2, 3, 5], [4, 33], [2, 7, 1]];
var special = [NaN, Infinity, -0, 0, 1e-40, -1e-40, 88, -88, 100, -104, 1e3, -1e3];
function binaryCase({ op, run, reference: reference46, flops }, label, shape, views, values = [], divisors = []) {
  const count = elementCount(shape);
  return defineCase({
    op,
    label,
    sizes: elementSizes(shape),
    cost: { flops: flops * count, bytes: bytesOf2(3 * count) },
    inputs: () => {
      const random = new Random(`${op} ${label}`);
      const a = floats2(withValues(random.normals(count), values), shape);
      const b = floats2(withValues(random.normals(count), divisors), shape);
      return { a: views.includes("a") ? asView(a) : a, b: views.includes("b") ? asView(b, 1, 5) : b };
    },
    run: (kernel2, t2) => ({ y: run(kernel2, t2.a, t2.b) }),
    reference: (v) => ({ y: result(shape, reference46(v.a, v.b)) })
  });
}
function binaryCases(definition14) {
  const build20 = (...rest) => binaryCase(definition14, ...rest);
  return [
    ...shapes.map((shape) => build20(`[${shape.join(",")}]`, shape, [])),
    build20("[4,33] of two views", [4, 33], ["a", "b"]),
    build20("[2,3,17] of a view and a dense tensor", [2, 3, 17], ["a"]),
    build20("[5,1] of a dense tensor and a view of one column", [5, 1], ["b"]),
    build20("[2,10007], work for several threads", [2, 10007], []),
    build20("[300,67] of two views, work for several threads", [300, 67], ["a", "b"]),
    build20("[29] with NaN, infinities, zeros and subnormals", [29], [], special)
  ];
}
function binaryRows(definition14) {
  const shape = [manyRows, 517];
  const many = [binaryCase(definition14, "[33,517], many rows", shape, [])];
  return { arguments: ["a", "b"], many };
}
function unaryCase({ op, run, reference: reference46, flops, draw = (random, count) => random.normals(count, 3) }, label, shape, view, values = []) {
  const count = elementCount(shape);
  return defineCase({
    op,
    label,
    sizes: elementSizes(shape),
    cost: { flops: flops * count, bytes: bytesOf2(2 * count) },
    inputs: () => {
      const random = new Random(`${op} ${label}`);
      const x = floats2(withValues(draw(random, count), values), shape);
      return { x: view ? asView(x) : x };
    },
    run: (kernel2, t2) => ({ y: run(kernel2, t2.x) }),
    reference: (v) => ({ y: result(shape, reference46(v.x)) })
  });
}
function unaryRows(definition14) {
  return {
    arguments: ["x"],
    many: [unaryCase(definition14, "[33,517], many rows", [manyRows, 517], false)]
  };
}
function unaryCases(definition14) {
  const build20 = (...rest) => unaryCase(definition14, ...rest);
  return [
    ...shapes.map((shape) => build20(`[${shape.join(",")}]`, shape, false)),
    build20("[4,33] of a view", [4, 33], true),
    build20("[3,1] of a view of one column", [3, 1], true),
    build20("[2,10007], work for several threads", [2, 10007], false),
    build20("[300,67] of a view, work for several threads", [300, 67], true),
    build20("[8] around zero", [8], false, [0, -0, 1e-8, -1e-8, 1e-3, -1e-3, 1e-20, -1e-20]),
    build20("[31] with NaN in one place", [31], false, [0.5, NaN, 1, -1]),
    build20("[21] far from zero", [21], false, [20, -20, 40, -40, 80, -80, 87, -87, -104, -1e3, Infinity])
  ];
}
var sShapeValues = [
  ...[0, -0, NaN, Infinity, -Infinity, 1e-8, -1e-8, 1e-3, -1e-3],
  ...[0.3, -0.3, 9, -9, 88, -88, 1e3, -1e3]
];
function fewUnaryCases(definition14, values) {
  return [
    unaryCase(definition14, "[3,43]", [3, 43], false),
    unaryCase(definition14, "[3,1] of a view of one column", [3, 1], true),
    unaryCase(definition14, "[3,1671] of a view, longer than a chunk", [3, 1671], true),
    unaryCase(definition14, "[33] of special values", [33], false, values)
  ];
}
function broadcastCases({ op, run, reference: reference46, flops }) {
  const build20 = (shape, operand, view = false) => {
    const [count, period] = [elementCount(shape), elementCount(operand)];
    const label = `[${shape.join(",")}]${view ? " of a view" : ""} and [${operand.join(",")}]`;
    return defineCase({
      op,
      label,
      sizes: elementSizes(shape),
      cost: { flops: flops * count, bytes: bytesOf2(2 * count + period) },
      inputs: () => {
        const random = new Random(`${op} ${label}`);
        const a = floats2(random.normals(count), shape);
        return { a: view ? asView(a) : a, b: floats2(random.normals(period), operand) };
      },
      run: (kernel2, t2) => ({ y: run(kernel2, t2.a, t2.b) }),
      reference: (v) => ({ y: result(shape, reference46(v.a, v.b)) })
    });
  };
  return [
    build20([2, 3, 5], [5]),
    build20([4, 3, 7], [3, 7], true),
    build20([1, 2, 9], [2, 9], true),
    build20([67, 1], [1]),
    build20([2001, 3], [3]),
    build20([37, 131], [131], true)
  ];
}
function fewBinaryCases(definition14, values, divisors) {
  return [
    binaryCase(definition14, "[3,43]", [3, 43], []),
    binaryCase(definition14, "[4,33] of a dense tensor and a view", [4, 33], ["b"]),
    binaryCase(definition14, "[3,1671] of two views, longer than a chunk", [3, 1671], ["a", "b"]),
    binaryCase(definition14, "[29] of special values", [29], [], values, divisors),
    ...broadcastCases(definition14)
  ];
}
function backwardCases({ op, run, reference: reference46, flops, draw }, values) {
  const build20 = (shape, note, views, special3) => {
    const label = `[${shape.join(",")}]${note}`;
    const count = elementCount(shape);
    return defineTrainingCase({
      op,
      label,
      sizes: elementSizes(shape),
      cost: { flops: flops * count, bytes: bytesOf2(3 * count) },
      inputs: () => {
        const random = new Random(`${op} ${label}`);
        const dy2 = floats2(random.normals(count), shape);
        const other = floats2(withValues(draw(random, count), special3), shape);
        const place2 = (input, name) => views.includes(name) ? asView(input, name === "dy" ? 1 : 3) : input;
        return { dy: place2(dy2, "dy"), other: place2(other, "other") };
      },
      run: (kernel2, t2) => ({ dx: run(kernel2, t2.dy, t2.other) }),
      reference: (v) => ({ dx: result(shape, reference46(v.dy, v.other, shape.at(-1) ?? 1)) })
    });
  };
  return [
    build20([3, 43], "", [], []),
    build20([5, 1], " of a view of one column", ["dy"], []),
    build20([3, 1671], " of two views, longer than a chunk", ["dy", "other"], []),
    build20([1, 29], " of special values", [], values)
  ];
}

// ../conformance/src/ops/add.ts
function reference3(a, b) {
  const y = new Float64Array(a.length);
  for (let i = 0; i < y.length; i++) y[i] = a[i] + b[i % b.length];
  return y;
}
var definition = { op: "add", run: (kernel2, a, b) => kernel2.add(a, b), reference: reference3, flops: 1 };
var add3 = defineOp("add", {
  reference: reference3,
  cases: [...binaryCases(definition), ...broadcastCases(definition)],
  benchmarks: [binaryCase(definition, "[512,768]", [512, 768], [])],
  rows: binaryRows(definition),
  minimal: { args: { a: f32(B, L, D), b: f32(B, L, D) }, anyAxes: ["a"], call: (k, t2) => [k.add(t2.a, t2.b)] }
});

// ../conformance/src/cases/distribution.ts
function sampleProbabilities(row, filters2) {
  const { temperature, topK, topP, minP } = filters2;
  const logits = Float64Array.from(row, (logit) => logit / temperature);
  const largest2 = logits.reduce((a, b) => Math.max(a, b));
  let p = normalised(logits.map((logit) => Math.exp(logit - largest2)));
  if (topK !== void 0 && topK < p.length) {
    const kth = [...logits].sort((a, b) => b - a)[topK - 1];
    p = normalised(p.map((mass, v) => logits[v] >= kth ? mass : 0));
  }
  if (topP !== void 0 && topP < 1) {
    const last = lastOfNucleus(p, topP);
    p = normalised(p.map((mass) => mass >= last ? mass : 0));
  }
  if (minP !== void 0 && minP > 0) {
    const floor = minP * p.reduce((a, b) => Math.max(a, b));
    p = normalised(p.map((mass) => mass >= floor ? mass : 0));
  }
  return p;
}
function lastOfNucleus(p, topP) {
  let mass = 0;
  for (const next of [...p].sort((a, b) => b - a)) {
    mass += next;
    if (mass >= topP) return next;
  }
  return 0;
}
function normalised(p) {
  const total = p.reduce((a, b) => a + b);
  return p.map((mass) => mass / total);
}
var margin = 1e-4;
function clearOf(target, edges) {
  if (edges.every((edge) => Math.abs(edge - target) > margin)) return target;
  const sorted = [0, ...edges.filter((edge) => edge > 0 && edge < 1), 1].sort((a, b) => a - b);
  let best;
  sorted.forEach((edge, i) => {
    const next = sorted[i + 1] ?? edge;
    const middle = (edge + next) / 2;
    const nearer = best === void 0 || Math.abs(middle - target) < Math.abs(best - target);
    if (next - edge > 4 * margin && nearer) best = middle;
  });
  if (best === void 0) throw new Error("this case's distribution is too fine: no gap between its edges");
  return best;
}
function cumulative(p) {
  let sum = 0;
  return Array.from(p, (mass) => sum += mass);
}
function clearFilters(row, filters2) {
  const { temperature, topK } = filters2;
  let clear = { temperature, topK };
  if (filters2.topP !== void 0) {
    const edges = cumulative(sampleProbabilities(row, clear).sort((a, b) => b - a));
    clear = { ...clear, topP: filters2.topP < 1 ? clearOf(filters2.topP, edges) : 1 };
  }
  if (filters2.minP !== void 0) {
    const p = sampleProbabilities(row, clear);
    const largest2 = Math.max(...p);
    const edges = Array.from(p, (mass) => mass / largest2);
    clear = { ...clear, minP: filters2.minP < 1 ? clearOf(filters2.minP, edges) : 1 };
  }
  return clear;
}

// ../conformance/src/cases/sampling.ts
function rowOf(data, batch, b) {
  const width = (data?.length ?? 0) / batch;
  return Array.from({ length: width }, (_, i) => data?.[b * width + i] ?? NaN);
}
function isValid(row) {
  return row.every((logit) => logit < Infinity) && row.some(Number.isFinite);
}
function adjustedRow({ logits, seen, ids, values, allow }, batch, b, repetitionPenalty = 1) {
  const row = rowOf(logits, batch, b);
  if (row.some((logit) => !(logit < Infinity))) return void 0;
  for (const id of new Set(rowOf(seen, batch, b))) {
    const logit = row[id];
    if (logit !== void 0) row[id] = logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty;
  }
  const added2 = rowOf(values, batch, b);
  rowOf(ids, batch, b).forEach((id, k) => {
    const logit = row[id];
    if (logit !== void 0) row[id] = logit + (added2[k] ?? NaN);
  });
  const words = rowOf(allow, batch, b);
  if (allow) {
    row.forEach((_, v) => {
      if (((words[v >> 5] ?? 0) >>> v % 32 & 1) === 0) row[v] = -Infinity;
    });
  }
  return isValid(row) ? row : void 0;
}
function chosenId(row, options3) {
  if (options3.temperature === 0) return row.indexOf(row.reduce((a, b) => Math.max(a, b)));
  const p = sampleProbabilities(row, options3);
  let chosen = -1;
  let sum = 0;
  for (const [v, mass] of p.entries()) {
    if (mass > 0) chosen = v;
    sum += mass;
    if (sum > options3.uniform) break;
  }
  return chosen;
}
function logSoftmax(row) {
  if (!isValid(row)) return new Float64Array(row.length).fill(NaN);
  const largest2 = row.reduce((a, b) => Math.max(a, b));
  const at = row.indexOf(largest2);
  const others = row.reduce((sum, logit, v) => v === at ? sum : sum + Math.exp(logit - largest2), 0);
  return Float64Array.from(row, (logit) => logit - largest2 - Math.log1p(others));
}
function sampleReference(batch, tensors, rows2, K) {
  const sampled = {
    ids: new Int32Array(batch).fill(-1),
    logProb: new Float64Array(batch).fill(NaN),
    topIds: new Int32Array(batch * K).fill(-1),
    topLogProbs: new Float64Array(batch * K).fill(NaN)
  };
  for (const [b, options3] of rows2.entries()) {
    const adjusted = adjustedRow(tensors, batch, b, options3.repetitionPenalty);
    const logits = rowOf(tensors.logits, batch, b);
    const p = logSoftmax(logits);
    if (adjusted) {
      const id = chosenId(adjusted, options3);
      sampled.ids[b] = id;
      sampled.logProb[b] = p[id] ?? NaN;
    }
    if (!isValid(logits)) continue;
    const order = Array.from(logits.keys()).sort(
      (v, w) => p[v] === p[w] ? v - w : (p[w] ?? 0) > (p[v] ?? 0) ? 1 : -1
    );
    order.slice(0, K).forEach((id, k) => {
      sampled.topIds[b * K + k] = id;
      sampled.topLogProbs[b * K + k] = p[id] ?? NaN;
    });
  }
  return sampled;
}

// ../conformance/src/ops/argmax.ts
function reference4(batch, vocabSize, logits) {
  return Int32Array.from({ length: batch }, (_, b) => {
    const row = Array.from({ length: vocabSize }, (_2, v) => logits[b * vocabSize + v] ?? NaN);
    return isValid(row) ? row.indexOf(row.reduce((a, b2) => Math.max(a, b2))) : -1;
  });
}
function build2(B5, V, note = "", edit) {
  const view = note.includes("view");
  const label = `B${B5} V${V}${note}`;
  return defineCase({
    op: "argmax",
    label,
    sizes: { B: B5, V },
    cost: { flops: B5 * V, bytes: bytesOf2(B5 * V) + bytesOf2(B5, "i32") },
    inputs: () => {
      const data = new Random(`argmax ${label}`).normals(B5 * V);
      edit?.(data);
      const logits = floats2(data, [B5, V]);
      return { logits: view ? asView(logits) : logits };
    },
    run: (kernel2, t2) => ({ ids: kernel2.argmax(t2.logits) }),
    reference: (v) => ({ ids: result([B5], reference4(B5, V, v.logits)) })
  });
}
var argmax3 = defineOp("argmax", {
  reference: reference4,
  cases: [
    ...[1, 3, 5, 17, 33, 129, 513, 2049].map((V, i) => build2(i % 3 + 1, V)),
    build2(9, 50),
    build2(1, 50280, ", a real vocabulary"),
    build2(4, 33, " of a view"),
    build2(2, 40, ", ties: the lowest index", (logits) => {
      for (const i of [39, 7, 21, 8, 40 + 16, 40 + 3, 40 + 39]) logits[i] = 9;
    }),
    build2(2, 37, ", all equal", (logits) => {
      logits.fill(-2);
    }),
    build2(3, 21, ", the last is the largest", (logits) => {
      for (const i of [20, 41, 62]) logits[i] = 50;
    }),
    build2(3, 21, ", all -infinity: nothing can be chosen", (logits) => {
      logits.fill(-Infinity, 0, 42);
    }),
    build2(3, 21, ", all but one -infinity", (logits) => {
      logits.fill(-Infinity);
      for (const i of [13, 21, 62]) logits[i] = -1e30;
    }),
    build2(4, 21, ", nothing can be chosen from a row with NaN", (logits) => {
      logits[17] = logits[21] = logits[22] = logits[83] = NaN;
      logits[2] = -Infinity;
    }),
    build2(4, 45, ", nothing can be chosen from a row with +infinity", (logits) => {
      logits[44] = logits[45] = logits[136] = Infinity;
      logits[140] = NaN;
    }),
    build2(1, 4, ", zeros of both signs are equal", (logits) => {
      logits.set([-1, -0, 0, -0]);
    })
  ],
  benchmarks: [build2(1, 50280)],
  minimal: { args: { logits: f32(B, 7) }, call: (k, t2) => [k.argmax(t2.logits)] },
  rows: { arguments: ["logits"], many: [build2(manyRows, 517)] }
});

// ../conformance/src/cases/sequenceIds.ts
var kinds2 = [
  // Several sequences of odd lengths, then padding.
  (L4, fill4) => {
    const lengths2 = [3, 1, 5, 2, 9, 1, 1, 13];
    let from = 0;
    for (let i = 0; from < L4 - 2; i++) {
      const to = Math.min(from + (lengths2[i % lengths2.length] ?? 1), L4 - 2);
      fill4(i, from, to);
      from = to;
    }
  },
  // One sequence, padding in its middle.
  (L4, fill4) => {
    fill4(4, 0, Math.ceil(L4 / 3));
    fill4(4, Math.ceil(L4 / 3) + 1, L4 - 3);
    fill4(4, L4 - 1, L4);
  },
  // One sequence after padding.
  (L4, fill4) => {
    fill4(0, third(L4), L4);
  },
  // Two sequences, the second longer than most chunks.
  (L4, fill4) => {
    fill4(0, 0, third(L4) + 1);
    fill4(1, third(L4) + 1, L4);
  },
  // No real position.
  () => void 0,
  // A number that comes back, padding on both sides and between; the last sequence has one position.
  (L4, fill4) => {
    fill4(7, 1, third(L4));
    fill4(2, third(L4) + 1, L4 - third(L4));
    fill4(7, L4 - third(L4), L4 - 2);
    fill4(0, L4 - 2, L4 - 1);
  },
  // Every position a sequence.
  (L4, fill4) => {
    for (let l = 0; l < L4; l++) fill4(l, l, l + 1);
  },
  // One sequence before padding.
  (L4, fill4) => {
    fill4(2 ** 31 - 1, 0, L4 - third(L4));
  },
  // Two sequences of which the first has one position, with padding in the second.
  (L4, fill4) => {
    fill4(9, 0, 1);
    fill4(3, 1, L4 - third(L4));
    fill4(3, L4 - third(L4) + 1, L4);
  },
  // One sequence, no padding.
  (L4, fill4) => {
    fill4(5, 0, L4);
  },
  // Sequences of random lengths with random padding.
  (L4, fill4) => {
    const random = new Random(`sequence ids ${L4}`);
    let id = 0;
    for (let from = 0; from < L4; ) {
      const to = Math.min(from + random.integer(1, 12), L4);
      if (random.uniform() < 0.5) id++;
      if (random.uniform() < 0.7) fill4(id, from, to);
      from = to;
    }
  }
];
var sequenceKinds = kinds2.length;
function third(L4) {
  return Math.max(1, Math.floor(L4 / 3));
}
function sequenceIdsFor(B5, L4) {
  const ids = Int32Array.from({ length: B5 * L4 }, (_, i) => [-1, -(2 ** 31), -7][i % 3] ?? -1);
  for (let b = 0; b < B5; b++) {
    kinds2[(b + (B5 < kinds2.length ? B5 + L4 : 0)) % kinds2.length]?.(L4, (id, from, to) => {
      for (let l = Math.max(from, 0); l < to; l++) ids[b * L4 + l] = id;
    });
  }
  return ids;
}
function padWith(data, value, B5, L4, D2) {
  sequenceIdsFor(B5, L4).forEach((id, i) => {
    if (id < 0) data.fill(value, i * D2, (i + 1) * D2);
  });
}
function markOne(data, value, B5, L4, D2) {
  const ids = sequenceIdsFor(B5, L4);
  for (let b = 0; b < B5; b++) {
    const real = Array.from({ length: L4 }, (_, l) => b * L4 + l).filter((i) => (ids[i] ?? -1) >= 0);
    const at = real[real.length >> 1];
    if (at !== void 0) data.fill(value, at * D2, (at + 1) * D2);
  }
}

// ../conformance/src/cases/attentionInputs.ts
function shapeLabel({ B: B5, L: L4, H: H4, G: G4, K, V }) {
  return `B${B5} L${L4} H${H4}/${G4} K${K} V${V}`;
}
function softmaxRow(keys, width, scale4, q, qAt, k, kAt) {
  const scores = keys.map((j) => {
    let sum2 = 0;
    for (let d = 0; d < width; d++) sum2 += q[qAt + d] * k[kAt(j) + d];
    return sum2 * scale4;
  });
  const largest2 = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = scores.map((score) => Math.exp(score - largest2));
  const sum = powers.reduce((a, b) => a + b, 0);
  return { keys, weights: powers.map((power) => power / sum), logSumExp: largest2 + Math.log(sum) };
}
function visibleKeys(ids, b, i, length) {
  const all = Array.from({ length: i + 1 }, (_, j) => j);
  if (ids === void 0) return all;
  const own = ids[b * length + i];
  return own < 0 ? [] : all.filter((j) => ids[b * length + j] === own);
}
function pairFlops({ K, V }) {
  return 2 * K + 2 * V + 3;
}
function causalPairs({ B: B5, L: L4, H: H4 }) {
  return B5 * H4 * L4 * (L4 + 1) / 2;
}
function padAll(B5, L4, ...data) {
  for (const one2 of data) padWith(one2, NaN, B5, L4, one2.length / (B5 * L4));
  return sequenceIdsFor(B5, L4);
}

// ../conformance/src/ops/attention.ts
function reference5({ B: B5, L: L4, H: H4, G: G4, K, V }, { q, k, v, scale: scale4, sequenceIds }) {
  const y = new Float64Array(B5 * L4 * H4 * V);
  for (let b = 0; b < B5; b++) {
    for (let i = 0; i < L4; i++) {
      const keys = visibleKeys(sequenceIds, b, i, L4);
      if (keys.length === 0) continue;
      for (let h = 0; h < H4; h++) {
        const g = Math.floor(h / (H4 / G4));
        const at = (j) => ((b * L4 + j) * G4 + g) * K;
        const { weights: weights2 } = softmaxRow(keys, K, scale4, q, ((b * L4 + i) * H4 + h) * K, k, at);
        const to = ((b * L4 + i) * H4 + h) * V;
        keys.forEach((j, n) => {
          for (let d = 0; d < V; d++) y[to + d] += weights2[n] * v[((b * L4 + j) * G4 + g) * V + d];
        });
      }
    }
  }
  return y;
}
function attentionLabel(shape, options3) {
  const { packed = false, view = false, note = "" } = options3;
  return `${shapeLabel(shape)}${packed ? " +sequenceIds" : ""}${view ? " of views" : ""}${note}`;
}
function attentionInputs(op, shape, options3) {
  const { B: B5, L: L4, H: H4, G: G4, K, V } = shape;
  const { packed = false, view = false, edit } = options3;
  const random = new Random(`${op} ${attentionLabel(shape, options3)}`);
  const data = {
    q: random.normals(B5 * L4 * H4 * K),
    k: random.normals(B5 * L4 * G4 * K),
    v: random.normals(B5 * L4 * G4 * V)
  };
  const dy2 = random.normals(B5 * L4 * H4 * V);
  edit?.(data);
  const ids = packed ? padAll(B5, L4, data.q, data.k, data.v, dy2) : void 0;
  const place2 = (x, before) => {
    const input = floats2(x, [B5, L4, x.length / (B5 * L4)]);
    return view ? asView(input, before, 3) : input;
  };
  return {
    args: {
      q: place2(data.q, 3),
      k: place2(data.k, 1),
      v: place2(data.v, 5),
      sequenceIds: ids && ints(ids, [B5, L4])
    },
    dy: place2(dy2, 2)
  };
}
function attentionBytes({ B: B5, L: L4, H: H4, G: G4, K, V }, packed = false) {
  return bytesOf2(B5 * L4 * (H4 + G4) * (K + V)) + (packed ? bytesOf2(B5 * L4, "i32") : 0);
}
function scaleFor({ K }, { scale: scale4 = K ** -0.5 }) {
  return scale4;
}
function attentionCase(shape, options3 = {}) {
  const { B: B5, L: L4, H: H4, G: G4, V } = shape;
  const call = { heads: H4, kvHeads: G4, scale: scaleFor(shape, options3) };
  return defineCase({
    op: "attention",
    label: attentionLabel(shape, options3),
    sizes: { ...shape },
    cost: { flops: causalPairs(shape) * pairFlops(shape), bytes: attentionBytes(shape, options3.packed) },
    inputs: () => attentionInputs("attention", shape, options3).args,
    run: (kernel2, t2) => ({ y: kernel2.attention({ ...t2, ...call }) }),
    reference: (v) => ({ y: result([B5, L4, H4 * V], reference5(shape, { ...v, ...call })) })
  });
}
var attentionShapes = [
  { B: 1, L: 1, H: 1, G: 1, K: 1, V: 1 },
  { B: 2, L: 2, H: 2, G: 1, K: 8, V: 4 },
  { B: 1, L: 5, H: 7, G: 1, K: 3, V: 5 },
  { B: 2, L: 17, H: 4, G: 1, K: 16, V: 16 },
  { B: 1, L: 63, H: 4, G: 2, K: 12, V: 7 },
  { B: 2, L: 64, H: 2, G: 2, K: 9, V: 33 },
  { B: 1, L: 65, H: 6, G: 3, K: 33, V: 12 },
  { B: 1, L: 130, H: 2, G: 1, K: 64, V: 64 },
  { B: 2, L: 130, H: 14, G: 2, K: 5, V: 8 }
];
var attentionArgs = {
  q: f32(B, L, 12),
  k: f32(B, L, 6),
  v: f32(B, L, 10),
  sequenceIds: i32(B, L)
};
var attentionScalars = { heads: 4, kvHeads: 2, scale: 0.5 };
var attention2 = defineOp("attention", {
  reference: reference5,
  cases: [
    ...attentionShapes.map((shape) => attentionCase(shape)),
    attentionCase({ B: sequenceKinds, L: 20, H: 4, G: 2, K: 8, V: 6 }, { packed: true }),
    attentionCase({ B: 3, L: 130, H: 3, G: 1, K: 6, V: 5 }, { packed: true }),
    attentionCase({ B: 2, L: 67, H: 4, G: 2, K: 6, V: 9 }, { packed: true, view: true }),
    attentionCase({ B: 2, L: 33, H: 4, G: 4, K: 7, V: 3 }, { view: true }),
    attentionCase({ B: 1, L: 66, H: 2, G: 1, K: 16, V: 16 }, { scale: 3, note: ", a large scale" }),
    attentionCase({ B: 1, L: 70, H: 2, G: 1, K: 4, V: 4 }, { scale: -0.5, note: ", a negative scale" }),
    attentionCase(
      { B: 1, L: 140, H: 2, G: 2, K: 4, V: 4 },
      {
        scale: 1,
        note: ", scores from -500 to 500 that grow along the keys",
        edit: ({ q, k }) => {
          q.fill(5);
          for (let i = 0; i < k.length; i++) k[i] = 25 * (2 * i / k.length - 1);
        }
      }
    ),
    attentionCase(
      { B: 2, L: 70, H: 4, G: 2, K: 4, V: 5 },
      {
        note: ", NaN in one key and in one value",
        edit: ({ k, v }) => {
          k[(66 * 2 + 1) * 4 + 3] = NaN;
          v[((70 + 40) * 2 + 0) * 5 + 2] = NaN;
        }
      }
    )
  ],
  // The layers of granite-4.0-350m, for a prompt.
  benchmarks: [attentionCase({ B: 1, L: 512, H: 12, G: 4, K: 64, V: 64 })],
  minimal: {
    args: attentionArgs,
    dense: ["sequenceIds"],
    call: (k, t2) => [k.attention({ ...t2, ...attentionScalars })]
  },
  outOfRange: (k, scope) => {
    const zeros3 = (width) => scope.use(k.zeros([B, L, width], "f32"));
    const [q, kv] = [zeros3(12), zeros3(6)];
    const args2 = { q, k: kv, v: kv, ...attentionScalars };
    return [
      ["no heads", () => k.attention({ ...args2, heads: 0 })],
      ["half a head", () => k.attention({ ...args2, heads: 4.5 })],
      ["no heads of keys", () => k.attention({ ...args2, kvHeads: 0 })],
      ["heads that their keys do not divide", () => k.attention({ ...args2, heads: 3 })],
      ["a scale of NaN", () => k.attention({ ...args2, scale: NaN })],
      ["an infinite scale", () => k.attention({ ...args2, scale: Infinity })]
    ];
  },
  rows: {
    arguments: ["q", "k", "v"],
    integers: ["sequenceIds"],
    many: [
      attentionCase({ B: manyRows, L: 3, H: 4, G: 2, K: 8, V: 8 }),
      attentionCase({ B: manyRows, L: 66, H: 2, G: 1, K: 5, V: 4 })
    ]
  }
});

// ../conformance/src/ops/attentionBackward.ts
function reference6({ B: B5, L: L4, H: H4, G: G4, K, V }, dy2, { q, k, v, scale: scale4, sequenceIds }) {
  const grads2 = {
    q: new Float64Array(B5 * L4 * H4 * K),
    k: new Float64Array(B5 * L4 * G4 * K),
    v: new Float64Array(B5 * L4 * G4 * V)
  };
  for (let b = 0; b < B5; b++) {
    for (let i = 0; i < L4; i++) {
      const keys = visibleKeys(sequenceIds, b, i, L4);
      if (keys.length === 0) continue;
      for (let h = 0; h < H4; h++) {
        const g = Math.floor(h / (H4 / G4));
        const qAt = ((b * L4 + i) * H4 + h) * K;
        const yAt = ((b * L4 + i) * H4 + h) * V;
        const kAt = (j) => ((b * L4 + j) * G4 + g) * K;
        const vAt = (j) => ((b * L4 + j) * G4 + g) * V;
        const { weights: weights2 } = softmaxRow(keys, K, scale4, q, qAt, k, kAt);
        const products = keys.map((j) => {
          let sum = 0;
          for (let d = 0; d < V; d++) sum += dy2[yAt + d] * v[vAt(j) + d];
          return sum;
        });
        const mean3 = products.reduce((sum, product, n) => sum + product * weights2[n], 0);
        keys.forEach((j, n) => {
          const weight = weights2[n];
          for (let d = 0; d < V; d++) grads2.v[vAt(j) + d] += weight * dy2[yAt + d];
          const ds = weight * (products[n] - mean3) * scale4;
          for (let d = 0; d < K; d++) {
            grads2.q[qAt + d] += ds * k[kAt(j) + d];
            grads2.k[kAt(j) + d] += ds * q[qAt + d];
          }
        });
      }
    }
  }
  return grads2;
}
var AttentionResults = class {
  y;
  residual;
  constructor(y, residual2) {
    this.y = y;
    this.residual = residual2;
  }
  [Symbol.dispose]() {
    this.y.dispose();
    this.residual.dispose();
  }
};
function attentionResults(kernel2, args2) {
  const { y, residual: residual2 } = kernel2.attentionForward(args2);
  return new AttentionResults(y, residual2);
}
function forwardCase(shape, options3 = {}) {
  const { B: B5, L: L4, H: H4, G: G4, V } = shape;
  const call = { heads: H4, kvHeads: G4, scale: scaleFor(shape, options3) };
  return defineTrainingCase({
    op: "attentionForward",
    label: attentionLabel(shape, options3),
    sizes: { ...shape },
    cost: { flops: causalPairs(shape) * pairFlops(shape), bytes: attentionBytes(shape, options3.packed) },
    inputs: () => attentionInputs("attentionForward", shape, options3).args,
    run: (kernel2, t2) => {
      const { y, residual: residual2 } = kernel2.attentionForward({ ...t2, ...call });
      residual2.dispose();
      return { y };
    },
    reference: (v) => ({ y: result([B5, L4, H4 * V], attention2.reference(shape, { ...v, ...call })) })
  });
}
function attentionBackwardCase(shape, options3 = {}) {
  const { B: B5, L: L4, H: H4, G: G4, K, V } = shape;
  const call = { heads: H4, kvHeads: G4, scale: scaleFor(shape, options3) };
  return defineTrainingCase({
    op: "attentionBackward",
    label: attentionLabel(shape, options3),
    sizes: { ...shape },
    cost: {
      // The scores again, the products with dy, and three sums.
      flops: causalPairs(shape) * (3 * 2 * K + 2 * 2 * V + 5),
      // The arguments with dy, and the gradients. The residual and y are made before.
      bytes: attentionBytes(shape, options3.packed) + bytesOf2(B5 * L4 * (H4 * K + G4 * (K + V)))
    },
    inputs: () => {
      const { args: args2, dy: dy2 } = attentionInputs("attentionBackward", shape, options3);
      return { ...args2, dy: dy2 };
    },
    prepare: (kernel2, { dy: _, ...args2 }) => attentionResults(kernel2, { ...args2, ...call }),
    run: (kernel2, { dy: dy2, ...args2 }, { y, residual: residual2 }) => gradients({ ...kernel2.attentionBackward(dy2, { ...args2, ...call }, y, residual2) }),
    reference: ({ dy: dy2, ...args2 }) => {
      const grads2 = reference6(shape, dy2, { ...args2, ...call });
      return {
        d_q: result([B5, L4, H4 * K], grads2.q),
        d_k: result([B5, L4, G4 * K], grads2.k),
        d_v: result([B5, L4, G4 * V], grads2.v)
      };
    }
  });
}
var packedCases = (build20) => [
  build20({ B: sequenceKinds, L: 20, H: 4, G: 2, K: 8, V: 6 }, { packed: true }),
  build20({ B: 3, L: 130, H: 3, G: 1, K: 6, V: 5 }, { packed: true }),
  build20({ B: 2, L: 67, H: 4, G: 2, K: 6, V: 9 }, { packed: true, view: true }),
  build20({ B: 2, L: 33, H: 4, G: 4, K: 7, V: 3 }, { view: true }),
  build20({ B: 1, L: 66, H: 2, G: 1, K: 16, V: 16 }, { scale: 3, note: ", a large scale" })
];
function zeroResidual(kernel2, length = L) {
  var _stack = [];
  try {
    const scope = __using(_stack, new Scope());
    const zeros3 = (width) => scope.use(kernel2.zeros([B, length, width], "f32"));
    const args2 = { q: zeros3(12), k: zeros3(6), v: zeros3(10), ...attentionScalars };
    const { y, residual: residual2 } = kernel2.attentionForward(args2);
    y.dispose();
    return residual2;
  } catch (_) {
    var _error = _, _hasError = true;
  } finally {
    __callDispose(_stack, _error, _hasError);
  }
}
var attentionForward2 = defineTrainingOp("attentionForward", {
  reference: attention2.reference,
  cases: [...attentionShapes.map((shape) => forwardCase(shape)), ...packedCases(forwardCase)],
  minimal: {
    args: attentionArgs,
    dense: ["sequenceIds"],
    call: (k, t2) => {
      const { y, residual: residual2 } = k.attentionForward({ ...t2, ...attentionScalars });
      residual2.dispose();
      return [y];
    }
  },
  batched: { arguments: ["q", "k", "v"] }
});
var attentionBackward2 = defineTrainingOp("attentionBackward", {
  reference: reference6,
  cases: [
    ...attentionShapes.map((shape) => attentionBackwardCase(shape)),
    ...packedCases(attentionBackwardCase)
  ],
  benchmarks: [attentionBackwardCase({ B: 1, L: 512, H: 12, G: 4, K: 64, V: 64 })],
  minimal: {
    args: { ...attentionArgs, dy: f32(B, L, 20), y: f32(B, L, 20) },
    dense: ["sequenceIds"],
    prepare: (k) => zeroResidual(k),
    call: (k, { dy: dy2, y, ...args2 }, residual2) => {
      const grads2 = k.attentionBackward(dy2, { ...args2, ...attentionScalars }, y, residual2);
      return Object.values(grads2);
    }
  },
  batched: { arguments: ["q", "k", "v", "dy"] }
});

// ../conformance/src/ops/cachedAttention.ts
function reference7({ B: B5, L: L4, H: H4, G: G4, K, V, T }, { q, k, v, keys: oldKeys, values: oldValues, lengths: lengths2, scale: scale4 }) {
  const keys = Float64Array.from(oldKeys);
  const values = Float64Array.from(oldValues);
  const y = new Float64Array(B5 * L4 * H4 * V);
  for (let b = 0; b < B5; b++) {
    const before = Math.min(Math.max(lengths2[b], 0), T - L4);
    for (let i = 0; i < L4 * G4 * K; i++) keys[(b * T + before) * G4 * K + i] = k[b * L4 * G4 * K + i];
    for (let i = 0; i < L4 * G4 * V; i++) values[(b * T + before) * G4 * V + i] = v[b * L4 * G4 * V + i];
    for (let i = 0; i < L4; i++) {
      const seen = Array.from({ length: before + i + 1 }, (_, j) => j);
      for (let h = 0; h < H4; h++) {
        const g = Math.floor(h / (H4 / G4));
        const at = (j) => ((b * T + j) * G4 + g) * K;
        const { weights: weights2 } = softmaxRow(seen, K, scale4, q, ((b * L4 + i) * H4 + h) * K, keys, at);
        const to = ((b * L4 + i) * H4 + h) * V;
        for (const j of seen) {
          for (let d = 0; d < V; d++) y[to + d] += weights2[j] * values[((b * T + j) * G4 + g) * V + d];
        }
      }
    }
  }
  return { y, keys, values };
}
function cachedAttentionCase(shape, lengths2, options3 = {}) {
  const { B: B5, L: L4, H: H4, G: G4, K, V, T } = shape;
  const { view = false, scale: scale4 = K ** -0.5, note = "" } = options3;
  const label = `${shapeLabel(shape)} T${T} after ${lengths2.join(", ")}${view ? " of views" : ""}${note}`;
  const call = { heads: H4, kvHeads: G4, scale: scale4 };
  const before = Array.from({ length: B5 }, (_, b) => lengths2[b % lengths2.length] ?? 0);
  const pairs = before.reduce((sum, length) => {
    const first = Math.min(Math.max(length, 0), T - L4);
    return sum + H4 * (L4 * first + L4 * (L4 + 1) / 2);
  }, 0);
  return defineCase({
    op: "cachedAttention",
    label,
    sizes: { ...shape },
    cost: {
      flops: pairs * pairFlops(shape),
      // The cache is updated in place. An op reads less of it when its rows are short.
      bytes: bytesOf2(B5 * L4 * (H4 + G4) * (K + V) + 2 * B5 * T * G4 * (K + V)) + bytesOf2(B5, "i32")
    },
    inputs: () => {
      const random = new Random(`cachedAttention ${label}`);
      const place2 = (width, at) => {
        const input = floats2(random.normals(B5 * L4 * width), [B5, L4, width]);
        return view ? asView(input, at, 3) : input;
      };
      const cache = (width) => {
        const data = random.normals(B5 * T * width);
        before.forEach((length, b) => {
          const first = Math.min(Math.max(length, 0), T - L4);
          data.fill(NaN, (b * T + first) * width, (b + 1) * T * width);
        });
        return { ...floats2(data, [B5, T, width]), inPlace: true };
      };
      return {
        q: place2(H4 * K, 3),
        k: place2(G4 * K, 1),
        v: place2(G4 * V, 5),
        keys: cache(G4 * K),
        values: cache(G4 * V),
        lengths: ints(before, [B5])
      };
    },
    run: (kernel2, t2) => ({ y: kernel2.cachedAttention({ ...t2, ...call }) }),
    reference: (values) => {
      const after = reference7(shape, { ...values, scale: scale4 });
      return {
        y: result([B5, L4, H4 * V], after.y),
        keys: result([B5, T, G4 * K], after.keys),
        values: result([B5, T, G4 * V], after.values)
      };
    }
  });
}
var cachedAttention2 = defineOp("cachedAttention", {
  reference: reference7,
  cases: [
    cachedAttentionCase({ B: 1, L: 1, H: 1, G: 1, K: 1, V: 1, T: 1 }, [0]),
    cachedAttentionCase({ B: 3, L: 1, H: 4, G: 1, K: 8, V: 5, T: 70 }, [0, 1, 63]),
    cachedAttentionCase({ B: 4, L: 1, H: 4, G: 2, K: 16, V: 16, T: 260 }, [0, 1, 63, 200]),
    cachedAttentionCase({ B: 2, L: 2, H: 7, G: 1, K: 5, V: 3, T: 203 }, [200, 1]),
    cachedAttentionCase({ B: 2, L: 65, H: 4, G: 2, K: 8, V: 12, T: 300 }, [63, 200]),
    cachedAttentionCase({ B: 2, L: 130, H: 2, G: 2, K: 6, V: 7, T: 131 }, [0, 1]),
    cachedAttentionCase({ B: 1, L: 64, H: 6, G: 3, K: 33, V: 9, T: 128 }, [64]),
    cachedAttentionCase({ B: 1, L: 1, H: 14, G: 2, K: 64, V: 64, T: 520 }, [517]),
    cachedAttentionCase({ B: 3, L: 5, H: 4, G: 2, K: 7, V: 4, T: 80 }, [62, 0, 75], { view: true }),
    cachedAttentionCase({ B: 2, L: 1, H: 4, G: 2, K: 7, V: 4, T: 80 }, [79, 9], { view: true, scale: 2 }),
    cachedAttentionCase({ B: 3, L: 3, H: 2, G: 1, K: 4, V: 4, T: 9 }, [-5, 7, 1e3], {
      note: ", lengths that are clamped to [0, T - L]"
    })
  ],
  // One token of granite-4.0-350m after 4096 positions, and of eight rows.
  benchmarks: [
    cachedAttentionCase({ B: 1, L: 1, H: 12, G: 4, K: 64, V: 64, T: 4160 }, [4096]),
    cachedAttentionCase({ B: 8, L: 1, H: 12, G: 4, K: 64, V: 64, T: 1088 }, [1024])
  ],
  minimal: {
    args: {
      q: f32(B, L, 12),
      k: f32(B, L, 6),
      v: f32(B, L, 10),
      keys: f32(B, L + 2, 6),
      values: f32(B, L + 2, 10),
      lengths: i32(B)
    },
    dense: ["keys", "values"],
    writes: ["keys", "values"],
    call: (k, t2) => [k.cachedAttention({ ...t2, heads: 4, kvHeads: 2, scale: 0.5 })]
  },
  outOfRange: (k, scope) => {
    const zeros3 = (...shape) => scope.use(k.zeros(shape, "f32"));
    const cache = zeros3(B, 8, 6);
    const args2 = {
      q: zeros3(B, 2, 12),
      k: zeros3(B, 2, 6),
      v: zeros3(B, 2, 6),
      keys: cache,
      values: zeros3(B, 8, 6)
    };
    const lengths2 = scope.use(k.zeros([B], "i32"));
    const call = (change) => () => k.cachedAttention({ ...args2, lengths: lengths2, heads: 4, kvHeads: 2, scale: 1, ...change });
    return [
      ["no heads", call({ heads: 0 })],
      ["heads that their keys do not divide", call({ heads: 3 })],
      ["no heads of keys", call({ kvHeads: 0 })],
      ["a scale of NaN", call({ scale: NaN })]
    ];
  },
  rows: {
    arguments: ["q", "k", "v", "keys", "values"],
    integers: ["lengths"],
    many: [
      cachedAttentionCase({ B: manyRows, L: 1, H: 4, G: 2, K: 8, V: 8, T: 131 }, [0, 1, 63, 64, 130, 7]),
      cachedAttentionCase({ B: manyRows, L: 3, H: 2, G: 1, K: 5, V: 4, T: 70 }, [0, 61, 62, 66])
    ]
  }
});

// ../conformance/src/math.ts
function sigmoid4(x) {
  return 1 / (1 + Math.exp(-x));
}
function siluSlope(x) {
  const s = sigmoid4(x);
  return s * (1 + x * (1 - s));
}
function softplus2(x) {
  return x > 20 ? x : Math.log1p(Math.exp(x));
}
function softplusSlope(x) {
  return x > 20 ? 1 : sigmoid4(x);
}
function erf(x) {
  if (!(Math.abs(x) < 6)) return Number.isNaN(x) ? x : Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= 2 * x * x / (2 * n + 1);
    sum += term;
  }
  return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
}

// ../conformance/src/pairwise.ts
function flagSets(names) {
  return (...present) => Object.fromEntries(names.map((name) => [name, present.includes(name)]));
}
function pairwise(names) {
  const random = new Random(names.join());
  const missing = /* @__PURE__ */ new Set();
  const pairs = (set8) => set8.flatMap((a, i) => set8.slice(0, i).map((b, j) => `${i}${a}${j}${b}`));
  for (const a of [false, true])
    for (const b of [false, true])
      names.forEach((_, i) => {
        for (let j = 0; j < i; j++) missing.add(`${i}${a}${j}${b}`);
      });
  const chosen = [];
  const take = (set8) => {
    chosen.push(set8);
    for (const pair2 of pairs(set8)) missing.delete(pair2);
  };
  take(names.map(() => false));
  take(names.map(() => true));
  while (missing.size > 0) {
    const candidates = Array.from({ length: 32 }, () => names.map(() => random.uniform() < 0.5));
    const gain = (set8) => pairs(set8).filter((pair2) => missing.has(pair2)).length;
    take(candidates.reduce((best, next) => gain(next) > gain(best) ? next : best));
  }
  return chosen.map((set8) => Object.fromEntries(names.map((name, i) => [name, set8[i]])));
}
function flagLabel(flags) {
  const set8 = Object.entries(flags).flatMap(([name, on]) => on ? [`+${name}`] : []);
  return set8.length > 0 ? ` ${set8.join(" ")}` : "";
}

// ../conformance/src/sequences.ts
function sequencesOf(ids, b, length) {
  if (ids === void 0) return [Array.from({ length }, (_, l) => l)];
  const sequences = [];
  let last;
  for (let l = 0; l < length; l++) {
    const id = ids[b * length + l];
    if (id < 0) continue;
    if (id !== last) sequences.push([]);
    sequences.at(-1)?.push(l);
    last = id;
  }
  return sequences.length > 0 ? sequences : [[]];
}

// ../conformance/src/ops/causalConv1d.ts
function reference8(batch, length, channels2, width, { x, weight, bias, activation, initialState, sequenceIds }) {
  const past = width - 1;
  const y = new Float64Array(batch * length * channels2);
  const finalState = new Float64Array(batch * channels2 * past);
  for (let b = 0; b < batch; b++) {
    sequencesOf(sequenceIds, b, length).forEach((positions, index) => {
      for (let d = 0; d < channels2; d++) {
        const input = (i) => {
          if (i >= 0) return x[(b * length + positions[i]) * channels2 + d];
          return index === 0 ? initialState?.[(b * channels2 + d) * past + past + i] ?? 0 : 0;
        };
        positions.forEach((l, i) => {
          let sum = bias?.[d] ?? 0;
          for (let k = 0; k < width; k++) sum += weight[d * width + k] * input(i - past + k);
          y[(b * length + l) * channels2 + d] = activation === "silu" ? sum * sigmoid4(sum) : sum;
        });
        for (let k = 0; k < past; k++) {
          finalState[(b * channels2 + d) * past + k] = input(positions.length - past + k);
        }
      }
    });
  }
  return { y, finalState };
}
var convFlags = ["bias", "silu", "initialState", "sequenceIds", "finalState", "view"];
function convCase(B5, L4, D2, W2, flags, edits = {}) {
  const { note = "", edit } = edits;
  const label = `B${B5} L${L4} D${D2} W${W2}${flagLabel(flags)}${note}`;
  const activation = flags.silu ? "silu" : void 0;
  return defineCase({
    op: "causalConv1d",
    label,
    sizes: { B: B5, L: L4, D: D2, W: W2 },
    cost: costOf2(B5, L4, D2, W2, flags),
    inputs: () => {
      const random = new Random(`causalConv1d ${label}`);
      const data = random.normals(B5 * L4 * D2);
      edit?.(data);
      const x = floats2(data, [B5, L4, D2]);
      return {
        x: flags.view ? asView(x, D2, 0) : x,
        weight: floats2(random.normals(D2 * W2, W2 ** -0.5), [D2, W2]),
        bias: flags.bias ? floats2(random.normals(D2), [D2]) : void 0,
        initialState: flags.initialState ? floats2(random.normals(B5 * D2 * (W2 - 1)), [B5, D2, W2 - 1]) : void 0,
        sequenceIds: flags.sequenceIds ? ints(sequenceIdsFor(B5, L4), [B5, L4]) : void 0
      };
    },
    run: (kernel2, t2) => {
      const args2 = { ...t2, activation };
      return flags.finalState ? kernel2.causalConv1d(args2, { finalState: true }) : kernel2.causalConv1d(args2);
    },
    reference: (v) => {
      const { y, finalState } = reference8(B5, L4, D2, W2, { ...v, activation });
      const out = { y: result([B5, L4, D2], y) };
      return flags.finalState ? { ...out, finalState: result([B5, D2, W2 - 1], finalState) } : out;
    }
  });
}
var set = flagSets(convFlags);
var widths = [2, 3, 4, 5, 16];
function costOf2(B5, L4, D2, W2, flags) {
  const states = (flags.initialState ? 1 : 0) + (flags.finalState ? 1 : 0);
  const numbers = 2 * B5 * L4 * D2 + D2 * (W2 + (flags.bias ? 1 : 0)) + states * B5 * D2 * (W2 - 1);
  return {
    flops: B5 * L4 * D2 * (2 * W2 + (flags.silu ? 4 : 0)),
    bytes: bytesOf2(numbers) + (flags.sequenceIds ? bytesOf2(B5 * L4, "i32") : 0)
  };
}
var convArgs = {
  x: f32(B, L, D),
  weight: f32(D, W),
  bias: f32(D),
  initialState: f32(B, D, W - 1),
  sequenceIds: i32(B, L)
};
var causalConv1d3 = defineOp("causalConv1d", {
  reference: reference8,
  cases: [
    ...lengths.map(
      (L4, i) => convCase(i % 3 + 1, L4, cycled([3, 17, 5, 33], i), 4, set("bias", "silu", "finalState"))
    ),
    ...pairwise(convFlags).flatMap((flags, i) => [
      convCase(3, 19, cycled([5, 8, 33], i), cycled(widths, i), flags),
      convCase(2, 130, cycled([17, 4], i), 4, flags)
    ]),
    // Fewer inputs than the state holds: part of the old state stays.
    ...[1, 2, 3].map(
      (L4) => convCase(2, L4, 7, 4, set("initialState", "finalState"), { note: ", shorter than W" })
    ),
    convCase(2, 5, 6, 16, set("initialState", "finalState", "sequenceIds", "silu"), {
      note: ", shorter than W"
    }),
    convCase(1, 9, 129, 4, set("bias", "silu", "view")),
    convCase(2, 12, 9, 4, set("bias", "silu", "finalState"), {
      note: ", NaN in one channel",
      edit: (x) => {
        x[3 * 9 + 4] = NaN;
      }
    }),
    convCase(2, 12, 9, 4, set("bias", "finalState"), {
      note: ", infinity in one channel",
      edit: (x) => {
        x[(12 + 5) * 9 + 7] = Infinity;
      }
    }),
    // Sequences over the lengths of 1 to 20, the boundaries of chunks of 32 to 256 positions, and all kinds of rows.
    ...[1, 2, 3, 5, 20, 65, 140].map(
      (L4, i) => convCase(
        sequenceKinds,
        L4,
        cycled([3, 5], i),
        cycled(widths, i),
        set("sequenceIds", "finalState", "bias")
      )
    ),
    convCase(sequenceKinds, 300, 3, 4, set("sequenceIds", "initialState", "finalState", "silu")),
    convCase(sequenceKinds, 19, 5, 4, set("bias", "silu", "sequenceIds", "initialState", "finalState"), {
      note: ", NaN in all padding",
      edit: (x) => {
        padWith(x, NaN, sequenceKinds, 19, 5);
      }
    }),
    convCase(sequenceKinds, 19, 5, 16, set("sequenceIds", "initialState", "finalState"), {
      note: ", NaN at one position of each row",
      edit: (x) => {
        markOne(x, NaN, sequenceKinds, 19, 5);
      }
    })
  ],
  benchmarks: [convCase(1, 2048, 1536, 4, set("bias", "silu"))],
  minimal: {
    args: convArgs,
    dense: ["weight", "initialState", "sequenceIds"],
    call: (k, t2) => {
      const { y, finalState } = k.causalConv1d(t2, { finalState: true });
      return [y, finalState];
    }
  },
  rows: {
    arguments: ["x", "initialState"],
    integers: ["sequenceIds"],
    many: [
      convCase(manyRows, 19, 5, 4, set("bias", "silu", "initialState", "sequenceIds", "finalState")),
      convCase(manyRows, 3, 70, 4, set("bias", "silu", "finalState"))
    ]
  },
  outOfRange: (kernel2, scope) => {
    const x = scope.use(kernel2.zeros([1, 2, 5], "f32"));
    const width = (W2) => () => kernel2.causalConv1d({ x, weight: scope.use(kernel2.zeros([5, W2], "f32")) });
    return [
      ["W 1", width(1)],
      ["W 17", width(17)]
    ];
  }
});

// ../conformance/src/ops/causalConv1dBackward.ts
function reference9(batch, length, channels2, width, dy2, { x, weight, bias, activation, initialState, sequenceIds }, dFinalState) {
  const past = width - 1;
  const grads2 = {
    x: new Float64Array(batch * length * channels2),
    weight: new Float64Array(channels2 * width),
    bias: new Float64Array(channels2),
    initialState: new Float64Array(batch * channels2 * past)
  };
  for (let b = 0; b < batch; b++) {
    sequencesOf(sequenceIds, b, length).forEach((positions, index, { length: count }) => {
      for (let d = 0; d < channels2; d++) {
        const at = (i) => (b * length + positions[i]) * channels2 + d;
        const stateAt = (i) => (b * channels2 + d) * past + past + i;
        const input = (i) => {
          if (i >= 0) return x[at(i)];
          return index === 0 ? initialState?.[stateAt(i)] ?? 0 : 0;
        };
        const add4 = (i, gradient) => {
          if (i >= 0) grads2.x[at(i)] += gradient;
          else if (index === 0) grads2.initialState[stateAt(i)] += gradient;
        };
        positions.forEach((_, i) => {
          let sum = bias?.[d] ?? 0;
          for (let k = 0; k < width; k++) sum += weight[d * width + k] * input(i - past + k);
          const ds = dy2[at(i)] * (activation === "silu" ? siluSlope(sum) : 1);
          grads2.bias[d] += ds;
          for (let k = 0; k < width; k++) {
            grads2.weight[d * width + k] += ds * input(i - past + k);
            add4(i - past + k, ds * weight[d * width + k]);
          }
        });
        if (dFinalState === void 0 || index < count - 1) continue;
        for (let k = 0; k < past; k++) {
          add4(positions.length - past + k, dFinalState[(b * channels2 + d) * past + k]);
        }
      }
    });
  }
  return grads2;
}
var convBackwardFlags = ["bias", "silu", "initialState", "sequenceIds", "dFinalState", "view"];
function convBackwardCase(B5, L4, D2, W2, flags, edits = {}) {
  const { note = "", edit } = edits;
  const label = `B${B5} L${L4} D${D2} W${W2}${flagLabel(flags)}${note}`;
  const activation = flags.silu ? "silu" : void 0;
  return defineTrainingCase({
    op: "causalConv1dBackward",
    label,
    sizes: { B: B5, L: L4, D: D2, W: W2 },
    cost: costOf3(B5, L4, D2, W2, flags),
    inputs: () => {
      const random = new Random(`causalConv1dBackward ${label}`);
      const dy2 = random.normals(B5 * L4 * D2);
      const x = random.normals(B5 * L4 * D2);
      edit?.(dy2, x);
      const place2 = (input, before, after) => flags.view ? asView(input, before, after) : input;
      const state = () => floats2(random.normals(B5 * D2 * (W2 - 1)), [B5, D2, W2 - 1]);
      return {
        dy: place2(floats2(dy2, [B5, L4, D2]), 1, 2),
        x: place2(floats2(x, [B5, L4, D2]), D2, 0),
        weight: floats2(random.normals(D2 * W2, W2 ** -0.5), [D2, W2]),
        bias: flags.bias ? floats2(random.normals(D2), [D2]) : void 0,
        initialState: flags.initialState ? state() : void 0,
        dFinalState: flags.dFinalState ? state() : void 0,
        sequenceIds: flags.sequenceIds ? ints(sequenceIdsFor(B5, L4), [B5, L4]) : void 0
      };
    },
    run: (kernel2, { dy: dy2, dFinalState, ...args2 }) => gradients(kernel2.causalConv1dBackward(dy2, { ...args2, activation }, dFinalState)),
    reference: ({ dy: dy2, dFinalState, ...args2 }) => {
      const grads2 = reference9(B5, L4, D2, W2, dy2, { ...args2, activation }, dFinalState);
      return {
        d_x: result([B5, L4, D2], grads2.x),
        d_weight: result([D2, W2], grads2.weight),
        ...flags.bias && { d_bias: result([D2], grads2.bias) },
        ...flags.initialState && { d_initialState: result([B5, D2, W2 - 1], grads2.initialState) }
      };
    }
  });
}
var set2 = flagSets(convBackwardFlags);
var widths2 = [2, 3, 4, 5, 16];
function costOf3(B5, L4, D2, W2, flags) {
  const states = (flags.initialState ? 2 : 0) + (flags.dFinalState ? 1 : 0);
  const numbers = 3 * B5 * L4 * D2 + 2 * D2 * (W2 + (flags.bias ? 1 : 0)) + states * B5 * D2 * (W2 - 1);
  return {
    flops: B5 * L4 * D2 * (6 * W2 + (flags.silu ? 8 : 1)),
    bytes: bytesOf2(numbers) + (flags.sequenceIds ? bytesOf2(B5 * L4, "i32") : 0)
  };
}
var causalConv1dBackward3 = defineTrainingOp("causalConv1dBackward", {
  reference: reference9,
  cases: [
    ...lengths.map(
      (L4, i) => convBackwardCase(i % 3 + 1, L4, cycled([3, 17, 5, 33], i), 4, set2("bias", "silu"))
    ),
    ...pairwise(convBackwardFlags).flatMap((flags, i) => [
      convBackwardCase(3, 19, cycled([5, 8, 33], i), cycled(widths2, i), flags),
      convBackwardCase(2, 130, cycled([17, 4], i), 4, flags)
    ]),
    // Fewer inputs than the state holds: dFinalState reaches the initial state past all of them.
    ...[1, 2, 3].map(
      (L4) => convBackwardCase(2, L4, 7, 4, set2("initialState", "dFinalState"), { note: ", shorter than W" })
    ),
    convBackwardCase(sequenceKinds, 5, 6, 16, set2("initialState", "dFinalState", "sequenceIds", "silu"), {
      note: ", shorter than W"
    }),
    convBackwardCase(1, 9, 129, 4, set2("bias", "silu", "view")),
    convBackwardCase(2, 40, 130, 4, set2("bias", "silu"), { note: ", work for several threads" }),
    convBackwardCase(2, 12, 9, 4, set2("bias", "silu"), {
      note: ", NaN in one channel of x",
      edit: (_, x) => {
        x[3 * 9 + 4] = NaN;
      }
    }),
    convBackwardCase(2, 12, 9, 4, set2("bias", "silu", "initialState"), {
      note: ", NaN in one channel of dy",
      edit: (dy2) => {
        dy2[(12 + 1) * 9 + 7] = NaN;
      }
    }),
    ...[1, 2, 3, 5, 20, 65, 140].map(
      (L4, i) => convBackwardCase(
        sequenceKinds,
        L4,
        cycled([3, 5], i),
        cycled(widths2, i),
        set2("sequenceIds", "bias", "silu")
      )
    ),
    convBackwardCase(sequenceKinds, 300, 3, 4, set2("sequenceIds", "initialState", "dFinalState", "silu")),
    convBackwardCase(
      sequenceKinds,
      19,
      5,
      4,
      set2("bias", "silu", "sequenceIds", "initialState", "dFinalState"),
      {
        note: ", NaN in all padding",
        edit: (dy2, x) => {
          padWith(dy2, NaN, sequenceKinds, 19, 5);
          padWith(x, NaN, sequenceKinds, 19, 5);
        }
      }
    ),
    ...[19, 70].map(
      (L4) => convBackwardCase(sequenceKinds, L4, 5, 4, set2("sequenceIds", "initialState", "dFinalState", "silu"), {
        note: ", NaN in dy at one position of each row",
        edit: (dy2) => {
          markOne(dy2, NaN, sequenceKinds, L4, 5);
        }
      })
    )
  ],
  benchmarks: [convBackwardCase(1, 2048, 1536, 4, set2("bias", "silu"))],
  minimal: {
    args: { dy: f32(B, L, D), ...convArgs, dFinalState: f32(B, D, W - 1) },
    dense: ["weight", "initialState", "sequenceIds", "dFinalState"],
    call: (k, { dy: dy2, dFinalState, ...args2 }) => Object.values(gradients(k.causalConv1dBackward(dy2, args2, dFinalState)))
  },
  batched: {
    arguments: ["dy", "x", "initialState", "dFinalState"],
    results: ["d_x", "d_initialState"]
  }
});

// ../conformance/src/ops/causalConv1dStep.ts
function reference10(batch, channels2, width, state, args2) {
  const { y, finalState } = causalConv1d3.reference(batch, 1, channels2, width, {
    ...args2,
    initialState: state
  });
  return { y, state: finalState };
}
var stepFlags = ["bias", "silu", "view"];
function build3(B5, D2, W2, flags, isSequence = false) {
  const label = `B${B5} D${D2} W${W2}${flagLabel(flags)}${isSequence ? ", a sequence of one position" : ""}`;
  const shape = isSequence ? [B5, 1, D2] : [B5, D2];
  const activation = flags.silu ? "silu" : void 0;
  return defineCase({
    op: "causalConv1dStep",
    label,
    sizes: { B: B5, D: D2, W: W2 },
    cost: {
      flops: B5 * D2 * (2 * W2 + (flags.silu ? 4 : 0)),
      bytes: bytesOf2(2 * B5 * D2 * W2 + D2 * (W2 + (flags.bias ? 1 : 0)))
    },
    inputs: () => {
      const random = new Random(`causalConv1dStep ${label}`);
      const x = floats2(random.normals(B5 * D2), shape);
      const state = floats2(random.normals(B5 * D2 * (W2 - 1)), [B5, D2, W2 - 1]);
      return {
        state: { ...state, inPlace: true },
        x: flags.view ? asView(x, D2, 0) : x,
        weight: floats2(random.normals(D2 * W2, W2 ** -0.5), [D2, W2]),
        bias: flags.bias ? floats2(random.normals(D2), [D2]) : void 0
      };
    },
    run: (kernel2, { state, ...args2 }) => ({ y: kernel2.causalConv1dStep(state, { ...args2, activation }) }),
    reference: ({ state, ...args2 }) => {
      const after = reference10(B5, D2, W2, state, { ...args2, activation });
      return { y: result(shape, after.y), state: result([B5, D2, W2 - 1], after.state) };
    }
  });
}
var model = { bias: true, silu: true, view: false };
var causalConv1dStep3 = defineOp("causalConv1dStep", {
  reference: reference10,
  cases: [
    ...pairwise(stepFlags).flatMap((flags) => [build3(1, 33, 4, flags), build3(3, 5, 3, flags)]),
    ...[1, 3, 17, 130].map((D2, i) => build3(i % 2 + 1, D2, cycled([2, 3, 4, 5], i), model)),
    build3(9, 7, 16, model),
    build3(3, 10, 4, { ...model, view: true }, true)
  ],
  benchmarks: [build3(1, 1536, 4, model), build3(8, 1536, 4, model)],
  minimal: {
    args: { x: f32(B, D), weight: f32(D, W), bias: f32(D), state: f32(B, D, W - 1) },
    dense: ["weight", "state"],
    writes: ["state"],
    call: (k, { state, ...args2 }) => [k.causalConv1dStep(state, args2)]
  },
  rows: {
    arguments: ["x", "state"],
    many: [build3(manyRows, 70, 4, model), build3(manyRows, 5, 3, { ...model, view: true })]
  }
});

// ../conformance/src/ops/combineExperts.ts
function reference11(R, K, O, y, weights2) {
  const out = new Float64Array(R * O);
  for (let r2 = 0; r2 < R; r2++) {
    for (let j = 0; j < K; j++) {
      for (let o = 0; o < O; o++) out[r2 * O + o] += weights2[r2 * K + j] * y[(r2 * K + j) * O + o];
    }
  }
  return out;
}
function backwardReference(R, K, O, dOut, y, weights2) {
  const grads2 = { y: new Float64Array(R * K * O), weights: new Float64Array(R * K) };
  for (let p = 0; p < R * K; p++) {
    for (let o = 0; o < O; o++) {
      const d = dOut[Math.floor(p / K) * O + o];
      grads2.y[p * O + o] = weights2[p] * d;
      grads2.weights[p] += d * y[p * O + o];
    }
  }
  return grads2;
}
var labelOf = ([R, K, O], { view = false, special: special3 = false }) => `R${R} K${K} out ${O}${view ? " of views" : ""}${special3 ? ", NaN in one row of y" : ""}`;
function drawn(op, [R, K, O], options3) {
  const random = new Random(`${op} ${labelOf([R, K, O], options3)}`);
  const y = random.normals(R * K * O);
  if (options3.special) y[(R * K - 1) * O] = NaN;
  const place2 = (input, before) => options3.view ? asView(input, before, 2) : input;
  return {
    y: place2(floats2(y, [R, K, O]), 3),
    weights: place2(floats2(random.normals(R * K), [R, K]), 1),
    dOut: place2(floats2(random.normals(R * O), [R, O]), 5)
  };
}
function build4(sizes, options3 = {}) {
  const [R, K, O] = sizes;
  return defineCase({
    op: "combineExperts",
    label: labelOf(sizes, options3),
    sizes: { R, K, O },
    cost: { flops: 2 * R * K * O, bytes: bytesOf2(R * K * (O + 1) + R * O) },
    inputs: () => {
      const { y, weights: weights2 } = drawn("combineExperts", sizes, options3);
      return { y, weights: weights2 };
    },
    run: (kernel2, t2) => ({ out: kernel2.combineExperts(t2.y, t2.weights) }),
    reference: (v) => ({ out: result([R, O], reference11(R, K, O, v.y, v.weights)) })
  });
}
function backwardCase(sizes, options3 = {}) {
  const [R, K, O] = sizes;
  return defineTrainingCase({
    op: "combineExpertsBackward",
    label: labelOf(sizes, options3),
    sizes: { R, K, O },
    cost: { flops: 3 * R * K * O, bytes: bytesOf2(2 * R * K * (O + 1) + R * O) },
    inputs: () => drawn("combineExpertsBackward", sizes, options3),
    run: (kernel2, t2) => {
      const grads2 = kernel2.combineExpertsBackward(t2.dOut, t2.y, t2.weights);
      return { d_y: grads2.y, d_weights: grads2.weights };
    },
    reference: (v) => {
      const grads2 = backwardReference(R, K, O, v.dOut, v.y, v.weights);
      return { d_y: result([R, K, O], grads2.y), d_weights: result([R, K], grads2.weights) };
    }
  });
}
var shapes2 = [
  [1, 1, 1],
  [1, 6, 130],
  [3, 2, 5],
  [17, 3, 33],
  [130, 2, 7]
];
var combineExperts2 = defineOp("combineExperts", {
  reference: reference11,
  cases: [
    ...shapes2.map((sizes) => build4(sizes)),
    build4([9, 4, 21], { view: true }),
    build4([4, 2, 9], { special: true })
  ],
  benchmarks: [build4([1, 6, 1536]), build4([512, 6, 1536])],
  minimal: {
    args: { y: f32(3, 2, 5), weights: f32(3, 2) },
    anyWidth: ["y"],
    call: (k, t2) => [k.combineExperts(t2.y, t2.weights)]
  },
  rows: { arguments: ["y", "weights"], many: [build4([manyRows, 3, 37])] }
});
var combineExpertsBackward2 = defineTrainingOp("combineExpertsBackward", {
  reference: backwardReference,
  cases: [
    ...shapes2.map((sizes) => backwardCase(sizes)),
    backwardCase([9, 4, 21], { view: true }),
    backwardCase([4, 2, 9], { special: true })
  ],
  minimal: {
    args: { dOut: f32(3, 5), y: f32(3, 2, 5), weights: f32(3, 2) },
    call: (k, t2) => {
      const grads2 = k.combineExpertsBackward(t2.dOut, t2.y, t2.weights);
      return [grads2.y, grads2.weights];
    }
  },
  batched: { arguments: ["dOut", "y", "weights"] }
});

// ../conformance/src/ops/crossEntropy.ts
function reference12(rows2, vocabSize, logits, targets, options3 = {}) {
  return gradientReference(rows2, vocabSize, logits, targets, options3).loss;
}
function gradientReference(rows2, vocabSize, logits, targets, { ignoreIndex = -100, labelSmoothing = 0, classWeights } = {}) {
  const dLogits = new Float64Array(rows2 * vocabSize);
  const weightOf = (c) => classWeights?.[c] ?? 1;
  let total = 0;
  for (let r2 = 0; r2 < rows2; r2++) if (targets[r2] !== ignoreIndex) total += weightOf(targets[r2]);
  let loss = 0;
  for (let r2 = 0; r2 < rows2; r2++) {
    const target = targets[r2];
    if (target === ignoreIndex) continue;
    if (target < 0 || target >= vocabSize) {
      loss = NaN;
      dLogits.fill(NaN, r2 * vocabSize, (r2 + 1) * vocabSize);
      continue;
    }
    if (total === 0) continue;
    const row = Float64Array.from({ length: vocabSize }, (_, v) => logits[r2 * vocabSize + v]);
    const largest2 = Math.max(...row);
    const sum = row.reduce((before, logit) => before + Math.exp(logit - largest2), 0);
    const wanted = row.map((_, v) => labelSmoothing * weightOf(v) / vocabSize);
    wanted[target] += (1 - labelSmoothing) * weightOf(target);
    const all = wanted.reduce((before, w) => before + w, 0);
    for (let v = 0; v < vocabSize; v++) {
      if (wanted[v] !== 0) loss += wanted[v] * (Math.log(sum) + (largest2 - row[v])) / total;
      dLogits[r2 * vocabSize + v] = (Math.exp(row[v] - largest2) / sum * all - wanted[v]) / total;
    }
  }
  return { loss: Float64Array.of(loss), dLogits };
}
function costOf4(op, M, V, weighted) {
  const gradient = op === "crossEntropyWithGradient";
  const written = 1 + (gradient ? M * V : 0);
  return {
    flops: (gradient ? 5 : 4) * M * V,
    bytes: bytesOf2(M * V + written + (weighted ? V : 0)) + bytesOf2(M, "i32")
  };
}
function build5(op, M, V, options3) {
  const { note = "", view = false, ignoreIndex, ignored = [], scale: scale4 = 2, edit } = options3;
  const { labelSmoothing, weighted = false } = options3;
  const flags = `${labelSmoothing === void 0 ? "" : ` smoothing ${labelSmoothing}`}${weighted ? " +weights" : ""}`;
  const label = `M${M} V${V}${ignoreIndex === void 0 ? "" : ` ignoreIndex ${ignoreIndex}`}${flags}${note}`;
  return defineTrainingCase({
    op,
    label,
    sizes: { M, V },
    cost: costOf4(op, M, V, weighted),
    inputs: () => {
      const random = new Random(`crossEntropy ${label}`);
      const logits = random.normals(M * V, scale4);
      const targets = Array.from({ length: M }, () => random.integer(0, V - 1));
      for (const row of ignored) targets[row] = ignoreIndex ?? -100;
      const weights2 = random.uniforms(V, 0.1, 3);
      edit?.(logits, targets, weights2);
      const input = floats2(logits, [M, V]);
      return {
        logits: view ? asView(input) : input,
        targets: ints(targets, [M]),
        classWeights: weighted ? floats2(weights2, [V]) : void 0
      };
    },
    run: (kernel2, { logits, targets, classWeights }) => ({
      ...kernel2[op](logits, targets, { ignoreIndex, labelSmoothing, classWeights })
    }),
    reference: ({ logits, targets, classWeights }) => {
      const settings3 = { ignoreIndex, labelSmoothing, classWeights };
      const { loss, dLogits } = gradientReference(M, V, logits, targets, settings3);
      const out = { loss: result([1], loss) };
      return op === "crossEntropy" ? out : { ...out, dLogits: result([M, V], dLogits) };
    }
  });
}
var settings = [
  ...[2, 3, 5, 17, 33, 129, 513].map((V, i) => [i % 3 + 1, V, {}]),
  [1, 2049, {}],
  [3, 1, { note: ", one token: nothing to learn" }],
  [9, 50, {}],
  [130, 7, {}],
  [513, 3, {}],
  [2, 5e3, { note: ", a wide vocabulary" }],
  [40, 1003, { ignored: [3, 39], note: ", work for several threads" }],
  [3, 20001, { note: ", rows as long as a thread's work" }],
  [5, 33, { view: true, note: " of a view" }],
  [7, 20, { ignored: [0, 3, 6], note: ", three rows ignored" }],
  [6, 20, { ignoreIndex: 0, ignored: [1, 4], note: ", two rows ignored" }],
  [5, 9, { ignoreIndex: -1, ignored: [2], note: ", one row ignored" }],
  [4, 9, { ignored: [0, 1, 2, 3], note: ", all ignored" }],
  [
    4,
    9,
    {
      ignored: [1],
      note: ", NaN and infinity in the ignored row",
      edit: (logits) => {
        logits.fill(NaN, 9, 14);
        logits.fill(Infinity, 14, 18);
      }
    }
  ],
  [
    4,
    9,
    {
      note: ", NaN in one row",
      edit: (logits) => {
        logits[2 * 9 + 4] = NaN;
      }
    }
  ],
  [4, 33, { scale: 1e4, note: ", extreme logits" }],
  [3, 17, { scale: 1e-6, note: ", logits that are nearly equal" }],
  [
    4,
    12,
    {
      note: ", all logits 1e30 or -1e30",
      edit: (logits, targets) => {
        logits.fill(1e30, 0, 24).fill(-1e30, 24);
        targets.splice(0, 4, 0, 11, 5, 6);
      }
    }
  ],
  [
    3,
    10,
    {
      note: ", -infinity beside the target",
      edit: (logits, targets) => {
        targets.splice(0, 3, 0, 4, 9);
        for (const i of [1, 2, 9, 10, 13, 15, 20]) logits[i] = -Infinity;
      }
    }
  ],
  [
    2,
    5,
    {
      note: ", -infinity at the target",
      edit: (logits, targets) => {
        targets.splice(0, 2, 3, 1);
        logits[3] = -Infinity;
      }
    }
  ],
  [
    6,
    7,
    {
      ignored: [0],
      note: ", targets outside of the vocabulary",
      edit: (_, targets) => {
        targets.splice(1, 4, 7, -1, 2 ** 31 - 1, -(2 ** 31));
      }
    }
  ],
  [9, 33, { labelSmoothing: 0.1, ignored: [4], view: true, note: " of a view, one row ignored" }],
  [7, 20, { weighted: true, ignored: [0, 6], note: ", two rows ignored" }],
  [130, 7, { labelSmoothing: 0.3, weighted: true }],
  [3, 2049, { labelSmoothing: 0.05, weighted: true, note: ", long rows" }],
  [
    4,
    5,
    {
      weighted: true,
      note: ", all ignored by their weights",
      edit: (_, targets, weights2) => {
        targets.fill(2);
        weights2[2] = 0;
      }
    }
  ],
  [
    3,
    4,
    {
      ...{ labelSmoothing: 0.2, weighted: true, note: ", targets outside of the vocabulary" },
      edit: (_, targets) => {
        targets.splice(1, 2, 4, -1);
      }
    }
  ]
];
var minimalArgs = { logits: f32(B, 7), targets: i32(B), classWeights: f32(7) };
var crossEntropy3 = defineTrainingOp("crossEntropy", {
  reference: reference12,
  cases: settings.map(([M, V, options3]) => build5("crossEntropy", M, V, options3)),
  minimal: {
    args: minimalArgs,
    dense: ["targets", "classWeights"],
    call: (k, { logits, targets, classWeights }) => [k.crossEntropy(logits, targets, { classWeights }).loss]
  },
  outOfRange: (kernel2, scope) => {
    const logits = scope.use(kernel2.zeros([2, 5], "f32"));
    const targets = scope.use(kernel2.zeros([2], "i32"));
    return [
      ["ignoreIndex 0.5", () => kernel2.crossEntropy(logits, targets, { ignoreIndex: 0.5 })],
      ["labelSmoothing 1", () => kernel2.crossEntropy(logits, targets, { labelSmoothing: 1 })],
      ["labelSmoothing negative", () => kernel2.crossEntropy(logits, targets, { labelSmoothing: -0.1 })]
    ];
  }
});
var crossEntropyWithGradient3 = defineTrainingOp("crossEntropyWithGradient", {
  reference: gradientReference,
  cases: settings.map(([M, V, options3]) => build5("crossEntropyWithGradient", M, V, options3)),
  minimal: {
    args: minimalArgs,
    dense: ["targets", "classWeights"],
    call: (k, { logits, targets, classWeights }) => {
      const { loss, dLogits } = k.crossEntropyWithGradient(logits, targets, { classWeights });
      return [loss, dLogits];
    }
  },
  batched: { arguments: ["logits"], results: ["dLogits"] },
  outOfRange: (kernel2, scope) => {
    const logits = scope.use(kernel2.zeros([2, 5], "f32"));
    const targets = scope.use(kernel2.zeros([2], "i32"));
    return [
      ["ignoreIndex NaN", () => kernel2.crossEntropyWithGradient(logits, targets, { ignoreIndex: NaN })],
      ["labelSmoothing 1", () => kernel2.crossEntropyWithGradient(logits, targets, { labelSmoothing: 1 })]
    ];
  }
});

// ../conformance/src/ops/div.ts
function reference13(a, b) {
  const y = new Float64Array(a.length);
  for (let i = 0; i < y.length; i++) y[i] = a[i] / b[i % b.length];
  return y;
}
var definition2 = { op: "div", run: (kernel2, a, b) => kernel2.div(a, b), reference: reference13, flops: 1 };
var div3 = defineOp("div", {
  reference: reference13,
  cases: fewBinaryCases(
    definition2,
    [NaN, Infinity, -0, 0, 1, -1, 0, 1, 3],
    [1, 2, 3, 4, 0, 0, 0, Infinity, NaN]
  ),
  rows: binaryRows(definition2),
  minimal: {
    args: { a: f32(B, L, D), b: f32(B, L, D) },
    anyAxes: ["a"],
    call: (k, t2) => [k.div(t2.a, t2.b)]
  }
});

// ../conformance/src/ops/dropout.ts
function reference14(x, probability, seed2) {
  return Float64Array.from(
    x,
    (value, i) => dropoutKeeps(i, probability, seed2) ? value / (1 - probability) : 0
  );
}
function build6(shape, probability, seed2, options3 = {}) {
  const { view = false, note = "", values = [] } = options3;
  const label = `[${shape.join(",")}] p ${probability} seed ${seed2}${view ? " of a view" : ""}${note}`;
  const count = elementCount(shape);
  return defineCase({
    op: "dropout",
    label,
    sizes: elementSizes(shape),
    cost: { flops: count, bytes: bytesOf2(2 * count) },
    inputs: () => {
      const x = floats2(withValues(new Random(`dropout ${label}`).normals(count), values), shape);
      return { x: view ? asView(x) : x };
    },
    run: (kernel2, t2) => ({ y: kernel2.dropout(t2.x, probability, seed2) }),
    reference: (v) => ({ y: result(shape, reference14(v.x, probability, seed2)) })
  });
}
var dropout3 = defineOp("dropout", {
  reference: reference14,
  cases: [
    build6([3, 43], 0.5, 7),
    build6([3, 1671], 0.1, 2 ** 32 - 1, { view: true, note: ", longer than a chunk" }),
    build6([4, 33], 0.3, 1640531527, { view: true, note: ", a seed that adds up to 0" }),
    build6([7, 5], 0, 0, { note: ", nothing dropped" }),
    build6([29], 0.7, 1, { values: Array.from({ length: 8 }, () => NaN), note: ", NaN kept and dropped" })
  ],
  // The place of an element in the tensor decides, so that a row depends on its place in the batch.
  rows: { arguments: ["x"], many: [] },
  minimal: { args: { x: f32(B, L, D) }, anyAxes: ["x"], call: (k, t2) => [k.dropout(t2.x, 0.5, 1)] },
  outOfRange: (kernel2, scope) => {
    const x = scope.use(kernel2.zeros([2, 5], "f32"));
    return [
      ["probability 1", () => kernel2.dropout(x, 1, 0)],
      ["probability negative", () => kernel2.dropout(x, -0.1, 0)],
      ["probability NaN", () => kernel2.dropout(x, NaN, 0)],
      ["seed 2^32", () => kernel2.dropout(x, 0.5, 2 ** 32)],
      ["seed negative", () => kernel2.dropout(x, 0.5, -1)],
      ["seed 0.5", () => kernel2.dropout(x, 0.5, 0.5)]
    ];
  }
});

// ../conformance/src/ops/elementLoss.ts
function lossOf(kind, x, t2, parameter) {
  const d = x - t2;
  switch (kind) {
    case "squaredError":
      return [d * d, 2 * d];
    case "huber":
      return Math.abs(d) > parameter ? [parameter * (Math.abs(d) - parameter / 2), Math.sign(d) * parameter] : [d * d / 2, d];
    case "binaryCrossEntropy":
      return [Math.max(x, 0) - x * t2 + Math.log1p(Math.exp(-Math.abs(x))), sigmoid4(x) - t2];
    case "quantile": {
      const slope2 = d > 0 ? 1 - parameter : d < 0 ? -parameter : 0 * d;
      return [Math.max(-parameter * d, (1 - parameter) * d), slope2];
    }
  }
}
function reference15(args2) {
  return gradientReference2(args2).loss;
}
function gradientReference2(args2) {
  const { kind, x, target, weight, delta, levels: levels2 } = args2;
  const each2 = levels2?.length ?? 1;
  const w = Float64Array.from(x, (_, i) => weight?.[Math.floor(i / each2)] ?? 1);
  const total = w.reduce((sum, value) => sum + value, 0);
  let loss = 0;
  const dx = Float64Array.from(x, (value, i) => {
    if (w[i] === 0 || total === 0) return 0;
    const [own, slope2] = lossOf(
      kind,
      value,
      target[Math.floor(i / each2)],
      levels2?.[i % each2] ?? delta ?? NaN
    );
    loss += w[i] * own / total;
    return w[i] * slope2 / total;
  });
  return { loss: Float64Array.of(loss), dx };
}
function build7(op, kind, shape, options3 = {}) {
  const { weighted = false, view = false, delta, levels: levels2, note = "", scale: scale4 = 1, edit } = options3;
  const flags = `${weighted ? " +weight" : ""}${view ? " of a view" : ""}`;
  const label = `${kind} [${shape.join(",")}]${flags}${note}`;
  const count = elementCount(shape);
  const targets = count / (levels2?.length ?? 1);
  const targetShape = levels2 ? shape.slice(0, -1) : shape;
  const numbers = count + targets + (weighted ? targets : 0) + (levels2?.length ?? 0) + 1;
  const gradient = op === "elementLossWithGradient";
  return defineTrainingCase({
    op,
    label,
    sizes: { elements: count, levels: levels2?.length ?? 1 },
    cost: { flops: (gradient ? 8 : 5) * count, bytes: bytesOf2(numbers + (gradient ? count : 0)) },
    inputs: () => {
      const random = new Random(`elementLoss ${label}`);
      const x = random.normals(count, scale4);
      const target = kind === "binaryCrossEntropy" ? random.uniforms(targets, 0, 1) : random.normals(targets);
      const weight = random.uniforms(targets, 0.1, 2);
      edit?.(x, target, weight);
      const input = floats2(x, shape);
      return {
        x: view ? asView(input) : input,
        target: floats2(target, targetShape),
        weight: weighted ? floats2(weight, targetShape) : void 0,
        levels: levels2 && floats2(Float32Array.from(levels2), [levels2.length])
      };
    },
    run: (kernel2, t2) => ({ ...kernel2[op]({ kind, delta, ...t2 }) }),
    reference: (v) => {
      const { loss, dx } = gradientReference2({ kind, delta, ...v });
      return { loss: result([1], loss), ...gradient && { dx: result(shape, dx) } };
    }
  });
}
var levels = [0.1, 0.5, 0.9];
var masked = (x, target, weight) => {
  weight.fill(0, 0, 2);
  x[0] = NaN;
  target[1] = -Infinity;
};
var settings2 = [
  ["squaredError", [3, 43]],
  ["squaredError", [5, 7], { weighted: true, view: true, edit: masked, note: ", two of weight 0" }],
  ["squaredError", [3, 1671], { weighted: true, note: ", longer than a chunk" }],
  [
    "squaredError",
    [2, 5],
    {
      weighted: true,
      note: ", all ignored",
      edit: (x, _, weight) => {
        weight.fill(0);
        x.fill(NaN, 0, 3);
      }
    }
  ],
  ["squaredError", [2, 5], { note: ", NaN in one place", edit: (x) => withValues(x, [1, NaN]) }],
  ["huber", [3, 43], { delta: 0.75 }],
  [
    "huber",
    [3, 1671],
    {
      ...{ delta: 0.5, weighted: true, view: true, note: ", errors of exactly delta" },
      edit: (x, target) => {
        withValues(x, [0.5, -0.5, 1, 1e30]);
        withValues(target, [0, 0, 1, 0]);
      }
    }
  ],
  ["binaryCrossEntropy", [3, 43], { scale: 3 }],
  [
    "binaryCrossEntropy",
    [2, 9],
    {
      ...{ weighted: true, view: true, note: ", extreme logits" },
      edit: (x, target) => {
        withValues(x, [100, -100, 100, -100, 1e3, -1e3, 1e-8, 0]);
        withValues(target, [1, 0, 0, 1, 0.5, 0.25, 1, 0.5]);
      }
    }
  ],
  ["quantile", [43, 3], { levels }],
  [
    "quantile",
    [7, 5, 1],
    { levels: [0.25], weighted: true, view: true, edit: masked, note: ", two of weight 0" }
  ],
  [
    "quantile",
    [1671, 3],
    {
      ...{ levels, weighted: true, note: ", exact predictions" },
      edit: (x, target) => {
        x.fill(0.5, 0, 6);
        target.fill(0.5, 0, 2);
      }
    }
  ]
];
var minimalArgs2 = { x: f32(B, L), target: f32(B, L), weight: f32(B, L) };
function badOptions(call) {
  return [
    ["an unknown kind", () => call({ kind: "l1" })],
    ["huber without delta", () => call({ kind: "huber" })],
    ["delta 0", () => call({ kind: "huber", delta: 0 })],
    ["delta of another kind", () => call({ kind: "squaredError", delta: 1 })],
    ["quantile without levels", () => call({ kind: "quantile" })]
  ];
}
var elementLoss3 = defineTrainingOp("elementLoss", {
  reference: reference15,
  cases: settings2.map(([kind, shape, options3]) => build7("elementLoss", kind, shape, options3)),
  minimal: {
    args: minimalArgs2,
    dense: ["target", "weight"],
    call: (k, t2) => [k.elementLoss({ kind: "squaredError", ...t2 }).loss]
  },
  outOfRange: (kernel2, scope) => {
    const x = scope.use(kernel2.zeros([2, 5], "f32"));
    return badOptions((options3) => kernel2.elementLoss({ x, target: x, ...options3 }));
  }
});
var elementLossWithGradient3 = defineTrainingOp("elementLossWithGradient", {
  reference: gradientReference2,
  cases: settings2.map(([kind, shape, options3]) => build7("elementLossWithGradient", kind, shape, options3)),
  minimal: {
    args: minimalArgs2,
    dense: ["target", "weight"],
    call: (k, t2) => {
      const { loss, dx } = k.elementLossWithGradient({ kind: "squaredError", ...t2 });
      return [loss, dx];
    }
  },
  batched: { arguments: ["x"], results: ["dx"] },
  outOfRange: (kernel2, scope) => {
    const x = scope.use(kernel2.zeros([2, 5], "f32"));
    return badOptions((options3) => kernel2.elementLossWithGradient({ x, target: x, ...options3 }));
  }
});

// ../conformance/src/cases/storageBlocks.ts
var halves = {
  q8_0: [[0, 1 / 74]],
  q4_0: [[0, 1 / 4.6]],
  q4_1: [
    [0, 1 / 4.6],
    [2, -7.5 / 4.6]
  ],
  q5_0: [[0, 1 / 9.2]],
  q5_1: [
    [0, 1 / 9.2],
    [2, -15.5 / 9.2]
  ],
  iq4_nl: [[0, 1 / 66]],
  q4_k: [
    [0, 1 / 200],
    [2, 7.5 / 200]
  ],
  q5_k: [
    [0, 1 / 400],
    [2, 15.5 / 400]
  ],
  q6_k: [[208, 1 / 1370]]
};
function blockOf(dtype) {
  return formats[dtype].blockElements;
}
function fillHalves(data, dtype, bits) {
  const { blockBytes } = formats[dtype];
  let index = 0;
  for (let at = 0; at < data.length; at += blockBytes) {
    for (const [offset, value] of halves[dtype]) {
      const half = bits(index++, value);
      data[at + offset] = half & 255;
      data[at + offset + 1] = half >> 8;
    }
  }
}
function randomBlocks(random, shape, dtype) {
  const data = random.bytes(byteLength(dtype, shape));
  fillHalves(data, dtype, (_, value) => toF16(value * random.uniform(0.5, 1.5)));
  return { data, shape, dtype };
}
var extremeHalves = [0, 1, 1023, 1024, 15360, 48128, 32768, 22080];
var extremeBytes = [128, 127, 255, 0];
function extremeBlocks(random, shape, dtype) {
  const data = random.bytes(byteLength(dtype, shape));
  const { blockBytes } = formats[dtype];
  for (let at = 0, block = 0; at < data.length; at += blockBytes, block++) {
    const byte = extremeBytes[Math.floor(block / 3) % 4];
    if (block % 3 > 0 && byte !== void 0) data.fill(byte, at, at + blockBytes);
  }
  fillHalves(data, dtype, (index) => extremeHalves[index * 3 % extremeHalves.length] ?? 0);
  return { data, shape, dtype };
}

// ../conformance/src/ops/embedding.ts
function reference16(vocabSize, features, ids, weight) {
  const y = new Float64Array(ids.length * features);
  for (let i = 0; i < ids.length; i++) {
    const id = Math.min(Math.max(ids[i], 0), vocabSize - 1);
    for (let d = 0; d < features; d++) y[i * features + d] = weight[id * features + d];
  }
  return y;
}
function backwardReference2(vocabSize, features, dy2, ids) {
  const dWeight = new Float64Array(vocabSize * features);
  for (let i = 0; i < ids.length; i++) {
    const id = Math.min(Math.max(ids[i], 0), vocabSize - 1);
    for (let d = 0; d < features; d++) {
      const k = id * features + d;
      dWeight[k] += dy2[i * features + d];
    }
  }
  return dWeight;
}
function build8(V, D2, shape, dtype, note = "", ids, values = [], extreme = false) {
  const label = `V${V} D${D2} ids [${shape.join(",")}] ${dtype}${note}`;
  const count = elementCount(shape);
  return defineCase({
    op: "embedding",
    label,
    sizes: { V, D: D2, ids: count },
    cost: { flops: 0, bytes: bytesOf2(count, "i32") + bytesOf2(count * D2, dtype) + bytesOf2(count * D2) },
    requires: [{ op: "embedding", dtype }],
    ...isQuantized(dtype) && {
      tolerance: { nmse: 0, reason: "every dequantised value is exact, or rounded once, in float32" }
    },
    inputs: () => {
      const random = new Random(`embedding ${label}`);
      return {
        ids: ints(ids ?? Array.from({ length: count }, () => random.integer(0, V - 1)), shape),
        weight: isQuantized(dtype) ? (extreme ? extremeBlocks : randomBlocks)(random, [V, D2], dtype) : floats2(withValues(random.normals(V * D2), values), [V, D2], dtype)
      };
    },
    run: (kernel2, t2) => ({ y: kernel2.embedding(t2.ids, t2.weight) }),
    reference: (v) => ({ y: result([...shape, D2], reference16(V, D2, v.ids, v.weight)) })
  });
}
function backwardCase2(V, D2, shape, options3 = {}) {
  const { note = "", ids, view = false, values = [] } = options3;
  const label = `V${V} D${D2} ids [${shape.join(",")}]${view ? " of a view" : ""}${note}`;
  const count = elementCount(shape);
  return defineTrainingCase({
    op: "embeddingBackward",
    label,
    sizes: { V, D: D2, ids: count },
    cost: { flops: count * D2, bytes: bytesOf2(count, "i32") + bytesOf2((count + V) * D2) },
    inputs: () => {
      const random = new Random(`embeddingBackward ${label}`);
      const dy2 = floats2(withValues(random.normals(count * D2), values), [...shape, D2]);
      return {
        dy: view ? asView(dy2) : dy2,
        ids: ints(ids ?? Array.from({ length: count }, () => random.integer(0, V - 1)), shape)
      };
    },
    run: (kernel2, t2) => ({ dWeight: kernel2.embeddingBackward(t2.dy, t2.ids, V) }),
    reference: (v) => ({ dWeight: result([V, D2], backwardReference2(V, D2, v.dy, v.ids)) })
  });
}
var embedding3 = defineOp("embedding", {
  reference: reference16,
  cases: [
    ...quantizedTypes.flatMap((dtype) => {
      const block = blockOf(dtype);
      const clamped = [-1, 5, 2 ** 31 - 1, -(2 ** 31), 0, 4];
      const all = Array.from({ length: 24 }, (_, i) => i);
      return [
        build8(1, block, [1], dtype),
        build8(5, 3 * block, [6], dtype, ", ids out of range are clamped", clamped),
        build8(33, 5 * block, [2, 9], dtype),
        build8(24, 2 * block, [24], dtype, ", blocks at the ends of their ranges", all, [], true)
      ];
    }),
    ...["f32", "f16", "bf16"].flatMap((dtype) => [
      build8(1, 1, [1], dtype),
      build8(7, 3, [5], dtype),
      build8(33, 17, [2, 9], dtype),
      build8(129, 33, [130], dtype),
      build8(11, 64, [2, 3, 4], dtype),
      build8(5, 9, [6], dtype, ", ids out of range are clamped", [-1, 5, 2 ** 31 - 1, -(2 ** 31), 0, 4]),
      build8(
        6,
        5,
        [6],
        dtype,
        ", NaN, infinities and zeros in the table",
        [0, 1, 2, 3, 4, 5],
        [NaN, 0, Infinity, -Infinity, -0]
      )
    ])
  ],
  benchmarks: ["f32", "f16"].map((dtype) => build8(50280, 768, [512], dtype)),
  minimal: {
    args: { ids: i32(B, L), weight: f32(7, D) },
    dense: ["ids", "weight"],
    anyAxes: ["ids"],
    anyWidth: ["ids", "weight"],
    call: (k, t2) => [k.embedding(t2.ids, t2.weight)]
  },
  rows: {
    arguments: [],
    integers: ["ids"],
    many: [
      ...["f32", "f16", "bf16"].map((dtype) => build8(40, 517, [manyRows], dtype)),
      ...quantizedTypes.map((dtype) => build8(40, 3 * blockOf(dtype), [manyRows], dtype))
    ]
  }
});
var embeddingBackward3 = defineTrainingOp("embeddingBackward", {
  reference: backwardReference2,
  cases: [
    backwardCase2(1, 1, [1]),
    backwardCase2(7, 3, [5]),
    backwardCase2(33, 17, [2, 9]),
    backwardCase2(11, 64, [2, 3, 4]),
    backwardCase2(256, 9, [3, 129], { note: ", many more ids than a row takes" }),
    backwardCase2(3, 33, [200], { note: ", each row many times" }),
    backwardCase2(1e3, 5, [7], { note: ", most rows untouched" }),
    backwardCase2(7, 301, [40], { note: ", wide rows" }),
    backwardCase2(9, 20, [11], { view: true }),
    backwardCase2(5, 7, [6], { ids: [2, 2, 2, 2, 2, 2], note: ", one row again and again" }),
    backwardCase2(5, 9, [6], {
      ids: [-1, 5, 2 ** 31 - 1, -(2 ** 31), 0, 4],
      note: ", ids out of range are clamped"
    }),
    backwardCase2(5, 3, [4], {
      ids: [1, 3, 1, 0],
      values: [NaN, 1, Infinity],
      note: ", NaN and infinity in one row"
    })
  ],
  minimal: {
    args: { dy: f32(B, L, D), ids: i32(B, L) },
    dense: ["ids"],
    anyWidth: ["dy"],
    call: (k, t2) => [k.embeddingBackward(t2.dy, t2.ids, 7)]
  },
  outOfRange: (kernel2, scope) => {
    const dy2 = scope.use(kernel2.zeros([2, 5], "f32"));
    const ids = scope.use(kernel2.zeros([2], "i32"));
    return [
      ["vocabSize 0", () => kernel2.embeddingBackward(dy2, ids, 0)],
      ["vocabSize 2.5", () => kernel2.embeddingBackward(dy2, ids, 2.5)]
    ];
  }
});

// ../conformance/src/ops/exp.ts
function reference17(x) {
  return Float64Array.from(x, Math.exp);
}
var definition3 = {
  op: "exp",
  run: (kernel2, x) => kernel2.exp(x),
  reference: reference17,
  flops: 1
};
var exp3 = defineOp("exp", {
  reference: reference17,
  cases: fewUnaryCases(definition3, [
    0,
    -0,
    NaN,
    Infinity,
    -Infinity,
    1e-8,
    -1e-8,
    88,
    -80,
    -104,
    100,
    1e3,
    -1e3
  ]),
  rows: unaryRows(definition3),
  minimal: { args: { x: f32(B, L, D) }, anyAxes: ["x"], call: (k, t2) => [k.exp(t2.x)] }
});

// ../conformance/src/cases/expertIds.ts
function expertIds(random, R, K, E, choice = "random") {
  const ids = new Int32Array(R * K);
  for (let r2 = 0; r2 < R; r2++) {
    const order = Array.from({ length: E }, (_, e) => E - 1 - e);
    if (choice === "random" || choice === "lopsided" && r2 % 5 === 4) {
      for (let i = E - 1; i > 0; i--) {
        const j = random.integer(0, i);
        [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
      }
    } else if (choice === "lopsided") order.reverse();
    ids.set(order.slice(0, K), r2 * K);
  }
  return ids;
}

// ../conformance/src/ops/expertLinear.ts
function clampedExpert(ids, at, E) {
  return Math.min(Math.max(ids[at], 0), E - 1);
}
function reference18({ R, K, E, O, I }, x, weight, experts, shared3) {
  const y = new Float64Array(R * K * O);
  for (let p = 0; p < R * K; p++) {
    const from = (shared3 ? Math.floor(p / K) : p) * I;
    const expert = clampedExpert(experts, p, E);
    for (let o = 0; o < O; o++) {
      let sum = 0;
      for (let i = 0; i < I; i++) sum += x[from + i] * weight[(expert * O + o) * I + i];
      y[p * O + o] = sum;
    }
  }
  return y;
}
function expertLabel({ R, K, E, O, I }, options3) {
  const { dtype = "f32", own = false, view = false, choice = "random", note = "" } = options3;
  const chosen = choice === "random" ? "" : `, ${choice === "one" ? "the same experts" : "lopsided"}`;
  return `R${R} K${K} E${E} out ${O} in ${I} ${dtype}${own ? " own rows" : ""}${view ? " of a view" : ""}${chosen}${note}`;
}
function expertWeight(random, { E, O, I }, drawn2, { dtype = "f32", extreme = false }) {
  if (!isQuantized(dtype)) return floats2(drawn2, [E, O, I], dtype);
  return (extreme ? extremeBlocks : randomBlocks)(random, [E, O, I], dtype);
}
function expertCase(sizes, options3 = {}) {
  const { R, K, E, O, I } = sizes;
  const { dtype = "f32", own = false, view = false, choice, edit } = options3;
  const label = expertLabel(sizes, options3);
  return defineCase({
    op: "expertLinear",
    label,
    sizes: { ...sizes },
    cost: {
      flops: 2 * R * K * O * I,
      bytes: bytesOf2(R * (own ? K : 1) * I + R * K * O) + bytesOf2(R * K, "i32") + bytesOf2(E * O * I, dtype)
    },
    requires: [{ op: "expertLinear", dtype }],
    roundedTolerance: isQuantized(dtype) ? roundedTolerance(R * K * O) : void 0,
    inputs: () => {
      const random = new Random(`expertLinear ${label}`);
      const x = random.normals(R * (own ? K : 1) * I);
      const weight = random.normals(isQuantized(dtype) ? 0 : E * O * I, I ** -0.5);
      const experts = expertIds(random, R, K, E, choice);
      edit?.(x, experts, weight);
      const input = floats2(x, own ? [R, K, I] : [R, I]);
      return {
        x: view ? asView(input) : input,
        weight: expertWeight(random, sizes, weight, options3),
        experts: ints(experts, [R, K])
      };
    },
    run: (kernel2, t2) => ({ y: kernel2.expertLinear(t2) }),
    reference: (v) => ({ y: result([R, K, O], reference18(sizes, v.x, v.weight, v.experts, !own)) })
  });
}
var dtypes = ["f32", "f16", "bf16"];
function plainCases(dtype) {
  return [
    expertCase({ R: 1, K: 1, E: 1, O: 1, I: 1 }, { dtype }),
    expertCase({ R: 1, K: 2, E: 5, O: 7, I: 9 }, { dtype }),
    expertCase({ R: 1, K: 6, E: 16, O: 43, I: 40 }, { dtype, own: true }),
    expertCase({ R: 3, K: 2, E: 4, O: 33, I: 24 }, { dtype, view: true }),
    expertCase({ R: 5, K: 3, E: 3, O: 10, I: 37 }, { dtype, own: true, view: true }),
    expertCase({ R: 17, K: 2, E: 8, O: 21, I: 16 }, { dtype }),
    expertCase({ R: 70, K: 2, E: 4, O: 13, I: 11 }, { dtype, choice: "one" }),
    expertCase({ R: 130, K: 1, E: 7, O: 9, I: 8 }, { dtype, choice: "lopsided" }),
    expertCase({ R: 4, K: 2, E: 3, O: 6, I: 1031 }, { dtype, note: ", deeper than a cache block" }),
    expertCase(
      { R: 4, K: 2, E: 5, O: 6, I: 8 },
      {
        dtype,
        note: ", ids that are clamped",
        edit: (_, experts) => {
          experts.set([-1, 5, 1e3, -(2 ** 31)], 1);
        }
      }
    ),
    expertCase(
      { R: 5, K: 2, E: 6, O: 6, I: 8 },
      {
        dtype,
        choice: "one",
        note: ", NaN in one row of x, and in experts that no row takes",
        edit: (x, _, weight) => {
          x[2 * 8 + 3] = NaN;
          weight.fill(NaN, 0, 4 * 6 * 8);
        }
      }
    )
  ];
}
function quantizedCases(dtype) {
  const block = blockOf(dtype);
  return [
    expertCase({ R: 1, K: 2, E: 4, O: 8, I: 3 * block }, { dtype }),
    expertCase({ R: 1, K: 3, E: 5, O: 7, I: block }, { dtype, own: true }),
    expertCase({ R: 2, K: 2, E: 3, O: 33, I: block }, { dtype }),
    expertCase({ R: 9, K: 2, E: 4, O: 6, I: 2 * block }, { dtype, view: true }),
    expertCase({ R: 19, K: 1, E: 3, O: 17, I: block }, { dtype, own: true, choice: "lopsided" }),
    expertCase(
      { R: 3, K: 2, E: 3, O: 9, I: 2 * block },
      { dtype, extreme: true, note: ", blocks at the ends of their ranges" }
    ),
    expertCase(
      { R: 7, K: 2, E: 4, O: 5, I: block },
      {
        dtype,
        note: ", NaN in one row of x, another of zeros",
        edit: (x) => {
          x[3 * block + 4] = NaN;
          x.fill(0, 5 * block, 6 * block);
        }
      }
    )
  ];
}
var expertLinear2 = defineOp("expertLinear", {
  reference: reference18,
  cases: [...dtypes.flatMap(plainCases), ...quantizedTypes.flatMap(quantizedCases)],
  // The experts of granite-4.0-h-tiny: one token and a prompt.
  benchmarks: ["f32", "f16", "q8_0", "q4_0", "q4_k"].flatMap((dtype) => [
    expertCase({ R: 1, K: 6, E: 64, O: 512, I: 1536 }, { dtype, note: ", up" }),
    ...dtype === "f32" ? [] : [expertCase({ R: 512, K: 6, E: 64, O: 512, I: 1536 }, { dtype, note: ", up" })]
  ]),
  minimal: {
    args: { x: f32(3, 5), weight: f32(4, 6, 5), experts: i32(3, 2) },
    dense: ["weight", "experts"],
    // Any number of experts of each row.
    anyWidth: ["experts"],
    call: (k, t2) => [k.expertLinear(t2)]
  },
  rows: {
    arguments: ["x"],
    integers: ["experts"],
    many: [
      ...quantizedTypes.map(
        (dtype, i) => i % 2 === 0 ? expertCase({ R: manyRows, K: 2, E: 5, O: 13, I: 2 * blockOf(dtype) }, { dtype }) : expertCase(
          { R: manyRows, K: 2, E: 3, O: 8, I: blockOf(dtype) },
          { dtype, own: true, view: true }
        )
      ),
      ...dtypes.flatMap((dtype) => [
        expertCase({ R: manyRows, K: 2, E: 4, O: 35, I: 40 }, { dtype }),
        expertCase({ R: manyRows, K: 3, E: 5, O: 10, I: 129 }, { dtype, own: true, view: true }),
        expertCase({ R: manyRows, K: 1, E: 2, O: 6, I: 2063 }, { dtype, choice: "lopsided" })
      ])
    ]
  }
});

// ../conformance/src/ops/expertLinearBackward.ts
function inputReference({ R, K, E, O, I }, dy2, weight, experts) {
  const dx = new Float64Array(R * K * I);
  for (let p = 0; p < R * K; p++) {
    const expert = clampedExpert(experts, p, E);
    for (let i = 0; i < I; i++) {
      let sum = 0;
      for (let o = 0; o < O; o++) sum += dy2[p * O + o] * weight[(expert * O + o) * I + i];
      dx[p * I + i] = sum;
    }
  }
  return dx;
}
function weightReference({ R, K, E, O, I }, dy2, x, experts, shared3) {
  const dWeight = new Float64Array(E * O * I);
  for (let p = 0; p < R * K; p++) {
    const expert = clampedExpert(experts, p, E);
    const from = (shared3 ? Math.floor(p / K) : p) * I;
    for (let o = 0; o < O; o++) {
      for (let i = 0; i < I; i++) dWeight[(expert * O + o) * I + i] += dy2[p * O + o] * x[from + i];
    }
  }
  return dWeight;
}
function inputCase(sizes, options3 = {}) {
  const { R, K, E, O, I } = sizes;
  const { dtype = "f32", view = false, choice, edit } = options3;
  const label = expertLabel(sizes, options3);
  return defineTrainingCase({
    op: "expertLinearBackwardInput",
    label,
    sizes: { ...sizes },
    cost: {
      flops: 2 * R * K * O * I,
      bytes: bytesOf2(R * K * (I + O)) + bytesOf2(R * K, "i32") + bytesOf2(E * O * I, dtype)
    },
    requires: [{ op: "expertLinearBackwardInput", dtype }],
    inputs: () => {
      const random = new Random(`expertLinearBackwardInput ${label}`);
      const dy2 = random.normals(R * K * O);
      const weight = random.normals(isQuantized(dtype) ? 0 : E * O * I, O ** -0.5);
      const experts = expertIds(random, R, K, E, choice);
      edit?.(dy2, experts, weight);
      const input = floats2(dy2, [R, K, O]);
      return {
        dy: view ? asView(input) : input,
        weight: expertWeight(random, sizes, weight, options3),
        experts: ints(experts, [R, K])
      };
    },
    run: (kernel2, t2) => ({ dx: kernel2.expertLinearBackwardInput(t2.dy, t2.weight, t2.experts) }),
    reference: (v) => ({ dx: result([R, K, I], inputReference(sizes, v.dy, v.weight, v.experts)) })
  });
}
function weightCase(sizes, options3 = {}) {
  const { R, K, E, O, I } = sizes;
  const { own = false, view = false, choice, edit } = options3;
  const label = expertLabel(sizes, options3);
  return defineTrainingCase({
    op: "expertLinearBackwardWeight",
    label,
    sizes: { ...sizes },
    cost: {
      flops: 2 * R * K * O * I,
      bytes: bytesOf2(R * K * O + R * (own ? K : 1) * I + E * O * I) + bytesOf2(R * K, "i32")
    },
    inputs: () => {
      const random = new Random(`expertLinearBackwardWeight ${label}`);
      const dy2 = random.normals(R * K * O);
      const x = random.normals(R * (own ? K : 1) * I);
      const experts = expertIds(random, R, K, E, choice);
      edit?.(dy2, experts, x);
      const [inputDy, inputX] = [floats2(dy2, [R, K, O]), floats2(x, own ? [R, K, I] : [R, I])];
      return {
        dy: view ? asView(inputDy) : inputDy,
        x: view ? asView(inputX, 0, 5) : inputX,
        experts: ints(experts, [R, K])
      };
    },
    run: (kernel2, t2) => ({ dWeight: kernel2.expertLinearBackwardWeight(t2.dy, t2.x, t2.experts, E) }),
    reference: (v) => ({ dWeight: result([E, O, I], weightReference(sizes, v.dy, v.x, v.experts, !own)) })
  });
}
var sizesOf = [
  [{ R: 1, K: 1, E: 1, O: 1, I: 1 }, {}],
  [{ R: 1, K: 2, E: 5, O: 7, I: 9 }, {}],
  [{ R: 3, K: 2, E: 4, O: 33, I: 24 }, { view: true }],
  [
    { R: 5, K: 3, E: 3, O: 10, I: 37 },
    { own: true, view: true }
  ],
  [{ R: 17, K: 2, E: 8, O: 130, I: 16 }, { own: true }],
  [{ R: 70, K: 2, E: 4, O: 13, I: 140 }, { choice: "one" }],
  [{ R: 300, K: 1, E: 3, O: 9, I: 8 }, { choice: "lopsided" }],
  [
    { R: 4, K: 2, E: 5, O: 6, I: 8 },
    {
      note: ", ids that are clamped",
      edit: (_, experts) => {
        experts.set([-1, 5, 1e3, -(2 ** 31)], 1);
      }
    }
  ]
];
var expertLinearBackwardInput2 = defineTrainingOp("expertLinearBackwardInput", {
  reference: inputReference,
  cases: [
    ...["f32", "f16", "bf16"].flatMap((dtype) => [
      ...sizesOf.map(([sizes, options3]) => inputCase(sizes, { ...options3, own: false, dtype })),
      inputCase(
        { R: 5, K: 2, E: 6, O: 6, I: 8 },
        {
          dtype,
          choice: "one",
          note: ", NaN in one row of dy, and in experts that no row takes",
          edit: (dy2, _, weight) => {
            dy2[(2 * 2 + 1) * 6 + 3] = NaN;
            weight.fill(NaN, 0, 4 * 6 * 8);
          }
        }
      )
    ]),
    ...quantizedTypes.flatMap((dtype) => {
      const block = blockOf(dtype);
      return [
        inputCase({ R: 1, K: 2, E: 4, O: 8, I: 3 * block }, { dtype }),
        inputCase({ R: 3, K: 2, E: 5, O: 7, I: block }, { dtype, view: true }),
        inputCase({ R: 9, K: 2, E: 3, O: 33, I: block }, { dtype, choice: "lopsided" }),
        inputCase(
          { R: 3, K: 2, E: 3, O: 9, I: 2 * block },
          { dtype, extreme: true, note: ", blocks at the ends of their ranges" }
        )
      ];
    })
  ],
  benchmarks: [inputCase({ R: 512, K: 6, E: 64, O: 512, I: 1536 })],
  minimal: {
    args: { dy: f32(3, 2, 6), weight: f32(4, 6, 5), experts: i32(3, 2) },
    dense: ["weight", "experts"],
    anyWidth: ["weight"],
    call: (k, t2) => [k.expertLinearBackwardInput(t2.dy, t2.weight, t2.experts)]
  },
  batched: { arguments: ["dy"] }
});
var expertLinearBackwardWeight2 = defineTrainingOp("expertLinearBackwardWeight", {
  reference: weightReference,
  cases: [
    ...sizesOf.map(([sizes, options3]) => weightCase(sizes, options3)),
    weightCase(
      { R: 5, K: 2, E: 4, O: 6, I: 8 },
      {
        note: ", NaN in one row of dy",
        edit: (dy2) => {
          dy2[(2 * 2 + 1) * 6 + 3] = NaN;
        }
      }
    )
  ],
  benchmarks: [weightCase({ R: 512, K: 6, E: 64, O: 512, I: 1536 })],
  minimal: {
    args: { dy: f32(3, 2, 6), x: f32(3, 5), experts: i32(3, 2) },
    dense: ["experts"],
    anyWidth: ["dy", "x"],
    call: (k, t2) => [k.expertLinearBackwardWeight(t2.dy, t2.x, t2.experts, 4)]
  },
  outOfRange: (k, scope) => {
    const [dy2, x] = [scope.use(k.zeros([3, 2, 6], "f32")), scope.use(k.zeros([3, 5], "f32"))];
    const experts = scope.use(k.zeros([3, 2], "i32"));
    return [
      ["no experts", () => k.expertLinearBackwardWeight(dy2, x, experts, 0)],
      ["half an expert", () => k.expertLinearBackwardWeight(dy2, x, experts, 2.5)]
    ];
  }
});

// ../conformance/src/ops/flip.ts
function reference19(batch, length, channels2, x) {
  const y = new Float64Array(batch * length * channels2);
  for (let b = 0; b < batch; b++) {
    for (let l = 0; l < length; l++) {
      for (let d = 0; d < channels2; d++) {
        y[(b * length + l) * channels2 + d] = x[(b * length + length - 1 - l) * channels2 + d];
      }
    }
  }
  return y;
}
function build9(B5, L4, D2, view) {
  const label = `B${B5} L${L4} D${D2}${view ? " of a view" : ""}`;
  return defineCase({
    op: "flip",
    label,
    sizes: { B: B5, L: L4, D: D2 },
    cost: { flops: 0, bytes: bytesOf2(2 * B5 * L4 * D2) },
    inputs: () => {
      const x = floats2(new Random(`flip ${label}`).normals(B5 * L4 * D2), [B5, L4, D2]);
      return { x: view ? asView(x) : x };
    },
    run: (kernel2, t2) => ({ y: kernel2.flip(t2.x) }),
    reference: (v) => ({ y: result([B5, L4, D2], reference19(B5, L4, D2, v.x)) })
  });
}
var flip3 = defineOp("flip", {
  reference: reference19,
  cases: [
    ...lengths.map((L4, i) => build9(i % 3 + 1, L4, cycled([1, 5, 17], i), false)),
    build9(2, 7, 5, true),
    build9(3, 33, 1, true)
  ],
  minimal: { args: { x: f32(B, L, D) }, call: (k, t2) => [k.flip(t2.x)] },
  rows: { arguments: ["x"], many: [build9(manyRows, 5, 9, false)] }
});

// ../conformance/src/ops/gelu.ts
var forms2 = ["none", "tanh"];
var root = Math.sqrt(2 / Math.PI);
var cubic = 0.044715;
function reference20(x, approximate) {
  return Float64Array.from(
    x,
    (v) => approximate === "none" ? v * (1 + erf(v / Math.SQRT2)) / 2 : v * (1 + Math.tanh(root * (v + cubic * v ** 3))) / 2
  );
}
function slope(x, approximate) {
  if (approximate === "none") {
    return (1 + erf(x / Math.SQRT2)) / 2 + x * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
  }
  const t2 = Math.tanh(root * (x + cubic * x ** 3));
  return (1 + t2) / 2 + x / 2 * (1 - t2 * t2) * root * (1 + 3 * cubic * x * x);
}
function backwardReference3(dy2, x, approximate) {
  return Float64Array.from(dy2, (gradient, i) => gradient * slope(x[i], approximate));
}
function both(make) {
  return forms2.flatMap(
    (approximate) => make(approximate).map((item) => ({ ...item, name: `${item.name}, ${approximate}` }))
  );
}
var definition4 = (approximate) => ({
  op: "gelu",
  run: (kernel2, x) => kernel2.gelu(x, approximate),
  reference: (x) => reference20(x, approximate),
  flops: 8
});
var backward = (approximate) => ({
  op: "geluBackward",
  run: (kernel2, dy2, x) => kernel2.geluBackward(dy2, x, approximate),
  reference: (dy2, x) => backwardReference3(dy2, x, approximate),
  flops: 14,
  draw: (random, count) => random.normals(count, 3)
});
var special2 = [0, NaN, 1e-8, -1e-8, 1e-3, -1e-3, 0.7, -0.75, 3, -3, 5.5, -5.5, 9, -9, 1e3, -1e3];
var gelu3 = defineOp("gelu", {
  reference: reference20,
  cases: both((form) => fewUnaryCases(definition4(form), [...special2, Infinity])),
  rows: { arguments: ["x"], many: both((form) => unaryRows(definition4(form)).many) },
  minimal: { args: { x: f32(B, L, D) }, anyAxes: ["x"], call: (k, t2) => [k.gelu(t2.x, "none")] },
  outOfRange: (kernel2, scope) => {
    const x = scope.use(kernel2.zeros([2, 5], "f32"));
    return [["an unknown form", () => kernel2.gelu(x, "erf")]];
  }
});
var geluBackward3 = defineTrainingOp("geluBackward", {
  reference: backwardReference3,
  cases: both((form) => backwardCases(backward(form), special2)),
  minimal: {
    args: { dy: f32(B, L, D), x: f32(B, L, D) },
    call: (k, t2) => [k.geluBackward(t2.dy, t2.x, "tanh")]
  },
  outOfRange: (kernel2, scope) => {
    const x = scope.use(kernel2.zeros([2, 5], "f32"));
    return [["an unknown form", () => kernel2.geluBackward(x, x, "erf")]];
  }
});

// ../conformance/src/ops/layerNorm.ts
function statistics(row, eps) {
  const mean3 = row.reduce((sum, x) => sum + x, 0) / row.length;
  const variance = row.reduce((sum, x) => sum + (x - mean3) ** 2, 0) / row.length;
  return { mean: mean3, scale: 1 / Math.sqrt(variance + eps) };
}
function reference21(rows2, features, x, weight, bias, eps) {
  const y = Float64Array.from(x);
  for (let r2 = 0; r2 < rows2; r2++) {
    const row = y.subarray(r2 * features, (r2 + 1) * features);
    const { mean: mean3, scale: scale4 } = statistics(row, eps);
    row.forEach((value, d) => {
      row[d] = (value - mean3) * scale4 * (weight?.[d] ?? 1) + (bias?.[d] ?? 0);
    });
  }
  return y;
}
function backwardReference4(rows2, features, dy2, x, weight, eps) {
  const dx = new Float64Array(rows2 * features);
  const [dWeight, dBias] = [new Float64Array(features), new Float64Array(features)];
  for (let r2 = 0; r2 < rows2; r2++) {
    const row = Float64Array.from({ length: features }, (_, d) => x[r2 * features + d]);
    const { mean: mean3, scale: scale4 } = statistics(row, eps);
    const n = row.map((value) => (value - mean3) * scale4);
    const g = row.map((_, d) => dy2[r2 * features + d] * (weight?.[d] ?? 1));
    const meanG = g.reduce((sum, value) => sum + value, 0) / features;
    const meanGN = g.reduce((sum, value, d) => sum + value * n[d], 0) / features;
    for (let d = 0; d < features; d++) {
      dx[r2 * features + d] = scale4 * (g[d] - meanG - n[d] * meanGN);
      dWeight[d] += dy2[r2 * features + d] * n[d];
      dBias[d] += dy2[r2 * features + d];
    }
  }
  return { dx, dWeight, dBias };
}
function partsOf2(op, rows2, D2, options3) {
  const { weight = false, bias = false, view = false, eps = 1e-5, mean: mean3 = 0, note = "" } = options3;
  const { leading = [rows2], values = [] } = options3;
  const flags = `${weight ? " +weight" : ""}${bias ? " +bias" : ""}${view ? " of a view" : ""}`;
  const label = `rows ${rows2} D${D2} eps ${eps}${flags}${note}`;
  const shape = [...leading, D2];
  return {
    ...{ label, eps, shape, weight, bias, parameters: (weight ? 1 : 0) + (bias ? 1 : 0) },
    inputs: () => {
      const random = new Random(`${op} ${label}`);
      const data = random.normals(rows2 * D2).map((x2) => x2 + mean3);
      const x = floats2(withValues(data, values), shape);
      const place2 = (input, before) => view ? asView(input, before, 2) : input;
      return {
        dy: place2(floats2(random.normals(rows2 * D2), shape), 1),
        x: place2(x, 3),
        weight: weight ? floats2(random.normals(D2), [D2]) : void 0,
        bias: bias ? floats2(random.normals(D2), [D2]) : void 0
      };
    }
  };
}
function build10(rows2, D2, options3 = {}) {
  const { label, eps, shape, parameters, inputs } = partsOf2("layerNorm", rows2, D2, options3);
  return defineCase({
    op: "layerNorm",
    label,
    sizes: { rows: rows2, D: D2 },
    cost: { flops: rows2 * ((5 + parameters) * D2 + 4), bytes: bytesOf2(2 * rows2 * D2 + parameters * D2) },
    inputs: () => {
      const { x, weight, bias } = inputs();
      return { x, weight, bias };
    },
    run: (kernel2, t2) => ({ y: kernel2.layerNorm(t2.x, t2.weight, t2.bias, eps) }),
    reference: (v) => ({ y: result(shape, reference21(rows2, D2, v.x, v.weight, v.bias, eps)) })
  });
}
function backwardCase3(rows2, D2, options3 = {}) {
  const { label, eps, shape, weight, bias, parameters, inputs } = partsOf2(
    "layerNormBackward",
    rows2,
    D2,
    options3
  );
  return defineTrainingCase({
    op: "layerNormBackward",
    label,
    sizes: { rows: rows2, D: D2 },
    cost: {
      flops: rows2 * ((12 + 2 * parameters) * D2 + 6),
      bytes: bytesOf2(3 * rows2 * D2 + 2 * parameters * D2)
    },
    inputs,
    run: (kernel2, t2) => {
      const { dx, dWeight, dBias } = kernel2.layerNormBackward(t2.dy, t2.x, t2.weight, t2.bias, eps);
      return { dx, ...dWeight && { dWeight }, ...dBias && { dBias } };
    },
    reference: (v) => {
      const { dx, dWeight, dBias } = backwardReference4(rows2, D2, v.dy, v.x, v.weight, eps);
      return {
        dx: result(shape, dx),
        ...weight && { dWeight: result([D2], dWeight) },
        ...bias && { dBias: result([D2], dBias) }
      };
    }
  });
}
function badEps(call) {
  return [
    ["eps negative", () => call(-1e-5)],
    ["eps NaN", () => call(NaN)]
  ];
}
var equal = new Array(8).fill(0.5);
var layerNorm3 = defineOp("layerNorm", {
  reference: reference21,
  cases: [
    build10(3, 33, { weight: true, bias: true }),
    build10(6, 48, { view: true, leading: [2, 3], weight: true, note: ", three axes" }),
    build10(2, 2049, { bias: true }),
    build10(130, 24),
    build10(5, 129, { mean: 30, weight: true, note: ", a large mean" }),
    build10(3, 8, { weight: true, bias: true, values: equal, note: ", a row of equal elements" }),
    build10(4, 9, {
      values: [1, NaN, 2, 3, 4, 5, 6, 7, 8, 9, Infinity],
      note: ", NaN in one row, infinity in one"
    })
  ],
  rows: {
    arguments: ["x"],
    many: [build10(manyRows, 517, { weight: true, bias: true }), build10(manyRows, 10)]
  },
  minimal: {
    args: { x: f32(B, L, D), weight: f32(D), bias: f32(D) },
    anyAxes: ["x"],
    dense: ["weight", "bias"],
    call: (k, t2) => [k.layerNorm(t2.x, t2.weight, t2.bias, 1e-5)]
  },
  outOfRange: (kernel2, scope) => {
    const x = scope.use(kernel2.zeros([2, 5], "f32"));
    return badEps((eps) => kernel2.layerNorm(x, void 0, void 0, eps));
  }
});
var layerNormBackward3 = defineTrainingOp("layerNormBackward", {
  reference: backwardReference4,
  cases: [
    backwardCase3(3, 33, { weight: true, bias: true }),
    backwardCase3(6, 48, { view: true, leading: [2, 3], weight: true, note: ", three axes" }),
    backwardCase3(2, 2049, { bias: true }),
    backwardCase3(513, 5, { weight: true, bias: true }),
    backwardCase3(5, 129, { mean: 30, note: ", a large mean" }),
    backwardCase3(4, 9, { weight: true, values: [1, NaN], note: ", NaN in one row" })
  ],
  minimal: {
    args: { dy: f32(B, L, D), x: f32(B, L, D), weight: f32(D), bias: f32(D) },
    dense: ["weight", "bias"],
    call: (k, t2) => {
      const { dx, dWeight, dBias } = k.layerNormBackward(t2.dy, t2.x, t2.weight, t2.bias, 1e-5);
      return [dx, dWeight, dBias].filter((tensor) => tensor !== void 0);
    }
  },
  batched: { arguments: ["dy", "x"], results: ["dx"] },
  outOfRange: (kernel2, scope) => {
    const x = scope.use(kernel2.zeros([2, 5], "f32"));
    return badEps((eps) => kernel2.layerNormBackward(x, x, void 0, void 0, eps));
  }
});

// ../conformance/src/ops/linear.ts
function reference22(rows2, inFeatures, outFeatures, x, weight, bias) {
  const y = new Float64Array(rows2 * outFeatures);
  for (let r2 = 0; r2 < rows2; r2++) {
    for (let o = 0; o < outFeatures; o++) {
      let sum = bias?.[o] ?? 0;
      for (let i = 0; i < inFeatures; i++) sum += x[r2 * inFeatures + i] * weight[o * inFeatures + i];
      y[r2 * outFeatures + o] = sum;
    }
  }
  return y;
}
function build11(rows2, I, O, options3 = {}) {
  const {
    dtype = "f32",
    bias = false,
    view = false,
    leading = [rows2],
    note = "",
    extreme = false,
    edit
  } = options3;
  const label = `rows ${rows2} in ${I} out ${O} ${dtype}${bias ? " +bias" : ""}${view ? " of a view" : ""}${note}`;
  return defineCase({
    op: "linear",
    label,
    sizes: { rows: rows2, I, O },
    cost: {
      flops: 2 * rows2 * I * O,
      bytes: bytesOf2(rows2 * (I + O) + (bias ? O : 0)) + bytesOf2(I * O, dtype)
    },
    requires: [{ op: "linear", dtype }],
    roundedTolerance: isQuantized(dtype) ? roundedTolerance(rows2 * O) : void 0,
    inputs: () => {
      const random = new Random(`linear ${label}`);
      const x = random.normals(rows2 * I);
      const weight = random.normals(isQuantized(dtype) ? 0 : O * I, I ** -0.5);
      edit?.(x, weight);
      const input = floats2(x, [...leading, I]);
      return {
        x: view ? asView(input) : input,
        weight: isQuantized(dtype) ? (extreme ? extremeBlocks : randomBlocks)(random, [O, I], dtype) : floats2(weight, [O, I], dtype),
        bias: bias ? floats2(random.normals(O), [O]) : void 0
      };
    },
    run: (kernel2, t2) => ({ y: kernel2.linear(t2.x, t2.weight, t2.bias) }),
    reference: (v) => ({ y: result([...leading, O], reference22(rows2, I, O, v.x, v.weight, v.bias)) })
  });
}
var dtypes2 = ["f32", "f16", "bf16"];
var odd = [
  [1, 1, 1],
  [1, 1, 9],
  [3, 1, 5],
  [1, 7, 1],
  [2, 5, 3],
  [4, 3, 33],
  [9, 33, 1],
  [1, 513, 129],
  [1, 64, 517]
];
var rowCounts = [1, 2, 3, 4, 5, 6, 7, 8, 9, 64, 130];
var one = (x, i, value) => {
  x[i] = value;
};
var shapeCases = dtypes2.flatMap((dtype) => [
  ...odd.map(([rows2, I, O], i) => build11(rows2, I, O, { dtype, bias: i % 2 === 1 })),
  ...rowCounts.map((rows2, i) => build11(rows2, 37, 43, { dtype, bias: i % 2 === 0 })),
  build11(64, 129, 66, { dtype, bias: true }),
  build11(130, 257, 97, { dtype }),
  build11(17, 1031, 35, { dtype, note: ", deeper than a cache block" }),
  build11(67, 40, 1100, { dtype, bias: true, note: ", wider than a cache block" }),
  build11(301, 24, 34, { dtype, note: ", taller than a cache block" }),
  build11(1, 768, 1030, { dtype, note: ", a decoded token" }),
  build11(8, 130, 1030, { dtype, note: ", eight decoded tokens" }),
  build11(5, 48, 80, { dtype, view: true, bias: true }),
  build11(1, 48, 80, { dtype, view: true }),
  build11(130, 33, 65, { dtype, view: true }),
  build11(6, 16, 24, { dtype, leading: [2, 3], note: ", three axes" }),
  build11(7, 9, 11, {
    dtype,
    note: ", NaN in one row of x",
    edit: (x) => {
      one(x, 3 * 9 + 4, NaN);
    }
  }),
  build11(1, 64, 33, {
    dtype,
    note: ", NaN and infinity in one row each of the weight",
    edit: (_, w) => {
      one(w, 5 * 64 + 63, NaN);
      one(w, 17 * 64 + 2, Infinity);
      one(w, 32 * 64 + 31, -Infinity);
    }
  }),
  build11(9, 35, 10, {
    dtype,
    note: ", infinity in x, NaN in the last row of the weight",
    edit: (x, w) => {
      one(x, 2 * 35 + 34, Infinity);
      one(w, 9 * 35, NaN);
    }
  })
]);
function quantizedCases2(dtype) {
  const block = blockOf(dtype);
  return [
    build11(1, block, 1, { dtype }),
    build11(1, 3 * block, 257, { dtype, bias: true }),
    build11(2, 5 * block, 3, { dtype }),
    build11(3, block, 129, { dtype, bias: true }),
    build11(5, 2 * block, 67, { dtype }),
    build11(9, 7 * block, 7, { dtype, bias: true }),
    build11(33, 3 * block, 11, { dtype }),
    build11(33, block, 70, { dtype, bias: true }),
    build11(1, 4 * block, 33, { dtype, view: true }),
    build11(5, 3 * block, 7, { dtype, view: true, bias: true }),
    build11(6, block, 24, { dtype, leading: [2, 3], note: ", three axes" }),
    build11(9, 4 * block, 24, { dtype, extreme: true, note: ", blocks at the ends of their ranges" }),
    build11(1, 3 * block, 24, { dtype, extreme: true, note: ", blocks at the ends of their ranges" }),
    build11(7, 2 * block, 5, {
      dtype,
      note: ", NaN in one row of x, another of zeros",
      edit: (x) => {
        one(x, 3 * 2 * block + 4, NaN);
        x.fill(0, 5 * 2 * block, 6 * 2 * block);
      }
    })
  ];
}
var linear3 = defineOp("linear", {
  reference: reference22,
  cases: [
    ...shapeCases,
    ...quantizedTypes.flatMap(quantizedCases2),
    build11(2, 40, 12, {
      dtype: "f16",
      note: ", all weights subnormal in f16",
      edit: (_, w) => {
        w.forEach((value, i) => w[i] = value * 1e-4);
      }
    }),
    build11(2, 40, 12, {
      dtype: "f16",
      note: ", weights near the largest f16",
      edit: (_, w) => {
        w.set(withValues(new Float32Array(w.length), [65504, -65504, 32768.5, 6e4]));
      }
    }),
    build11(2, 40, 12, {
      dtype: "bf16",
      note: ", weights with the exponents only bf16 has",
      edit: (_, w) => {
        w.forEach((value, i) => w[i] = value * (i % 2 ? 1e30 : 1e-30));
      }
    })
  ],
  // The projections of mamba-130m: in training or for a prompt, and for one token.
  benchmarks: ["f32", "f16", "q8_0", "q4_0", "q4_k"].flatMap((dtype) => [
    build11(512, 768, 3072, { dtype }),
    build11(1, 768, 3072, { dtype, note: ", in_proj" }),
    build11(1, 1536, 80, { dtype, note: ", x_proj" }),
    ...isQuantized(dtype) ? [] : [build11(1, 48, 1536, { dtype, note: ", dt_proj" })],
    build11(1, 1536, 768, { dtype, note: ", out_proj" }),
    build11(1, 768, 50280, { dtype, note: ", head" })
  ]),
  minimal: {
    args: { x: f32(B, L, D), weight: f32(6, D), bias: f32(6) },
    dense: ["weight"],
    anyAxes: ["x"],
    call: (k, t2) => [k.linear(t2.x, t2.weight, t2.bias)]
  },
  rows: {
    arguments: ["x"],
    // Depths below and above that of a cache block, and odd ones; the last columns fill no tile.
    many: [
      ...quantizedTypes.map(
        (dtype, i) => i % 2 === 0 ? build11(manyRows, 5 * blockOf(dtype), 37, { dtype, bias: true }) : build11(manyRows, 2 * blockOf(dtype), 70, { dtype, view: true })
      ),
      ...["q8_0", "q6_k"].map((dtype) => build11(manyRows, 1536, 10, { dtype })),
      ...dtypes2.flatMap((dtype) => [
        build11(manyRows, 40, 35, { dtype }),
        build11(manyRows, 129, 70, { dtype, bias: true }),
        build11(manyRows, 1536, 37, { dtype, bias: true }),
        build11(manyRows, 2063, 10, { dtype }),
        build11(manyRows, 48, 80, { dtype, view: true }),
        build11(manyRows, 1100, 9, {
          dtype,
          note: ", infinity in the weight",
          edit: (_, w) => {
            one(w, 2 * 1100 + 700, Infinity);
          }
        })
      ])
    ]
  }
});

// ../conformance/src/ops/linearBackward.ts
function inputReference2(rows2, inFeatures, outFeatures, dy2, weight) {
  const dx = new Float64Array(rows2 * inFeatures);
  for (let r2 = 0; r2 < rows2; r2++) {
    for (let i = 0; i < inFeatures; i++) {
      let sum = 0;
      for (let o = 0; o < outFeatures; o++) sum += dy2[r2 * outFeatures + o] * weight[o * inFeatures + i];
      dx[r2 * inFeatures + i] = sum;
    }
  }
  return dx;
}
function weightReference2(rows2, inFeatures, outFeatures, dy2, x) {
  const dWeight = new Float64Array(outFeatures * inFeatures);
  for (let o = 0; o < outFeatures; o++) {
    for (let i = 0; i < inFeatures; i++) {
      let sum = 0;
      for (let r2 = 0; r2 < rows2; r2++) sum += dy2[r2 * outFeatures + o] * x[r2 * inFeatures + i];
      dWeight[o * inFeatures + i] = sum;
    }
  }
  return dWeight;
}
function place(view, input, before, after) {
  if (view === "aligned") return asView(input, 4, -(input.shape.at(-1) ?? 0) & 3);
  return view ? asView(input, before, after) : input;
}
var nameOf = (rows2, I, O, { view, note = "" }, dtype = "") => `rows ${rows2} in ${I} out ${O}${dtype}${view ? ` of ${view === "aligned" ? "aligned " : ""}views` : ""}${note}`;
function inputCase2(rows2, I, O, options3 = {}) {
  const { dtype = "f32", view = false, leading = [rows2], extreme = false, edit } = options3;
  const label = nameOf(rows2, I, O, options3, ` ${dtype}`);
  return defineTrainingCase({
    op: "linearBackwardInput",
    label,
    sizes: { rows: rows2, I, O },
    cost: { flops: 2 * rows2 * I * O, bytes: bytesOf2(rows2 * (I + O)) + bytesOf2(I * O, dtype) },
    requires: [{ op: "linearBackwardInput", dtype }],
    inputs: () => {
      const random = new Random(`linearBackwardInput ${label}`);
      const dy2 = random.normals(rows2 * O);
      const weight = random.normals(isQuantized(dtype) ? 0 : O * I, O ** -0.5);
      edit?.(dy2, weight);
      return {
        dy: place(view, floats2(dy2, [...leading, O]), 3, 2),
        weight: isQuantized(dtype) ? (extreme ? extremeBlocks : randomBlocks)(random, [O, I], dtype) : floats2(weight, [O, I], dtype)
      };
    },
    run: (kernel2, t2) => ({ dx: kernel2.linearBackwardInput(t2.dy, t2.weight) }),
    reference: (v) => ({ dx: result([...leading, I], inputReference2(rows2, I, O, v.dy, v.weight)) })
  });
}
function weightCase2(rows2, I, O, options3 = {}) {
  const { view = false, leading = [rows2], edit } = options3;
  const label = nameOf(rows2, I, O, options3);
  return defineTrainingCase({
    op: "linearBackwardWeight",
    label,
    sizes: { rows: rows2, I, O },
    cost: { flops: 2 * rows2 * I * O, bytes: bytesOf2(rows2 * (I + O) + I * O) },
    inputs: () => {
      const random = new Random(`linearBackwardWeight ${label}`);
      const dy2 = random.normals(rows2 * O, rows2 ** -0.5);
      const x = random.normals(rows2 * I);
      edit?.(dy2, x);
      return {
        dy: place(view, floats2(dy2, [...leading, O]), 3, 2),
        x: place(view, floats2(x, [...leading, I]), 0, 5)
      };
    },
    run: (kernel2, t2) => ({ dWeight: kernel2.linearBackwardWeight(t2.dy, t2.x) }),
    reference: (v) => ({ dWeight: result([O, I], weightReference2(rows2, I, O, v.dy, v.x)) })
  });
}
var odd2 = [
  [1, 1, 1],
  [1, 9, 1],
  [3, 5, 1],
  [1, 1, 7],
  [2, 3, 5],
  [4, 33, 3],
  [9, 1, 33],
  [1, 129, 513],
  [7, 517, 64]
];
var rowCounts2 = [1, 2, 3, 4, 5, 6, 7, 8, 9, 64, 130];
var linearBackwardInput3 = defineTrainingOp("linearBackwardInput", {
  reference: inputReference2,
  cases: [
    ...quantizedTypes.flatMap((dtype) => {
      const block = blockOf(dtype);
      return [
        inputCase2(1, block, 1, { dtype }),
        inputCase2(1, 3 * block, 33, { dtype }),
        inputCase2(3, 5 * block, 7, { dtype }),
        inputCase2(5, 2 * block, 70, { dtype, view: true }),
        inputCase2(9, block, 257, { dtype }),
        inputCase2(33, 3 * block, 11, { dtype }),
        inputCase2(9, 2 * block, 24, { dtype, extreme: true, note: ", blocks at the ends of their ranges" }),
        inputCase2(6, block, 9, {
          dtype,
          leading: [2, 3],
          note: ", three axes, NaN in one row of dy",
          edit: (dy2) => {
            dy2[3 * 9 + 4] = NaN;
          }
        })
      ];
    }),
    ...["f32", "f16", "bf16"].flatMap((dtype) => [
      ...odd2.map(([rows2, I, O]) => inputCase2(rows2, I, O, { dtype })),
      ...rowCounts2.map((rows2) => inputCase2(rows2, 43, 37, { dtype })),
      inputCase2(64, 66, 129, { dtype }),
      inputCase2(130, 97, 257, { dtype }),
      inputCase2(17, 35, 1031, { dtype, note: ", deeper than a cache block" }),
      inputCase2(67, 1100, 40, { dtype, note: ", wider than a cache block" }),
      inputCase2(301, 34, 24, { dtype, note: ", taller than a cache block" }),
      inputCase2(5, 80, 48, { dtype, view: true }),
      inputCase2(1, 80, 48, { dtype, view: true }),
      inputCase2(70, 132, 67, { dtype, view: "aligned" }),
      inputCase2(5, 36, 18, { dtype, view: "aligned" }),
      inputCase2(6, 24, 16, { dtype, leading: [2, 3], note: ", three axes" }),
      inputCase2(7, 11, 9, {
        dtype,
        note: ", NaN in one row of dy",
        edit: (dy2) => {
          dy2[3 * 9 + 4] = NaN;
        }
      }),
      inputCase2(3, 33, 20, {
        dtype,
        note: ", NaN and infinity in one column each of the weight",
        edit: (_, weight) => {
          weight[5 * 33 + 32] = NaN;
          weight[17 * 33 + 2] = Infinity;
        }
      })
    ])
  ],
  benchmarks: [inputCase2(512, 768, 3072)],
  minimal: {
    args: { dy: f32(B, L, 6), weight: f32(6, D) },
    dense: ["weight"],
    anyAxes: ["dy"],
    anyWidth: ["weight"],
    call: (k, t2) => [k.linearBackwardInput(t2.dy, t2.weight)]
  },
  batched: { arguments: ["dy"] }
});
var linearBackwardWeight3 = defineTrainingOp("linearBackwardWeight", {
  reference: weightReference2,
  cases: [
    ...odd2.map(([rows2, I, O]) => weightCase2(rows2, I, O)),
    ...rowCounts2.map((rows2) => weightCase2(rows2, 37, 43)),
    weightCase2(66, 64, 129),
    weightCase2(257, 130, 97),
    weightCase2(1031, 17, 35, { note: ", deeper than a cache block" }),
    weightCase2(40, 67, 1100, { note: ", taller than a cache block" }),
    weightCase2(24, 301, 34, { note: ", wider than a cache block" }),
    weightCase2(20, 48, 80, { view: true }),
    weightCase2(1, 48, 80, { view: true }),
    weightCase2(130, 33, 65, { view: true }),
    weightCase2(301, 65, 130, { view: "aligned" }),
    weightCase2(11, 36, 18, { view: "aligned" }),
    weightCase2(6, 24, 16, { leading: [2, 3], note: ", three axes" }),
    weightCase2(7, 11, 9, {
      note: ", NaN in one column of dy and infinity in one of x",
      edit: (dy2, x) => {
        dy2[3 * 9 + 4] = NaN;
        x[6 * 11 + 10] = Infinity;
      }
    })
  ],
  benchmarks: [weightCase2(512, 768, 3072)],
  minimal: {
    args: { dy: f32(B, L, 6), x: f32(B, L, D) },
    anyWidth: ["dy", "x"],
    call: (k, t2) => [k.linearBackwardWeight(t2.dy, t2.x)]
  }
});

// ../conformance/src/ops/log.ts
function reference23(x) {
  return Float64Array.from(x, Math.log);
}
var definition5 = {
  op: "log",
  run: (kernel2, x) => kernel2.log(x),
  reference: reference23,
  flops: 1,
  draw: (random, count) => random.normals(count, 3).map(Math.exp)
};
var log3 = defineOp("log", {
  reference: reference23,
  cases: fewUnaryCases(definition5, [1, NaN, Infinity, 0, -0, -1, -Infinity, 1e-30, 1e30, 2, 1.001, 0.999]),
  rows: unaryRows(definition5),
  minimal: { args: { x: f32(B, L, D) }, anyAxes: ["x"], call: (k, t2) => [k.log(t2.x)] }
});

// ../conformance/src/cases/pooling.ts
var rowsAlone = void 0;
function pooledRows(B5, L4, outside = false) {
  const ids = [];
  const ranges = [];
  const fill4 = (from, to, hole = -1) => {
    for (let i = from; i < to; i++) if (i !== hole) ids[i] = ranges.length;
    ranges.push([from, to]);
  };
  for (let b = 0; b < B5; b++) {
    const start = b * L4;
    for (let l = 0; l < L4; l++) ids[start + l] = [-1, -(2 ** 31), -7][l % 3] ?? -1;
    if (b % 3 === 0) {
      fill4(start, start + 1);
      fill4(start + 1, start + 4);
      fill4(start + 5, start + L4 - 1);
    } else if (b % 3 === 1) fill4(start + 2, start + L4, start + 5);
  }
  ranges.push([3, 3], [0, 5]);
  if (outside) {
    ids[B5 * L4 - 1] = ranges.length;
    ranges.push([-5, B5 * L4 + 9]);
    ranges.push([B5 * L4 + 3, B5 * L4 + 7]);
  }
  return { ids, ranges };
}
function pooledInputs(pooled, B5, L4) {
  if (pooled === void 0) return { sequenceIds: void 0, ranges: void 0 };
  const { ids, ranges } = pooled;
  return { sequenceIds: ints(ids, [B5, L4]), ranges: ints(ranges.flat(), [ranges.length, 2]) };
}
function pooledCount(pooled) {
  return pooled ? pooled.ids.length + 2 * pooled.ranges.length : 0;
}

// ../conformance/src/ops/meanPositions.ts
function countedPositions(batch, length, { sequenceIds, ranges }) {
  if (sequenceIds === void 0 || ranges === void 0) {
    return Array.from({ length: batch }, (_, b) => Array.from({ length }, (_2, l) => b * length + l));
  }
  return Array.from({ length: ranges.length / 2 }, (_, s) => {
    const positions = Array.from({ length: batch * length }, (_2, p) => p);
    return positions.filter((p) => p >= ranges[2 * s] && p < ranges[2 * s + 1] && sequenceIds[p] === s);
  });
}
function reference24(batch, length, channels2, x, sequences = {}) {
  const counted = countedPositions(batch, length, sequences);
  return Float64Array.from({ length: counted.length * channels2 }, (_, i) => {
    const positions = counted[Math.floor(i / channels2)] ?? [];
    const d = i % channels2;
    return positions.reduce((sum, p) => sum + x[p * channels2 + d], 0) / positions.length;
  });
}
function backwardReference5(batch, length, channels2, dy2, sequences = {}) {
  const dx = new Float64Array(batch * length * channels2);
  for (const [s, positions] of countedPositions(batch, length, sequences).entries()) {
    for (const p of positions) {
      for (let d = 0; d < channels2; d++) dx[p * channels2 + d] = dy2[s * channels2 + d] / positions.length;
    }
  }
  return dx;
}
function labelOf2([B5, L4, D2], pooled, view, note) {
  return `B${B5} L${L4} D${D2}${pooled ? ` S${pooled.ranges.length}` : ""}${view ? " of a view" : ""}${note}`;
}
function build12(sizes, pooled, view = false, note = "") {
  const [B5, L4, D2] = sizes;
  const label = labelOf2(sizes, pooled, view, note);
  const S3 = pooled?.ranges.length ?? B5;
  return defineCase({
    op: "meanPositions",
    label,
    sizes: { B: B5, L: L4, D: D2, S: S3 },
    cost: { flops: B5 * L4 * D2 + S3 * D2, bytes: bytesOf2(B5 * L4 * D2 + S3 * D2 + pooledCount(pooled)) },
    inputs: () => {
      const data = new Random(`meanPositions ${label}`).normals(B5 * L4 * D2);
      pooled?.ids.forEach((id, p) => {
        if (id < 0) data.fill(NaN, p * D2, (p + 1) * D2);
      });
      const x = floats2(data, [B5, L4, D2]);
      return { x: view ? asView(x) : x, ...pooledInputs(pooled, B5, L4) };
    },
    run: (kernel2, t2) => ({ y: kernel2.meanPositions(t2) }),
    reference: (v) => ({ y: result([S3, D2], reference24(B5, L4, D2, v.x, v)) })
  });
}
function backwardCase4(sizes, pooled, view = false, note = "") {
  const [B5, L4, D2] = sizes;
  const label = labelOf2(sizes, pooled, view, note);
  const S3 = pooled?.ranges.length ?? B5;
  return defineTrainingCase({
    op: "meanPositionsBackward",
    label,
    sizes: { B: B5, L: L4, D: D2, S: S3 },
    cost: { flops: B5 * L4 * D2, bytes: bytesOf2(B5 * L4 * D2 + S3 * D2 + pooledCount(pooled)) },
    inputs: () => {
      const dy2 = floats2(new Random(`meanPositionsBackward ${label}`).normals(S3 * D2), [S3, D2]);
      return { dy: view ? asView(dy2) : dy2, ...pooledInputs(pooled, B5, L4) };
    },
    run: (kernel2, t2) => ({ dx: kernel2.meanPositionsBackward({ ...t2, batch: B5, length: L4 }) }),
    reference: (v) => ({ dx: result([B5, L4, D2], backwardReference5(B5, L4, D2, v.dy, v)) })
  });
}
var S = 3;
var meanPositions3 = defineOp("meanPositions", {
  reference: reference24,
  cases: [
    build12([3, 7, 5], rowsAlone),
    build12([2, 33, 17], rowsAlone, true),
    build12([1, 701, 3], rowsAlone, false, ", a long row"),
    build12([5, 13, 6], pooledRows(5, 13), true),
    build12([2, 9, 301], pooledRows(2, 9, true), false, ", ranges that reach out of the batch")
  ],
  rows: { arguments: ["x"], many: [build12([manyRows, 9, 37], rowsAlone)] },
  minimal: {
    args: { x: f32(B, L, D), sequenceIds: i32(B, L), ranges: i32(S, 2) },
    anyWidth: ["x"],
    dense: ["sequenceIds", "ranges"],
    call: (k, t2) => [k.meanPositions(t2)]
  },
  outOfRange: (kernel2, scope) => {
    const x = scope.use(kernel2.zeros([B, L, D], "f32"));
    const sequenceIds = scope.use(kernel2.zeros([B, L], "i32"));
    return [["sequenceIds without ranges", () => kernel2.meanPositions({ x, sequenceIds })]];
  }
});
var meanPositionsBackward3 = defineTrainingOp("meanPositionsBackward", {
  reference: backwardReference5,
  cases: [
    backwardCase4([3, 7, 5], rowsAlone),
    backwardCase4([2, 33, 67], rowsAlone, true),
    backwardCase4([5, 13, 6], pooledRows(5, 13), true),
    backwardCase4([2, 9, 301], pooledRows(2, 9, true), false, ", ranges that reach out of the batch")
  ],
  minimal: {
    args: { dy: f32(S, D), sequenceIds: i32(B, L), ranges: i32(S, 2) },
    anyWidth: ["dy"],
    dense: ["sequenceIds", "ranges"],
    call: (k, t2) => [k.meanPositionsBackward({ ...t2, batch: B, length: L })]
  },
  outOfRange: (kernel2, scope) => {
    const dy2 = scope.use(kernel2.zeros([B, D], "f32"));
    const ranges = scope.use(kernel2.zeros([B, 2], "i32"));
    return [
      ["batch 0", () => kernel2.meanPositionsBackward({ dy: dy2, batch: 0, length: L })],
      ["length 0.5", () => kernel2.meanPositionsBackward({ dy: dy2, batch: B, length: 0.5 })],
      ["ranges without ids", () => kernel2.meanPositionsBackward({ dy: dy2, batch: B, length: L, ranges })]
    ];
  }
});

// ../conformance/src/ops/maxPositions.ts
function reference25(batch, length, channels2, x, sequences = {}) {
  const counted = countedPositions(batch, length, sequences);
  const y = new Float64Array(counted.length * channels2).fill(NaN);
  const index = new Int32Array(counted.length * channels2).fill(-1);
  for (const [s, positions] of counted.entries()) {
    for (let d = 0; d < channels2; d++) {
      const i = s * channels2 + d;
      for (const p of positions) {
        const value = x[p * channels2 + d];
        if (index[i] >= 0 && !(value > y[i] || Number.isNaN(value) && !Number.isNaN(y[i]))) continue;
        y[i] = value;
        index[i] = p;
      }
    }
  }
  return { y, index };
}
function backwardReference6(batch, length, channels2, dy2, index) {
  const dx = new Float64Array(batch * length * channels2);
  for (let i = 0; i < dy2.length; i++) {
    const p = index[i];
    if (p >= 0 && p < batch * length) dx[p * channels2 + i % channels2] += dy2[i];
  }
  return dx;
}
function build13([B5, L4, D2], pooled, options3 = {}) {
  const { view = false, note = "", edit } = options3;
  const label = `B${B5} L${L4} D${D2}${pooled ? ` S${pooled.ranges.length}` : ""}${view ? " of a view" : ""}${note}`;
  const S3 = pooled?.ranges.length ?? B5;
  return defineCase({
    op: "maxPositions",
    label,
    sizes: { B: B5, L: L4, D: D2, S: S3 },
    cost: { flops: B5 * L4 * D2, bytes: bytesOf2(B5 * L4 * D2 + 2 * S3 * D2 + pooledCount(pooled)) },
    inputs: () => {
      const data = new Random(`maxPositions ${label}`).normals(B5 * L4 * D2);
      pooled?.ids.forEach((id, p) => {
        if (id < 0) data.fill(NaN, p * D2, (p + 1) * D2);
      });
      edit?.(data);
      const x = floats2(data, [B5, L4, D2]);
      return { x: view ? asView(x) : x, ...pooledInputs(pooled, B5, L4) };
    },
    run: (kernel2, t2) => ({ ...kernel2.maxPositions(t2) }),
    reference: (v) => {
      const { y, index } = reference25(B5, L4, D2, v.x, v);
      return { y: result([S3, D2], y), index: result([S3, D2], index) };
    }
  });
}
function backwardCase5([B5, L4, D2], S3, view = false) {
  const label = `B${B5} L${L4} D${D2} S${S3}${view ? " of a view" : ""}`;
  return defineTrainingCase({
    op: "maxPositionsBackward",
    label,
    sizes: { B: B5, L: L4, D: D2, S: S3 },
    cost: { flops: S3 * D2, bytes: bytesOf2(B5 * L4 * D2 + 2 * S3 * D2) },
    inputs: () => {
      const random = new Random(`maxPositionsBackward ${label}`);
      const dy2 = floats2(random.normals(S3 * D2), [S3, D2]);
      const own = Math.floor(B5 * L4 / S3);
      const index = Array.from({ length: S3 * D2 }, (_, i) => {
        const outside = [-1, B5 * L4, -(2 ** 31), 2 ** 31 - 1][i] ?? 0;
        return i < 4 ? outside : Math.floor(i / D2) * own + random.integer(0, own - 1);
      });
      return { dy: view ? asView(dy2) : dy2, index: ints(index, [S3, D2]) };
    },
    run: (kernel2, t2) => ({ dx: kernel2.maxPositionsBackward({ ...t2, batch: B5, length: L4 }) }),
    reference: (v) => ({ dx: result([B5, L4, D2], backwardReference6(B5, L4, D2, v.dy, v.index)) })
  });
}
var S2 = 3;
var maxPositions3 = defineOp("maxPositions", {
  reference: reference25,
  cases: [
    build13([3, 7, 5], rowsAlone),
    build13([2, 33, 17], rowsAlone, { view: true }),
    build13([1, 701, 3], rowsAlone, { note: ", a long row" }),
    build13([5, 13, 6], pooledRows(5, 13), { view: true }),
    build13([2, 9, 301], pooledRows(2, 9, true), { note: ", ranges that reach out of the batch" }),
    build13([2, 5, 4], rowsAlone, {
      note: ", equal values, NaN and infinities",
      edit: (x) => {
        for (let l = 0; l < 5; l++) x.set([l < 3 ? 2 : 1, l === 1 || l === 3 ? NaN : 9, -Infinity, 1], 4 * l);
        x[7] = Infinity;
        x[15] = Infinity;
      }
    })
  ],
  rows: { arguments: ["x"], many: [build13([manyRows, 9, 37], rowsAlone)], results: ["y"] },
  minimal: {
    args: { x: f32(B, L, D), sequenceIds: i32(B, L), ranges: i32(S2, 2) },
    anyWidth: ["x"],
    dense: ["sequenceIds", "ranges"],
    call: (k, t2) => {
      const { y, index } = k.maxPositions(t2);
      return [y, index];
    }
  },
  outOfRange: (kernel2, scope) => {
    const x = scope.use(kernel2.zeros([B, L, D], "f32"));
    const ranges = scope.use(kernel2.zeros([B, 2], "i32"));
    return [["ranges without sequenceIds", () => kernel2.maxPositions({ x, ranges })]];
  }
});
var maxPositionsBackward3 = defineTrainingOp("maxPositionsBackward", {
  reference: backwardReference6,
  cases: [backwardCase5([3, 7, 5], 3), backwardCase5([2, 33, 67], 7, true), backwardCase5([1, 5, 1001], 2)],
  minimal: {
    args: { dy: f32(S2, D), index: i32(S2, D) },
    dense: ["index"],
    call: (k, t2) => [k.maxPositionsBackward({ ...t2, batch: B, length: L })]
  },
  outOfRange: (kernel2, scope) => {
    const dy2 = scope.use(kernel2.zeros([B, D], "f32"));
    const index = scope.use(kernel2.zeros([B, D], "i32"));
    return [
      ["batch 0", () => kernel2.maxPositionsBackward({ dy: dy2, index, batch: 0, length: L })],
      ["length NaN", () => kernel2.maxPositionsBackward({ dy: dy2, index, batch: B, length: NaN })]
    ];
  }
});

// ../conformance/src/ops/mul.ts
function reference26(a, b) {
  const y = new Float64Array(a.length);
  for (let i = 0; i < y.length; i++) y[i] = a[i] * b[i % b.length];
  return y;
}
var definition6 = { op: "mul", run: (kernel2, a, b) => kernel2.mul(a, b), reference: reference26, flops: 1 };
var mul3 = defineOp("mul", {
  reference: reference26,
  cases: [...binaryCases(definition6), ...broadcastCases(definition6)],
  rows: binaryRows(definition6),
  minimal: { args: { a: f32(B, L, D), b: f32(B, L, D) }, anyAxes: ["a"], call: (k, t2) => [k.mul(t2.a, t2.b)] }
});

// ../conformance/src/ops/negExp.ts
function reference27(x) {
  const y = new Float64Array(x.length);
  for (let i = 0; i < y.length; i++) y[i] = -Math.exp(x[i]);
  return y;
}
var definition7 = { op: "negExp", run: (kernel2, x) => kernel2.negExp(x), reference: reference27, flops: 2 };
var negExp3 = defineOp("negExp", {
  reference: reference27,
  cases: unaryCases(definition7),
  rows: unaryRows(definition7),
  minimal: { args: { x: f32(B, L, D) }, anyAxes: ["x"], call: (k, t2) => [k.negExp(t2.x)] }
});

// ../conformance/src/ops/rmsNorm.ts
function reference28(rows2, features, x, weight, eps) {
  const y = new Float64Array(rows2 * features);
  for (let r2 = 0; r2 < rows2; r2++) {
    let squares = 0;
    for (let d = 0; d < features; d++) squares += x[r2 * features + d] ** 2;
    const norm = Math.sqrt(squares / features + eps);
    for (let d = 0; d < features; d++) {
      y[r2 * features + d] = x[r2 * features + d] / norm * (weight?.[d] ?? 1);
    }
  }
  return y;
}
function backwardReference7(rows2, features, dy2, x, weight, eps) {
  const dx = new Float64Array(rows2 * features);
  const dWeight = new Float64Array(features);
  for (let r2 = 0; r2 < rows2; r2++) {
    let squares = 0;
    for (let d = 0; d < features; d++) squares += x[r2 * features + d] ** 2;
    const norm = Math.sqrt(squares / features + eps);
    let dot = 0;
    for (let d = 0; d < features; d++) {
      const i = r2 * features + d;
      const n = x[i] / norm;
      dot += dy2[i] * (weight?.[d] ?? 1) * n;
      dWeight[d] += dy2[i] * n;
    }
    for (let d = 0; d < features; d++) {
      const i = r2 * features + d;
      dx[i] = (dy2[i] * (weight?.[d] ?? 1) - x[i] / norm * dot / features) / norm;
    }
  }
  return { dx, dWeight };
}
function build14(rows2, D2, options3 = {}) {
  const {
    weight = false,
    view = false,
    eps = 1e-5,
    scale: scale4 = 1,
    note = "",
    leading = [rows2],
    values = []
  } = options3;
  const label = `rows ${rows2} D${D2} eps ${eps}${weight ? " +weight" : ""}${view ? " of a view" : ""}${note}`;
  return defineCase({
    op: "rmsNorm",
    label,
    sizes: { rows: rows2, D: D2 },
    cost: {
      flops: rows2 * ((weight ? 4 : 3) * D2 + 2),
      bytes: bytesOf2(2 * rows2 * D2 + (weight ? D2 : 0))
    },
    inputs: () => {
      const random = new Random(`rmsNorm ${label}`);
      const x = floats2(withValues(random.normals(rows2 * D2, scale4), values), [...leading, D2]);
      return { x: view ? asView(x) : x, weight: weight ? floats2(random.normals(D2), [D2]) : void 0 };
    },
    run: (kernel2, t2) => ({ y: kernel2.rmsNorm(t2.x, t2.weight, eps) }),
    reference: (v) => ({ y: result([...leading, D2], reference28(rows2, D2, v.x, v.weight, eps)) })
  });
}
function backwardCase6(rows2, D2, options3 = {}) {
  const {
    weight = false,
    view = false,
    eps = 1e-5,
    scale: scale4 = 1,
    note = "",
    leading = [rows2],
    values = []
  } = options3;
  const label = `rows ${rows2} D${D2} eps ${eps}${weight ? " +weight" : ""}${view ? " of views" : ""}${note}`;
  return defineTrainingCase({
    op: "rmsNormBackward",
    label,
    sizes: { rows: rows2, D: D2 },
    cost: {
      flops: rows2 * ((weight ? 11 : 7) * D2 + 4),
      bytes: bytesOf2(3 * rows2 * D2 + (weight ? 2 * D2 : 0))
    },
    inputs: () => {
      const random = new Random(`rmsNormBackward ${label}`);
      const dy2 = floats2(random.normals(rows2 * D2), [...leading, D2]);
      const x = floats2(withValues(random.normals(rows2 * D2, scale4), values), [...leading, D2]);
      const place2 = (input, before) => view ? asView(input, before, 2) : input;
      return {
        dy: place2(dy2, 1),
        x: place2(x, 3),
        weight: weight ? floats2(random.normals(D2), [D2]) : void 0
      };
    },
    run: (kernel2, t2) => {
      const { dx, dWeight } = kernel2.rmsNormBackward(t2.dy, t2.x, t2.weight, eps);
      return dWeight ? { dx, dWeight } : { dx };
    },
    reference: (v) => {
      const { dx, dWeight } = backwardReference7(rows2, D2, v.dy, v.x, v.weight, eps);
      const out = { dx: result([...leading, D2], dx) };
      return weight ? { ...out, dWeight: result([D2], dWeight) } : out;
    }
  });
}
function badEps2(call) {
  return [
    ["eps negative", () => call(-1e-5)],
    ["eps NaN", () => call(NaN)]
  ];
}
var rmsNorm3 = defineOp("rmsNorm", {
  reference: reference28,
  cases: [
    ...lengths.map((D2, i) => build14(i % 4 + 1, D2, { weight: i % 2 === 0 })),
    build14(130, 24, { weight: true }),
    build14(5, 48, { view: true }),
    build14(5, 48, { view: true, weight: true }),
    build14(1, 16, { eps: 0 }),
    build14(3, 16, { eps: 1e-6, scale: 1e-3, note: ", so small that eps counts" }),
    build14(2, 33, { eps: 0.5, weight: true }),
    build14(2, 33, { scale: 1e15, note: ", large values" }),
    build14(6, 20, { leading: [2, 3], note: ", three axes" }),
    build14(3, 8, { weight: true, values: new Array(8).fill(0), note: ", a row of zeros" }),
    build14(4, 9, { weight: true, values: [1, NaN], note: ", NaN in one row" }),
    build14(4, 9, { values: [1, Infinity], note: ", infinity in one row" })
  ],
  benchmarks: [build14(512, 768, { weight: true })],
  minimal: {
    args: { x: f32(B, L, D), weight: f32(D) },
    anyAxes: ["x"],
    call: (k, t2) => [k.rmsNorm(t2.x, t2.weight, 1e-5)]
  },
  rows: {
    arguments: ["x"],
    many: [build14(manyRows, 768, { weight: true }), build14(manyRows, 517), build14(manyRows, 48, { view: true })]
  },
  outOfRange: (kernel2, scope) => {
    const x = scope.use(kernel2.zeros([2, 5], "f32"));
    return badEps2((eps) => kernel2.rmsNorm(x, void 0, eps));
  }
});
var rmsNormBackward3 = defineTrainingOp("rmsNormBackward", {
  reference: backwardReference7,
  cases: [
    ...[3, 5, 17, 33, 129, 513, 2049].map((D2, i) => backwardCase6(i % 4 + 1, D2, { weight: i % 2 === 0 })),
    // The norm of one feature is its sign: without eps the gradient is 0.
    backwardCase6(3, 1, { weight: true, eps: 0.1 }),
    backwardCase6(130, 24, { weight: true }),
    backwardCase6(513, 5, { weight: true }),
    backwardCase6(1500, 33, { weight: true, note: ", work for several threads" }),
    backwardCase6(5, 48, { view: true }),
    backwardCase6(5, 48, { view: true, weight: true }),
    backwardCase6(1, 16, { eps: 0 }),
    backwardCase6(3, 16, { eps: 1e-6, scale: 1e-3, note: ", so small that eps counts" }),
    backwardCase6(2, 33, { eps: 0.5, weight: true }),
    backwardCase6(2, 33, { scale: 1e15, note: ", large values" }),
    backwardCase6(6, 20, { leading: [2, 3], weight: true, note: ", three axes" }),
    backwardCase6(3, 8, { weight: true, values: new Array(8).fill(0), note: ", a row of zeros" }),
    backwardCase6(4, 9, { weight: true, values: [1, NaN], note: ", NaN in one row" }),
    backwardCase6(4, 9, { values: [1, NaN], note: ", NaN in one row" })
  ],
  minimal: {
    args: { dy: f32(B, L, D), x: f32(B, L, D), weight: f32(D) },
    call: (k, t2) => {
      const { dx, dWeight } = k.rmsNormBackward(t2.dy, t2.x, t2.weight, 1e-5);
      return dWeight ? [dx, dWeight] : [dx];
    }
  },
  batched: { arguments: ["dy", "x"], results: ["dx"] },
  outOfRange: (kernel2, scope) => {
    const x = scope.use(kernel2.zeros([2, 5], "f32"));
    return badEps2((eps) => kernel2.rmsNormBackward(x, x, void 0, eps));
  }
});

// ../conformance/src/ops/routeExperts.ts
var smallest = 1e-20;
function softmax3(x) {
  const largest2 = x.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = x.map((value) => Math.exp(value - largest2));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}
function scoresOf(row, bias, scoring) {
  if (scoring === "sigmoid") {
    const scores = row.map(sigmoid4);
    return { rank: scores.map((score, e) => score + (bias?.[e] ?? 0)), scores };
  }
  return { rank: row, scores: scoring === "softmax" ? softmax3(row) : row };
}
function reference29(R, E, { logits, bias, perToken: K, scoring, normalize = false, scale: scale4 = 1 }) {
  const experts = new Int32Array(R * K);
  const weights2 = new Float64Array(R * K);
  for (let r2 = 0; r2 < R; r2++) {
    const row = Array.from({ length: E }, (_, e) => logits[r2 * E + e]);
    const { rank, scores } = scoresOf(row, bias, scoring);
    const chosen = rank.map((_, e) => e).sort((a, b) => rank[b] - rank[a]).slice(0, K);
    let values = chosen.map((e) => scores[e]);
    if (scoring === "topSoftmax") values = softmax3(values);
    else if (normalize) {
      const sum = values.reduce((a, b) => a + b, smallest);
      values = values.map((value) => value / sum);
    }
    experts.set(chosen, r2 * K);
    weights2.set(
      values.map((value) => value * scale4),
      r2 * K
    );
  }
  return { experts, weights: weights2 };
}
function backwardReference8(R, E, dWeights, { logits, perToken: K, scoring, normalize = false, scale: scale4 = 1 }, experts) {
  const dLogits = new Float64Array(R * E);
  for (let r2 = 0; r2 < R; r2++) {
    const row = Array.from({ length: E }, (_, e) => logits[r2 * E + e]);
    const chosen = Array.from({ length: K }, (_, j) => experts[r2 * K + j]);
    const { scores } = scoresOf(row, void 0, scoring);
    const values = chosen.map((e) => scores[e]);
    const grads2 = chosen.map((_, j) => dWeights[r2 * K + j] * scale4);
    const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
    if (scoring === "topSoftmax") {
      const weights2 = softmax3(values);
      const mean4 = dot(grads2, weights2);
      chosen.forEach((e, j) => dLogits[r2 * E + e] += weights2[j] * (grads2[j] - mean4));
      continue;
    }
    let dValues = grads2;
    if (normalize) {
      const sum = values.reduce((a, b) => a + b, smallest);
      const mean4 = dot(grads2, values) / sum;
      dValues = grads2.map((grad) => (grad - mean4) / sum);
    }
    if (scoring === "sigmoid") {
      chosen.forEach((e, j) => dLogits[r2 * E + e] += dValues[j] * values[j] * (1 - values[j]));
      continue;
    }
    const mean3 = dot(dValues, values);
    scores.forEach((score, e) => dLogits[r2 * E + e] = -score * mean3);
    chosen.forEach((e, j) => dLogits[r2 * E + e] += values[j] * dValues[j]);
  }
  return dLogits;
}
function loadsReference(R, K, E, experts) {
  const loads = new Float64Array(E);
  for (let p = 0; p < R * K; p++) loads[Math.min(Math.max(experts[p], 0), E - 1)] += 1 / (R * K);
  return loads;
}
var labelOf3 = ([R, E, K], scoring, options3) => {
  const { bias, normalize, scale: scale4, view, note = "" } = options3;
  const scaled = scale4 === void 0 ? "" : ` scale ${scale4}`;
  return `R${R} E${E} K${K} ${scoring}${bias ? " +bias" : ""}${normalize ? " +normalize" : ""}${scaled}${view ? " of a view" : ""}${note}`;
};
function callOf([, , K], scoring, { normalize, scale: scale4 }) {
  return {
    perToken: K,
    scoring,
    ...normalize !== void 0 && { normalize },
    ...scale4 !== void 0 && { scale: scale4 }
  };
}
function build15(sizes, scoring, options3 = {}) {
  const [R, E, K] = sizes;
  const label = labelOf3(sizes, scoring, options3);
  const call = callOf(sizes, scoring, options3);
  return defineCase({
    op: "routeExperts",
    label,
    sizes: { R, E, K },
    cost: {
      flops: 4 * R * E,
      bytes: bytesOf2(R * E + (options3.bias ? E : 0) + R * K) + bytesOf2(R * K, "i32")
    },
    inputs: () => {
      const random = new Random(`routeExperts ${label}`);
      const data = random.normals(R * E, 2);
      options3.edit?.(data);
      const logits = floats2(data, [R, E]);
      return {
        logits: options3.view ? asView(logits) : logits,
        bias: options3.bias ? floats2(random.normals(E, 0.3), [E]) : void 0
      };
    },
    run: (kernel2, t2) => ({ ...kernel2.routeExperts({ ...t2, ...call }) }),
    reference: (v) => {
      const { experts, weights: weights2 } = reference29(R, E, { ...v, ...call });
      return { experts: result([R, K], experts), weights: result([R, K], weights2) };
    }
  });
}
function backwardCase7(sizes, scoring, options3 = {}) {
  const [R, E, K] = sizes;
  const label = labelOf3(sizes, scoring, options3);
  const call = callOf(sizes, scoring, options3);
  return defineTrainingCase({
    op: "routeExpertsBackward",
    label,
    sizes: { R, E, K },
    cost: {
      flops: 4 * R * E,
      bytes: bytesOf2(2 * R * E + (options3.bias ? E : 0) + R * K) + bytesOf2(R * K, "i32")
    },
    inputs: () => {
      const random = new Random(`routeExpertsBackward ${label}`);
      const place2 = (data, width, before) => {
        const input = floats2(data, [R, width]);
        return options3.view ? asView(input, before, 2) : input;
      };
      const dWeights = random.normals(R * K);
      const logits = random.normals(R * E, 2);
      const bias = random.normals(E, 0.3);
      return {
        dWeights: place2(dWeights, K, 1),
        logits: place2(logits, E, 3),
        bias: options3.bias ? floats2(bias, [E]) : void 0,
        experts: ints(reference29(R, E, { logits, ...options3.bias && { bias }, ...call }).experts, [R, K])
      };
    },
    run: (kernel2, { dWeights, experts, ...args2 }) => ({
      dLogits: kernel2.routeExpertsBackward(dWeights, { ...args2, ...call }, experts)
    }),
    reference: ({ dWeights, experts, ...args2 }) => ({
      dLogits: result([R, E], backwardReference8(R, E, dWeights, { ...args2, ...call }, experts))
    })
  });
}
function loadsCase(R, K, E, note = "", edit) {
  const label = `R${R} K${K} E${E}${note}`;
  return defineTrainingCase({
    op: "expertLoads",
    label,
    sizes: { R, K, E },
    cost: { flops: R * K, bytes: bytesOf2(R * K, "i32") + bytesOf2(E) },
    inputs: () => {
      const experts = expertIds(new Random(`expertLoads ${label}`), R, K, E, "lopsided");
      edit?.(experts);
      return { experts: ints(experts, [R, K]) };
    },
    run: (kernel2, t2) => ({ loads: kernel2.expertLoads(t2.experts, E) }),
    reference: (v) => ({ loads: result([E], loadsReference(R, K, E, v.experts)) })
  });
}
var scorings2 = ["softmax", "topSoftmax", "sigmoid"];
var optionCases = (make) => scorings2.flatMap((scoring) => [
  make([1, 1, 1], scoring),
  make([1, 64, 6], scoring),
  make([5, 7, 2], scoring, { normalize: true }),
  make([9, 33, 33], scoring, { scale: 2.5 }),
  make([130, 16, 3], scoring, { normalize: true, scale: 0.25, view: true }),
  make([2, 1024, 64], scoring)
]);
var biasCases = (make) => [
  make([5, 128, 6], "sigmoid", { bias: true, normalize: true, scale: 2.5 }),
  make([33, 9, 4], "sigmoid", { bias: true })
];
var routeArgs = { logits: f32(3, 7), bias: f32(7) };
var routeScalars = { perToken: 2, scoring: "sigmoid" };
var routeExperts2 = defineOp("routeExperts", {
  reference: reference29,
  cases: [
    ...optionCases(build15),
    ...biasCases(build15),
    ...scorings2.flatMap((scoring) => [
      build15([3, 9, 4], scoring, {
        note: ", ties: the lower index",
        edit: (logits) => {
          logits.fill(0.5, 0, 9);
          for (const at of [9 + 7, 9 + 2, 9 + 5, 18, 18 + 8]) logits[at] = 3;
        }
      }),
      build15([2, 12, 3], scoring, {
        note: ", logits of -infinity and large ones",
        edit: (logits) => {
          logits.fill(-Infinity, 4, 12);
          logits.set([-1e4, 3, -200, 1e30], 0);
        }
      })
    ])
  ],
  benchmarks: [build15([1, 64, 6], "topSoftmax", { note: ", a token" }), build15([512, 64, 6], "topSoftmax")],
  minimal: {
    args: routeArgs,
    call: (k, t2) => {
      const { experts, weights: weights2 } = k.routeExperts({ ...t2, ...routeScalars });
      return [experts, weights2];
    }
  },
  outOfRange: (k, scope) => {
    const logits = scope.use(k.zeros([2, 5], "f32"));
    const wide = scope.use(k.zeros([2, 70], "f32"));
    const call = (change, of = logits) => () => k.routeExperts({ logits: of, perToken: 2, scoring: "softmax", ...change });
    return [
      ["no expert of a token", call({ perToken: 0 })],
      ["half an expert", call({ perToken: 1.5 })],
      ["more experts of a token than there are", call({ perToken: 6 })],
      ["more than 64 experts of a token", call({ perToken: 65 }, wide)],
      ["an unknown scoring", call({ scoring: "argmax" })],
      ["a scale of NaN", call({ scale: NaN })],
      ["a bias for softmax", call({ bias: scope.use(k.zeros([5], "f32")) })]
    ];
  },
  rows: {
    arguments: ["logits"],
    many: scorings2.flatMap((scoring) => [build15([manyRows, 10, 3], scoring, { normalize: true })])
  }
});
var routeExpertsBackward2 = defineTrainingOp("routeExpertsBackward", {
  reference: backwardReference8,
  cases: [...optionCases(backwardCase7), ...biasCases(backwardCase7)],
  minimal: {
    args: { dWeights: f32(3, 2), ...routeArgs, experts: i32(3, 2) },
    dense: ["experts"],
    call: (k, { dWeights, experts, ...args2 }) => [
      k.routeExpertsBackward(dWeights, { ...args2, ...routeScalars }, experts)
    ]
  },
  batched: { arguments: ["dWeights", "logits"] }
});
var expertLoads2 = defineTrainingOp("expertLoads", {
  reference: loadsReference,
  cases: [
    loadsCase(1, 1, 1),
    loadsCase(3, 2, 5),
    loadsCase(130, 6, 64),
    loadsCase(700, 2, 1024),
    loadsCase(4, 2, 5, ", ids that are clamped", (experts) => {
      experts.set([-1, 5, 1e3, -(2 ** 31)], 1);
    })
  ],
  minimal: {
    args: { experts: i32(3, 2) },
    dense: ["experts"],
    call: (k, t2) => [k.expertLoads(t2.experts, 4)]
  },
  outOfRange: (k, scope) => {
    const experts = scope.use(k.zeros([3, 2], "i32"));
    return [
      ["no experts", () => k.expertLoads(experts, 0)],
      ["half an expert", () => k.expertLoads(experts, 2.5)]
    ];
  }
});

// ../conformance/src/cases/sampleCase.ts
function sampleCase(B5, V, rows2, options3 = {}) {
  const { note = "", view = false, logProbs: logProbs2 } = options3;
  const first = Object.entries(rows2[0]).map(([name, value]) => `${name} ${value}`);
  const extras = ["seen", "add", "allow", "logProbs"];
  const named = extras.filter((name) => options3[name] !== void 0);
  const what = [rows2.length > 1 ? `${rows2.length} kinds of rows` : first.join(" "), ...named].join(" ");
  const label = `B${B5} V${V} ${what}${view ? " of a view" : ""}${note}`;
  const draw = () => {
    const random = new Random(`sample ${label}`);
    return { inputs: drawInputs(random, B5, V, options3), random };
  };
  let drawn2;
  const sampleRows = () => {
    if (drawn2) return drawn2;
    const { inputs, random } = draw();
    const values = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input?.data]));
    return drawn2 = Array.from({ length: B5 }, (_, b) => {
      const row = cycled(rows2, b);
      const adjusted = adjustedRow(values, B5, b, row.repetitionPenalty);
      return clearRow(row, adjusted, row.uniform ?? random.uniform());
    });
  };
  const K = logProbs2 ?? 0;
  return defineCase({
    op: "sample",
    label,
    sizes: { B: B5, V },
    cost: {
      flops: B5 * V,
      bytes: bytesRead(B5, V, options3) + bytesOf2(B5 * (logProbs2 === void 0 ? 1 : 2 + 2 * K), "i32")
    },
    inputs: () => draw().inputs,
    run: (kernel2, t2, firstRow) => {
      const [count = 0] = t2.logits.shape;
      return callSample(kernel2, t2, sampleRows().slice(firstRow, firstRow + count), logProbs2);
    },
    reference: (v) => {
      const { ids, logProb, topIds, topLogProbs } = sampleReference(B5, v, sampleRows(), K);
      return {
        ids: result([B5], ids),
        ...logProbs2 !== void 0 && { logProb: result([B5], logProb) },
        ...K > 0 && { topIds: result([B5, K], topIds), topLogProbs: result([B5, K], topLogProbs) }
      };
    }
  });
}
function drawInputs(random, B5, V, options3) {
  const { view = false, deviation = 2, edit, seen, add: add4, allow } = options3;
  const data = random.normals(B5 * V, deviation);
  edit?.(data);
  const logits = floats2(data, [B5, V]);
  const id = () => random.integer(0, V - 1);
  const idsOf = (count) => ints(Array.from({ length: B5 * count }, id), [B5, count]);
  const given = (ids) => ints(ids, [B5, ids.length / B5]);
  const seenIds = typeof seen === "number" ? idsOf(seen) : seen && given(seen);
  const addIds = typeof add4 === "number" ? idsOf(add4) : add4 && given(add4.ids);
  const addValues = addIds && floats2(
    typeof add4 === "object" ? Float32Array.from(add4.values) : random.normals(addIds.data.length),
    addIds.shape
  );
  const word2 = () => random.integer(-(2 ** 31), 2 ** 31 - 1);
  const words = allow === true ? Array.from({ length: B5 * Math.ceil(V / 32) }, word2) : allow;
  return {
    logits: view ? asView(logits) : logits,
    seen: seenIds,
    ids: addIds,
    values: addValues,
    allow: words && given(words)
  };
}
function clearRow(row, adjusted, uniform) {
  if (adjusted === void 0 || row.temperature === 0) return { ...row, uniform };
  const clear = { ...row, ...clearFilters(adjusted, row) };
  if (row.uniform !== void 0) return { ...clear, uniform };
  return { ...clear, uniform: clearOf(uniform, [0, ...cumulative(sampleProbabilities(adjusted, clear))]) };
}
function bytesRead(B5, V, { seen = 0, add: add4 = 0, allow }) {
  const seenCount = typeof seen === "number" ? B5 * seen : seen.length;
  const addCount = typeof add4 === "number" ? B5 * add4 : add4.ids.length;
  const words = allow ? B5 * Math.ceil(V / 32) : 0;
  return bytesOf2(B5 * V + addCount) + bytesOf2(seenCount + addCount + words, "i32");
}
function callSample(kernel2, tensors, rows2, logProbs2) {
  const { logits, seen, ids, values, allow } = tensors;
  const args2 = { logits, rows: rows2, seen, add: ids && values && { ids, values }, allow };
  const results = kernel2.sample(args2, logProbs2 === void 0 ? void 0 : { logProbs: logProbs2 });
  return Object.fromEntries(
    Object.entries(results).flatMap(
      ([name, tensor]) => tensor ? [[name, tensor]] : []
    )
  );
}

// ../conformance/src/ops/sample.ts
var largest = 1 - 2 ** -53;
var greedy = { temperature: 0 };
var plain = { temperature: 1 };
var everyKind = [
  { temperature: 0.8, topK: 5 },
  greedy,
  { temperature: 1, topP: 0.7, repetitionPenalty: 1.3 },
  plain,
  { temperature: 1.4, minP: 0.1 },
  { temperature: 0, repetitionPenalty: 2 },
  { temperature: 1, topK: 20, topP: 0.9, minP: 0.05, repetitionPenalty: 0.7 }
];
var each = (B5, V, v, value) => (logits) => {
  for (let b = 0; b < B5; b++) logits[b * V + v(b)] = value;
};
var filterCases = [
  ...[1, 3, 5, 17, 33, 129, 513].map((V, i) => sampleCase(i % 3 + 1, V, [plain])),
  sampleCase(2, 2049, [plain], { deviation: 4 }),
  sampleCase(1, 50280, [plain], { deviation: 5, note: ", a real vocabulary" }),
  sampleCase(1, 50280, [{ temperature: 0.8, topK: 40, topP: 0.9 }], { note: ", a real vocabulary" }),
  sampleCase(9, 33, [{ temperature: 0.1 }]),
  sampleCase(9, 33, [{ temperature: 2.5 }]),
  sampleCase(5, 33, [plain], { view: true }),
  sampleCase(5, 33, [{ temperature: 1, topK: 1 }]),
  sampleCase(5, 33, [{ temperature: 0.7, topK: 5 }]),
  sampleCase(3, 33, [{ temperature: 1, topK: 100 }], { note: ", more than there are" }),
  sampleCase(4, 33, [{ temperature: 1, topP: 0.5 }]),
  sampleCase(4, 33, [{ temperature: 1.5, topP: 0.9 }]),
  sampleCase(4, 33, [{ temperature: 1, topP: 1 }]),
  sampleCase(3, 33, [{ temperature: 1, topP: 1e-6 }], { note: ", only the most probable" }),
  sampleCase(4, 33, [{ temperature: 1, minP: 0.2 }]),
  sampleCase(4, 33, [{ temperature: 1, minP: 0 }]),
  sampleCase(4, 33, [{ temperature: 1, minP: 1 }]),
  sampleCase(9, 65, [{ temperature: 1, topK: 8, topP: 0.8 }], { note: ", topP of what topK left" }),
  sampleCase(9, 65, [{ temperature: 1.3, topK: 20, topP: 0.9, minP: 0.1 }]),
  sampleCase(9, 42, [{ temperature: 1, topP: 0.95, minP: 0.1 }], {
    note: ", minP leaving less than topP",
    edit: (logits) => {
      logits.forEach((_, i) => logits[i] = [10.75, 10.5][i % 42] ?? 7);
    }
  }),
  sampleCase(9, 12, [{ temperature: 1, topK: 3 }], {
    note: ", ties at the k-th",
    edit: (logits) => {
      logits.forEach((_, i) => logits[i] = cycled([3, 1, 2, 2, 2, 0], i));
    }
  }),
  sampleCase(9, 12, [{ temperature: 1, topP: 0.5 }], {
    note: ", ties at the last of the nucleus",
    edit: (logits) => {
      logits.forEach((_, i) => logits[i] = cycled([1, 2, 0, 1], i));
    }
  }),
  sampleCase(7, 9, [{ temperature: 1, minP: 1 }], {
    note: ", ties of the largest",
    edit: (logits) => {
      for (let b = 0; b < 7; b++) logits[b * 9 + 2] = logits[b * 9 + 6] = 7;
    }
  }),
  sampleCase(5, 17, [plain], {
    note: ", one finite logit",
    edit: (logits) => {
      logits.fill(-Infinity);
      for (let b = 0; b < 5; b++) logits[b * 17 + 4 * b] = -3;
    }
  }),
  sampleCase(3, 17, [{ temperature: 0.5 }], {
    note: ", large logits",
    edit: (logits) => {
      logits.forEach((logit, i) => logits[i] = logit + 1e4);
    }
  }),
  sampleCase(
    4,
    17,
    [
      { temperature: 1, topK: 4, uniform: 0 },
      { temperature: 1, topK: 4, uniform: largest }
    ],
    {
      note: ", uniforms 0 and just below 1",
      // The last id kept is then not the last there is.
      edit: (logits) => {
        for (let b = 0; b < 4; b++) logits.fill(-10, b * 17 + 14, b * 17 + 17);
      }
    }
  )
];
var greedyCases = [
  ...[1, 31, 33, 1001].map((V, i) => sampleCase(i % 3 + 1, V, [greedy])),
  sampleCase(2, 50280, [greedy], { note: ", a real vocabulary" }),
  sampleCase(4, 33, [{ temperature: 0, topK: 3, topP: 0.5, minP: 0.9, uniform: 0.999 }], {
    note: ", ties: the lowest id, whatever the filters",
    edit: (logits) => {
      for (const i of [32, 7, 33 + 21, 33 + 20, 66 + 31, 66 + 32, 99, 131]) logits[i] = 9;
    }
  }),
  sampleCase(3, 40, [greedy], { view: true, logProbs: 2 })
];
var adjustmentCases = [
  ...[1, 31, 33, 1001].map(
    (V, i) => sampleCase(7, V, everyKind, { seen: cycled([1, 5, 33], i), add: cycled([3, 1, 40], i), allow: true })
  ),
  sampleCase(7, 31, everyKind),
  sampleCase(7, 1025, everyKind, { view: true, seen: 9 }),
  sampleCase(7, 64, everyKind, { add: 5, logProbs: 3 }),
  sampleCase(7, 95, everyKind, { allow: true, logProbs: 1 }),
  sampleCase(2, 9, [{ temperature: 0, repetitionPenalty: 2 }], {
    note: ", an id several times counts once",
    edit: (logits) => {
      logits.set([1, 8, 0, 5, 1, 1, 1, 1, 0], 0);
      logits.set([-5, -5, -5, -1, -3, -5, -5, -5, -5], 9);
    },
    seen: [1, 1, 1, 2, 3, 3, 3, 2]
  }),
  sampleCase(2, 9, [{ temperature: 0, repetitionPenalty: 3 }], {
    note: ", ids outside are padding",
    edit: each(2, 9, () => 4, 7),
    seen: [-1, 9, 2 ** 31 - 1, -(2 ** 31), 8, -1, -2, 32, 8, 0],
    add: { ids: [-1, 9, 2 ** 31 - 1, 10, -(2 ** 31), 17], values: [50, NaN, Infinity, 50, 50, NaN] }
  }),
  sampleCase(2, 33, [greedy], {
    note: ", values of an id several times add up",
    edit: (logits) => {
      logits.fill(0);
      logits[5] = logits[33] = 1;
    },
    add: {
      ids: [32, 7, 32, 32, 7, 2, 32, 2, 2, 32],
      values: [0.5, 1.4, 0.5, 0.5, -1, 0.5, 0.4, 0.5, 0.5, 0.4]
    }
  }),
  sampleCase(3, 33, [greedy], {
    note: ", penalty, then addition",
    edit: each(3, 33, (b) => 3 * b, 12),
    seen: [0, 3, 6],
    add: { ids: [0, 3, 6], values: [0.25, 0.25, -0.25] }
  }),
  sampleCase(1, 6, [{ temperature: 1, repetitionPenalty: 2 }], {
    note: ", zeros and -infinity",
    edit: (logits) => {
      logits.set([0, -0, -Infinity, 1, -1, -Infinity]);
    },
    seen: [0, 1, 2, 3, 4, 5],
    add: { ids: [3, 0], values: [-Infinity, 0] }
  }),
  sampleCase(3, 65, [plain, greedy], {
    note: ", the first and the last id of each word",
    edit: (logits) => {
      for (let b = 0; b < 3; b++) logits.fill(20, b * 65 + 1, b * 65 + 31);
    },
    allow: [-(2 ** 31) + 1, -(2 ** 31) + 1, 1, 0, 0, -1, -(2 ** 31), 0, -2]
  })
];
var nothingCases = [
  sampleCase(7, 33, everyKind, {
    note: ", nothing can be chosen from a row with NaN",
    edit: each(6, 33, (b) => 6 * b, NaN),
    logProbs: 2
  }),
  sampleCase(7, 33, everyKind, {
    note: ", nothing can be chosen from a row with +infinity",
    edit: each(6, 33, (b) => 32 - 6 * b, Infinity),
    logProbs: 2
  }),
  sampleCase(7, 17, everyKind, {
    note: ", nothing can be chosen where all is -infinity",
    edit: (logits) => logits.fill(-Infinity, 0, 6 * 17),
    logProbs: 1
  }),
  sampleCase(3, 33, [plain, greedy], {
    note: ", nothing can be chosen from a row with NaN that is not allowed",
    edit: each(2, 33, () => 7, NaN),
    allow: [1, 1, 1, 1, 1, 1],
    logProbs: 0
  }),
  sampleCase(4, 33, [plain, greedy], {
    note: ", nothing is allowed",
    allow: [0, 0, 0, -2, 0, 0, 1, 1],
    logProbs: 3
  }),
  sampleCase(6, 9, [plain, greedy], {
    note: ", added values that are not finite",
    edit: each(6, 9, () => 2, -Infinity),
    add: { ids: [0, 1, 8, 2, 2, 3], values: [NaN, Infinity, NaN, Infinity, -Infinity, -Infinity] },
    logProbs: 2
  })
];
var logProbCases = [
  sampleCase(3, 1, [plain, greedy], { logProbs: 1 }),
  sampleCase(5, 31, [plain, greedy], { logProbs: 0 }),
  sampleCase(5, 33, [plain, greedy], { logProbs: 33, note: ", all of them" }),
  sampleCase(7, 2049, everyKind, { logProbs: 20, seen: 30, add: 30, allow: true }),
  sampleCase(2, 1500, [plain], { logProbs: 1024 }),
  sampleCase(1, 50280, [plain], { logProbs: 5, note: ", a real vocabulary" }),
  sampleCase(3, 40, [greedy], {
    note: ", ties: the lowest ids",
    logProbs: 7,
    edit: (logits) => {
      logits.forEach((_, i) => logits[i] = cycled([0, 1, 0.5, -0, 1, 3, 0.5], i));
    }
  }),
  sampleCase(2, 33, [greedy], {
    note: ", some are -infinity",
    logProbs: 9,
    edit: (logits) => {
      logits.fill(-Infinity, 3, 31);
      logits.fill(-Infinity, 35, 66);
    }
  }),
  sampleCase(3, 17, [plain], {
    note: ", nearly certain",
    logProbs: 2,
    edit: (logits) => {
      for (let b = 0; b < 3; b++) logits[b * 17 + 5] = 12 + 4 * b;
    }
  })
];
var sample3 = defineOp("sample", {
  reference: sampleReference,
  cases: [...filterCases, ...greedyCases, ...adjustmentCases, ...nothingCases, ...logProbCases],
  benchmarks: [
    ...[1, 8].flatMap((B5) => [
      sampleCase(B5, 50280, [greedy]),
      sampleCase(B5, 50280, [{ temperature: 1, uniform: 0.5 }])
    ]),
    sampleCase(1, 50280, [{ temperature: 0.8, topK: 40, topP: 0.95, uniform: 0.5 }]),
    sampleCase(8, 50280, [{ temperature: 0.8, topK: 40, topP: 0.95, repetitionPenalty: 1.1, uniform: 0.5 }], {
      seen: 512,
      add: 512,
      allow: true,
      logProbs: 5
    })
  ],
  minimal: {
    args: { logits: f32(B, 7), seen: i32(B, 3), ids: i32(B, 4), values: f32(B, 4), allow: i32(B, 1) },
    dense: ["seen", "ids", "values", "allow"],
    anyWidth: ["logits", "seen"],
    call: (k, { logits, seen, ids, values, allow }) => {
      const rows2 = [0.25, 0.75].map((uniform) => ({ temperature: 1, uniform }));
      return Object.values(callSample(k, { logits, seen, ids, values, allow }, rows2, 2));
    }
  },
  rows: {
    arguments: ["logits", "values"],
    integers: ["seen", "ids", "allow"],
    many: [
      sampleCase(manyRows, 2049, everyKind, { seen: 9, add: 5, allow: true, logProbs: 3 }),
      sampleCase(manyRows, 517, [greedy])
    ]
  },
  outOfRange: (kernel2, scope) => outOfRange(kernel2, scope)
});
function outOfRange(kernel2, scope) {
  const logits = scope.use(kernel2.zeros([2, 5], "f32"));
  const draw = (row) => () => kernel2.sample({ logits, rows: [plain, { ...plain, ...row }].map((each2) => ({ uniform: 0.5, ...each2 })) });
  const rows2 = [plain, plain].map((row) => ({ ...row, uniform: 0.5 }));
  return [
    ["temperature negative", draw({ temperature: -1 })],
    ["temperature NaN", draw({ temperature: NaN })],
    ["temperature infinite", draw({ temperature: Infinity })],
    ["topK 0", draw({ topK: 0 })],
    ["topK 1.5", draw({ topK: 1.5 })],
    ["topP 0", draw({ topP: 0 })],
    ["topP above 1", draw({ topP: 1.1 })],
    ["minP negative", draw({ minP: -0.1 })],
    ["a uniform of 1", draw({ uniform: 1 })],
    ["a uniform NaN", draw({ uniform: NaN })],
    ["repetition penalty 0", draw({ repetitionPenalty: 0 })],
    ["repetition penalty infinite", draw({ repetitionPenalty: Infinity })],
    ["a row too few", () => kernel2.sample({ logits, rows: rows2.slice(1) })],
    ["logProbs -1", () => kernel2.sample({ logits, rows: rows2 }, { logProbs: -1 })],
    ["logProbs above the vocabulary", () => kernel2.sample({ logits, rows: rows2 }, { logProbs: 6 })],
    ["logProbs 0.5", () => kernel2.sample({ logits, rows: rows2 }, { logProbs: 0.5 })]
  ];
}

// ../conformance/src/ops/scale.ts
function reference30(x, factor2) {
  const y = new Float64Array(x.length);
  for (let i = 0; i < y.length; i++) y[i] = x[i] * factor2;
  return y;
}
var factor = Math.fround(-1.7);
var definition8 = {
  op: "scale",
  run: (kernel2, x) => kernel2.scale(x, factor),
  reference: (x) => reference30(x, factor),
  flops: 1
};
var scale3 = defineOp("scale", {
  reference: reference30,
  cases: unaryCases(definition8),
  rows: unaryRows(definition8),
  minimal: { args: { x: f32(B, L, D) }, anyAxes: ["x"], call: (k, t2) => [k.scale(t2.x, 2)] },
  outOfRange: (kernel2, scope) => {
    const x = scope.use(kernel2.zeros([2, 5], "f32"));
    return [
      ["factor NaN", () => kernel2.scale(x, NaN)],
      ["factor infinite", () => kernel2.scale(x, Infinity)]
    ];
  }
});

// ../conformance/src/cases/scanInputs.ts
function drawScan(seed2, rows2, B5, D2, N5, softplus3) {
  const random = new Random(seed2);
  return {
    u: random.normals(rows2 * D2),
    // The steps of a trained model: most between 0.001 and 1.
    delta: softplus3 ? random.normals(rows2 * D2, 2) : random.uniforms(rows2 * D2, 1e-3, 0.5),
    A: random.uniforms(D2 * N5, -2, -0.05),
    B: random.normals(rows2 * N5),
    C: random.normals(rows2 * N5),
    D: random.normals(D2),
    z: random.normals(rows2 * D2),
    deltaBias: softplus3 ? random.uniforms(D2, -4, 0) : random.uniforms(D2, 0, 0.5),
    state: random.normals(B5 * D2 * N5)
  };
}
function scanInputs(view, d, lead, D2, N5, flags) {
  const u = floats2(d.u, [...lead, D2]);
  const delta = floats2(d.delta, [...lead, D2]);
  const B5 = floats2(d.B, [...lead, N5]);
  const C = floats2(d.C, [...lead, N5]);
  const z = floats2(d.z, [...lead, D2]);
  const place2 = (input, before, after) => view ? asView(input, before, after) : input;
  return {
    u: place2(u, 0, D2),
    delta: place2(delta, 1, 1),
    A: floats2(d.A, [D2, N5]),
    B: place2(B5, 3, N5),
    C: place2(C, 3 + N5, 0),
    D: flags.D ? floats2(d.D, [D2]) : void 0,
    z: flags.z ? place2(z, D2, 0) : void 0,
    deltaBias: flags.deltaBias ? floats2(d.deltaBias, [D2]) : void 0
  };
}
function fillInTurn(target, values) {
  target.forEach((_, i) => target[i] = cycled(values, i));
}
function scanCost(rows2, D2, N5, flags) {
  const fused = (flags.deltaBias ? 1 : 0) + (flags.softplus ? 3 : 0) + (flags.D ? 2 : 0) + (flags.z ? 4 : 0);
  const vectors2 = (flags.D ? 1 : 0) + (flags.deltaBias ? 1 : 0);
  const sequences = rows2 * ((flags.z ? 4 : 3) * D2 + 2 * N5);
  return { flops: rows2 * D2 * (7 * N5 + 1 + fused), bytes: bytesOf2(sequences + D2 * (N5 + vectors2)) };
}

// ../conformance/src/ops/selectiveScan.ts
function reference31(batch, length, channels2, stateSize, { u, delta, A, B: B5, C, D: D2, z, deltaBias, deltaSoftplus, initialState, sequenceIds, roundState }) {
  const y = new Float64Array(batch * length * channels2);
  const h = Float64Array.from(initialState ?? new Float64Array(batch * channels2 * stateSize));
  for (let b = 0; b < batch; b++) {
    const row = h.subarray(b * channels2 * stateSize, (b + 1) * channels2 * stateSize);
    sequencesOf(sequenceIds, b, length).forEach((positions, index) => {
      if (index > 0) row.fill(0);
      for (const l of positions) {
        for (let d = 0; d < channels2; d++) {
          const i = (b * length + l) * channels2 + d;
          const raw = delta[i] + (deltaBias?.[d] ?? 0);
          const dt = deltaSoftplus ? softplus2(raw) : raw;
          let sum = 0;
          for (let n = 0; n < stateSize; n++) {
            const j = d * stateSize + n;
            const k = (b * length + l) * stateSize + n;
            const next = Math.exp(dt * A[j]) * row[j] + dt * B5[k] * u[i];
            row[j] = roundState ? Math.fround(next) : next;
            sum += C[k] * row[j];
          }
          if (D2 !== void 0) sum += D2[d] * u[i];
          y[i] = z === void 0 ? sum : sum * z[i] * sigmoid4(z[i]);
        }
      }
    });
  }
  return { y, finalState: h };
}
var scanFlags = [
  "D",
  "z",
  "deltaBias",
  "softplus",
  "initialState",
  "sequenceIds",
  "finalState",
  "view"
];
function costOf5(batch, L4, D2, N5, flags) {
  const { flops, bytes } = scanCost(batch * L4, D2, N5, flags);
  const states = (flags.initialState ? 1 : 0) + (flags.finalState ? 1 : 0);
  return {
    flops,
    bytes: bytes + bytesOf2(states * batch * D2 * N5) + (flags.sequenceIds ? bytesOf2(batch * L4, "i32") : 0)
  };
}
function scanCase(batch, L4, D2, N5, flags, extras = {}) {
  const { note = "", edit, tolerance } = extras;
  const label = `B${batch} L${L4} D${D2} N${N5}${flagLabel(flags)}${note}`;
  const deltaSoftplus = flags.softplus;
  return defineCase({
    op: "selectiveScan",
    label,
    sizes: { B: batch, L: L4, D: D2, N: N5 },
    cost: costOf5(batch, L4, D2, N5, flags),
    ...tolerance && { tolerance },
    inputs: () => {
      const data = drawScan(`selectiveScan ${label}`, batch * L4, batch, D2, N5, flags.softplus);
      edit?.(data);
      return {
        ...scanInputs(flags.view, data, [batch, L4], D2, N5, flags),
        initialState: flags.initialState ? floats2(data.state, [batch, D2, N5]) : void 0,
        sequenceIds: flags.sequenceIds ? ints(sequenceIdsFor(batch, L4), [batch, L4]) : void 0
      };
    },
    run: (kernel2, t2) => {
      const args2 = { ...t2, deltaSoftplus };
      return flags.finalState ? kernel2.selectiveScan(args2, { finalState: true }) : kernel2.selectiveScan(args2);
    },
    reference: (v) => {
      const { y, finalState } = reference31(batch, L4, D2, N5, { ...v, deltaSoftplus });
      const out = { y: result([batch, L4, D2], y) };
      return flags.finalState ? { ...out, finalState: result([batch, D2, N5], finalState) } : out;
    }
  });
}
var set3 = flagSets(scanFlags);
var model2 = set3("D", "z", "deltaBias", "softplus", "finalState");
var everything = set3("D", "z", "deltaBias", "softplus", "initialState", "sequenceIds", "finalState");
var stateSizes = [1, 4, 8, 16, 32, 64];
var scanArgs = {
  u: f32(B, L, D),
  delta: f32(B, L, D),
  A: f32(D, N),
  D: f32(D),
  deltaBias: f32(D),
  B: f32(B, L, N),
  C: f32(B, L, N),
  z: f32(B, L, D),
  initialState: f32(B, D, N),
  sequenceIds: i32(B, L)
};
var selectiveScan3 = defineOp("selectiveScan", {
  reference: reference31,
  cases: [
    ...lengths.map((L4, i) => scanCase(i % 3 + 1, L4, cycled([5, 3, 17, 7], i), 16, model2)),
    ...stateSizes.flatMap((N5, i) => [
      scanCase(2, 33, cycled([3, 5, 17], i), N5, model2),
      scanCase(1, 129, cycled([7, 33], i), N5, set3("initialState", "finalState", "D"))
    ]),
    ...[3, 5, 17, 100, 256].map((N5) => scanCase(1, 17, 6, N5, model2, { note: ", unusual state size" })),
    scanCase(1, 3, 130, 16, model2, { note: ", many channels" }),
    scanCase(9, 4, 3, 4, model2, { note: ", many rows" }),
    scanCase(2, 40, 130, 16, model2, { note: ", work for several threads" }),
    scanCase(130, 70, 3, 4, everything, { note: ", rows enough to leave time in one piece" }),
    ...pairwise(scanFlags).flatMap((flags, i) => [
      scanCase(sequenceKinds, 20, 5, cycled(stateSizes, i), flags),
      scanCase(2, 65, cycled([9, 4], i), 16, flags)
    ]),
    scanCase(2, 24, 5, 16, set3("softplus", "finalState"), {
      note: ", steps just above and below 0 and 20",
      edit: ({ delta, A }) => {
        fillInTurn(delta, [-1, 0, 1, 19.5, 20, 20.001, 21, 5, 8]);
        A.forEach((a, i) => A[i] = a * 0.05);
      }
    }),
    scanCase(2, 16, 5, 8, set3("softplus"), {
      note: ", steps just above 10, where log1p(exp(x)) differs from x by little",
      edit: ({ delta, A }) => {
        fillInTurn(delta, [10.001, 10.05, 10.1, 10.02, 10.2]);
        A.fill(-1);
      },
      tolerance: {
        nmse: 1e-12,
        reason: "taking x for softplus(x) from 10 on is an NMSE of 2e-11, float32 rounding one of 1e-14"
      }
    }),
    scanCase(2, 33, 5, 16, set3("softplus", "deltaBias", "finalState"), {
      note: ", steps below 0.01, where log(1 + x) would lose its digits",
      edit: ({ delta, deltaBias }) => {
        fillInTurn(delta, [-12, -8, -9.5, -5, -11, -7]);
        deltaBias.fill(-1);
      }
    }),
    scanCase(2, 16, 5, 4, set3("softplus", "D", "z", "finalState"), {
      note: ", very negative steps",
      edit: ({ delta }) => {
        fillInTurn(delta, [-30, -100, -1e3, -3e38, -87, 0.5]);
      }
    }),
    scanCase(2, 16, 6, 4, set3("softplus", "finalState"), {
      note: ", huge steps",
      edit: ({ delta, A }) => {
        fillInTurn(delta, [20.5, 30, 60, 88, 89, 100]);
        A.fill(-1);
      }
    }),
    scanCase(1, 9, 4, 8, set3("softplus", "finalState"), {
      note: ", steps that overflow exp(delta)",
      edit: ({ delta }) => {
        fillInTurn(delta, [1e4, 2e4, 15e3]);
      }
    }),
    scanCase(1, 9, 5, 8, set3("finalState", "initialState"), {
      note: ", steps of zero and below",
      edit: ({ delta }) => {
        fillInTurn(delta, [0, -0.5, 0, 0, 0.25, -0.01]);
      }
    }),
    scanCase(2, 11, 9, 8, model2, {
      note: ", NaN in one channel of u",
      edit: ({ u }) => {
        u[4 * 9 + 6] = NaN;
      }
    }),
    scanCase(2, 11, 9, 8, model2, {
      note: ", NaN in one step of delta",
      edit: ({ delta }) => {
        delta[(11 + 3) * 9 + 8] = NaN;
      }
    }),
    scanCase(2, 11, 9, 8, model2, {
      note: ", NaN in C at one position, which no state keeps",
      edit: ({ C }) => {
        C[5 * 8 + 2] = NaN;
      }
    }),
    scanCase(2, 11, 9, 8, model2, {
      note: ", infinity in one channel of u, NaN in one gate",
      edit: ({ u, z }) => {
        u[2 * 9 + 1] = Infinity;
        z[(11 + 10) * 9 + 3] = NaN;
      }
    }),
    scanCase(2, 11, 9, 8, set3("initialState", "finalState"), {
      note: ", NaN in one initial state",
      edit: ({ state }) => {
        state[(9 + 2) * 8 + 5] = NaN;
      }
    }),
    // Sequences of 1 to 20 positions, over the boundaries of chunks of 16 to 256 positions, in all kinds of rows.
    ...[1, 2, 3, 5, 33, 65, 140].map(
      (L4, i) => scanCase(
        sequenceKinds,
        L4,
        cycled([3, 5], i),
        cycled([16, 5, 1, 8], i),
        set3("sequenceIds", "finalState")
      )
    ),
    scanCase(sequenceKinds, 300, 3, 16, everything),
    scanCase(3, 520, 3, 4, everything),
    ...[21, 140].map(
      (L4) => scanCase(sequenceKinds, L4, 5, 16, everything, {
        note: ", NaN in all padding",
        edit: ({ u, delta, B: B5, C, z }) => {
          for (const data of [u, delta, z]) padWith(data, NaN, sequenceKinds, L4, 5);
          for (const data of [B5, C]) padWith(data, NaN, sequenceKinds, L4, 16);
        }
      })
    ),
    ...[21, 140].map(
      (L4) => scanCase(sequenceKinds, L4, 5, 16, everything, {
        note: ", NaN at one position of each row",
        edit: ({ u }) => {
          markOne(u, NaN, sequenceKinds, L4, 5);
        }
      })
    )
  ],
  benchmarks: [scanCase(1, 2048, 1536, 16, set3("D", "z", "deltaBias", "softplus"))],
  minimal: {
    args: scanArgs,
    dense: ["A", "initialState", "sequenceIds"],
    call: (k, t2) => {
      const { y, finalState } = k.selectiveScan(t2, { finalState: true });
      return [y, finalState];
    }
  },
  rows: {
    arguments: ["u", "delta", "B", "C", "z", "initialState"],
    integers: ["sequenceIds"],
    many: [
      scanCase(
        manyRows,
        19,
        5,
        16,
        set3("D", "z", "deltaBias", "softplus", "initialState", "sequenceIds", "finalState")
      ),
      scanCase(manyRows, 130, 7, 4, model2),
      scanCase(manyRows, 3, 70, 5, model2)
    ]
  },
  outOfRange: (kernel2, scope) => {
    const u = scope.use(kernel2.zeros([1, 1, 2], "f32"));
    const A = scope.use(kernel2.zeros([2, 257], "f32"));
    const B5 = scope.use(kernel2.zeros([1, 1, 257], "f32"));
    return [["N 257", () => kernel2.selectiveScan({ u, delta: u, A, B: B5, C: B5 })]];
  }
});

// ../conformance/src/cases/scanBackwardInputs.ts
var scanBackwardFlags = [
  "D",
  "z",
  "deltaBias",
  "softplus",
  "initialState",
  "sequenceIds",
  "dFinalState",
  "view"
];
function settingOf([B5, L4, D2, N5], flags, { note = "", edit }) {
  return { label: `B${B5} L${L4} D${D2} N${N5}${flagLabel(flags)}${note}`, sizes: { B: B5, L: L4, D: D2, N: N5 }, flags, edit };
}
function trainingInputs(op, { label, sizes, flags, edit }) {
  const { B: batch, L: L4, D: D2, N: N5 } = sizes;
  const random = new Random(`${op} gradients ${label}`);
  const data = {
    ...drawScan(`${op} ${label}`, batch * L4, batch, D2, N5, flags.softplus),
    dy: random.normals(batch * L4 * D2),
    dFinalState: random.normals(batch * D2 * N5)
  };
  edit?.(data);
  const dy2 = floats2(data.dy, [batch, L4, D2]);
  return {
    args: {
      ...scanInputs(flags.view, data, [batch, L4], D2, N5, flags),
      initialState: flags.initialState ? floats2(data.state, [batch, D2, N5]) : void 0,
      sequenceIds: flags.sequenceIds ? ints(sequenceIdsFor(batch, L4), [batch, L4]) : void 0
    },
    dy: flags.view ? asView(dy2, 2, 1) : dy2,
    dFinalState: flags.dFinalState ? floats2(data.dFinalState, [batch, D2, N5]) : void 0
  };
}
function residualOf(kernel2, args2) {
  const { y, finalState, residual: residual2 } = kernel2.selectiveScanForward(args2);
  y.dispose();
  finalState.dispose();
  return residual2;
}
function makeResidual(kernel2, length = L) {
  var _stack = [];
  try {
    const scope = __using(_stack, new Scope());
    const zeros3 = (...shape) => scope.use(kernel2.zeros(shape, "f32"));
    const u = zeros3(B, length, D);
    const states = zeros3(B, length, N);
    return residualOf(kernel2, { u, delta: u, A: zeros3(D, N), B: states, C: states });
  } catch (_) {
    var _error = _, _hasError = true;
  } finally {
    __callDispose(_stack, _error, _hasError);
  }
}

// ../conformance/src/ops/selectiveScanBackward.ts
function reference32(batch, length, channels2, stateSize, dy2, { u, delta, A, B: B5, C, D: D2, z, deltaBias, deltaSoftplus, initialState, sequenceIds }, dFinalState) {
  const sequence = batch * length * channels2;
  const states = batch * channels2 * stateSize;
  const grads2 = {
    u: new Float64Array(sequence),
    delta: new Float64Array(sequence),
    A: new Float64Array(channels2 * stateSize),
    B: new Float64Array(batch * length * stateSize),
    C: new Float64Array(batch * length * stateSize),
    D: new Float64Array(channels2),
    z: new Float64Array(sequence),
    deltaBias: new Float64Array(channels2),
    initialState: Float64Array.from(dFinalState ?? new Float64Array(states))
  };
  const step = (i, d) => {
    const raw = delta[i] + (deltaBias?.[d] ?? 0);
    return { raw, dt: deltaSoftplus ? softplus2(raw) : raw };
  };
  for (let b = 0; b < batch; b++) {
    const sequences = sequencesOf(sequenceIds, b, length);
    for (let d = 0; d < channels2; d++) {
      const row = (b * channels2 + d) * stateSize;
      const g = grads2.initialState.subarray(row, row + stateSize);
      for (let index = sequences.length - 1; index >= 0; index--) {
        const positions = sequences[index];
        if (index < sequences.length - 1) g.fill(0);
        const h = new Float64Array((positions.length + 1) * stateSize);
        if (index === 0) for (let n = 0; n < stateSize; n++) h[n] = initialState?.[row + n] ?? 0;
        positions.forEach((l, t2) => {
          const i = (b * length + l) * channels2 + d;
          const { dt } = step(i, d);
          for (let n = 0; n < stateSize; n++) {
            const from = t2 * stateSize + n;
            const input = dt * B5[(b * length + l) * stateSize + n] * u[i];
            h[from + stateSize] = Math.exp(dt * A[d * stateSize + n]) * h[from] + input;
          }
        });
        for (let t2 = positions.length - 1; t2 >= 0; t2--) {
          const l = positions[t2];
          const i = (b * length + l) * channels2 + d;
          const { raw, dt } = step(i, d);
          const gate = z === void 0 ? 1 : z[i] * sigmoid4(z[i]);
          const ds = dy2[i] * gate;
          let s = D2 === void 0 ? 0 : D2[d] * u[i];
          let du = D2 === void 0 ? 0 : ds * D2[d];
          let ddt = 0;
          for (let n = 0; n < stateSize; n++) {
            const k = (b * length + l) * stateSize + n;
            const before = h[t2 * stateSize + n];
            const after = h[(t2 + 1) * stateSize + n];
            const a = Math.exp(dt * A[d * stateSize + n]);
            s += C[k] * after;
            grads2.C[k] += ds * after;
            g[n] += ds * C[k];
            grads2.A[d * stateSize + n] += g[n] * before * a * dt;
            grads2.B[k] += g[n] * dt * u[i];
            ddt += g[n] * before * a * A[d * stateSize + n] + g[n] * B5[k] * u[i];
            du += g[n] * dt * B5[k];
            g[n] *= a;
          }
          grads2.u[i] = du;
          grads2.D[d] += ds * u[i];
          if (z !== void 0) grads2.z[i] = dy2[i] * s * siluSlope(z[i]);
          grads2.delta[i] = ddt * (deltaSoftplus ? softplusSlope(raw) : 1);
          grads2.deltaBias[d] += grads2.delta[i];
        }
      }
    }
  }
  return grads2;
}
function costOf6({ sizes: { B: B5, L: L4, D: D2, N: N5 }, flags }) {
  const { bytes } = scanCost(B5 * L4, D2, N5, flags);
  const states = (flags.initialState ? 2 : 0) + (flags.dFinalState ? 1 : 0);
  const vectors2 = (flags.D ? 1 : 0) + (flags.deltaBias ? 1 : 0);
  const written = B5 * L4 * ((flags.z ? 3 : 2) * D2 + 2 * N5) + D2 * (N5 + vectors2);
  return {
    flops: B5 * L4 * D2 * (18 * N5 + 25),
    bytes: bytes + bytesOf2(written + states * B5 * D2 * N5) + (flags.sequenceIds ? bytesOf2(B5 * L4, "i32") : 0)
  };
}
function scanBackwardCase(sizes, flags, extras = {}) {
  const setting = settingOf(sizes, flags, extras);
  const [batch, L4, D2, N5] = sizes;
  const deltaSoftplus = flags.softplus;
  return defineTrainingCase({
    op: "selectiveScanBackward",
    label: setting.label,
    sizes: setting.sizes,
    cost: costOf6(setting),
    ...extras.tolerance && { tolerance: extras.tolerance },
    inputs: () => {
      const { args: args2, dy: dy2, dFinalState } = trainingInputs("selectiveScanBackward", setting);
      return { dy: dy2, dFinalState, ...args2 };
    },
    prepare: (kernel2, { dy: _, dFinalState: __, ...args2 }) => residualOf(kernel2, { ...args2, deltaSoftplus }),
    run: (kernel2, { dy: dy2, dFinalState, ...args2 }, residual2) => gradients(kernel2.selectiveScanBackward(dy2, { ...args2, deltaSoftplus }, residual2, dFinalState)),
    reference: ({ dy: dy2, dFinalState, ...args2 }) => {
      const grads2 = reference32(batch, L4, D2, N5, dy2, { ...args2, deltaSoftplus }, dFinalState);
      return {
        d_u: result([batch, L4, D2], grads2.u),
        d_delta: result([batch, L4, D2], grads2.delta),
        d_A: result([D2, N5], grads2.A),
        d_B: result([batch, L4, N5], grads2.B),
        d_C: result([batch, L4, N5], grads2.C),
        ...flags.D && { d_D: result([D2], grads2.D) },
        ...flags.z && { d_z: result([batch, L4, D2], grads2.z) },
        ...flags.deltaBias && { d_deltaBias: result([D2], grads2.deltaBias) },
        ...flags.initialState && { d_initialState: result([batch, D2, N5], grads2.initialState) }
      };
    }
  });
}
var set4 = flagSets(scanBackwardFlags);
var model3 = set4("D", "z", "deltaBias", "softplus");
var stateful = set4("D", "z", "deltaBias", "softplus", "initialState", "dFinalState");
var everything2 = set4("D", "z", "deltaBias", "softplus", "initialState", "dFinalState", "sequenceIds");
var chunkLengths = [1, 3, 17, 65, 129, 257, 513];
var stateSizes2 = [1, 4, 5, 16];
var selectiveScanBackward3 = defineTrainingOp("selectiveScanBackward", {
  reference: reference32,
  cases: [
    ...chunkLengths.flatMap((L4, i) => [
      scanBackwardCase([i % 3 + 1, L4, cycled([5, 3, 17, 7], i), 16], model3),
      scanBackwardCase([L4 < 65 ? sequenceKinds : 3, L4, cycled([9, 4], i), cycled(stateSizes2, i)], everything2)
    ]),
    scanBackwardCase([1, 2049, 3, 4], model3),
    ...[1, 4, 5, 8, 16, 17, 32, 64].map(
      (N5, i) => scanBackwardCase([2, 33, cycled([3, 5, 17], i), N5], stateful, { note: ", state sizes" })
    ),
    scanBackwardCase([1, 9, 3, 256], model3, { note: ", the largest state" }),
    scanBackwardCase([1, 3, 130, 16], model3, { note: ", many channels" }),
    scanBackwardCase([9, 4, 3, 4], stateful, { note: ", many rows" }),
    scanBackwardCase([2, 40, 130, 16], stateful, { note: ", work for several threads" }),
    scanBackwardCase([2, 150, 70, 16], stateful, { note: ", channels and chunks for several threads" }),
    scanBackwardCase([6, 150, 70, 5], everything2, { note: ", channels and chunks for several threads" }),
    ...pairwise(scanBackwardFlags).flatMap((flags, i) => [
      scanBackwardCase([sequenceKinds, 20, 5, cycled(stateSizes2, i)], flags),
      scanBackwardCase([2, 66, cycled([9, 4], i), 16], flags)
    ]),
    scanBackwardCase([2, 24, 5, 16], set4("softplus", "deltaBias"), {
      note: ", steps just above and below 0 and 20",
      edit: ({ delta, deltaBias, A }) => {
        fillInTurn(delta, [-1, 0, 1, 19.5, 20, 20.001, 21, 5, 8]);
        deltaBias.fill(0);
        A.forEach((a, i) => A[i] = a * 0.05);
      }
    }),
    scanBackwardCase([2, 33, 5, 16], set4("softplus", "deltaBias"), {
      note: ", steps below 0.01",
      edit: ({ delta, deltaBias }) => {
        fillInTurn(delta, [-12, -8, -9.5, -5, -11, -7]);
        deltaBias.fill(-1);
      }
    }),
    scanBackwardCase([2, 16, 5, 4], set4("softplus", "D", "z"), {
      note: ", very negative steps",
      edit: ({ delta }) => {
        fillInTurn(delta, [-30, -100, -1e3, -3e38, -87, 0.5]);
      }
    }),
    scanBackwardCase([2, 16, 6, 4], set4("softplus", "initialState"), {
      note: ", huge steps that forget everything",
      edit: ({ delta, A }) => {
        fillInTurn(delta, [20.5, 30, 60, 88, 89, 100]);
        A.fill(-1);
      }
    }),
    scanBackwardCase([1, 9, 4, 8], set4("softplus"), {
      note: ", steps that overflow exp(delta)",
      edit: ({ delta, A }) => {
        fillInTurn(delta, [1e4, 2e4, 15e3]);
        A.forEach((a, i) => A[i] = a * 1e-4);
      }
    }),
    scanBackwardCase([1, 9, 5, 8], set4("initialState", "dFinalState"), {
      note: ", steps of zero and below",
      edit: ({ delta }) => {
        fillInTurn(delta, [0, -0.5, 0, 0, 0.25, -0.01]);
      }
    }),
    scanBackwardCase([1, 200, 5, 4], stateful, {
      note: ", a memory that reaches over every chunk",
      edit: ({ delta, A }) => {
        fillInTurn(delta, [-6, -7, -5]);
        A.fill(-0.05);
      }
    }),
    scanBackwardCase([2, 11, 9, 8], stateful, {
      note: ", NaN in one channel of u",
      edit: ({ u }) => {
        u[4 * 9 + 6] = NaN;
      }
    }),
    scanBackwardCase([2, 11, 9, 8], stateful, {
      note: ", NaN in one channel of dy",
      edit: ({ dy: dy2 }) => {
        dy2[(11 + 5) * 9 + 8] = NaN;
      }
    }),
    scanBackwardCase([2, 11, 9, 8], stateful, {
      note: ", NaN in one step of delta",
      edit: ({ delta }) => {
        delta[(11 + 3) * 9 + 8] = NaN;
      }
    }),
    scanBackwardCase([2, 11, 9, 8], stateful, {
      note: ", NaN in one gate",
      edit: ({ z }) => {
        z[(11 + 10) * 9 + 3] = NaN;
      }
    }),
    scanBackwardCase([2, 70, 9, 8], stateful, {
      note: ", NaN in one state of dFinalState",
      edit: ({ dFinalState }) => {
        dFinalState[(9 + 2) * 8 + 5] = NaN;
      }
    }),
    scanBackwardCase([sequenceKinds, 140, 3, 4], everything2),
    ...[21, 200].flatMap((L4) => [
      scanBackwardCase([sequenceKinds, L4, 5, 16], everything2, {
        note: ", NaN in all padding",
        edit: ({ dy: dy2, u, delta, B: B5, C, z }) => {
          for (const data of [dy2, u, delta, z]) padWith(data, NaN, sequenceKinds, L4, 5);
          for (const data of [B5, C]) padWith(data, NaN, sequenceKinds, L4, 16);
        }
      }),
      scanBackwardCase([sequenceKinds, L4, 5, 16], everything2, {
        note: ", NaN in dy at one position of each row",
        edit: ({ dy: dy2 }) => {
          markOne(dy2, NaN, sequenceKinds, L4, 5);
        }
      }),
      scanBackwardCase([sequenceKinds, L4, 5, 16], everything2, {
        note: ", NaN in u at one position of each row",
        edit: ({ u }) => {
          markOne(u, NaN, sequenceKinds, L4, 5);
        }
      })
    ])
  ],
  benchmarks: [scanBackwardCase([1, 2048, 1536, 16], model3)],
  minimal: {
    args: { dy: scanArgs.u, ...scanArgs, dFinalState: scanArgs.initialState },
    dense: ["A", "initialState", "sequenceIds", "dFinalState"],
    prepare: makeResidual,
    call: (k, { dy: dy2, dFinalState, ...args2 }, residual2) => (
      // `residual` is the result of `prepare`.
      Object.values(gradients(k.selectiveScanBackward(dy2, args2, residual2, dFinalState)))
    )
  },
  batched: {
    arguments: ["dy", "u", "delta", "B", "C", "z", "initialState", "dFinalState"],
    results: ["d_u", "d_delta", "d_B", "d_C", "d_z", "d_initialState"]
  }
});

// ../conformance/src/ops/selectiveScanForward.ts
function costOf7({ sizes: { B: B5, L: L4, D: D2, N: N5 }, flags }) {
  const { flops, bytes } = scanCost(B5 * L4, D2, N5, flags);
  const states = flags.initialState ? 2 : 1;
  return {
    flops,
    bytes: bytes + bytesOf2(states * B5 * D2 * N5) + (flags.sequenceIds ? bytesOf2(B5 * L4, "i32") : 0)
  };
}
function scanForwardCase(sizes, flags, extras = {}) {
  const setting = settingOf(sizes, flags, extras);
  const [batch, L4, D2, N5] = sizes;
  const deltaSoftplus = flags.softplus;
  return defineTrainingCase({
    op: "selectiveScanForward",
    label: setting.label,
    sizes: setting.sizes,
    cost: costOf7(setting),
    inputs: () => trainingInputs("selectiveScanForward", setting).args,
    run: (kernel2, args2) => {
      const { y, finalState, residual: residual2 } = kernel2.selectiveScanForward({ ...args2, deltaSoftplus });
      residual2.dispose();
      return { y, finalState };
    },
    reference: (args2) => {
      const { y, finalState } = selectiveScan3.reference(batch, L4, D2, N5, { ...args2, deltaSoftplus });
      return { y: result([batch, L4, D2], y), finalState: result([batch, D2, N5], finalState) };
    }
  });
}
var model4 = {
  ...{ D: true, z: true, deltaBias: true, softplus: true },
  ...{ initialState: false, sequenceIds: false, dFinalState: false, view: false }
};
var selectiveScanForward3 = defineTrainingOp("selectiveScanForward", {
  reference: selectiveScan3.reference,
  cases: [
    ...[1, 3, 17, 65, 129, 257, 513].map(
      (L4, i) => scanForwardCase([i % 3 + 1, L4, cycled([5, 3, 17], i), 16], model4)
    ),
    ...pairwise(scanBackwardFlags.filter((name) => name !== "dFinalState")).map(
      (flags, i) => scanForwardCase([sequenceKinds, 20, 5, cycled([1, 4, 5, 16], i)], { ...flags, dFinalState: false })
    ),
    scanForwardCase([2, 40, 130, 16], model4, { note: ", work for several threads" }),
    scanForwardCase([sequenceKinds, 140, 5, 16], { ...model4, initialState: true, sequenceIds: true })
  ],
  minimal: {
    args: scanArgs,
    dense: ["A", "initialState", "sequenceIds"],
    call: (k, t2) => {
      const { y, finalState, residual: residual2 } = k.selectiveScanForward(t2);
      residual2.dispose();
      return [y, finalState];
    }
  },
  batched: { arguments: ["u", "delta", "B", "C", "z", "initialState"] }
});

// ../conformance/src/ops/selectiveStateUpdate.ts
function reference33(batch, channels2, stateSize, state, args2) {
  const { y, finalState } = selectiveScan3.reference(batch, 1, channels2, stateSize, {
    ...args2,
    initialState: state
  });
  return { y, state: finalState };
}
var options = ["D", "z", "deltaBias", "softplus", "view"];
function build16(batch, D2, N5, flags, extras = {}, lead = [batch]) {
  const { note = "", edit } = extras;
  const label = `B${batch} D${D2} N${N5}${flagLabel(flags)}${note}`;
  const deltaSoftplus = flags.softplus;
  const { flops, bytes } = scanCost(batch, D2, N5, flags);
  return defineCase({
    op: "selectiveStateUpdate",
    label,
    sizes: { B: batch, D: D2, N: N5 },
    cost: { flops, bytes: bytes + bytesOf2(2 * batch * D2 * N5) },
    inputs: () => {
      const data = drawScan(`selectiveStateUpdate ${label}`, batch, batch, D2, N5, flags.softplus);
      edit?.(data);
      return {
        state: { ...floats2(data.state, [batch, D2, N5]), inPlace: true },
        ...scanInputs(flags.view, data, lead, D2, N5, flags)
      };
    },
    run: (kernel2, { state, ...args2 }) => ({
      y: kernel2.selectiveStateUpdate(state, { ...args2, deltaSoftplus })
    }),
    reference: ({ state, ...args2 }) => {
      const after = reference33(batch, D2, N5, state, { ...args2, deltaSoftplus });
      return { y: result([...lead, D2], after.y), state: result([batch, D2, N5], after.state) };
    }
  });
}
var model5 = { D: true, z: true, deltaBias: true, softplus: true, view: false };
var selectiveStateUpdate3 = defineOp("selectiveStateUpdate", {
  reference: reference33,
  cases: [
    ...pairwise(options).flatMap((flags) => [build16(3, 5, 16, flags), build16(1, 33, 8, flags)]),
    ...[1, 3, 4, 8, 16, 17, 32, 64, 256].map((N5, i) => build16(i % 3 + 1, cycled([3, 17, 7], i), N5, model5)),
    build16(1, 513, 16, model5),
    build16(3, 10, 16, { ...model5, view: true }, { note: ", a sequence of one position" }, [3, 1]),
    build16(9, 6, 4, model5),
    build16(2, 9, 8, model5, {
      note: ", extreme steps",
      edit: ({ delta }) => {
        delta.set([-1e3, -30, 0, 20, 20.5, 40, 80, -12, -87]);
      }
    }),
    build16(2, 9, 8, model5, {
      note: ", NaN in one channel of u and in one state",
      edit: ({ u, state }) => {
        u[4] = NaN;
        state[(9 + 7) * 8 + 7] = NaN;
      }
    })
  ],
  benchmarks: [build16(1, 1536, 16, model5), build16(8, 1536, 16, model5)],
  minimal: {
    args: {
      u: f32(B, D),
      delta: f32(B, D),
      A: f32(D, N),
      D: f32(D),
      deltaBias: f32(D),
      B: f32(B, N),
      C: f32(B, N),
      z: f32(B, D),
      state: f32(B, D, N)
    },
    dense: ["A", "state"],
    writes: ["state"],
    call: (k, { state, ...args2 }) => [k.selectiveStateUpdate(state, args2)]
  },
  rows: {
    arguments: ["u", "delta", "B", "C", "z", "state"],
    many: [build16(manyRows, 70, 16, model5), build16(manyRows, 5, 5, { ...model5, view: true })]
  }
});

// ../conformance/src/ops/sigmoid.ts
function reference34(x) {
  return Float64Array.from(x, sigmoid4);
}
function backwardReference9(dy2, y) {
  return Float64Array.from(dy2, (gradient, i) => gradient * y[i] * (1 - y[i]));
}
var definition9 = { op: "sigmoid", run: (kernel2, x) => kernel2.sigmoid(x), reference: reference34, flops: 4 };
var backward2 = {
  op: "sigmoidBackward",
  run: (kernel2, dy2, y) => kernel2.sigmoidBackward(dy2, y),
  reference: backwardReference9,
  flops: 3,
  draw: (random, count) => random.uniforms(count, 0, 1)
};
var sigmoid5 = defineOp("sigmoid", {
  reference: reference34,
  cases: fewUnaryCases(definition9, sShapeValues),
  rows: unaryRows(definition9),
  minimal: { args: { x: f32(B, L, D) }, anyAxes: ["x"], call: (k, t2) => [k.sigmoid(t2.x)] }
});
var sigmoidBackward3 = defineTrainingOp("sigmoidBackward", {
  reference: backwardReference9,
  cases: backwardCases(backward2, [0, -0, 1, 0, NaN, 1e-8, 0.5]),
  minimal: { args: { dy: f32(B, L, D), y: f32(B, L, D) }, call: (k, t2) => [k.sigmoidBackward(t2.dy, t2.y)] }
});

// ../conformance/src/ops/silu.ts
function reference35(x) {
  const y = new Float64Array(x.length);
  for (let i = 0; i < y.length; i++) y[i] = x[i] * sigmoid4(x[i]);
  return y;
}
function backwardReference10(dy2, x) {
  const dx = new Float64Array(x.length);
  for (let i = 0; i < dx.length; i++) dx[i] = dy2[i] * siluSlope(x[i]);
  return dx;
}
function backwardCase8(shape, note = "", views = [], values = []) {
  const label = `[${shape.join(",")}]${note}`;
  const count = elementCount(shape);
  return defineTrainingCase({
    op: "siluBackward",
    label,
    sizes: elementSizes(shape),
    cost: { flops: 9 * count, bytes: bytesOf2(3 * count) },
    inputs: () => {
      const random = new Random(`siluBackward ${label}`);
      const dy2 = floats2(random.normals(count), shape);
      const x = floats2(withValues(random.normals(count, 3), values), shape);
      return { dy: views.includes("dy") ? asView(dy2, 1, 5) : dy2, x: views.includes("x") ? asView(x) : x };
    },
    run: (kernel2, t2) => ({ dx: kernel2.siluBackward(t2.dy, t2.x) }),
    reference: (v) => ({ dx: result(shape, backwardReference10(v.dy, v.x)) })
  });
}
var definition10 = { op: "silu", run: (kernel2, x) => kernel2.silu(x), reference: reference35, flops: 4 };
var silu3 = defineOp("silu", {
  reference: reference35,
  cases: unaryCases(definition10),
  rows: unaryRows(definition10),
  minimal: { args: { x: f32(B, L, D) }, anyAxes: ["x"], call: (k, t2) => [k.silu(t2.x)] }
});
var siluBackward3 = defineTrainingOp("siluBackward", {
  reference: backwardReference10,
  cases: [
    ...lengths.map((n) => backwardCase8([n])),
    backwardCase8([2, 3, 5]),
    backwardCase8([4, 33], " of two views", ["dy", "x"]),
    backwardCase8([2, 3, 17], " of a dense tensor and a view", ["x"]),
    backwardCase8([5, 1], " of a view of one column", ["dy"]),
    backwardCase8([2, 10007], ", work for several threads"),
    backwardCase8([300, 67], " of two views, work for several threads", ["dy", "x"]),
    backwardCase8([8], " around zero", [], [0, -0, 1e-8, -1e-8, 1e-3, -1e-3, 1e-20, -1e-20]),
    backwardCase8([31], " with NaN in one place", [], [0.5, NaN, 1, -1]),
    backwardCase8([21], " far from zero", [], [20, -20, 40, -40, 80, -80, 87, -87, -104, -1e3, 1e3])
  ],
  minimal: { args: { dy: f32(B, L, D), x: f32(B, L, D) }, call: (k, t2) => [k.siluBackward(t2.dy, t2.x)] }
});

// ../conformance/src/ops/softmax.ts
function reference36(rows2, features, x) {
  const y = new Float64Array(rows2 * features);
  for (let r2 = 0; r2 < rows2; r2++) {
    let largest2 = -Infinity;
    for (let d = 0; d < features; d++) largest2 = Math.max(largest2, x[r2 * features + d]);
    let sum = 0;
    for (let d = 0; d < features; d++) sum += Math.exp(x[r2 * features + d] - largest2);
    for (let d = 0; d < features; d++) {
      y[r2 * features + d] = Math.exp(x[r2 * features + d] - largest2) / sum;
    }
  }
  return y;
}
function backwardReference11(rows2, features, dy2, y) {
  const dx = new Float64Array(rows2 * features);
  for (let r2 = 0; r2 < rows2; r2++) {
    let dot = 0;
    for (let d = 0; d < features; d++) dot += dy2[r2 * features + d] * y[r2 * features + d];
    for (let i = r2 * features; i < (r2 + 1) * features; i++) dx[i] = y[i] * (dy2[i] - dot);
  }
  return dx;
}
function build17(rows2, D2, options3 = {}) {
  const { view = false, scale: scale4 = 3, leading = [rows2], note = "", values = [] } = options3;
  const label = `rows ${rows2} D${D2}${view ? " of a view" : ""}${note}`;
  const count = rows2 * D2;
  return defineCase({
    op: "softmax",
    label,
    sizes: { rows: rows2, D: D2 },
    cost: { flops: 5 * count, bytes: bytesOf2(2 * count) },
    inputs: () => {
      const random = new Random(`softmax ${label}`);
      const x = floats2(withValues(random.normals(count, scale4), values), [...leading, D2]);
      return { x: view ? asView(x) : x };
    },
    run: (kernel2, t2) => ({ y: kernel2.softmax(t2.x) }),
    reference: (v) => ({ y: result([...leading, D2], reference36(rows2, D2, v.x)) })
  });
}
var backward3 = {
  op: "softmaxBackward",
  run: (kernel2, dy2, y) => kernel2.softmaxBackward(dy2, y),
  reference: (dy2, y, features) => backwardReference11(dy2.length / features, features, dy2, y),
  flops: 4,
  draw: (random, count) => random.uniforms(count, 0, 1)
};
var softmax4 = defineOp("softmax", {
  reference: reference36,
  cases: [
    build17(5, 7),
    build17(6, 33, { view: true, leading: [2, 3], note: ", three axes" }),
    build17(67, 1),
    build17(2, 2049, { view: true }),
    build17(3, 33, { scale: 1e4, note: ", extreme values" }),
    build17(4, 5, { values: [-Infinity, 1, 1e30, 2, -1e30, 3, -Infinity], note: ", -infinity in two rows" }),
    build17(4, 3, {
      values: [-Infinity, -Infinity, -Infinity, 1, NaN, 2, Infinity, 1, 2],
      note: ", rows of -infinity, with NaN and with infinity"
    })
  ],
  rows: { arguments: ["x"], many: [build17(manyRows, 517), build17(manyRows, 10)] },
  minimal: { args: { x: f32(B, L, D) }, anyAxes: ["x"], call: (k, t2) => [k.softmax(t2.x)] }
});
var softmaxBackward3 = defineTrainingOp("softmaxBackward", {
  reference: backwardReference11,
  cases: backwardCases(backward3, [0, 1, 0.5]),
  minimal: {
    args: { dy: f32(B, L, D), y: f32(B, L, D) },
    call: (k, t2) => [k.softmaxBackward(t2.dy, t2.y)]
  },
  batched: { arguments: ["dy", "other"] }
});

// ../conformance/src/ops/sqrt.ts
function reference37(x) {
  return Float64Array.from(x, Math.sqrt);
}
var definition11 = {
  op: "sqrt",
  run: (kernel2, x) => kernel2.sqrt(x),
  reference: reference37,
  flops: 1,
  draw: (random, count) => random.normals(count, 3).map(Math.exp)
};
var sqrt3 = defineOp("sqrt", {
  reference: reference37,
  cases: fewUnaryCases(definition11, [1, NaN, Infinity, 0, -1, -Infinity, 1e-30, 1e30, 4, 2]),
  rows: unaryRows(definition11),
  minimal: { args: { x: f32(B, L, D) }, anyAxes: ["x"], call: (k, t2) => [k.sqrt(t2.x)] }
});

// ../conformance/src/cases/ssdInputs.ts
var ssdFlags = ["D", "initialState", "sequenceIds", "finalState", "view"];
var ssdBackwardFlags = ["D", "initialState", "sequenceIds", "dFinalState", "view"];
function ssdSetting([B5, L4, H4, P4, G4, N5], flags, { note = "", edit }) {
  const label = `B${B5} L${L4} H${H4} P${P4} G${G4} N${N5}${flagLabel(flags)}${note}`;
  return { label, sizes: { B: B5, L: L4, H: H4, P: P4, G: G4, N: N5 }, flags, edit };
}
function drawSsd(seed2, { B: B5, L: L4, H: H4, P: P4, G: G4, N: N5 }) {
  const random = new Random(seed2);
  const rows2 = B5 * L4;
  return {
    x: random.normals(rows2 * H4 * P4),
    B: random.normals(rows2 * G4 * N5),
    C: random.normals(rows2 * G4 * N5),
    logDecay: random.uniforms(rows2 * H4, Math.log(1e-3), Math.log(1.5)).map((x) => -Math.exp(x)),
    weight: random.uniforms(rows2 * H4, 0.02, 0.6),
    D: random.normals(H4),
    initialState: random.normals(B5 * H4 * P4 * N5),
    dy: random.normals(rows2 * H4 * P4),
    dFinalState: random.normals(B5 * H4 * P4 * N5)
  };
}
function ssdData(op, { label, sizes, edit }) {
  const data = drawSsd(`${op} ${label}`, sizes);
  edit?.(data);
  return data;
}
function ssdPositions(view, data, lead, { H: H4, P: P4, G: G4, N: N5 }) {
  const place2 = (input, before, after) => view ? asView(input, before, after) : input;
  return {
    x: place2(floats2(data.x, [...lead, H4 * P4]), 0, 2 * G4 * N5),
    B: place2(floats2(data.B, [...lead, G4 * N5]), H4 * P4, G4 * N5),
    C: place2(floats2(data.C, [...lead, G4 * N5]), H4 * P4 + G4 * N5, 0),
    logDecay: place2(floats2(data.logDecay, [...lead, H4]), H4, 0),
    weight: place2(floats2(data.weight, [...lead, H4]), 0, H4)
  };
}
function ssdInputs(data, { sizes, flags }) {
  const { B: B5, L: L4, H: H4, P: P4, N: N5 } = sizes;
  return {
    ...ssdPositions(flags.view, data, [B5, L4], sizes),
    D: flags.D ? floats2(data.D, [H4]) : void 0,
    initialState: flags.initialState ? floats2(data.initialState, [B5, H4, P4, N5]) : void 0,
    sequenceIds: flags.sequenceIds ? ints(sequenceIdsFor(B5, L4), [B5, L4]) : void 0
  };
}
function ssdCost(rows2, { H: H4, P: P4, G: G4, N: N5 }, D2) {
  return {
    flops: rows2 * H4 * (1 + P4 * (1 + 5 * N5 + (D2 ? 2 : 0))),
    bytes: bytesOf2(rows2 * (2 * H4 * P4 + 2 * G4 * N5 + 2 * H4) + (D2 ? H4 : 0))
  };
}
function ssdScalars({ H: H4, G: G4 }) {
  return { heads: H4, groups: G4 };
}
var ssdMinimal = { B: 2, L: 4, H: 6, P: 3, G: 2, N: 5 };
var { B: B2, L: L2, H, P, G, N: N2 } = ssdMinimal;
var ssdMinimalArgs = {
  x: f32(B2, L2, H * P),
  B: f32(B2, L2, G * N2),
  C: f32(B2, L2, G * N2),
  logDecay: f32(B2, L2, H),
  weight: f32(B2, L2, H),
  D: f32(H),
  initialState: f32(B2, H, P, N2),
  sequenceIds: i32(B2, L2)
};
function ssdResidualOf(kernel2, args2) {
  const { y, finalState, residual: residual2 } = kernel2.ssdScanForward(args2);
  y.dispose();
  finalState.dispose();
  return residual2;
}
function makeSsdResidual(kernel2, length = L2) {
  var _stack = [];
  try {
    const zeros3 = (width) => kernel2.zeros([B2, length, width], "f32");
    const x = __using(_stack, zeros3(H * P));
    const states = __using(_stack, zeros3(G * N2));
    const scalars = __using(_stack, zeros3(H));
    const args2 = { x, B: states, C: states, logDecay: scalars, weight: scalars, ...ssdScalars(ssdMinimal) };
    return ssdResidualOf(kernel2, args2);
  } catch (_) {
    var _error = _, _hasError = true;
  } finally {
    __callDispose(_stack, _error, _hasError);
  }
}

// ../conformance/src/ops/ssdScan.ts
function reference38({ B: batch, L: L4, H: H4, P: P4, G: G4, N: N5 }, { x, B: B5, C, logDecay, weight, D: D2, initialState, sequenceIds, roundState }) {
  const y = new Float64Array(batch * L4 * H4 * P4);
  const S3 = Float64Array.from(initialState ?? new Float64Array(batch * H4 * P4 * N5));
  for (let b = 0; b < batch; b++) {
    const row = S3.subarray(b * H4 * P4 * N5, (b + 1) * H4 * P4 * N5);
    sequencesOf(sequenceIds, b, L4).forEach((positions, index) => {
      if (index > 0) row.fill(0);
      for (const l of positions) {
        for (let h = 0; h < H4; h++) {
          const at = (b * L4 + l) * H4 + h;
          const group = ((b * L4 + l) * G4 + Math.floor(h / (H4 / G4))) * N5;
          const decay3 = Math.exp(logDecay[at]);
          for (let p = 0; p < P4; p++) {
            const i = at * P4 + p;
            const input = weight[at] * x[i];
            let sum = D2 === void 0 ? 0 : D2[h] * x[i];
            for (let n = 0; n < N5; n++) {
              const j = (h * P4 + p) * N5 + n;
              const next = decay3 * row[j] + input * B5[group + n];
              row[j] = roundState ? Math.fround(next) : next;
              sum += row[j] * C[group + n];
            }
            y[i] = sum;
          }
        }
      }
    });
  }
  return { y, finalState: S3 };
}
function ssdScanCost({ sizes, flags }, states) {
  const { B: B5, L: L4, H: H4, P: P4, N: N5 } = sizes;
  const { flops, bytes } = ssdCost(B5 * L4, sizes, flags.D);
  const ids = flags.sequenceIds ? bytesOf2(B5 * L4, "i32") : 0;
  return { flops, bytes: bytes + bytesOf2(states * B5 * H4 * P4 * N5) + ids };
}
function ssdScanCase(size, flags, extras = {}) {
  const setting = ssdSetting(size, flags, extras);
  const { label, sizes } = setting;
  const { B: B5, L: L4, H: H4, P: P4, N: N5 } = sizes;
  return defineCase({
    op: "ssdScan",
    label,
    sizes,
    cost: ssdScanCost(setting, (flags.initialState ? 1 : 0) + (flags.finalState ? 1 : 0)),
    inputs: () => ssdInputs(ssdData("ssdScan", setting), setting),
    run: (kernel2, t2) => {
      const args2 = { ...t2, ...ssdScalars(sizes) };
      return flags.finalState ? kernel2.ssdScan(args2, { finalState: true }) : kernel2.ssdScan(args2);
    },
    reference: (v) => {
      const { y, finalState } = reference38(sizes, v);
      const out = { y: result([B5, L4, H4 * P4], y) };
      return flags.finalState ? { ...out, finalState: result([B5, H4, P4, N5], finalState) } : out;
    }
  });
}
var set5 = flagSets(ssdFlags);
var plain2 = set5("D", "finalState");
var stateful2 = set5("D", "initialState", "finalState");
var everything3 = set5("D", "initialState", "sequenceIds", "finalState");
var ssdScan3 = defineOp("ssdScan", {
  reference: reference38,
  cases: [
    // Lengths around the chunks of a backend, which are 64 positions or a fraction of them.
    ...[1, 2, 3, 15, 17, 33, 63, 64, 65, 127, 130, 200].map(
      (L4, i) => ssdScanCase(
        [
          i % 3 + 1,
          L4,
          cycled([4, 2, 6], i),
          cycled([5, 8, 3], i),
          cycled([1, 2, 3], i),
          cycled([16, 7, 4], i)
        ],
        i % 2 ? stateful2 : plain2
      )
    ),
    ...[1, 2, 3, 4, 5, 12, 32, 64, 100, 128, 256].map(
      (N5, i) => ssdScanCase([1, 70, 2, cycled([4, 1, 7], i), cycled([1, 2], i), N5], stateful2)
    ),
    ...[1, 2, 3, 9, 31, 32, 64, 80].map(
      (P4, i) => ssdScanCase([1, 67, cycled([3, 1, 2], i), P4, 1, cycled([16, 9, 32], i)], stateful2)
    ),
    ssdScanCase([2, 66, 8, 4, 4, 8], plain2, { note: ", groups of two heads" }),
    ssdScanCase([1, 70, 15, 2, 5, 6], plain2, { note: ", groups of three heads" }),
    ssdScanCase([1, 65, 24, 3, 1, 8], plain2, { note: ", many heads in a group" }),
    ssdScanCase([9, 3, 2, 5, 1, 16], stateful2, { note: ", many rows" }),
    ssdScanCase([2, 130, 8, 16, 2, 32], stateful2, { note: ", work for several threads" }),
    ssdScanCase([1, 1100, 2, 3, 1, 4], stateful2, { note: ", many chunks" }),
    ...pairwise(ssdFlags).flatMap((flags, i) => [
      ssdScanCase([sequenceKinds, 20, 4, 3, 2, cycled([5, 16, 8], i)], flags),
      ssdScanCase([2, 129, 3, cycled([4, 5], i), 1, 6], flags)
    ]),
    ...[1, 2, 3, 5, 63, 64, 65, 130].map(
      (L4, i) => ssdScanCase(
        [sequenceKinds, L4, 2, cycled([3, 4], i), cycled([1, 2], i), cycled([8, 5], i)],
        set5("sequenceIds", "finalState", "D")
      )
    ),
    ssdScanCase([sequenceKinds, 200, 2, 3, 1, 5], everything3),
    ssdScanCase([1, 100, 2, 3, 1, 8], stateful2, {
      note: ", positions that forget the state between slow ones",
      // The sum of the logarithms of a chunk is large: their differences in float32 would lose the small ones.
      edit: ({ logDecay }) => {
        fillInTurn(logDecay, [-0.01, -3e3, -0.02, -3e-3, -40, -0.01, -0.3, -0.05, -120]);
      }
    }),
    ssdScanCase([1, 80, 2, 3, 1, 8], stateful2, {
      note: ", no decay, growth, and weights of zero and below",
      edit: ({ logDecay, weight }) => {
        fillInTurn(logDecay, [0, -0.1, 0.02, 0, -1]);
        fillInTurn(weight, [0.5, 0, -0.3, 1.5]);
      }
    }),
    ssdScanCase([1, 80, 2, 3, 1, 8], stateful2, {
      note: ", decays that underflow",
      edit: ({ logDecay }) => {
        fillInTurn(logDecay, [-100, -87, -1e4, -3e38, -0.5, -Infinity]);
      }
    }),
    ssdScanCase([2, 70, 4, 3, 2, 5], stateful2, {
      note: ", NaN in one column of the first position of x",
      edit: ({ x }) => {
        x[70 * 12 + 4] = NaN;
      }
    }),
    ssdScanCase([2, 70, 4, 3, 2, 5], stateful2, {
      note: ", NaN in C at one position, which no state keeps",
      edit: ({ C }) => {
        C[66 * 10 + 6] = NaN;
      }
    }),
    ssdScanCase([2, 70, 4, 3, 2, 5], stateful2, {
      note: ", NaN in one decay",
      edit: ({ logDecay }) => {
        logDecay[(70 + 65) * 4 + 1] = NaN;
      }
    }),
    ssdScanCase([2, 70, 4, 3, 2, 5], stateful2, {
      note: ", NaN in one initial state",
      edit: ({ initialState }) => {
        initialState[(5 * 3 + 1) * 5 + 2] = NaN;
      }
    }),
    ...[21, 140].map(
      (L4) => ssdScanCase([sequenceKinds, L4, 4, 3, 2, 5], everything3, {
        note: ", NaN in all padding",
        edit: ({ x, B: B5, C, logDecay, weight }) => {
          padWith(x, NaN, sequenceKinds, L4, 12);
          for (const data of [B5, C]) padWith(data, NaN, sequenceKinds, L4, 10);
          for (const data of [logDecay, weight]) padWith(data, NaN, sequenceKinds, L4, 4);
        }
      })
    ),
    ssdScanCase([sequenceKinds, 140, 4, 3, 2, 5], everything3, {
      note: ", NaN in C at one position of each row",
      edit: ({ C }) => {
        markOne(C, NaN, sequenceKinds, 140, 10);
      }
    })
  ],
  benchmarks: [
    ssdScanCase([1, 2048, 48, 32, 1, 128], set5("D", "finalState")),
    ssdScanCase([1, 2048, 24, 64, 1, 128], set5("D", "finalState"))
  ],
  minimal: {
    args: ssdMinimalArgs,
    dense: ["D", "initialState", "sequenceIds"],
    call: (k, t2) => {
      const { y, finalState } = k.ssdScan({ ...t2, ...ssdScalars(ssdMinimal) }, { finalState: true });
      return [y, finalState];
    }
  },
  rows: {
    arguments: ["x", "B", "C", "logDecay", "weight", "initialState"],
    integers: ["sequenceIds"],
    many: [
      ssdScanCase([manyRows, 19, 4, 3, 2, 5], everything3),
      ssdScanCase([manyRows, 67, 2, 3, 1, 4], plain2),
      ssdScanCase([manyRows, 3, 6, 17, 1, 16], stateful2)
    ]
  },
  outOfRange: (kernel2, scope) => {
    const zeros3 = (...shape) => scope.use(kernel2.zeros(shape, "f32"));
    const [x, states, wide, scalars] = [zeros3(1, 2, 6), zeros3(1, 2, 4), zeros3(1, 2, 257), zeros3(1, 2, 2)];
    const args2 = { x, B: states, C: states, logDecay: scalars, weight: scalars, heads: 2, groups: 1 };
    return [
      ["N 257", () => kernel2.ssdScan({ ...args2, B: wide, C: wide })],
      ["heads 0", () => kernel2.ssdScan({ ...args2, heads: 0 })],
      ["heads 1.5", () => kernel2.ssdScan({ ...args2, heads: 1.5 })],
      ["groups 0", () => kernel2.ssdScan({ ...args2, groups: 0 })],
      ["groups that do not divide heads", () => kernel2.ssdScan({ ...args2, groups: 4 })]
    ];
  }
});

// ../conformance/src/ops/ssdScanBackward.ts
function reference39({ B: batch, L: L4, H: H4, P: P4, G: G4, N: N5 }, dy2, { x, B: B5, C, logDecay, weight, D: D2, initialState, sequenceIds }, dFinalState) {
  const grads2 = {
    x: new Float64Array(batch * L4 * H4 * P4),
    B: new Float64Array(batch * L4 * G4 * N5),
    C: new Float64Array(batch * L4 * G4 * N5),
    logDecay: new Float64Array(batch * L4 * H4),
    weight: new Float64Array(batch * L4 * H4),
    D: new Float64Array(H4),
    initialState: Float64Array.from(dFinalState ?? new Float64Array(batch * H4 * P4 * N5))
  };
  const size = P4 * N5;
  for (let b = 0; b < batch; b++) {
    const sequences = sequencesOf(sequenceIds, b, L4);
    for (let h = 0; h < H4; h++) {
      const row = (b * H4 + h) * size;
      const g = grads2.initialState.subarray(row, row + size);
      for (let index = sequences.length - 1; index >= 0; index--) {
        const positions = sequences[index];
        if (index < sequences.length - 1) g.fill(0);
        const S3 = new Float64Array((positions.length + 1) * size);
        if (index === 0) for (let j = 0; j < size; j++) S3[j] = initialState?.[row + j] ?? 0;
        const groupAt = (l) => ((b * L4 + l) * G4 + Math.floor(h / (H4 / G4))) * N5;
        positions.forEach((l, t2) => {
          const at = (b * L4 + l) * H4 + h;
          for (let p = 0; p < P4; p++) {
            for (let n = 0; n < N5; n++) {
              const from = t2 * size + p * N5 + n;
              const input = weight[at] * x[at * P4 + p] * B5[groupAt(l) + n];
              S3[from + size] = Math.exp(logDecay[at]) * S3[from] + input;
            }
          }
        });
        for (let t2 = positions.length - 1; t2 >= 0; t2--) {
          const l = positions[t2];
          const at = (b * L4 + l) * H4 + h;
          const group = groupAt(l);
          const decay3 = Math.exp(logDecay[at]);
          for (let p = 0; p < P4; p++) {
            const i = at * P4 + p;
            let gB = 0;
            for (let n = 0; n < N5; n++) {
              const j = p * N5 + n;
              grads2.C[group + n] += S3[(t2 + 1) * size + j] * dy2[i];
              g[j] += dy2[i] * C[group + n];
              grads2.B[group + n] += weight[at] * g[j] * x[i];
              gB += g[j] * B5[group + n];
              if (t2 > 0 || index === 0 && initialState) {
                grads2.logDecay[at] += decay3 * g[j] * S3[t2 * size + j];
              }
              g[j] *= decay3;
            }
            grads2.weight[at] += x[i] * gB;
            grads2.x[i] = weight[at] * gB + (D2 === void 0 ? 0 : D2[h] * dy2[i]);
            grads2.D[h] += x[i] * dy2[i];
          }
        }
      }
    }
  }
  return grads2;
}
function costOf8({ sizes, flags }) {
  const { B: B5, L: L4, H: H4, P: P4, G: G4, N: N5 } = sizes;
  const { bytes } = ssdCost(B5 * L4, sizes, flags.D);
  const states = (flags.initialState ? 2 : 0) + (flags.dFinalState ? 1 : 0);
  const written = B5 * L4 * (H4 * P4 + 2 * G4 * N5 + 2 * H4) + (flags.D ? H4 : 0);
  return {
    flops: B5 * L4 * H4 * P4 * (14 * N5 + 8),
    bytes: bytes + bytesOf2(written + states * B5 * H4 * P4 * N5) + (flags.sequenceIds ? bytesOf2(B5 * L4, "i32") : 0)
  };
}
function ssdBackwardCase(size, flags, extras = {}) {
  const setting = ssdSetting(size, flags, extras);
  const { label, sizes } = setting;
  const { B: B5, L: L4, H: H4, P: P4, G: G4, N: N5 } = sizes;
  return defineTrainingCase({
    op: "ssdScanBackward",
    label,
    sizes,
    cost: costOf8(setting),
    inputs: () => {
      const data = ssdData("ssdScanBackward", setting);
      const dy2 = floats2(data.dy, [B5, L4, H4 * P4]);
      return {
        dy: flags.view ? asView(dy2, 2, 1) : dy2,
        dFinalState: flags.dFinalState ? floats2(data.dFinalState, [B5, H4, P4, N5]) : void 0,
        ...ssdInputs(data, setting)
      };
    },
    prepare: (kernel2, { dy: _, dFinalState: __, ...args2 }) => ssdResidualOf(kernel2, { ...args2, ...ssdScalars(sizes) }),
    run: (kernel2, { dy: dy2, dFinalState, ...args2 }, residual2) => gradients(kernel2.ssdScanBackward(dy2, { ...args2, ...ssdScalars(sizes) }, residual2, dFinalState)),
    reference: ({ dy: dy2, dFinalState, ...args2 }) => {
      const grads2 = reference39(sizes, dy2, args2, dFinalState);
      return {
        d_x: result([B5, L4, H4 * P4], grads2.x),
        d_B: result([B5, L4, G4 * N5], grads2.B),
        d_C: result([B5, L4, G4 * N5], grads2.C),
        d_logDecay: result([B5, L4, H4], grads2.logDecay),
        d_weight: result([B5, L4, H4], grads2.weight),
        ...flags.D && { d_D: result([H4], grads2.D) },
        ...flags.initialState && { d_initialState: result([B5, H4, P4, N5], grads2.initialState) }
      };
    }
  });
}
var set6 = flagSets(ssdBackwardFlags);
var stateful3 = set6("D", "initialState", "dFinalState");
var everything4 = set6("D", "initialState", "sequenceIds", "dFinalState");
var ssdScanBackward3 = defineTrainingOp("ssdScanBackward", {
  reference: reference39,
  cases: [
    ...[1, 2, 3, 17, 63, 64, 65, 130, 200].map(
      (L4, i) => ssdBackwardCase(
        [
          i % 3 + 1,
          L4,
          cycled([4, 2, 6], i),
          cycled([5, 8, 3], i),
          cycled([1, 2, 3], i),
          cycled([16, 7, 4], i)
        ],
        i % 2 ? set6("D") : stateful3
      )
    ),
    ...[1, 3, 4, 32, 100, 128, 256].map(
      (N5, i) => ssdBackwardCase([1, 66, 2, cycled([4, 1, 7], i), cycled([1, 2], i), N5], stateful3)
    ),
    ...[1, 3, 32, 64, 80].map(
      (P4, i) => ssdBackwardCase([1, 67, cycled([3, 1, 2], i), P4, 1, cycled([16, 9, 32], i)], stateful3)
    ),
    ssdBackwardCase([2, 66, 8, 4, 4, 8], stateful3, { note: ", groups of two heads" }),
    ssdBackwardCase([1, 65, 24, 3, 1, 8], set6("D"), { note: ", many heads in a group" }),
    ssdBackwardCase([2, 130, 6, 16, 2, 16], stateful3, { note: ", work for several threads" }),
    ssdBackwardCase([1, 600, 2, 3, 1, 4], stateful3, { note: ", many chunks" }),
    ...pairwise(ssdBackwardFlags).flatMap((flags, i) => [
      ssdBackwardCase([sequenceKinds, 20, 4, 3, 2, cycled([5, 16, 8], i)], flags),
      ssdBackwardCase([2, 129, 3, cycled([4, 5], i), 1, 6], flags)
    ]),
    ...[1, 3, 63, 65, 130].map(
      (L4, i) => ssdBackwardCase(
        [sequenceKinds, L4, 2, cycled([3, 4], i), cycled([1, 2], i), cycled([8, 5], i)],
        everything4
      )
    ),
    ssdBackwardCase([1, 100, 2, 3, 1, 8], stateful3, {
      note: ", positions that forget the state between slow ones",
      edit: ({ logDecay }) => {
        fillInTurn(logDecay, [-0.01, -3e3, -0.02, -3e-3, -40, -0.01, -0.3, -0.05, -120]);
      }
    }),
    ssdBackwardCase([1, 80, 2, 3, 1, 8], stateful3, {
      note: ", no decay, growth, and weights of zero and below",
      edit: ({ logDecay, weight }) => {
        fillInTurn(logDecay, [0, -0.1, 0.02, 0, -1]);
        fillInTurn(weight, [0.5, 0, -0.3, 1.5]);
      }
    }),
    ssdBackwardCase([1, 200, 2, 3, 1, 4], stateful3, {
      note: ", a state that reaches over every chunk",
      edit: ({ logDecay }) => {
        fillInTurn(logDecay, [-2e-3, -1e-3, -4e-3]);
      }
    }),
    ssdBackwardCase([2, 70, 4, 3, 2, 5], stateful3, {
      note: ", NaN in one column of the last position of dy",
      edit: ({ dy: dy2 }) => {
        dy2[139 * 12 + 4] = NaN;
      }
    }),
    ssdBackwardCase([2, 70, 4, 3, 2, 5], stateful3, {
      note: ", NaN in one state of dFinalState",
      edit: ({ dFinalState }) => {
        dFinalState[(5 * 3 + 1) * 5 + 2] = NaN;
      }
    }),
    ...[21, 140].map(
      (L4) => ssdBackwardCase([sequenceKinds, L4, 4, 3, 2, 5], everything4, {
        note: ", NaN in all padding",
        edit: ({ dy: dy2, x, B: B5, C, logDecay, weight }) => {
          for (const data of [dy2, x]) padWith(data, NaN, sequenceKinds, L4, 12);
          for (const data of [B5, C]) padWith(data, NaN, sequenceKinds, L4, 10);
          for (const data of [logDecay, weight]) padWith(data, NaN, sequenceKinds, L4, 4);
        }
      })
    )
  ],
  benchmarks: [ssdBackwardCase([1, 2048, 24, 64, 1, 128], set6("D"))],
  minimal: {
    args: { dy: ssdMinimalArgs.x, ...ssdMinimalArgs, dFinalState: ssdMinimalArgs.initialState },
    dense: ["D", "initialState", "sequenceIds", "dFinalState"],
    prepare: makeSsdResidual,
    call: (k, { dy: dy2, dFinalState, ...args2 }, residual2) => {
      const grads2 = k.ssdScanBackward(
        dy2,
        { ...args2, ...ssdScalars(ssdMinimal) },
        residual2,
        dFinalState
      );
      return Object.values(gradients(grads2));
    }
  },
  batched: {
    arguments: ["dy", "x", "B", "C", "logDecay", "weight", "initialState", "dFinalState"],
    results: ["d_x", "d_B", "d_C", "d_logDecay", "d_weight", "d_initialState"]
  }
});

// ../conformance/src/ops/ssdScanForward.ts
function ssdForwardCase(size, flags, note = "") {
  const setting = ssdSetting(size, flags, { note });
  const { label, sizes } = setting;
  const { B: B5, L: L4, H: H4, P: P4, N: N5 } = sizes;
  return defineTrainingCase({
    op: "ssdScanForward",
    label,
    sizes,
    cost: ssdScanCost(setting, flags.initialState ? 2 : 1),
    inputs: () => ssdInputs(ssdData("ssdScanForward", setting), setting),
    run: (kernel2, args2) => {
      const { y, finalState, residual: residual2 } = kernel2.ssdScanForward({ ...args2, ...ssdScalars(sizes) });
      residual2.dispose();
      return { y, finalState };
    },
    reference: (args2) => {
      const { y, finalState } = ssdScan3.reference(sizes, args2);
      return { y: result([B5, L4, H4 * P4], y), finalState: result([B5, H4, P4, N5], finalState) };
    }
  });
}
var set7 = flagSets(ssdBackwardFlags);
var ssdScanForward3 = defineTrainingOp("ssdScanForward", {
  reference: ssdScan3.reference,
  cases: [
    ...[1, 3, 17, 64, 65, 130, 257].map(
      (L4, i) => ssdForwardCase([i % 2 + 1, L4, cycled([4, 2], i), cycled([5, 3], i), cycled([1, 2], i), 16], set7("D"))
    ),
    ...pairwise(ssdBackwardFlags.filter((name) => name !== "dFinalState")).map(
      (flags, i) => ssdForwardCase([sequenceKinds, 20, 4, 3, 2, cycled([5, 16, 8], i)], { ...flags, dFinalState: false })
    ),
    ssdForwardCase([2, 130, 8, 16, 2, 32], set7("D"), ", work for several threads"),
    ssdForwardCase([sequenceKinds, 140, 2, 3, 1, 8], set7("D", "initialState", "sequenceIds"))
  ],
  minimal: {
    args: ssdMinimalArgs,
    dense: ["D", "initialState", "sequenceIds"],
    call: (k, t2) => {
      const { y, finalState, residual: residual2 } = k.ssdScanForward({ ...t2, ...ssdScalars(ssdMinimal) });
      residual2.dispose();
      return [y, finalState];
    }
  },
  batched: { arguments: ["x", "B", "C", "logDecay", "weight", "initialState"] }
});

// ../conformance/src/ops/ssdStateUpdate.ts
function reference40(extents, state, args2) {
  const { y, finalState } = ssdScan3.reference({ ...extents, L: 1 }, { ...args2, initialState: state });
  return { y, state: finalState };
}
var options2 = ["D", "view"];
function build18([B5, H4, P4, G4, N5], { D: D2, view }, extras = {}, sequence = false) {
  const flags = { D: D2, view, initialState: false, sequenceIds: false };
  const { edit } = extras;
  const setting = { ...ssdSetting([B5, 1, H4, P4, G4, N5], flags, extras), edit };
  const { label, sizes } = setting;
  const lead = sequence ? [B5, 1] : [B5];
  const { flops, bytes } = ssdCost(B5, sizes, D2);
  return defineCase({
    op: "ssdStateUpdate",
    label,
    sizes: { B: B5, H: H4, P: P4, G: G4, N: N5 },
    cost: { flops, bytes: bytes + bytesOf2(2 * B5 * H4 * P4 * N5) },
    inputs: () => {
      const data = ssdData("ssdStateUpdate", setting);
      return {
        state: { ...floats2(data.initialState, [B5, H4, P4, N5]), inPlace: true },
        ...ssdPositions(view, data, lead, sizes),
        D: D2 ? floats2(data.D, [H4]) : void 0
      };
    },
    run: (kernel2, { state, ...args2 }) => ({
      y: kernel2.ssdStateUpdate(state, { ...args2, ...ssdScalars(sizes) })
    }),
    reference: ({ state, ...args2 }) => {
      const after = reference40(sizes, state, args2);
      return { y: result([...lead, H4 * P4], after.y), state: result([B5, H4, P4, N5], after.state) };
    }
  });
}
var plain3 = { D: true, view: false };
var { B: B3, H: H2, P: P2, G: G2, N: N3 } = ssdMinimal;
var ssdStateUpdate3 = defineOp("ssdStateUpdate", {
  reference: reference40,
  cases: [
    ...pairwise(options2).flatMap((flags) => [build18([3, 4, 5, 2, 16], flags), build18([1, 3, 8, 1, 7], flags)]),
    ...[1, 2, 3, 4, 5, 16, 17, 64, 100, 128, 256].map(
      (N5, i) => build18([i % 3 + 1, cycled([2, 6, 8], i), cycled([3, 8, 5], i), cycled([1, 2], i), N5], plain3)
    ),
    ...[1, 3, 32, 64, 80].map((P4) => build18([1, 3, P4, 1, 32], plain3)),
    build18([1, 24, 3, 1, 8], plain3, { note: ", many heads in a group" }),
    build18([2, 15, 2, 5, 6], plain3, { note: ", groups of three heads" }),
    build18([2, 16, 32, 1, 64], plain3, { note: ", work for several threads" }),
    build18([9, 2, 5, 1, 4], plain3, { note: ", many rows" }),
    build18([3, 4, 5, 2, 16], { D: true, view: true }, { note: ", a sequence of one position" }, true),
    build18([2, 6, 4, 2, 8], plain3, {
      note: ", extreme decays",
      edit: ({ logDecay }) => {
        logDecay.set([0, -1e-7, -87, -104, -3e38, 0.5]);
      }
    }),
    build18([2, 4, 3, 2, 5], plain3, {
      note: ", NaN in one column of x and in one state",
      edit: ({ x, initialState }) => {
        x[4] = NaN;
        initialState[(7 * 3 + 2) * 5 + 1] = NaN;
      }
    })
  ],
  benchmarks: [build18([1, 24, 64, 1, 128], plain3), build18([8, 24, 64, 1, 128], plain3)],
  minimal: {
    args: {
      x: f32(B3, H2 * P2),
      B: f32(B3, G2 * N3),
      C: f32(B3, G2 * N3),
      logDecay: f32(B3, H2),
      weight: f32(B3, H2),
      D: f32(H2),
      state: f32(B3, H2, P2, N3)
    },
    dense: ["D", "state"],
    writes: ["state"],
    call: (k, { state, ...args2 }) => [k.ssdStateUpdate(state, { ...args2, ...ssdScalars(ssdMinimal) })]
  },
  rows: {
    arguments: ["x", "B", "C", "logDecay", "weight", "state"],
    many: [build18([manyRows, 6, 16, 2, 32], plain3), build18([manyRows, 2, 5, 1, 5], { D: true, view: true })]
  }
});

// ../conformance/src/ops/sub.ts
function reference41(a, b) {
  const y = new Float64Array(a.length);
  for (let i = 0; i < y.length; i++) y[i] = a[i] - b[i % b.length];
  return y;
}
var definition12 = { op: "sub", run: (kernel2, a, b) => kernel2.sub(a, b), reference: reference41, flops: 1 };
var sub3 = defineOp("sub", {
  reference: reference41,
  cases: fewBinaryCases(definition12, [NaN, Infinity, -0, 0, 1e-40, -1e-40, 1e30, -1e3], []),
  rows: binaryRows(definition12),
  minimal: {
    args: { a: f32(B, L, D), b: f32(B, L, D) },
    anyAxes: ["a"],
    call: (k, t2) => [k.sub(t2.a, t2.b)]
  }
});

// ../conformance/src/ops/sumOfSquares.ts
function reference42(tensors) {
  let sum = 0;
  for (const x of tensors) for (let i = 0; i < x.length; i++) sum += x[i] ** 2;
  return Float64Array.of(sum);
}
function sumCase(counts, options3 = {}) {
  const { note = "", view = false, scale: scale4 = 1, values = [] } = options3;
  const label = `[${counts.join(",")}]${note}`;
  const elements = counts.reduce((a, b) => a + b);
  return defineTrainingCase({
    op: "sumOfSquares",
    label,
    sizes: { tensors: counts.length, elements },
    cost: { flops: 2 * elements, bytes: bytesOf2(elements + 1) },
    inputs: () => {
      const random = new Random(`sumOfSquares ${label}`);
      return Object.fromEntries(
        counts.map((count, i) => {
          const data = random.normals(count, scale4);
          const x = floats2(
            i === counts.length - 1 ? withValues(data, values) : data,
            view ? [3, count / 3] : [count]
          );
          return [`x${i}`, view ? asView(x) : x];
        })
      );
    },
    run: (kernel2, t2) => ({ sum: kernel2.sumOfSquares(Object.values(t2)) }),
    reference: (v) => ({ sum: result([1], reference42(Object.values(v))) })
  });
}
var sumOfSquares3 = defineTrainingOp("sumOfSquares", {
  reference: reference42,
  cases: [
    ...lengths.map((count) => sumCase([count])),
    sumCase([2e4]),
    sumCase([3, 129, 1, 40]),
    sumCase([5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5]),
    sumCase([15, 99, 3], { view: true, note: " of views" }),
    sumCase([6e4, 6], { view: true, note: " of views, work for several threads" }),
    sumCase([30001, 7, 5e4], { note: ", work for several threads" }),
    sumCase([513, 2049, 17], { scale: 1e-12, note: ", small gradients" }),
    sumCase([7, 9], { values: [1, NaN], note: ", NaN in one place" }),
    sumCase([7, 9], { values: [1, 2, -Infinity], note: ", infinity in one place" }),
    sumCase([4, 9], { values: [1e20, 3e38], note: ", too large for float32" }),
    sumCase([4, 1], { values: [1e15], note: ", one that outweighs all" })
  ],
  minimal: {
    args: { x0: f32(B, L, D), x1: f32(N) },
    anyAxes: ["x0", "x1"],
    anyWidth: ["x0", "x1"],
    call: (k, t2) => [k.sumOfSquares([t2.x0, t2.x1])]
  },
  outOfRange: (kernel2) => [["no tensors", () => kernel2.sumOfSquares([])]]
});

// ../conformance/src/ops/sumRows.ts
function reference43(rows2, features, dy2) {
  const sum = new Float64Array(features);
  for (let r2 = 0; r2 < rows2; r2++) {
    for (let d = 0; d < features; d++) sum[d] += dy2[r2 * features + d];
  }
  return sum;
}
function build19(rows2, D2, options3 = {}) {
  const { view = false, leading = [rows2], note = "", edit } = options3;
  const label = `rows ${rows2} D${D2}${view ? " of a view" : ""}${note}`;
  return defineTrainingCase({
    op: "sumRows",
    label,
    sizes: { rows: rows2, D: D2 },
    cost: { flops: rows2 * D2, bytes: bytesOf2((rows2 + 1) * D2) },
    inputs: () => {
      const dy2 = new Random(`sumRows ${label}`).normals(rows2 * D2);
      edit?.(dy2);
      const input = floats2(dy2, [...leading, D2]);
      return { dy: view ? asView(input) : input };
    },
    run: (kernel2, t2) => ({ dBias: kernel2.sumRows(t2.dy) }),
    reference: (v) => ({ dBias: result([D2], reference43(rows2, D2, v.dy)) })
  });
}
var sumRows3 = defineTrainingOp("sumRows", {
  reference: reference43,
  cases: [
    ...lengths.map((rows2, i) => build19(rows2, cycled([5, 1, 33, 17], i))),
    build19(3, 513),
    build19(2, 2049),
    build19(300, 64),
    build19(3e3, 33, { note: ", work for several threads" }),
    build19(30, 33, { leading: [2, 3, 5], note: ", four axes" }),
    build19(7, 20, { view: true }),
    build19(9, 1, { view: true }),
    build19(6, 9, {
      note: ", NaN and infinity in one column each",
      edit: (dy2) => {
        withValues(dy2, [1, NaN, 2, Infinity]);
      }
    })
  ],
  minimal: { args: { dy: f32(B, L, D) }, anyAxes: ["dy"], call: (k, t2) => [k.sumRows(t2.dy)] }
});

// ../conformance/src/ops/tanh.ts
function reference44(x) {
  return Float64Array.from(x, Math.tanh);
}
function backwardReference12(dy2, y) {
  return Float64Array.from(dy2, (gradient, i) => gradient * (1 - y[i] ** 2));
}
var definition13 = { op: "tanh", run: (kernel2, x) => kernel2.tanh(x), reference: reference44, flops: 1 };
var backward4 = {
  op: "tanhBackward",
  run: (kernel2, dy2, y) => kernel2.tanhBackward(dy2, y),
  reference: backwardReference12,
  flops: 3,
  draw: (random, count) => random.uniforms(count, -1, 1)
};
var tanh3 = defineOp("tanh", {
  reference: reference44,
  cases: fewUnaryCases(definition13, sShapeValues),
  rows: unaryRows(definition13),
  minimal: { args: { x: f32(B, L, D) }, anyAxes: ["x"], call: (k, t2) => [k.tanh(t2.x)] }
});
var tanhBackward3 = defineTrainingOp("tanhBackward", {
  reference: backwardReference12,
  cases: backwardCases(backward4, [0, -0, 1, -1, NaN, 1e-8, 0.5]),
  minimal: { args: { dy: f32(B, L, D), y: f32(B, L, D) }, call: (k, t2) => [k.tanhBackward(t2.dy, t2.y)] }
});

// ../conformance/src/opSuites.ts
var byOp = ops_exports3;
var suites = Object.values(byOp);
var cases = suites.flatMap((suite) => suite.cases);
var benchmarkCases = suites.flatMap((suite) => suite.benchmarks);
var reference45 = Object.fromEntries(
  Object.entries(byOp).map(([op, suite]) => [op, suite.reference])
);

// cmp.tmp.mts
var [B4, L3, H3, P3, G3, N4] = (process.argv[2] ?? "1,3,1,2,1,2").split(",").map(Number);
var base2 = await createWebGpuKernel();
var kernel = process.env.PAR ? await openWebGpuKernel(base2.runtime.device, true, { parallel: true, chunkBytes: process.env.CHUNK ? 1e3 : void 0 }) : base2;
var seed = 1;
var rnd = () => {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return seed / 2147483648 - 0.5;
};
var host = {};
var up = (name, shape, f = rnd) => {
  const n = shape.reduce((a, b) => a * b, 1);
  host[name] = Float32Array.from({ length: n }, f);
  return kernel.upload(host[name], shape, "f32");
};
var t = { x: up("x", [B4, L3, H3 * P3]), B: up("B", [B4, L3, G3 * N4]), C: up("C", [B4, L3, G3 * N4]), logDecay: up("logDecay", [B4, L3, H3], () => -Math.abs(rnd())), weight: up("weight", [B4, L3, H3]), D: up("D", [H3]), initialState: up("initialState", [B4, H3, P3, N4]) };
var args = { ...t, heads: H3, groups: G3 };
var dy = up("dy", [B4, L3, H3 * P3]);
var dF = up("dF", [B4, H3, P3, N4]);
var { residual } = kernel.ssdScanForward(args);
var grads = kernel.ssdScanBackward(dy, args, residual, dF);
var r = reference45.ssdScanBackward({ B: B4, L: L3, H: H3, P: P3, G: G3, N: N4 }, host.dy, host, host.dF);
for (const k of Object.keys(grads)) {
  const [v] = await kernel.read(grads[k]);
  const e = r[k] ?? r["d_" + k];
  let m = 0, at = 0;
  v.forEach((a, i) => {
    const d = Math.abs(a - e[i]);
    if (d > m) {
      m = d;
      at = i;
    }
  });
  console.log(k, m, at, v[at], e[at]);
}
await kernel.dispose();
process.exit(0);
