import {
  type ForecastEvaluation,
  seriesLengths,
  type SeriesPrediction,
  type SeriesSource,
  type Work,
} from "../../protocol.ts";
import { element, make } from "../dom.ts";
import type { DropTarget } from "../drops.ts";
import { showError, showProblem } from "../problems.ts";
import { announce } from "../status.ts";
import { ModelFiles } from "../training/modelFiles.ts";
import { RunView } from "../training/runView.ts";
import type { Send, TrainingPanel, TrainingReport } from "../training/trainingPanel.ts";
import type { CsvColumns } from "./csvColumns.ts";
import { LiveSeries } from "./liveSeries.ts";
import { SeriesChart } from "./seriesChart.ts";

const panel = element("forecast", HTMLElement);
const source = element("forecast-source", HTMLSelectElement);
const about = element("forecast-about", HTMLElement);
const csv = element("forecast-csv", HTMLElement);
const file = element("forecast-file", HTMLInputElement);
const columns = element("forecast-columns", HTMLElement);
const column = element("forecast-column", HTMLSelectElement);
const svg = element("forecast-chart", SVGSVGElement);
const pointer = element("forecast-pointer", HTMLElement);
const height = element("forecast-height", HTMLInputElement);
const pause = element("forecast-pause", HTMLButtonElement);
const count = element("forecast-count", HTMLElement);
const result = element("forecast-evaluation", HTMLElement);

/** Time from one value to the next. */
const tickMs = 60;
const preset = { width: 32, steps: 600, rate: 0.005, seed: 1 };

const descriptions: Readonly<Record<SeriesSource, string>> = {
  waves: "Waves of 24 and of 65 values. The noise cannot be forecast: the band should be as wide as it.",
  beats: "The intervals between the beats grow and shrink slowly.",
  csv: "Numbers of your own.",
  pointer: `Move the pointer over the chart, or the slider, for some seconds: a training needs ${seriesLengths.least} values.`,
};

/** The panel in which a model that is trained on the page forecasts a series while it runs. */
export class ForecastPanel implements TrainingPanel {
  readonly #send: Send;
  readonly #run: RunView;
  readonly #files: ModelFiles;
  readonly #chart = new SeriesChart(svg);
  #series: LiveSeries | undefined;
  #table: CsvColumns | undefined;
  #prediction: SeriesPrediction | undefined;
  /** True while the worker makes a forecast. */
  #isAsked = false;
  /** True for a model from files: it forecasts any series. */
  #isLoaded = false;
  #isPaused = false;
  /** True when a column has no more values. */
  #hasEnded = false;
  #work: Work | undefined;

