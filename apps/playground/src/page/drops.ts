import { droppedFiles } from "./droppedFiles.ts";

/** A place for dropped files. */
export interface DropTarget {
  /** Marked while files are over the page. */
  readonly zone: HTMLElement;
  /** True while drops are for this target. */
  readonly isActive: () => boolean;
  readonly take: (files: readonly File[]) => void;
}

/**
 * Accepts files that are dropped anywhere on the page: the first active target takes them. Otherwise the browser would leave the page
 * and open them.
 */
export function acceptDrops(targets: readonly DropTarget[]): void {
  const active = (): DropTarget | undefined => targets.find(({ isActive }) => isActive());
  const unmark = (): void => targets.forEach(({ zone }) => zone.classList.remove("over"));
  addEventListener("dragover", (event) => {
    event.preventDefault();
    active()?.zone.classList.add("over");
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) unmark();
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    unmark();
    const target = active();
    if (event.dataTransfer && target) void droppedFiles(event.dataTransfer).then(target.take);
  });
}
