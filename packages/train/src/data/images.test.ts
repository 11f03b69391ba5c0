import { encode } from "fast-png";
import { zlibSync } from "fflate";
import jpeg from "jpeg-js";
import { describe, expect, test } from "vitest";
import { pngOf } from "../../test/pngOf.ts";
import { decodeImage } from "./decodeImage.ts";
import { imageInput } from "./imageInput.ts";
import { idxImages } from "./imageSource.ts";

const bytes = (length: number, step: number) => Uint8Array.from({ length }, (_, i) => (i * step) % 256);

async function refused(make: Promise<unknown>, message: string): Promise<void> {
  await expect(make).rejects.toThrow(expect.objectContaining({ code: "DATA" }));
  await expect(make).rejects.toThrow(message);
}

describe("PNG", () => {
  test.each([1, 2, 3, 4] as const)("%i channels of 8 and 16 bits", async (channels) => {
    const data = bytes(5 * 3 * channels, 37);
    const png = encode({ width: 5, height: 3, channels, data });
    expect(await decodeImage(png, "a.png")).toEqual({ width: 5, height: 3, channels, data });
    const wide = Uint16Array.from(data, (value, i) => value * 256 + i);
    const png16 = encode({ width: 5, height: 3, channels, depth: 16, data: wide });
    expect(await decodeImage(png16, "a.png")).toEqual({ width: 5, height: 3, channels, data: wide });
  });

  test("1, 2 and 4 bits are scaled to 8; lines begin with a byte", async () => {
    const one = pngOf({ width: 3, height: 2, depth: 1, colour: 0 }, [0, 0b10100000, 0, 0b01000000]);
    expect((await decodeImage(one, "a.png")).data).toEqual(Uint8Array.of(255, 0, 255, 0, 255, 0));
    const two = pngOf({ width: 5, height: 1, depth: 2, colour: 0 }, [0, 0b00011011, 0b01000000]);
    expect((await decodeImage(two, "a.png")).data).toEqual(Uint8Array.of(0, 85, 170, 255, 85));
    const four = pngOf({ width: 3, height: 1, depth: 4, colour: 0 }, [0, 0x0f, 0x70]);
    expect((await decodeImage(four, "a.png")).data).toEqual(Uint8Array.of(0, 255, 119));
  });

  test("palettes, with and without alpha, and a transparent colour", async () => {
    const palette = { type: "PLTE", data: [10, 20, 30, 40, 50, 60] };
    const size = { width: 2, height: 1, depth: 1, colour: 3 };
    const indexed = await decodeImage(pngOf(size, [0, 0b01000000], [palette]), "a.png");
    expect(indexed).toMatchObject({ channels: 3, data: Uint8Array.of(10, 20, 30, 40, 50, 60) });
    const clear = await decodeImage(
      pngOf(size, [0, 0b01000000], [palette, { type: "tRNS", data: [7] }]),
      "a.png",
    );
    expect(clear).toMatchObject({ channels: 4, data: Uint8Array.of(10, 20, 30, 7, 40, 50, 60, 255) });
    const key = { type: "tRNS", data: [0, 9] };
    const grey = await decodeImage(
      pngOf({ width: 2, height: 1, depth: 8, colour: 0 }, [0, 9, 8], [key]),
      "a.png",
    );
    expect(grey).toMatchObject({ channels: 2, data: Uint8Array.of(9, 0, 8, 255) });
    await refused(
      decodeImage(pngOf({ ...size, depth: 8 }, [0, 0, 2], [palette]), "a.png"),
      "a.png: expected indices below 2, the size of the palette, got 2",
    );
  });

  test("an interlaced image", async () => {
    // Adam7 of 2 x 2: (0,0); (1,0); then the second line.
    const png = pngOf({ width: 2, height: 2, depth: 8, colour: 0, interlace: 1 }, [0, 1, 0, 2, 0, 3, 4]);
    expect((await decodeImage(png, "a.png")).data).toEqual(Uint8Array.of(1, 2, 3, 4));
    const bits = pngOf({ width: 2, height: 2, depth: 1, colour: 0, interlace: 1 }, [0, 0]);
    await refused(decodeImage(bits, "a.png"), "or one that is not interlaced, got an interlaced one of 1");
  });

  test("a truncated, damaged or lying file is named, and nothing is allocated for it", async () => {
    const png = encode({ width: 5, height: 3, channels: 1, data: bytes(15, 37) });
    for (let length = 0; length < png.length; length++) {
      await refused(decodeImage(png.subarray(0, length), "cut.png"), "cut.png: expected");
    }
    for (let at = 2; at < png.length; at++) {
      const damaged = png.slice();
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      await refused(decodeImage(damaged, "bad.png"), "bad.png");
    }
    const size = { width: 4, height: 2, depth: 8, colour: 0 };
    await refused(
      decodeImage(pngOf(size, [0, 1, 2, 3, 4]), "a.png"),
      "expected 10 bytes of picture data, got 5",
    );
    await refused(
      decodeImage(pngOf(size, new Array(4000).fill(0)), "a.png"),
      "expected 10 bytes of picture data, got more",
    );
    const huge = pngOf({ ...size, width: 2 ** 31 - 1, height: 2 ** 31 - 1 }, [0]);
    await refused(
      decodeImage(huge, "a.png"),
      "expected from 1 to 16777216 pixels, got 2147483647 x 2147483647",
    );
    await refused(decodeImage(pngOf({ ...size, height: 0 }, [0]), "a.png"), "got 4 x 0");
    await refused(
      decodeImage(png, "a.png").then(() => decodeImage(png, "a.png", { maxPixels: 14 })),
      "from 1 to 14 pixels",
    );
  });

  test("a compressed colour profile and texts are not read", async () => {
    const profile = {
      type: "iCCP",
      data: [...Buffer.from("x\0\0"), ...zlibSync(new Uint8Array(1e6))].map((byte, i) => (i > 10 ? 0 : byte)),
    };
    const png = pngOf(
      { width: 1, height: 1, depth: 8, colour: 0 },
      [0, 7],
      [profile, { type: "tEXt", data: [1] }],
    );
    expect((await decodeImage(png, "a.png")).data).toEqual(Uint8Array.of(7));
  });
});

