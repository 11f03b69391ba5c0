import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { sha256 } from "./sha256.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

test("gives the digests of FIPS 180-4", () => {
  const digest = (text: string) => hex(sha256(new TextEncoder().encode(text)));
  expect(digest("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  expect(digest("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  expect(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")).toBe(
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  );
});

test("equals Node's digest for every length", () => {
  for (const length of [...Array(200).keys(), 4095, 70_001]) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 73 + (i >> 8)) & 0xff);
    expect(hex(sha256(bytes)), String(length)).toBe(createHash("sha256").update(bytes).digest("hex"));
  }
});
