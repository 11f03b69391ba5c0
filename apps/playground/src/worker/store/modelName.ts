/**
 * A name for the model at a URL: `org/name` for `https://huggingface.co/org/name/resolve/main/`, and `org/name: file.gguf` for a GGUF
 * file, of which a repository has several.
 */
export function nameOf(url: string): string {
  const { host, pathname } = new URL(url);
  const names = pathname.split("/").filter(Boolean).map(decode);
  const [last = host] = names.slice(-1);
  const end = names.indexOf("resolve");
  if (end <= 0) return last;
  const repository = names.slice(0, end).join("/");
  return /\.gguf$/i.test(last) ? `${repository}: ${last}` : repository;
}

/** A part of a path without its percent encoding; as it is where that is not UTF-8, which a server may still understand. */
function decode(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