describe("JPEG", () => {
  const rgba = { width: 17, height: 9, data: Buffer.alloc(17 * 9 * 4) };
  for (let i = 0; i < 17 * 9; i++) rgba.data.set([200, 100, (i % 17) * 15, 255], 4 * i);
  const file = new Uint8Array(jpeg.encode(rgba, 95).data);

  test("a colour image is close to what was encoded", async () => {
    const { data, ...size } = await decodeImage(file, "a.jpg");
    expect(size).toEqual({ width: 17, height: 9, channels: 3 });
    for (let i = 0; i < data.length; i++) {
      expect(Math.abs(Number(data[i]) - Number(rgba.data[Math.floor(i / 3) * 4 + (i % 3)]))).toBeLessThan(12);
    }
  });

  test("a truncated or damaged file is named", async () => {
    for (let length = 0; length < file.length; length += 3) {
      await refused(decodeImage(file.subarray(0, length), "cut.jpg"), "cut.jpg");
    }
    await refused(
      decodeImage(file.subarray(0, file.length - 1), "cut.jpg"),
      "expected a whole JPEG image, got a file that ends",
    );
    const frame = file.indexOf(0xc0, 2) - 1;
    expect(file[frame]).toBe(0xff);
    const huge = file.slice();
    huge.set([0xff, 0xff, 0xff, 0xff], frame + 5);
    await refused(decodeImage(huge, "a.jpg"), "expected from 1 to 16777216 pixels, got 65535 x 65535");
    const scan = file.lastIndexOf(0xda);
    const bomb = new Uint8Array([
      ...file.subarray(0, file.length - 2),
      ...Array.from({ length: 120 }, () => [...file.subarray(scan - 1, scan + 13)]).flat(),
      0xff,
      0xd9,
    ]);
    await refused(decodeImage(bomb, "a.jpg"), "expected at most 100 scans");
  });

  test("another format is refused", async () => {
    await refused(
      decodeImage(new TextEncoder().encode("GIF89a"), "a.gif"),
      "a.gif: expected a PNG or JPEG image, got another format",
    );
    await refused(decodeImage(new Uint8Array(0), "a.png"), "got an empty file");
  });
});

