type Attributes = Readonly<Record<string, string | number>>;

/** A complete picture on a white ground, `width` by `height` pixels. */
export function svgDocument(width: number, height: number, elements: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...elements,
    "</svg>",
    "",
  ].join("\n");
}

/** An empty element. Attributes are written as they are given, so they must not hold quotes. */
export function svgElement(tag: string, attributes: Attributes): string {
  return `<${[tag, ...Object.entries(attributes).map(([name, value]) => `${name}="${value}"`)].join(" ")}/>`;
}

/** A line of text whose `anchor` stands at (x, y). The content may hold any characters. */
export function svgText(x: number, y: number, anchor: "start" | "middle" | "end", content: string): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escaped}</text>`;
}
