import { expect, test } from "./support/test.ts";

test("a conversation streams, is edited, retried and switched between versions, and survives a reload", async ({
  playground,
  modelServer,
}) => {
  const { page, messages } = playground;
  await playground.open("Chat");
  await playground.fetch(modelServer.urlOf("chatty"));
  await page.getByText("System prompt and settings").click();
  await playground.set({ "Max tokens": 40, Temperature: 1 });
  await page.getByLabel("System prompt", { exact: true }).fill("Be short.");
  await playground.say("Hello <b>you</b>");
  await expect(messages).toHaveCount(2);
  await expect(messages.nth(0)).toContainText("Hello <b>you</b>");
  const answer = await messages.nth(1).locator(".content").textContent();
  expect(answer?.length).toBeGreaterThan(3);
  await expect(page.locator("#chat-speed")).toHaveText(/^[\d.]+ tokens\/s$/);
  await expect(page.locator("#chat-first")).toHaveText(/^\d+ ms$/);
  await expect(page.locator("#chat-prompt")).toHaveText(/^\d+ read, \d+ cached$/);
  await playground.say("And now?");
  await expect(page.locator("#chat-prompt")).toHaveText(/^\d+ read, [1-9]\d+ cached$/);
  await expect(messages).toHaveCount(4);

  await page.getByRole("button", { name: "Retry" }).click();
  await playground.answered();
  await expect(messages.nth(3)).toContainText("2 / 2");
  await expect(page.locator("#chat-prompt")).toHaveText(/^[01] read, [1-9]\d+ cached$/);
  await page.getByRole("button", { name: "Edit" }).first().click();
  await page.getByLabel("Edit the message").fill("Good day");
  await page.getByLabel("Edit the message").press("Control+Enter");
  await playground.answered();
  await expect(messages).toHaveCount(2);
  await expect(messages.nth(0)).toContainText("Good day");
  await messages.nth(0).getByRole("button", { name: "Version before" }).click();
  await expect(messages).toHaveCount(4);
  await expect(messages.nth(1).locator(".content")).toHaveText(answer ?? "");

  const before = await messages.allTextContents();
  await page.reload();
  await page.getByRole("radio", { name: "chatty" }).check();
  await expect(messages).toHaveCount(4);
  expect(await messages.allTextContents()).toEqual(before);
  await expect(page.getByLabel("System prompt", { exact: true })).toHaveValue("Be short.");
  await playground.backend("CPU, one thread").check();
  await playground.say("Still there?");
  await expect(messages).toHaveCount(6);
  await expect(page.locator("#chat-prompt")).toHaveText(/^\d+ read, [1-9]\d+ cached$/); // the state was stored
  await page.getByRole("button", { name: "Clear the conversation" }).click();
  await expect(messages).toHaveCount(0);
});

test("Esc stops an answer, which stays, and a model without a template says how it can be used", async ({
  playground,
  modelServer,
}) => {
  const { page, messages } = playground;
  await playground.open("Chat");
  await playground.fetch(modelServer.urlOf("chatty"));
  await page.getByText("System prompt and settings").click();
  await playground.set({ "Max tokens": 100_000, Temperature: 1 });
  const message = page.getByLabel("Message", { exact: true });
  for (let seed = 1; ; seed++) {
    // An answer of random bytes may end early.
    await playground.set({ Seed: seed });
    await message.fill("Hello");
    await message.press("Enter");
    await expect(messages.last()).toContainText("Model");
    await page.keyboard.press("Escape");
    await playground.answered();
    if ((await playground.status.textContent())?.startsWith("Stopped")) break;
  }
  await expect(messages.last()).toContainText("Model");
  await expect(message).toBeFocused();

  await playground.fetch(modelServer.url);
  await expect(playground.panel).toContainText("This model has no chat template");
  await page.getByRole("button", { name: "Write a text with it" }).click();
  await expect(page.getByLabel("Prompt", { exact: true })).toBeVisible();
});
