import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import type { Host } from "./host.ts";
import { progress } from "./progress.ts";

function terminal(isTTY: boolean) {
  const stderr = Object.assign(new PassThrough({ encoding: "utf8" }), { isTTY, columns: 80 });
  let text = "";
  stderr.on("data", (chunk: string) => (text += chunk));
  return { host: { stderr } as unknown as Host, text: () => text };
}

test("a bar appears on a terminal once the work takes long, and goes again", async () => {
  const { host, text } = terminal(true);
  const bar = progress(host, "loading");
  bar.update(1e6, 4e6);
  await sleep(10);
  expect(text()).toBe("");
  await sleep(320);
  bar.update(2e6, 4e6);
  await vi.waitFor(() => expect(text()).toContain("2.0 MB of 4.0 MB"));
  expect(text()).toMatch(/loading [=-]+ 50%/);
  bar[Symbol.dispose]();
  expect(text()).toContain("\u001b[?25h"); // the cursor is back
});

test("elsewhere it is silent", async () => {
  const { host, text } = terminal(false);
  using bar = progress(host, "loading");
  await sleep(320);
  bar.update(1, 2);
  await sleep(50);
  expect(text()).toBe("");
});
