"""Goldens of the quantised storage types, `packages/conformance/goldens/quantize.json`, in numpy alone.

    /usr/bin/python3 tooling/reference/quantize_goldens.py

The decoders are written from the tables of ggml's block layouts, as whole-array expressions in float64 that are rounded to
float32 at the end. All bytes are hexadecimal, little endian.

    dequantize  by type: `blocks`, random bits with scales that are zero, subnormal, ordinary and large; `values`, float32
    quantize    `values`, float32, and by type the blocks that ggml's reference quantisers of these types give
    search      `values`, rows of 256, and by type the normalised mean squared error that ggml's search for scales reaches
"""

import json
from pathlib import Path

import numpy as np

PACKAGE = Path(__file__).resolve().parents[2] / "packages" / "conformance"
LEVELS = np.array([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], dtype=np.float64)
rng = np.random.Generator(np.random.PCG64(7))

# type: elements of a block, bytes of a block, offsets of its f16 fields
TYPES = {
    "q8_0": (32, 34, [0]),
    "q4_0": (32, 18, [0]),
    "q4_1": (32, 20, [0, 2]),
    "q5_0": (32, 22, [0]),
    "q5_1": (32, 24, [0, 2]),
    "iq4_nl": (32, 18, [0]),
    "q4_k": (256, 144, [0, 2]),
    "q5_k": (256, 176, [0, 2]),
    "q6_k": (256, 210, [208]),
}


def half(blocks, at):
    return blocks[:, at : at + 2].copy().view("<f2").astype(np.float64)


def nibbles(qs):
    """[n, 16] bytes -> [n, 32]: low four bits of all, then high four bits of all."""
    return np.concatenate([qs & 15, qs >> 4], axis=1).astype(np.float64)


def bits(bytes4):
    """[n, 4] bytes -> [n, 32] bits, lowest first."""
    return np.unpackbits(bytes4, axis=1, bitorder="little").astype(np.float64)


def six_bits(S):
    """[n, 12] packed bytes -> scales [n, 8] and minima [n, 8]."""
    S = S.astype(np.int64)
    low, high = S[:, 0:4], S[:, 4:8]
    scales = np.concatenate([low & 63, (S[:, 8:12] & 15) | ((low >> 6) << 4)], axis=1)
    minima = np.concatenate([high & 63, (S[:, 8:12] >> 4) | ((high >> 6) << 4)], axis=1)
    return scales.astype(np.float64), minima.astype(np.float64)


def groups_of_nibbles(qs):
    """[n, 128] bytes -> [n, 8, 32]: each 32 bytes are two groups, low four bits first."""
    chunks = qs.reshape(-1, 4, 1, 32)
    return np.concatenate([chunks & 15, chunks >> 4], axis=2).reshape(-1, 8, 32).astype(np.float64)


def decode(dtype, blocks):
    b = np.frombuffer(blocks, np.uint8).reshape(-1, TYPES[dtype][1])
    if dtype == "q8_0":
        w = half(b, 0) * b[:, 2:].copy().view(np.int8)
    elif dtype == "q4_0":
        w = half(b, 0) * (nibbles(b[:, 2:]) - 8)
    elif dtype == "q4_1":
        w = half(b, 0) * nibbles(b[:, 4:]) + half(b, 2)
    elif dtype == "q5_0":
        w = half(b, 0) * (nibbles(b[:, 6:]) + 16 * bits(b[:, 2:6]) - 16)
    elif dtype == "q5_1":
        w = half(b, 0) * (nibbles(b[:, 8:]) + 16 * bits(b[:, 4:8])) + half(b, 2)
    elif dtype == "iq4_nl":
        w = half(b, 0) * LEVELS[nibbles(b[:, 2:]).astype(int)]
    elif dtype in ("q4_k", "q5_k"):
        scales, minima = six_bits(b[:, 4:16])
        q = groups_of_nibbles(b[:, 16:] if dtype == "q4_k" else b[:, 48:])
        if dtype == "q5_k":
            # Bit j of byte l belongs to element l of group j.
            q = q + 16 * np.unpackbits(b[:, 16:48].reshape(-1, 32, 1), axis=2, bitorder="little").transpose(0, 2, 1)
        w = (half(b, 0) * scales)[:, :, None] * q - (half(b, 2) * minima)[:, :, None]
    elif dtype == "q6_k":
        # Halves of 128 elements are four groups of 32, with the two upper bits of group g at bit 2g of qh.
        ql = b[:, :128].reshape(-1, 2, 2, 32)
        low = np.concatenate([ql & 15, ql >> 4], axis=2)
        qh = b[:, 128:192].reshape(-1, 2, 1, 32)
        high = (qh >> np.array([0, 2, 4, 6], np.uint8)[None, None, :, None]) & 3
        q = (low | (high << 4)).astype(np.float64) - 32
        scales = b[:, 192:208].copy().view(np.int8).astype(np.float64)
        w = half(b, 208)[:, :, None] * scales[:, :, None] * q.reshape(-1, 16, 16)
    return w.reshape(-1).astype(np.float32)


