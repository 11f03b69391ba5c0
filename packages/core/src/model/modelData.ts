/** How the inputs of a model of images are made. */
export interface ImagesData {
  readonly kind: "images";
  readonly height: number;
  readonly width: number;
  /** 1: grey. 3: red, green, blue. */
  readonly channels: number;
  /** One number for each channel: a sample x in [0, 1] becomes (x - mean) / std. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** The names of the classes. */
  readonly labels: readonly string[];
}

/** How the inputs of a model of series are made, and the meaning of its outputs. */
export interface SeriesData {
  readonly kind: "series";
  /** The columns of the input, in the order of its channels. */
  readonly columns: readonly string[];
  /** The columns that are forecast, some of `columns`. */
  readonly targets: readonly string[];
  /** One number for each of `columns`: a number x becomes (x - mean) / std. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Rows that the model reads. */
  readonly context: number;
  /** Rows that it forecasts. */
  readonly horizon: number;
  /** The levels of a forecast of quantiles. Default: one number for each target. */
  readonly levels?: readonly number[] | undefined;
  /** The outputs are differences from the last row that the model reads. Default: they are the values. */
  readonly relative?: true | undefined;
}

/** How the inputs of a model are prepared. It is stored with the model, for programs that use the model later. */
export type ModelData = ImagesData | SeriesData;
