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
        var result = it[1] && it[1].call(it[2]);
        if (it[0]) return Promise.resolve(result).then(next, (e) => (fail2(e), next()));
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
  constructor(code, message, options) {
    super(printable(message), options);
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
async function findAdapter(gpu, options) {
  let reason = "WebGPU is supported, but it finds no adapter";
  try {
    const adapter = await gpu.requestAdapter(options);
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
    const shapes = `${formatShape(x.shape)} as ${formatShape(shape)}`;
    fail("SHAPE", "reshape", `cannot view ${shapes}: element counts differ`);
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
  check(target, x, factor = 1) {
    checkBinary("accumulate", "target", target, "x", x);
    checkFinite("accumulate", "factor", factor);
  },
  writes: (target) => [target]
};

// ../kernel/src/checks/bindAxes.ts
function bindAxes(op, rules, known) {
  const bound = { ...known };
  for (const name in rules) {
    const rule = rules[name];
    const { tensor, dtypes = onlyF32 } = rule;
    if (tensor === void 0) continue;
    checkAlive(op, name, tensor);
    if (!dtypes.includes(tensor.dtype)) {
      throw new KernelError("DTYPE", `${op}: ${name} must be ${dtypes.join(" or ")}, got ${tensor.dtype}`);
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
    slots2.forEach((slot, i) => {
      for (const name of ["param", "grad", "m", "v"]) {
        const path = `slots[${i}].${name}`;
        checkF32(op, path, slot[name]);
        checkSameShape(op, path, slot[name], "its param", slot.param);
        checkDense(op, path, slot[name]);
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
  const { B: B2, V } = bindAxes(op, { logits: { tensor: logits, axes: "B V" } });
  return { batch: B2, vocabSize: V };
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
function checkResidual(op, residual, kind, sizes) {
  if (!(residual instanceof TensorResidual)) {
    throw new KernelError("FOREIGN_TENSOR", `${op}: residual belongs to another kernel`);
  }
  if (!(residual instanceof kind)) {
    throw new KernelError(
      "ARGUMENT",
      `${op}: residual must come from the forward of this op, got that of another op`
    );
  }
  const { sizes: own, disposed } = residual;
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
  check(dy2, args2, y, residual) {
    const op = "attentionBackward";
    const sizes = checkAttention(op, args2);
    const { batch, length, heads, valueDim } = sizes;
    const results = { dy: { tensor: dy2, axes: "B L O" }, y: { tensor: y, axes: "B L O" } };
    bindAxes(op, results, { B: batch, L: length, O: heads * valueDim });
    checkResidual(op, residual, AttentionResidual, sizes);
    return sizes;
  }
};
function checkAttention(op, args2) {
  checkAttentionHeads(op, args2);
  const { B: B2, L: L2 } = bindAxes(op, {
    q: { tensor: args2.q, axes: "B L Q" },
    k: { tensor: args2.k, axes: "B L K" },
    v: { tensor: args2.v, axes: "B L V" },
    sequenceIds: { tensor: args2.sequenceIds, axes: "B L", dtypes: ["i32"], dense: true }
  });
  const { heads, kvHeads } = args2;
  return { batch: B2, length: L2, heads, kvHeads, ...attentionWidths(op, args2) };
}
function checkAttentionHeads(op, { heads, kvHeads, scale: scale3 }) {
  checkHeads(op, heads, "kvHeads", kvHeads);
  checkFinite(op, "scale", scale3);
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
    const { B: B2, L: L2, T } = bindAxes(op, {
      q: { tensor: args2.q, axes: "B L Q" },
      k: { tensor: args2.k, axes: "B L K" },
      v: { tensor: args2.v, axes: "B L V" },
      keys: { tensor: args2.keys, axes: "B T K", dense: true },
      values: { tensor: args2.values, axes: "B T V", dense: true },
      lengths: { tensor: args2.lengths, axes: "B", dtypes: ["i32"], dense: true }
    });
    if (L2 > T) fail("SHAPE", op, `keys must have at least the ${L2} positions of q, got ${T}`);
    const { heads, kvHeads } = args2;
    return { batch: B2, length: L2, heads, kvHeads, ...attentionWidths(op, args2), capacity: T };
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
  const { B: B2, L: L2, D, W } = bindAxes(op, {
    x: { tensor: args2.x, axes: "B L D" },
    weight: { tensor: args2.weight, axes: "D W", dense: true },
    bias: { tensor: args2.bias, axes: "D", dense: true },
    initialState: { tensor: args2.initialState, axes: "B D W-1", dense: true },
    sequenceIds: { tensor: args2.sequenceIds, axes: "B L", dtypes: ["i32"], dense: true }
  });
  checkWidth(op, W, args2.activation);
  return { batch: B2, length: L2, channels: D, width: W };
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
    const { B: B2, D, W } = bindAxes(op, {
      x: { tensor: args2.x, axes: args2.x.shape.length === 3 ? "B 1 D" : "B D" },
      weight: { tensor: args2.weight, axes: "D W", dense: true },
      bias: { tensor: args2.bias, axes: "D", dense: true },
      state: { tensor: state, axes: "B D W-1", dense: true }
    });
    checkWidth(op, W, args2.activation);
    return { batch: B2, channels: D, width: W };
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
  check: (logits, targets, options) => checkLoss("crossEntropy", logits, targets, options)
};
var crossEntropyWithGradient = {
  parameters: ["logits", "targets", "options"],
  check: (logits, targets, options) => checkLoss("crossEntropyWithGradient", logits, targets, options)
};
function checkLoss(op, logits, targets, options = {}) {
  const given = options;
  if (typeof given !== "object" || given === null) {
    fail("ARGUMENT", op, `options must be an object such as { ignoreIndex: -100 }, got ${String(given)}`);
  }
  const { ignoreIndex = -100, labelSmoothing = 0, classWeights } = options;
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
  check(x, probability, seed) {
    checkF32("dropout", "x", x);
    if (!(probability >= 0 && probability < 1)) {
      fail("ARGUMENT", "dropout", `probability must be in [0, 1), got ${probability}`);
    }
    checkInteger("dropout", "seed", seed, 0, 2 ** 32 - 1);
    return { count: elementCount(x.shape), threshold: dropoutThreshold(probability) };
  }
};
function dropoutThreshold(probability) {
  return Math.floor(probability * 2 ** 32);
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
  const { kind, x, target, weight, delta, levels } = args2;
  if (!kinds.includes(kind)) {
    fail("ARGUMENT", op, `kind must be one of ${kinds.join(", ")}, got ${JSON.stringify(kind)}`);
  }
  checkF32(op, "x", x);
  if (kind === "huber") checkPositive(op, "delta", delta ?? NaN);
  else if (delta !== void 0) fail("ARGUMENT", op, `delta belongs to huber, got ${delta} for ${kind}`);
  if (kind === "quantile" !== (levels !== void 0)) {
    fail("ARGUMENT", op, `levels belong to quantile, got ${levels ? "some" : "none"} for ${kind}`);
  }
  bindAxes(op, { levels: { tensor: levels, axes: String(lastExtent(x.shape)), dense: true } });
  checkF32(op, "target", target);
  if (levels) {
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
  return { count: elementCount(x.shape), levelCount: levels ? lastExtent(x.shape) : 1 };
}

// ../kernel/src/ops/embedding.ts
var embedding = {
  parameters: ["ids", "weight"],
  weightStorage: "any",
  check(ids, weight) {
    checkIds("embedding", ids);
    const { V, D } = bindAxes("embedding", {
      weight: { tensor: weight, axes: "V D", dtypes: weights, dense: true }
    });
    return { count: elementCount(ids.shape), vocabSize: V, features: D, shape: [...ids.shape, D] };
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
function checkRoute(op, { logits, bias, perToken, scoring, scale: scale3 = 1 }) {
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
  checkFinite(op, "scale", scale3);
  return { rows: R, expertCount: E, perToken, scale: scale3 };
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
    const { B: B2, L: L2, D } = bindAxes("flip", { x: { tensor: x, axes: "B L D" } });
    return { batch: B2, length: L2, channels: D };
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
  const { S } = bindAxes(op, {
    sequenceIds: { tensor: sequenceIds, axes: "B L", dtypes: ["i32"], dense: true },
    ranges: { tensor: ranges, axes: "S 2", dtypes: ["i32"], dense: true }
  });
  if (sequenceIds === void 0) return batch;
  const [ownBatch, ownLength] = sequenceIds.shape;
  if (ownBatch !== batch || ownLength !== length) {
    fail("SHAPE", op, `sequenceIds must be [${batch}, ${length}], got [${sequenceIds.shape.join(", ")}]`);
  }
  return S;
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
    const { D } = bindAxes(op, { dy: { tensor: dy2, axes: "S D" } });
    bindAxes(op, { dy: { tensor: dy2, axes: `${sequences} ${D}` } });
    return { batch, length, channels: D, sequences };
  }
};
function checkPooling(op, args2) {
  const { B: B2, L: L2, D } = bindAxes(op, { x: { tensor: args2.x, axes: "B L D" } });
  return { batch: B2, length: L2, channels: D, sequences: checkPositions(op, B2, L2, args2) };
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
    const { S, D } = bindAxes(op, {
      dy: { tensor: dy2, axes: "S D" },
      index: { tensor: index, axes: "S D", dtypes: ["i32"], dense: true }
    });
    return { batch, length, channels: D, sequences: S };
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
  const { D } = bindAxes(op, { weight: { tensor: weight, axes: "D", dense: true } });
  if (weight && D !== features) fail("SHAPE", op, `weight must be [${features}], got [${D}]`);
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
  const { B: B2, L: L2 } = bindAxes(op, {
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
  return { batch: B2, length: L2, heads, headDim, pairs };
}

// ../kernel/src/ops/sample.ts
var maxLogProbs = 1024;
var sample = {
  parameters: ["args", "want"],
  check({ logits, rows: rows2, seen, add: add3, allow }, want) {
    const op = "sample";
    const sizes = bindAxes(op, {
      logits: { tensor: logits, axes: "B V" },
      seen: { tensor: seen, axes: "B S", dtypes: ["i32"], dense: true },
      "add.ids": { tensor: add3?.ids, axes: "B K", dtypes: ["i32"], dense: true },
      "add.values": { tensor: add3?.values, axes: "B K", dense: true }
    });
    const { B: B2, V } = sizes;
    if (allow) {
      const axes = `B ${Math.ceil(V / 32)}`;
      bindAxes(op, {
        logits: { tensor: logits, axes: "B V" },
        allow: { tensor: allow, axes, dtypes: ["i32"], dense: true }
      });
    }
    if (rows2.length !== B2)
      fail("ARGUMENT", op, `rows must be ${B2}, one for each row of logits, got ${rows2.length}`);
    rows2.forEach(checkRow);
    if (want) checkInteger(op, "logProbs", want.logProbs, 0, Math.min(V, maxLogProbs));
    return { batch: B2, vocabSize: V, seenCount: seen ? sizes.S : 0, addCount: add3 ? sizes.K : 0 };
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
  check(x, factor) {
    checkF32("scale", "x", x);
    checkFinite("scale", "factor", factor);
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
  check(dy2, args2, residual, dFinalState) {
    const op = "selectiveScanBackward";
    const sizes = checkScan(op, args2);
    bindAxes(op, {
      u: { tensor: args2.u, axes: "B L D" },
      dy: { tensor: dy2, axes: "B L D" },
      A: { tensor: args2.A, axes: "D N" },
      dFinalState: { tensor: dFinalState, axes: "B D N", dense: true }
    });
    checkResidual(op, residual, ScanResidual, sizes);
    return sizes;
  }
};
function checkScan(op, args2) {
  const { B: B2, L: L2, D, N: N2 } = bindAxes(op, {
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
  checkStateSize(op, N2);
  return { batch: B2, length: L2, channels: D, stateSize: N2 };
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
    const { B: B2, D, N: N2 } = bindAxes(op, {
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
    checkStateSize(op, N2);
    return { batch: B2, channels: D, stateSize: N2 };
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
  check(dy2, args2, residual, dFinalState) {
    const op = "ssdScanBackward";
    const sizes = checkSsdScan(op, args2);
    bindAxes(op, {
      x: { tensor: args2.x, axes: "B L X" },
      dy: { tensor: dy2, axes: "B L X" }
    });
    checkSsdState(op, "dFinalState", dFinalState, sizes);
    checkResidual(op, residual, SsdResidual, sizes);
    return sizes;
  }
};
function checkSsdScan(op, args2) {
  const { x, heads, groups } = args2;
  checkHeads(op, heads, "groups", groups);
  const { B: B2, L: L2 } = bindAxes(
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
  const sizes = { batch: B2, length: L2, heads, groups, ...ssdWidths(op, args2) };
  checkSsdState(op, "initialState", args2.initialState, sizes);
  return sizes;
}
function ssdWidths(op, { x, B: B2, heads, groups }) {
  const headDim = headWidth(op, "x", x, "heads", heads);
  const stateSize = headWidth(op, "B", B2, "groups", groups);
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
    const { B: B2 } = bindAxes(
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
    const sizes = { batch: B2, heads, groups, ...ssdWidths(op, args2) };
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
    const definition = allDefinitions[op];
    if (definition === void 0) return false;
    if (dtype === "f32") return true;
    return dtype !== "i32" && definition.weightStorage === "any" && this.capabilities.storage.has(dtype);
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
    const { check, parameters, writes } = allDefinitions[op];
    const { runtime } = this;
    const sizes = check(...args2);
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
  const halves = new Uint16Array(words.buffer, words.byteOffset, words.length * 2);
  const moveBytes = packing ? packBytes : unpackBytes;
  const moveNibbles = packing ? packNibbles : unpackNibbles;
  const moveHigh = highMove(layout, blockElements, packing);
  const movePairs = packing ? packPairs : unpackPairs;
  const copy = (block2, at, count) => {
    if (packing) for (let i = 0; i < count; i++) halves[at + i] = blocks[block2 + i];
    else for (let i = 0; i < count; i++) blocks[block2 + i] = halves[at + i];
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
function putWord(blocks, at, word) {
  blocks[at] = word;
  blocks[at + 1] = word >>> 16;
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
  let word = 0;
  for (let m = 0; m < 8; m++) {
    word |= (Math.imul(bits >>> 4 * m & 15, 2113665) & 16843009) << m;
  }
  words[at] = word;
}
function unpackOrdered(blocks, block, words, at) {
  const word = words[at];
  let bits = 0;
  for (let m = 0; m < 8; m++) {
    bits |= (Math.imul(word >>> m & 16843009, 16909320) >>> 24 & 15) << 4 * m;
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
      const [s, m, both] = [a >>> shift & 255, b >>> shift & 255, c >>> shift & 255];
      first |= (s & 63 | (m & 63) << 8) << to;
      last |= (both & 15 | s >>> 6 << 4 | (both >>> 4 | m >>> 6 << 4) << 8) << to;
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
function defineShader(definition) {
  const { name, enable = [], workgroup = 64, code } = definition;
  const read2 = Object.entries(definition.read);
  const write3 = Object.entries(definition.write);
  const params4 = Object.entries(definition.params);
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
      const workError = await refused ?? await outcome ?? storages.map(storageError).find((each) => each);
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
var accumulate2 = (runtime, _, target, x, factor = 1) => {
  const op = "accumulate";
  const width = lastExtent(x.shape);
  if (!isDense(target) || !isDense(x)) {
    const count = rowCount(x) * width;
    const params4 = { count, width, factor };
    runtime.run(op, accumulateShader, { x, sum: target }, params4, Math.ceil(count / 256));
    return;
  }
  for (const { start, count } of flatChunks(runtime, target)) {
    const buffers = { x: { tensor: x, start, count }, sum: { tensor: target, start, count } };
    runtime.run(op, accumulateShader, buffers, { count, width: count, factor }, Math.ceil(count / 256));
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
function elementwiseShader(name, formula, helpers = "", place = "i + row * (p.b_stride - p.width)") {
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
    if (p.b_stride != 0u) { other = b[p.b_at + ${place}]; }
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
function elementwise(runtime, op, shader2, a, { b, factor = 0 } = {}) {
  const count = elementCount(a.shape);
  const dense = isDense(a) && (b === void 0 || isDense(b));
  const width = dense ? count : lastExtent(a.shape);
  const y = runtime.result(op, a.shape);
  const params4 = { count, width, period: b ? elementCount(b.shape) : 0, factor };
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
    let result = results.get(key);
    if (result === void 0) results.set(key, result = make(...args2));
    return result;
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
function sequenceFunctions(word) {
  if (word === void 0)
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
  return ${word};
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
  const silu3 = activation === "silu" ? 1 : 0;
  const inputs = { dy: dy2, x, weight, bias, initial, index };
  const sumsParams = { ...sizes, count, silu: silu3 };
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
var crossEntropy2 = (runtime, sizes, logits, targets, options) => {
  const { loss, each, counted } = mean(runtime, "crossEntropy", sizes, logits, targets, options);
  each.dispose();
  counted.dispose();
  return { loss };
};
var crossEntropyWithGradient2 = (runtime, sizes, logits, targets, options) => {
  const op = "crossEntropyWithGradient";
  const { loss, each, counted, inputs, scalars } = mean(runtime, op, sizes, logits, targets, options);
  const dLogits = runtime.result(op, logits.shape);
  const count = sizes.rows * sizes.vocabSize;
  const buffers = { ...inputs, each, counted, dLogits };
  runtime.run(
    op,
    crossEntropyGradientShader(sizes.labelSmoothing > 0),
    buffers,
    { ...scalars, count },
    Math.ceil(count / 256)
  );
  each.dispose();
  counted.dispose();
  return { loss, dLogits };
};
function mean(runtime, op, { rows: rows2, vocabSize, ignoreIndex, labelSmoothing }, logits, targets, { classWeights } = {}) {
  const loss = runtime.result(op, [1]);
  const each = runtime.result(op, [rows2, 5]);
  const counted = runtime.result(op, [1]);
  const inputs = { logits, targets, classWeights };
  const kept = 1 - labelSmoothing;
  const scalars = { rows: rows2, vocabSize, ignoreIndex, kept, spread: labelSmoothing / vocabSize };
  runtime.run(
    op,
    crossEntropyRowsShader(labelSmoothing > 0),
    { ...inputs, each },
    scalars,
    Math.ceil(rows2 / rowsPerGroup)
  );
  runtime.run(op, crossEntropyMeanShader, { each, targets, classWeights, loss, counted }, scalars, 1);
  return { loss, each, counted, inputs, scalars };
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
var dropout2 = (runtime, { count, threshold }, x, probability, seed) => {
  const y = runtime.result("dropout", x.shape);
  const params4 = { count, width: lastExtent(x.shape), seed, threshold, kept: 1 - probability };
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
function mean2(runtime, op, { count, levelCount }, { kind, x, target, weight, delta = 0, levels }) {
  const groups = Math.ceil(count / elementsPerGroup);
  const loss = runtime.result(op, [1]);
  const sums = runtime.result(op, [groups, 2 * lanes]);
  const laneSums = runtime.result(op, [lanes, 2]);
  const total = runtime.result(op, [2]);
  const inputs = { predictions: x, targets: target, weight, levels };
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
  const bytesRead = storedBytes(weight.dtype, [rows2, features]);
  for (const chunk of rowChunks(runtime, weight)) {
    const params4 = { count, features, vocabSize, first: chunk.first, rows: chunk.rows };
    const buffers = { ids, weight: { ...chunk, bytesRead }, y };
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
    const result = runtime.result(op, [rows2.length, ...rest], x.dtype);
    const index = __using(_stack, uploadArray(runtime, op, Int32Array.from(rows2), [rows2.length], "i32"));
    const column = __using(_stack, rest.length === 0 ? runtime.view(x, [count, 1], 1, x.offset) : void 0);
    const source2 = column ?? x;
    const rowsPerIndex = rowCount(source2) / count;
    const selection = { index, rowsPerIndex };
    copyRowsInto(runtime, op, result, source2, rows2.length * rowsPerIndex, lastExtent(source2.shape), selection);
    return result;
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
var grid = (rows2, columns, code) => lines(rows2, (r) => Array.from({ length: columns }, (_, c) => code(r, c)).join(" "));

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
function summed(form, size, place, terms) {
  const { sum } = forms[form];
  const zero = (name) => grid(size, size, (r, c) => `var ${name}${r}_${c} = 0.0;`);
  const store = (name) => grid(size, size, (r, c) => `store(${place(r, c)}, ${name}${r}_${c});`);
  if (sum !== "chunks") {
    const held = grid(size, size, (r, c) => `s${r}_${c} = y[place(${place(r, c)})];`);
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
    ${grid(size, size, (r, c) => `total${r}_${c} += s${r}_${c};`)}
  }
    ${store("total")}`
  );
}
function added(sum, terms, x, weight) {
  let value = sum;
  for (let t = 0; t < terms; t++) value = `fma(${x(t)}, ${weight(t)}, ${value})`;
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
    const all = (line) => lines(outputs, (o) => lines(rows2, (r) => line(r, o)));
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
    ${lines(rows2, (r) => `let x_${r} = xFrom + ${grouped ? `min(firstRow + ${r}u, p.rows - 1u)` : `${r}u`} * xStride;`)}
    ${all((r, o) => `var sum${r}_${o} = 0.0;`)}
  for (var i = lane % lanes; i < steps; i += lanes) {
    ${lines(rows2, (r) => `let x${r} = xTerms(x_${r}, i);`)}
    ${lines(outputs, (o) => `let own${o} = weightTerms(w${o}, i);`)}
    ${all((r, o) => `sum${r}_${o} = plus(sum${r}_${o}, own${o}, x${r});`)}
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
    return `    ${all((r, o) => `store(firstRow + ${r}u, output + ${o}u, sum${r}_${o});`)}`;
  if (kind === "subgroups") {
    return (
      /* wgsl */
      `
    ${all((r, o) => `putTerm(lane, ${r * outputs + o}u, sum${r}_${o});`)}
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
    ${all((r) => `partial[${r}u * workgroupSize + lane] = sum${r}_0;`)}
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
    (t, g) => `let ${v}${t}_${g} = ${name}Four(${v}_ + (k + ${t}u) * ${v}Step + ${4 * g / unit}u);`
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
  const read2 = (terms) => lines(terms, (t) => {
    const each = (g) => `let b${t}_${g} = fourWeights(row${t}, b_ + ${g}u);`;
    return `let row${t} = weightRow(k + ${t}u); ${lines(size / 4, each)}`;
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
    const add3 = (terms) => grid(
      size,
      size,
      (r, c) => added(
        `s${r}_${c}`,
        terms,
        (t) => x.value[terms](r, t),
        (t) => weight.value[terms](c, t)
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
          (r, c) => `row + ${r}u, column + ${c}u`,
          /* wgsl */
          `
  var k = start;
  for (; k + 4u <= end; k += 4u) {
    let i = k / ${unit}u;
    ${x.read[4]}
    ${weight.read[4]}
    ${add3(4)}
  }
  for (; k < end; k++) {
    ${x.read[1]}
    ${weight.read[1]}
    ${add3(1)}
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
          (r, c) => `row + ownRow + ${16 * r}u, column + ownColumn + ${16 * c}u`,
          /* wgsl */
          `
  for (var k = start; k < end; k += 16u) {
${fill("x", x, fourX, false)}
${fill("weight", weight, fourWeights, isQuantizedKind(kind))}
    workgroupBarrier();
    for (var i = 0u; i < 4u; i++) {
    ${lines(4, (r) => `let a${r} = xs[(ownRow + ${16 * r}u) * pitch + i];`)}
    ${lines(4, (c) => `let b${c} = ws[(ownColumn + ${16 * c}u) * pitch + i];`)}
    ${grid(
            4,
            4,
            (r, c) => added(
              `s${r}_${c}`,
              4,
              (t) => `a${r}[${t}]`,
              (t) => `b${c}[${t}]`
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
  const options = needsOptions(args2) ? uploadOptions(runtime, rows2, vocabSize) : void 0;
  const adjusted = isAdjusted(args2) ? adjust(runtime, sizes, args2, options) : void 0;
  const from = adjusted ?? logits;
  if (rows2.every(isGreedy))
    runtime.run(op, argmaxShader(subgroups), { logits: from, ids }, { vocabSize }, batch);
  else runtime.run(op, sampleShader(subgroups), { logits: from, options, ids }, { vocabSize }, batch);
  for (const temporary of [options, adjusted]) temporary?.dispose();
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
  const floats2 = new Float32Array(words.buffer);
  rows2.forEach((row, b) => {
    const { temperature, topP = 1, minP = 0, topK = vocabSize, uniform, repetitionPenalty = 1 } = row;
    floats2.set([temperature, topP, minP, 0, uniform, repetitionPenalty], b * optionWords);
    words[b * optionWords + 3] = Math.min(topK, vocabSize);
  });
  return uploadArray(runtime, "sample", words, [words.length], "i32");
}
function adjust(runtime, { batch, vocabSize, seenCount, addCount }, args2, options) {
  const { logits, seen, add: add3, allow } = args2;
  const y = runtime.result("sample", [batch, vocabSize]);
  const buffers = {
    logits,
    options,
    seen: isPenalised(args2) ? seen : void 0,
    ids: add3?.ids,
    values: add3?.values,
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
var scale2 = (runtime, _, x, factor) => elementwise(runtime, "scale", scaleShader, x, { factor });

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
  const each = (line) => unrolled ? Array.from({ length: stateSize }, (_, n) => `  ${line(`_${n}`, `${n}u`)}`).join("\n") : `  for (var n = 0u; n < stateSize; n++) { ${line("[n]", "n")} }`;
  const variables = unrolled ? Array.from({ length: stateSize }, (_, n) => `var<private> h_${n}: f32; var<private> A_${n}: f32;`) : ["var<private> h: array<f32, stateSize>; var<private> A: array<f32, stateSize>;"];
  const next = (n, i) => `h${n} = exponential(dt * A${n}) * h${n} + input * B[b + ${i}];`;
  const move = outputs ? (
    /* wgsl */
    `
fn step(dt: f32, input: f32, b: u32, c: u32) -> f32 {
  var sum = 0.0;
${each((n, i) => `${next(n, i)} sum += C[c + ${i}] * h${n};`)}
  return sum;
}`
  ) : (
    /* wgsl */
    `
fn advance(dt: f32, input: f32, b: u32) {
${each(next)}
}`
  );
  return (
    /* wgsl */
    `
${exponential}
const stateSize = ${stateSize}u;
${variables.join("\n")}
fn loadA(at: u32) {
${each((n, i) => `A${n} = packed[at + ${i}];`)}
}
fn loadState(at: u32) {
${each((n, i) => `h${n} = state[at + ${i}];`)}
}
fn clearState() {
${each((n) => `h${n} = 0.0;`)}
}
fn storeState(at: u32) {
${each((n, i) => `state[at + ${i}] = h${n};`)}
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
    const { u, delta, B: B2 } = inputs;
    const count = chunks - 1;
    const sums = runtime.result(op, [count, batch, channels2]);
    const ends = { u, delta, B: B2, packed: packed.tensor, state, sums };
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
function copySlot(runtime, op, { tensor, start }, slot, state, sizes, chunk) {
  const { commands } = runtime;
  const slotAt = byteOffset("f32", start + slot * sizes.batch * chunk.channels * sizes.stateSize);
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
  const { u, delta, B: B2, C, z, initialState: initial } = args2;
  const packed = packScan(runtime, op, args2);
  const y = runtime.result(op, u.shape);
  const finalState = want?.finalState ? runtime.result(op, [batch, channels2, stateSize]) : void 0;
  const allChannels = { first: 0, channels: channels2 };
  const chunkLength2 = scanChunkLength(runtime, sizes, channels2);
  const work = { inputs: { u, delta, B: B2, C, z }, packed, y, chunkLength: chunkLength2, interval: chunkLength2 };
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
  const rowOf = (l) => sequences ? "rows[k]" : `(b * p.length + ${l})`;
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
        h = a * ${sequences ? `select(h, 0.0, ${isFresh})` : "h"} + x[k] * B[p.B_at + ${rowOf("l")} * p.B_stride + n];
      }
      var g = carry[carryAt + n];
      for (var l = high; l > low; l--) {
        let k = l - 1u - low;
        let row = ${rowOf("l - 1u")};
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
  const { u, delta, B: B2, C, z, initialState: initial } = args2;
  const { tensor: packed, sequences: packedSequences, params: options } = packScan(runtime, op, args2);
  const result = (like) => runtime.result(op, like.shape);
  const sequences = { u: result(u), delta: result(delta), ...z && { z: result(z) } };
  const [dA, dB, dC] = [result(args2.A), result(B2), result(C)];
  const D = args2.D && result(args2.D);
  const deltaBias = args2.deltaBias && result(args2.deltaBias);
  const initialState = initial && result(initial);
  const rows2 = batch * length;
  const chunks = intervalCount(length);
  const channelChunks = splitChannels(runtime, sizes);
  const sizeBC = 2 * rows2 * stateSize;
  const allBC = runtime.result(op, [channelChunks.length, sizeBC]);
  channelChunks.forEach((channelChunk, i) => {
    const width = channelChunk.channels;
    const count = rows2 * width;
    const channelGroups = Math.ceil(width / 64);
    const params4 = { ...sizes, ...channelChunk, ...options, rows: rows2, count, chunks, channelGroups };
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
    const chunked = { B: B2, C, packed, states: keptStates, carry, steps, dBC: sumsBC, dA: sumsA };
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
  if (D) {
    const rowChunks2 = Math.ceil(rows2 / rowsPerChunk);
    const channelGroups = Math.ceil(channels2 / 64);
    const sum = runtime.result(op, [rowChunks2, channels2]);
    const read2 = { u, dy: dy2, z, packed };
    runtime.run(
      op,
      scanSkipShader(packedSequences),
      { ...read2, sum },
      { ...sizes, ...options, rows: rows2, channelGroups },
      rowChunks2 * channelGroups
    );
    addRows(runtime, op, sum, rowChunks2, channels2, D);
    sum.dispose();
  }
  if (deltaBias) addRows(runtime, op, sequences.delta, rows2, channels2, deltaBias);
  packed.dispose();
  dBC.dispose();
  return {
    ...sequences,
    ...{ A: dA, B: dB, C: dC },
    ...D && { D },
    ...deltaBias && { deltaBias },
    ...initialState && { initialState }
  };
};

// src/ops/selectiveScanForward.ts
var selectiveScanForward2 = (runtime, sizes, args2) => {
  const op = "selectiveScanForward";
  const { batch, length, channels: channels2, stateSize } = sizes;
  const { u, delta, B: B2, C, z, initialState: initial } = args2;
  const inputs = { u, delta, B: B2, C, z };
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
var selectiveStateUpdate2 = (runtime, { batch, channels: channels2, stateSize }, state, { u, delta, A, B: B2, C, D, z, deltaBias, deltaSoftplus }) => {
  const op = "selectiveStateUpdate";
  const packed = runtime.packs.get(op, [A, D, deltaBias], state);
  const [, skip_at = absentOffset, bias_at = absentOffset] = packed.at;
  const y = runtime.result(op, u.shape);
  const count = batch * channels2;
  runtime.run(
    op,
    selectiveStateUpdateShader,
    { u, delta, B: B2, C, z, packed: packed.tensor, state, y },
    {
      count,
      channels: channels2,
      stateSize,
      skip_at,
      bias_at,
      softplus: deltaSoftplus ? 1 : 0,
      skips: D ? 1 : 0,
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
var tileRow = (r) => `(ownRow + 8u * ${r})`;
var tileShaderName = (name, parallel) => parallel ? `${name}, shared tiles` : name;
var zeroSums = (sums) => `var ${sums}: array<vec4<f32>, ${rows * vectors}>;`;
var eachSum = (sums, r, code) => lines(vectors, (v) => code(`${sums}[${vectors}u * ${r} + ${v}u]`, `(ownColumn + ${32 * v}u)`));
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
  eachRow: (code) => lines(rows, (r) => code(`${r}u`)),
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
  const addTerm = (r, t) => lines(vectors, (v) => {
    const sum = `${sums}[${vectors}u * ${r} + ${v}u]`;
    return `${sum} = fma(vec4<f32>(a[${t}]), b${t}_${v}, ${sum});`;
  });
  const addRow = (r) => {
    const all = lines(4, (t) => addTerm(r, t));
    const own = `ranges[${r}]`;
    const inRange = (t) => `k + ${t}u >= ${own}.x && k + ${t}u <= ${own}.y`;
    const some = lines(4, (t) => `if (${inRange(t)}) { ${addTerm(r, t)} }`);
    const added2 = range ? `if (k >= ${own}.x && k + 3u <= ${own}.y) {
    ${all}
    } else if (k + 3u >= ${own}.x && k <= ${own}.y) {
    ${some}
    }` : all;
    return `{ let a = leftTile[${tileRow(r)} * leftPitch + i];
    ${added2} }`;
  };
  const isTerm = range ? `k < ${terms} && k >= range.x && k <= range.y` : `k < ${terms}`;
  return (
    /* wgsl */
    `
  {
  ${range ? `var ranges: array<vec2<u32>, ${rows}>;
${sharedTiles.eachRow((r) => `ranges[${r}] = ${range(tileRow(r))};`)}` : ""}
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
      ${lines(4, (t) => lines(vectors, (v) => `let b${t}_${v} = rightTile[(4u * i + ${t}u) * rightPitch + lane % 8u + ${8 * v}u];`))}
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
  ${tile.eachRow((r) => tile.eachSum("s", r, (sum, at) => `store(group * 4096u, b, low, ${tileRow(r)}, ${at}, terms, ${sum});`))}
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
  const rank = (r) => `(low + ${tileRow(r)})`;
  const [factor, sees] = isB ? ["number(planeAt(5u, b, h) + rank)", "startOf(b, high - 1u) <= rank"] : ["number(planeAt(4u, b, h) + rank)", "seesStart(b, rank, low)"];
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
  for (var h = firstLocal; h < firstLocal + heads; h++) {
    let head = p.first + h;
    let slot = ${isB ? "p.chunks - 1u - c" : "c"};
    let slotAt = p.slots_at + ((slot * p.batch + b) * p.heads + h) * p.headDim * p.stateSize;
    ${tile.zeroSums("s")}
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
        (r) => (
          /* wgsl */
          `
    {
      let rank = ${rank(r)};
      var dot_ = 0.0;
      if (rank < high) {
        let reached = ${sees};
        let factor = ${factor};
        ${isB ? "let weight = number(planeAt(1u, b, h) + rank);" : ""}
        ${tile.eachSum(
            "s",
            r,
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
      rowSums[${tileRow(r)} * 8u + ownColumn / 4u] = dot_;
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
  ${tile.eachRow((r) => tile.eachSum("total", r, (sum, at) => `store(sumsAt, b, ${rank(r)}, high, end, column + ${at}, ${sum});`))}
}
fn termsOf(b: u32, rank: u32, low: u32, high: u32) -> vec2<u32> {
  if (rank >= high) { return vec2<u32>(1u, 0u); }
  return ${isB ? "vec2<u32>(rank - low, lastOf(b, rank) - low)" : "vec2<u32>(max(startOf(b, rank), low) - low, rank - low)"};
}
// The sum over the heads of weight[j] R[i, j].
fn allHeads(b: u32, c: u32, firstLocal: u32, heads: u32, at: u32, k: u32) -> f32 {
  var sum = 0.0;
  for (var h = firstLocal; h < firstLocal + heads; h++) {
    let value = pairs[((b * p.chunks + c) * p.heads + h) * 4096u + ${pair2}];
    // Other pairs of ranks are 0, also where the weight is NaN or of no rank.
    if (value != 0.0) { sum += value * number(planeAt(1u, b, h) + c * 64u + ${isB ? "at" : "k"}); }
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
  ${tile.eachRow((r) => tile.eachSum("s", r, (sum, at) => `store(group * 4096u + ${tileRow(r)} * 64u + ${at}, ${sum});`))}
}
fn store(at: u32, sums: vec4<f32>) {
  for (var i = 0u; i < 4u; i++) { products[at + i] = sums[i]; }
}`
    )
  });
});
var ssdOutputShader = memoize((backwards, parallel) => {
  const tile = tileCode(parallel);
  const factor = backwards ? "number(planeAt(5u, b, h) + rank) * number(planeAt(1u, b, h) + rank)" : "number(planeAt(4u, b, h) + rank)";
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
        (r) => (
          /* wgsl */
          `
  {
    let rank = low + ${tileRow(r)};
    if (rank < high && ${sees}) {
      let factor = ${factor};
      ${tile.eachSum("s", r, (sum) => `${sum} *= factor;`)}
    } else {
      ${tile.eachSum("s", r, (sum) => `${sum} = vec4<f32>(0.0);`)}
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
  ${tile.eachRow((r) => tile.eachSum("s", r, (sum, at) => `store(b, head, low + ${tileRow(r)}, high, end, column + ${at}, ${sum});`))}
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
  ${tile.eachRow((r) => tile.eachSum("s", r, (sum, at) => `store(at, row + ${tileRow(r)}, column + ${at}, ${sum});`))}
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
  B: B2,
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
    { B: B2, C, plan, products },
    params4,
    batch * chunks * groups
  );
  return { plan, products, params: params4 };
}
function runStates(runtime, op, { plan, params: params4 }, { x, B: B2, slots: slots2 }, backwards) {
  const { batch, chunks, heads, headDim, stateSize, rowTiles, columnTiles } = params4;
  const groups = batch * chunks * heads * rowTiles * columnTiles;
  runtime.run(
    op,
    ssdChunkStatesShader(runtime.traits.parallel),
    { x, B: B2, plan, slots: slots2 },
    { ...params4, backwards },
    groups
  );
  const count = batch * heads * headDim * stateSize;
  runtime.run(op, ssdCarryShader, { plan, slots: slots2 }, { ...params4, count, backwards }, Math.ceil(count / 64));
}
function runOutputs(runtime, op, { plan, products, params: params4 }, { x, C, D, slots: slots2, y }, initial, backwards) {
  const { batch, chunks, heads, rowTiles: columnTiles } = params4;
  runtime.run(
    op,
    ssdOutputShader(backwards, runtime.traits.parallel),
    { x, C, slots: slots2, products, plan, D, y },
    { ...params4, columnTiles, initial: initial ? 1 : 0 },
    batch * chunks * heads * columnTiles
  );
}
function runSsdScan(runtime, op, sizes, args2, slots2, finalState) {
  const { x, B: B2, C, D, initialState } = args2;
  const y = runtime.result(op, x.shape);
  for (const range of splitHeads(runtime, sizes)) {
    const plan = planHeads(runtime, op, sizes, args2, range);
    const own = slotsOf(slots2, sizes, range);
    fillSlots(runtime, op, own, initialState, sizes, range);
    runStates(runtime, op, plan, { x, B: B2, slots: own }, 0);
    runOutputs(runtime, op, plan, { x, C, D, slots: own, y }, initialState !== void 0, false);
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
  const { x, B: B2, C, D, logDecay, weight, initialState: initial } = args2;
  const { parallel } = runtime.traits;
  const chunks = chunkCount(sizes);
  const dx = runtime.result(op, x.shape);
  const dLogDecay = runtime.result(op, logDecay.shape);
  const dWeight = runtime.result(op, weight.shape);
  const dD = D && runtime.result(op, D.shape);
  const dInitial = initial && runtime.result(op, initial.shape);
  const perGroup = partsPerGroup(sizes);
  const width = groups * stateSize;
  const sumsShape = perGroup === 1 ? B2.shape : [perGroup, batch, length, width];
  const sums = { B: runtime.result(op, sumsShape), C: runtime.result(op, sumsShape) };
  for (const range of splitHeads(runtime, sizes)) {
    const work = planHeads(runtime, op, sizes, args2, range);
    const { plan, products, params: params4 } = work;
    const headChunks = batch * chunks * range.heads;
    const states = slotsOf(saved, sizes, range);
    const gradients = runtime.result(op, [chunks + 1, batch, range.heads, headDim, stateSize]);
    const slots2 = {
      tensor: gradients,
      start: 0,
      count: (chunks + 1) * batch * range.heads * headDim * stateSize
    };
    fillSlots(runtime, op, slots2, dFinal, sizes, range);
    runStates(runtime, op, work, { x: dy2, B: C, slots: slots2 }, 1);
    runOutputs(runtime, op, work, { x: dy2, C: B2, D, slots: slots2, y: dx }, dFinal !== void 0, true);
    if (dInitial) takeLastSlot(runtime, op, slots2, dInitial, sizes, range);
    const pairs = runtime.result(op, [headChunks, chunkLength, chunkLength]);
    runtime.run(op, ssdPairsShader(parallel), { dy: dy2, x, plan, pairs }, params4, headChunks);
    const { firstPart, parts } = range;
    const partParams = { ...params4, firstPart, parts, partsPerGroup: perGroup, width };
    const partGroups = batch * chunks * parts * params4.columnTiles;
    const dots = [batch * range.heads, params4.columnTiles, chunks * chunkLength];
    const [u, v] = [runtime.result(op, dots), runtime.result(op, dots)];
    const shared3 = { B: B2, C, pairs, plan };
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
    for (const temporary of [plan, products, gradients, pairs, u, v, through, skips]) temporary.dispose();
  }
  const total = (tensor) => {
    if (perGroup === 1) return tensor;
    const sum = runtime.result(op, B2.shape);
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
var ssdStateUpdate2 = (runtime, { batch, heads, groups, headDim, stateSize }, state, { x, B: B2, C, logDecay, weight, D }) => {
  const op = "ssdStateUpdate";
  const { parallel } = runtime.traits;
  const y = runtime.result(op, x.shape);
  const rows2 = batch * heads * headDim;
  runtime.run(
    op,
    ssdStateUpdateShader(parallel),
    { x, B: B2, C, logDecay, weight, D, state, y },
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
  const add3 = (x, count, width) => {
    chunks.push({ x, count, width, first: groups });
    groups += Math.ceil(count / elementsPerGroup2);
  };
  for (const tensor of tensors) {
    if (!isDense(tensor)) {
      add3(tensor, elementCount(tensor.shape), lastExtent(tensor.shape));
      continue;
    }
    for (const chunk of flatChunks(runtime, tensor, elementsPerGroup2)) add3(chunk, chunk.count, chunk.count);
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
async function warmUp({ pipelines, traits }, options) {
  const { stateSize = 16, weights: weights2 = ["f32", "f16", "bf16"], onProgress } = options;
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
  async warmUp(options = {}) {
    this.runtime.checkOpen("warmUp");
    await warmUp(this.runtime, options);
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
      this.#submitted = () => Promise.resolve(batch.map((one) => ({ ...one, seconds: void 0 })));
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
        return batch.map((one, i) => {
          const nanoseconds = times[2 * i + 1] - times[2 * i];
          return { ...one, seconds: Number(nanoseconds) / 1e9 };
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
    const { words, floats: floats2 } = commands;
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
    for (const { name, float } of shader2.params) {
      if (float) floats2[at++] = params4[name];
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
async function createWebGpuKernel(options = {}) {
  const { powerPreference = "high-performance", batchInvariant } = options;
  let { device, adapter } = options;
  const owned = device === void 0;
  if (device === void 0) {
    if (adapter === void 0) {
      const gpu = options.gpu ?? await findGpu();
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

// prof.tmp.mts
var [B, L, H, P, G, N] = (process.argv[2] ?? "11,140,4,3,2,5").split(",").map(Number);
var kernel = await createWebGpuKernel();
var up = (shape, f = () => Math.random() - 0.5) => {
  const n = shape.reduce((a, b) => a * b, 1);
  return kernel.upload(Float32Array.from({ length: n }, f), shape, "f32");
};
var args = { x: up([B, L, H * P]), B: up([B, L, G * N]), C: up([B, L, G * N]), logDecay: up([B, L, H], () => -Math.random()), weight: up([B, L, H]), D: up([H]), heads: H, groups: G, initialState: up([B, H, P, N]) };
var dy = up([B, L, H * P]);
var dF = up([B, H, P, N]);
for (let i = 0; i < 2; i++) {
  const t0 = performance.now();
  const c0 = process.cpuUsage();
  const times = await kernel.profile(async () => {
    const { residual } = kernel.ssdScanForward(args);
    kernel.ssdScanBackward(dy, args, residual, dF);
    await kernel.sync();
  });
  console.log("total", performance.now() - t0, "cpu", process.cpuUsage(c0).user / 1e3);
  if (i) for (const t of times) console.log(t.shader, (t.seconds ?? 0) * 1e3);
}
await kernel.dispose();
process.exit(0);
