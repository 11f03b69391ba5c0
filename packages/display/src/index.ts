export { condense, runningMean, type Point } from "./points.ts";
export { formatBytes, formatCount, formatRate, formatSeconds } from "./numbers.ts";
export { lossChartSvg, type LossCurves } from "./lossChart.ts";
export { linearScale, logScale, Plot, tickLabel, ticks, type Scale } from "./plot.ts";
export { svgDocument, svgElement, svgText } from "./svg.ts";
export { table } from "./table.ts";
export { lossChartText } from "./terminalChart.ts";
