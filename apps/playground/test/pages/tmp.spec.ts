import { expect, test } from "./support/test.ts";
test.use({ colorScheme: "light" });
test("look", async ({ playground, modelServer }) => {
  const { page } = playground;
  page.on("console", (m) => console.log(m.text()));
  for (const dark of [false, true]) {
    await page.emulateMedia({ colorScheme: dark ? "dark" : "light" });
    if (!dark) {
      await page.setViewportSize({ width: 1200, height: 1000 });
      await playground.open("Chat");
      await page.screenshot({ path: "/tmp/pgbig/chat-none.png" });
      await playground.fetch(modelServer.url).catch(() => undefined);
      await page.screenshot({ path: "/tmp/pgbig/chat-notemplate.png" });
      await playground.open("Write");
      await playground.fetch(modelServer.urlOf("chatty"));
      await playground.open("Chat");
      await playground.say("Hello, who are you?");
      await playground.say("Use the tool <b>please</b>, and write <img src=x onerror=alert(1)>");
      await page.getByRole("button", { name: "Retry" }).click();
      await playground.answered();
    }
    for (const [name, width, height] of [["wide", 1200, 1000], ["phone", 360, 640]] as const) {
      await page.setViewportSize({ width, height });
      await page.screenshot({ path: `/tmp/pgbig/chat-${name}-${dark ? "dark" : "light"}.png`, fullPage: true });
    }
  }
  console.log(await page.locator("#alert").textContent());
});