def random_blocks(dtype):
    elements, size, fields = TYPES[dtype]
    scales = [0x0000, 0x0001, 0x03FF, 0x2E66, 0xB1C3, 0x6000]
    count = 6 if elements == 32 else 3
    blocks = rng.integers(0, 256, (count, size), dtype=np.uint8)
    for i in range(count):
        for k, at in enumerate(fields):
            own = scales[(i * (1 if count == 6 else 2) + 4 * k + (count == 3)) % 6]
            blocks[i, at : at + 2] = [own & 255, own >> 8]
    if dtype == "q8_0":
        blocks[4, 2:6] = [0x80, 0x7F, 0x81, 0x00]
    return blocks.tobytes()


# The reference quantisers, block by block in float32.

f = np.float32


def largest(x):
    """The first element of the largest magnitude, with its sign."""
    return x[np.argmax(np.abs(x))]


def reciprocal(d):
    return f(0) if d == 0 else f(1) / d


def as_half(x):
    return np.array([x], np.float32).astype("<f2").tobytes()


def pack_nibbles(q):
    return (q[:16] & 15 | (q[16:] & 15) << 4).astype(np.uint8).tobytes()


def fifth(q):
    return np.packbits((q >> 4).astype(np.uint8), bitorder="little").tobytes()


def encode_block(dtype, x):
    if dtype == "q8_0":
        d = np.abs(x).max() / f(127)
        y = (x * reciprocal(d)).astype(np.float64)
        q = np.sign(y) * np.floor(np.abs(y) + 0.5)
        return as_half(d) + q.astype(np.int8).tobytes()
    if dtype in ("q4_0", "q5_0"):
        middle = 8 if dtype == "q4_0" else 16
        d = largest(x) / f(-middle)
        q = np.minimum(2 * middle - 1, (x * reciprocal(d) + f(middle + 0.5)).astype(np.int64))
        return as_half(d) + (fifth(q) if middle == 16 else b"") + pack_nibbles(q)
    top = 15 if dtype == "q4_1" else 31
    d = (x.max() - x.min()) / f(top)
    q = np.minimum(top, ((x - x.min()) * reciprocal(d) + f(0.5)).astype(np.int64))
    return as_half(d) + as_half(x.min()) + (fifth(q) if top == 31 else b"") + pack_nibbles(q)


def legacy_values():
    x = rng.standard_normal((24, 32)).astype(np.float32)
    x[1] = 0
    x[2] = 0.5
    x[3] = -np.abs(x[3])
    x[4, :2] = [3, -3]  # a tie of magnitudes: the first one counts
    x[4, 2:] = 0.1
    x[5, :2] = [-3, 3]
    x[6] = np.arange(32) - 15.5  # halves between two levels
    x[7] = np.arange(32) * 4 + 3
    x[8] *= f(1e-7)
    x[9] *= f(1e-30)
    x[10] *= f(1e4)
    x[11] = np.where(np.arange(32) % 2, 127, 0.5)
    x[12] = -x[11]
    x[13, 5] = 100
    return x.reshape(-1)


# ggml's searches for the scales of K types, plainly.


def fit_group(x, top, first, step, count):
    w = np.sqrt(np.mean(x * x)) + np.abs(x)
    low, high = min(x.min(), 0), x.max()
    if high <= low:
        return 0, -low
    best = None
    sw, sx = w.sum(), (w * x).sum()
    starts = [top] + [first + step * k + top for k in range(count + 1)]
    for i, start in enumerate(starts):
        q = np.clip(np.rint(start / (high - low) * (x - low)), 0, top)
        if i == 0:
            scale, minimum = (high - low) / top, low
        else:
            sl, sll, sxl = (w * q).sum(), (w * q * q).sum(), (w * x * q).sum()
            determinant = sw * sll - sl * sl
            if determinant <= 0:
                continue
            scale = (sw * sxl - sx * sl) / determinant
            minimum = (sll * sx - sl * sxl) / determinant
            if minimum > 0:
                minimum, scale = 0, sxl / sll
        error = (w * (scale * q + minimum - x) ** 2).sum()
        if best is None or error < best[0]:
            best = (error, scale, minimum)
    return best[1], -best[2]


