import type { Command, Report, TrainingKind, Work } from "../protocol.ts";
import { Backends } from "./backends.ts";
import { DigitsPanel } from "./digits/digitsPanel.ts";
import { ChatPanel } from "./chat/chatPanel.ts";
import { element } from "./dom.ts";
import { acceptDrops } from "./drops.ts";
import { ForecastPanel } from "./forecast/forecastPanel.ts";
import { Models } from "./models.ts";
import { hideProblem, showError, showProblem } from "./problems.ts";
import { announce, hideProgress, showProgress } from "./status.ts";
import { setUpTabs } from "./tabs.ts";
import { TaskPanel } from "./task/taskPanel.ts";
import type { TrainingPanel, TrainingReport } from "./training/trainingPanel.ts";
import { Writer } from "./writer.ts";

const worker = new Worker(new URL("../worker/worker.ts", import.meta.url), { type: "module", name: "mamba" });
/** Number of commands that the worker has not completed. */
let outstanding = 0;

const models = new Models(send);
const backends = new Backends(send);
const writer = new Writer(send);
const chat = new ChatPanel(send);
const digits = new DigitsPanel(send);
const forecast = new ForecastPanel(send);
const panels: Readonly<Record<TrainingKind, TrainingPanel>> = { task: new TaskPanel(send), digits, forecast };
acceptDrops([digits.dropTarget, forecast.dropTarget, models.dropTarget]);
setUpTabs();
const device = element("device", HTMLElement);

worker.addEventListener("message", ({ data }: MessageEvent<Report>) => show(data));
worker.addEventListener("error", ({ message }) =>
  showProblem(`The worker failed: ${message || "it did not start"}`),
);

/** Sends a command. The page is busy at once, before the worker reports it, so that nothing is started twice. */
function send(command: Command): void {
  const work = workOf(command);
  if (work !== undefined && outstanding++ === 0) {
    hideProblem();
    setBusy(work);
  }
  worker.postMessage(command);
}

/** The work that the page waits for; undefined for a command without an end that is reported. */
function workOf(command: Command): Work | undefined {
  switch (command.type) {
    case "stop":
    case "ask":
    case "device":
      return undefined;
    case "generate":
      return "text";
    case "send":
    case "edit":
    case "retry":
    case "version":
    case "clear":
      return "chat";
    case "backend":
      return "backend";
    case "train":
      return command.settings.kind;
    case "continue":
    case "evaluate":
    case "forget":
    case "save":
    case "load":
      return command.kind;
    default:
      return "model";
  }
}

function setBusy(work: Work | undefined): void {
  if (work === undefined) {
    backends.setCurrent();
    hideProgress();
  }
  models.setBusy(work !== undefined);
  writer.setBusy(work);
  chat.setBusy(work);
  for (const panel of Object.values(panels)) panel.setBusy(work);
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
      models.showStored(report.models, report.room);
      break;
    case "loaded":
      models.showLoaded(report.model);
      if (report.model) announce(`The model is ready: ${report.model.description}.`);
      writer.setModel(report.model !== undefined);
      chat.setModel(report.model !== undefined);
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
    case "conversation":
      chat.show(report.conversation, report.problem);
      break;
    case "answer":
      chat.add(report.parts, report.stats);
      break;
    case "answered":
      chat.showEnd(report.ending, report.stats);
      break;
    case "failed":
      backends.setCurrent();
      showError(report);
      break;
    default:
      panels[kindOf(report)].show(report);
  }
}

function kindOf(report: TrainingReport): TrainingKind {
  if (report.type === "restored") return report.settings.kind;
  return report.type === "evaluated" ? report.evaluation.kind : report.kind;
}