  constructor(send: Send) {
    this.#send = send;
    const form = element("forecast-form", HTMLFormElement);
    this.#run = new RunView({
      ...{ kind: "forecast", prefix: "forecast", form, send },
      settings: () => this.#settings(),
    });
    this.#run.fill(preset);
    this.#files = new ModelFiles("forecast", send);
    source.addEventListener("change", () => this.#choose());
    file.addEventListener("change", () => {
      void this.#readCsv(file.files?.[0]);
      file.value = ""; // the same file can be chosen again
    });
    column.addEventListener("change", () => this.#useColumn());
    svg.addEventListener("pointermove", ({ clientY }) => {
      const { top, height: extent } = svg.getBoundingClientRect();
      height.value = String(100 * (1 - (clientY - top) / extent));
    });
    pause.addEventListener("click", () => this.#pause(!this.#isPaused));
    this.#pause(matchMedia("(prefers-reduced-motion: reduce)").matches);
    this.#choose();
    setInterval(() => this.#tick(), tickMs);
  }

  get dropTarget(): DropTarget {
    return {
      zone: csv,
      isActive: () => !panel.hidden && this.#files.isEnabled,
      take: (files) => {
        const [first] = files;
        if (first && /\.(csv|tsv|txt)$/i.test(first.name)) void this.#readCsv(first);
        else this.#files.load(files);
      },
    };
  }

  setBusy(work: Work | undefined): void {
    this.#work = work;
    this.#run.setBusy(work);
    for (const field of [source, file, column]) field.disabled = work === "forecast";
    this.#files.update(work, this.#hasModel);
  }

  show(report: TrainingReport): void {
    if (report.type === "restored" && report.settings.kind === "forecast") {
      source.value = report.settings.source;
      this.#choose();
      this.#use(LiveSeries.restored(report.settings, heightOf));
    }
    this.#run.show(report);
    switch (report.type) {
      case "training":
        this.#files.clear();
        this.#isLoaded = false;
        if (report.losses.length === 0) result.hidden = true;
        break;
      case "learned":
        this.#files.clear();
        this.#isLoaded = true;
        result.hidden = true;
        announce(`The model is ready: ${report.name}.`);
        break;
      case "forgotten":
        this.#files.clear();
        this.#isLoaded = false;
        this.#prediction = undefined;
        result.hidden = true;
        break;
      case "files":
        this.#files.offer(report.files);
        break;
      case "predicted":
        this.#isAsked = false;
        if (report.prediction?.kind === "forecast") this.#prediction = report.prediction;
        this.#draw();
        break;
      default:
    }
    if ("evaluation" in report && report.evaluation?.kind === "forecast")
      this.#showEvaluation(report.evaluation);
    this.#files.update(this.#work, this.#hasModel);
  }

  /** Shows the chosen series. A CSV file is read when it is given. */
  #choose(): void {
    const chosen = source.value as SeriesSource;
    about.textContent = descriptions[chosen];
    csv.hidden = chosen !== "csv";
    pointer.hidden = chosen !== "pointer";
    svg.classList.toggle("follows", chosen === "pointer");
    if (chosen === "csv") {
      if (this.#table) this.#useColumn();
      else this.#use(undefined);
    } else this.#use(chosen === "pointer" ? LiveSeries.ofPointer(heightOf) : LiveSeries.generated(chosen));
  }

  #use(series: LiveSeries | undefined): void {
    this.#series = series;
    this.#hasEnded = false;
    this.#prediction = undefined;
    this.#chart.start(series?.source === "pointer" ? [0, 100] : (series?.values ?? []));
    this.#draw();
  }

  async #readCsv(chosen: File | undefined): Promise<void> {
    if (!chosen) return;
    source.value = "csv";
    try {
      const { CsvColumns } = await import("./csvColumns.ts"); // the parser is loaded when it is needed
      this.#table = await CsvColumns.read(chosen);
      const names = this.#table.names.map((name) => make("option", { value: name, textContent: name }));
      column.replaceChildren(...names);
      column.value = this.#table.first;
      columns.hidden = false;
    } catch (error) {
      this.#table = undefined;
      columns.hidden = true;
      showError(error as Error);
    }
    this.#choose();
  }

  #useColumn(): void {
    if (!this.#table) return;
    try {
      const name = `${this.#table.file}, ${column.value}`;
      this.#use(LiveSeries.ofColumn(name, this.#table.values(column.value)));
    } catch (error) {
      this.#use(undefined);
      showError(error as Error);
    }
  }

  /** The settings of a training on the series; undefined, with a message, when it has too few values. */
  #settings() {
    const needed = this.#series?.needed ?? seriesLengths.least;
    if (this.#series && needed === 0) return { kind: "forecast" as const, ...this.#series.settings() };
    const what = this.#series ? `${needed} more values are needed` : "there is no series yet";
    showProblem(`The series: expected at least ${seriesLengths.least} values to train on; ${what}`);
    return undefined;
  }

  #pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    pause.ariaPressed = String(isPaused);
  }

  /** Takes the next value of the series and requests its forecast, while somebody can see it. */
  #tick(): void {
    if (panel.hidden || document.hidden) return;
    if (!this.#isPaused && this.#series) this.#hasEnded = !this.#series.advance();
    this.#ask();
    this.#draw();
  }

  #ask(): void {
    const values = this.#series?.values ?? [];
    const isCurrent = this.#prediction?.end === values.length && !this.#run.isTraining;
    if (this.#isAsked || values.length === 0 || !this.#fits || isCurrent) return;
    this.#isAsked = true;
    const recent = values.slice(-seriesLengths.context);
    this.#send({ type: "ask", query: { kind: "forecast", end: values.length, values: recent } });
  }

  /** True when the model was trained on this series, or comes from files. */
  get #fits(): boolean {
    const { settings } = this.#run;
    if (this.#isLoaded || settings?.kind !== "forecast") return this.#isLoaded;
    return settings.source === this.#series?.source && settings.name === this.#series.name;
  }

  get #hasModel(): boolean {
    return this.#isLoaded || this.#run.hasModel;
  }

  #draw(): void {
    const values = this.#series?.values ?? [];
    this.#chart.draw(values, this.#prediction);
    const hint = this.#hasModel && !this.#fits ? ". Train the model on this series to forecast it" : "";
    const end = this.#hasEnded ? ", the column ends here" : "";
    count.textContent = `${values.length} values${end}${hint}`;
  }

  #showEvaluation({ error, persistence, inside, expected }: ForecastEvaluation): void {
    const percent = (fraction: number): string => `${(fraction * 100).toFixed(0)} %`;
    result.textContent =
      `On the held-out end, the median is off by ${error.toPrecision(3)} on average, the last value by ` +
      `${persistence.toPrecision(3)}. The band holds ${percent(inside)} of the values; ${percent(expected)} are expected.`;
    result.hidden = false;
    if (!this.#run.isTraining) announce(result.textContent);
  }
}

function heightOf(): number {
  return height.valueAsNumber;
}
