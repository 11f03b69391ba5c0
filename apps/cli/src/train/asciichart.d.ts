declare module "asciichart" {
  /** Lines of characters that show each series from left to right. */
  export function plot(
    series: readonly (readonly number[])[],
    options: {
      readonly height: number;
      readonly format: (value: number) => string;
      /** Of the series; undefined leaves the terminal's own. */
      readonly colors: readonly (string | undefined)[];
    },
  ): string;
  export function colored(text: string, color: string): string;
  export const yellow: string;
}
