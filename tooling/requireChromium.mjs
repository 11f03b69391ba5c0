import { findChromium } from "./chromium.mjs";

/** Global set-up of the browser tests in Vitest and Playwright: fails the run before a browser is launched. */
export default function requireChromium() {
  if (findChromium() === undefined) {
    throw new Error("browser tests: Chromium is not on the PATH; install it or set CHROMIUM_PATH");
  }
}
