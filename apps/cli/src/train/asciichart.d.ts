declare module "asciichart" {
  /** Lines of characters that show the values from left to right. */
  export function plot(
    values: readonly number[],
    options: { readonly height: number; readonly format: (value: number) => string },
  ): string;
}