def round_half(x):
    return float(np.float16(x))


def search_scale_min(x, top, first, step, count):
    groups = x.reshape(8, 32)
    fits = [fit_group(g, top, first, step, count) for g in groups]
    scales, minima = np.array([s for s, _ in fits]), np.array([m for _, m in fits])
    d, dmin = round_half(scales.max() / 63), round_half(minima.max() / 63)
    ls = np.minimum(63, np.rint(63 / scales.max() * scales)) if scales.max() > 0 else 0 * scales
    lm = np.minimum(63, np.rint(63 / minima.max() * minima)) if minima.max() > 0 else 0 * minima
    s, m = (d * ls)[:, None], (dmin * lm)[:, None]
    q = np.clip(np.rint((groups + m) / np.where(s == 0, 1, s)), 0, top)
    return (s * q - m).reshape(-1)


def fit_symmetric(x, tries, rounded):
    """The scale with the largest sum(w x q)^2 / sum(w q^2), w = x^2, over the tried inverse scales."""
    best, scale = 0, 0
    for inverse in tries:
        q = rounded(inverse * x)
        products, squares = (x * x * q * x).sum(), (x * x * q * q).sum()
        if squares > 0 and products * products > best * squares:
            scale = products / squares
            best = scale * products
    return scale


def search_q6(x):
    groups = x.reshape(16, 16)
    nearest = lambda y: np.clip(np.rint(y), -32, 31)
    scales = [fit_symmetric(g, [-(32 + 0.1 * k) / largest(g) for k in range(-9, 10)], nearest) for g in groups]
    top = largest(np.array(scales))
    d = round_half(top / -128)
    s = d * np.minimum(127, np.rint(-128 / top * np.array(scales)))[:, None]
    return (s * np.clip(np.rint(groups / np.where(s == 0, 1, s)), -32, 31)).reshape(-1)


def nearest_level(y):
    return LEVELS[np.argmin(np.abs(y[:, None] - LEVELS[None, :]), axis=1)]


def search_nl(x):
    out = []
    for g in x.reshape(-1, 32):
        scale = fit_symmetric(g, [(k + LEVELS[0]) / largest(g) for k in range(-7, 8)], nearest_level)
        out.append(round_half(scale) * nearest_level(g / scale))
    return np.concatenate(out)


SEARCHES = {
    "q4_k": lambda x: search_scale_min(x, 15, -1, 0.1, 20),
    "q5_k": lambda x: search_scale_min(x, 31, -0.5, 0.1, 15),
    "q6_k": search_q6,
    "iq4_nl": search_nl,
}


def search_values():
    """Normal numbers, rows of other widths, and some with outliers."""
    x = rng.standard_normal((12, 256))
    x *= np.exp(rng.standard_normal((12, 1)))
    x[8:] *= 1 + 4 * (rng.random((4, 256)) < 0.02)
    return x.astype(np.float32)


if __name__ == "__main__":
    goldens = {"dequantize": {}, "quantize": {}, "search": {}}
    for dtype in TYPES:
        blocks = random_blocks(dtype)
        goldens["dequantize"][dtype] = {"blocks": blocks.hex(), "values": decode(dtype, blocks).tobytes().hex()}
    values = legacy_values()
    goldens["quantize"]["values"] = values.tobytes().hex()
    for dtype in ("q8_0", "q4_0", "q4_1", "q5_0", "q5_1"):
        goldens["quantize"][dtype] = b"".join(encode_block(dtype, x) for x in values.reshape(-1, 32)).hex()
    rows = search_values()
    goldens["search"]["values"] = rows.tobytes().hex()
    for dtype, search in SEARCHES.items():
        found = np.concatenate([search(row.astype(np.float64)) for row in rows])
        x = rows.reshape(-1).astype(np.float64)
        goldens["search"][dtype] = float(((found - x) ** 2).sum() / (x**2).sum())
    (PACKAGE / "goldens" / "quantize.json").write_text(json.dumps(goldens, indent=1) + "\n")
