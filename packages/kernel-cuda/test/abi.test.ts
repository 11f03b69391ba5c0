import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

// The addon and the stand-in use the same declarations of the driver, so only NVIDIA's header can show an error in them.

const nvcc = process.env["NVCC"] ?? "nvcc";
const [source, native] = ["abi.cc", "../native"].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
) as [string, string];

if (spawnSync(nvcc, ["--version"]).status === 0) {
  test("functions, structs and constants of the driver are declared as in NVIDIA's header", () => {
    const compiled = spawnSync(nvcc, ["-std=c++17", `-I${native}`, "-c", source, "-o", "/dev/null"], {
      encoding: "utf8",
    });
    expect(compiled).toMatchObject({ status: 0, stderr: "" });
  });
} else {
  test.skip(`declarations of the driver against NVIDIA's header (there is no ${nvcc})`, () => undefined);
}
