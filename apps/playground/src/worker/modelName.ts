/** A name for the model at a URL: `org/name` for `https://huggingface.co/org/name/resolve/main/`. */
export function nameOf(url: string): string {
  const { host, pathname } = new URL(url);
  const names = pathname.split("/").filter(Boolean).map(decode);
  const end = names.indexOf("resolve");
  return (end === -1 ? names.slice(-1) : names.slice(0, end)).join("/") || host;
}

/** A part of a path without its percent encoding; as it is where that is not UTF-8, which a server may still understand. */
function decode(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
