import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** Flags for every test: they let Chromium run as root and keep it off the network. */
export const chromiumArgs = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Flags that enable WebGPU on Chromium's own software adapter, the only one that headless Chromium offers. */
export const webgpuArgs = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

/**
 * Finds the Chromium that tests run in: `CHROMIUM_PATH`, or the first known name on the PATH.
 *
 * @returns {string | undefined} an executable's path
 */
export function findChromium() {
  const given = process.env["CHROMIUM_PATH"];
  if (given) return given;
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

/**
 * Playwright's launch options. Configuration files use it, so it does not throw where Chromium is missing: the runners'
 * global set-up, `requireChromium.mjs`, does that before the first launch.
 *
 * @param {readonly string[]} [args] flags beside `chromiumArgs`
 * @returns {{ args: string[], executablePath?: string }}
 */
export function launchOptions(args = []) {
  const executablePath = findChromium();
  return { args: [...chromiumArgs, ...args], ...(executablePath !== undefined && { executablePath }) };
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
