import type { Command, Report, Work } from "../protocol.ts";
import { Backends } from "./backends.ts";
import { element, make } from "./dom.ts";
import { Models } from "./models.ts";
import { announce, hideProgress, showProgress } from "./status.ts";
import { setUpTabs } from "./tabs.ts";
import { TrainerPanel } from "./trainer.ts";
import { Writer } from "./writer.ts";

const worker = new Worker(new URL("../worker/worker.ts", import.meta.url), { type: "module", name: "mamba" });
/** Number of commands that the worker has not completed. */
let outstanding = 0;

const models = new Models(send);
const backends = new Backends(send);
const writer = new Writer(send);
const trainer = new TrainerPanel(send);
setUpTabs();
const device = element("device", HTMLElement);
const problems = element("alert", HTMLElement);

worker.addEventListener("message", ({ data }: MessageEvent<Report>) => show(data));
worker.addEventListener("error", ({ message }) =>
  showProblem(`The worker failed: ${message || "it did not start"}`),
);

/** Sends a command. The page is busy at once, before the worker reports it, so that nothing is started twice. */
function send(command: Command): void {
  if (command.type !== "stop" && outstanding++ === 0) {
    problems.replaceChildren();
    setBusy(workOf(command));
  }
  worker.postMessage(command);
}

function workOf({ type }: Command): Work {
  if (type === "generate") return "text";
  if (type === "train" || type === "evaluate") return "training";
  return type === "backend" ? "backend" : "model";
}

function setBusy(work: Work | undefined): void {
  if (work === undefined) {
    backends.setCurrent();
    hideProgress();
  }
  models.setBusy(work !== undefined);
  writer.setBusy(work);
  trainer.setBusy(work);
}

function show(report: Report): void {
  switch (report.type) {
    case "backends":
      backends.show(report.choices);
      break;
    case "running":
      device.textContent = report.device ?? "–";
      backends.setCurrent(report.backend);
      break;
    case "stored":
      models.showStored(report.models);
      break;
    case "loaded":
      models.showLoaded(report.model);
      if (report.model) announce(`The model is ready: ${report.model.description}.`);
      writer.setModel(report.model !== undefined);
      break;
    case "busy":
      setBusy(report.work);
      break;
    case "done":
      if (--outstanding === 0) setBusy(undefined);
      break;
    case "progress":
      showProgress(report);
      break;
    case "text":
      writer.add(report.text, report.stats);
      break;
    case "moved":
      writer.showMoved(backends.labelOf(report.backend));
      break;
    case "ended":
      writer.showEnd(report.ending, report.stats);
      break;
    case "training":
      trainer.showDevice(report);
      break;
    case "steps":
      trainer.showSteps(report);
      break;
    case "trained":
      trainer.showTrained(report.ending);
      break;
    case "evaluated":
      trainer.showEvaluation(report.scores, report.answers);
      break;
    case "failed":
      backends.setCurrent();
      showProblem(report.code === undefined ? report.message : `${report.message} (${report.code})`);
      break;
  }
}

function showProblem(message: string): void {
  const close = make("button", { type: "button", textContent: "Close" });
  close.addEventListener("click", () => problems.replaceChildren());
  problems.replaceChildren(make("div", { className: "problem" }, make("p", { textContent: message }), close));
}