describe("inputs", () => {
  const grey = {
    width: 7,
    height: 5,
    channels: 1,
    data: Uint8Array.from({ length: 35 }, (_, i) => (i * i * 31 + i * 17) % 256),
  };
  const plain = { channels: 1, mean: [0], std: [1] };

  // torch 1.13, float64, i from 0 to 34: interpolate((31 i² + 17 i) % 256 / 255, size, mode="bilinear", antialias=True)
  test.each([
    [
      3,
      4,
      [
        0.212939, 0.460325, 0.347249, 0.446632, 0.43739, 0.265237, 0.443747, 0.601224, 0.65893, 0.626734,
        0.282218, 0.222489,
      ],
    ],
    [
      2,
      9,
      [
        0.351515, 0.273084, 0.309923, 0.415924, 0.454189, 0.362131, 0.40515, 0.491979, 0.554724, 0.751515,
        0.478194, 0.449911, 0.531353, 0.342246, 0.306754, 0.406338, 0.428045, 0.2959,
      ],
    ],
    [
      5,
      3,
      [
        0.213445, 0.345559, 0.470028, 0.351261, 0.536563, 0.30084, 0.355742, 0.239908, 0.787115, 0.442017,
        0.400461, 0.351261, 0.82521, 0.486736, 0.140616,
      ],
    ],
  ])("sizes change as in PyTorch: %i x %i", (height, width, expected) => {
    const result = imageInput(grey, { height, width, ...plain });
    expect(result).toHaveLength(expected.length);
    expected.forEach((value, i) => expect(result[i]).toBeCloseTo(value, 5));
  });

  test("grey, alpha and channels", () => {
    const size = { height: 1, width: 1 };
    const of = (channels: number, data: number[], wanted: number) => [
      ...imageInput(
        { ...size, channels, data: Uint8Array.from(data) },
        { ...size, channels: wanted, mean: Array(wanted).fill(0), std: Array(wanted).fill(1) },
      ),
    ];
    expect(of(3, [255, 0, 0], 1)[0]).toBeCloseTo(0.299, 6);
    expect(of(1, [51], 3)).toEqual([51 / 255, 51 / 255, 51 / 255].map(Math.fround));
    expect(of(4, [0, 0, 0, 0], 3)).toEqual([1, 1, 1]);
    expect(of(2, [0, 51], 1)[0]).toBeCloseTo(0.8, 6);
    expect(
      imageInput({ ...size, channels: 1, data: Uint16Array.of(65535) }, { ...size, channels: 1 }),
    ).toEqual(Float32Array.of(1));
    const config = { code: "CONFIG" };
    expect(() => imageInput(grey, { ...size, channels: 2 })).toThrow(expect.objectContaining(config));
    expect(() => imageInput(grey, { ...size, channels: 3, mean: [0.5] })).toThrow(
      expect.objectContaining(config),
    );
    expect(() => imageInput({ ...grey, width: 6 }, { ...size, channels: 1 })).toThrow(
      "expected 6 x 5 pixels of 1 samples",
    );
  });

  test("IDX images with labels", () => {
    const images = {
      name: "images",
      shape: [2, 2, 2],
      data: Uint8Array.of(0, 255, 0, 255, 255, 255, 255, 255),
    };
    const labels = { name: "labels", shape: [2], data: Uint8Array.of(3, 0) };
    const source = idxImages(images, labels);
    expect(source).toMatchObject({
      count: 2,
      data: { kind: "images", height: 2, width: 2, channels: 1, labels: ["0", "1", "2", "3"] },
    });
    expect(source.example(0)).toEqual({ input: Float32Array.of(-1, 1, -1, 1), target: 3 });
    const wrong = (make: () => unknown, message: string) => expect(make).toThrow(message);
    wrong(
      () => idxImages(images, { ...labels, shape: [1] }),
      "labels: expected 2 labels, [2], one for each image, got [1]",
    );
    wrong(
      () => idxImages(images, labels, { labels: ["a", "b"] }),
      "labels, element 0: expected a class from 0 to 1, got 3",
    );
    wrong(() => idxImages(labels, labels), "labels: expected images of bytes");
  });
});
