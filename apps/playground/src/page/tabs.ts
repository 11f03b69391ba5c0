import { element } from "./dom.ts";

const sampling = element("sampling", HTMLFieldSetElement);
const tabs = ["tab-write", "tab-chat", "tab-train", "tab-digits", "tab-forecast"].map((id) =>
  element(id, HTMLButtonElement),
);

/** Selects a tab by its id. */
export function openTab(id: string): void {
  const tab = element(id, HTMLButtonElement);
  tab.click();
  tab.focus();
}

/**
 * Tabs as in the ARIA practices: the selected one is in the tab order, and the arrow keys change the selection. The address has the
 * selected tab, so that it is open again after a reload.
 */
export function setUpTabs(): void {
  const named = tabs.find(({ id }) => location.hash === `#${id}`);
  if (named) select(named);
  for (const [i, tab] of tabs.entries()) {
    const choose = (chosen: HTMLButtonElement): void => {
      select(chosen);
      history.replaceState(null, "", `#${chosen.id}`);
    };
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", ({ key }) => {
      const step = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
      const next = tabs[(i + step + tabs.length) % tabs.length];
      if (step === 0 || !next) return;
      choose(next);
      next.focus();
    });
  }
}

function select(chosen: HTMLButtonElement): void {
  for (const tab of tabs) {
    const isChosen = tab === chosen;
    tab.ariaSelected = String(isChosen);
    tab.tabIndex = isChosen ? 0 : -1;
    const panel = element(tab.getAttribute("aria-controls") ?? "", HTMLElement);
    panel.hidden = !isChosen;
    // The tabs of texts and of the conversation have the same settings.
    const slot = panel.querySelector(".sampling-slot");
    if (isChosen && slot && !slot.contains(sampling)) slot.append(sampling);
  }
}
