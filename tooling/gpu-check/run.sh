#!/bin/sh
# Checks and measures the CUDA and WebGPU backends on this machine's GPU: gpu-check/run.sh [--out folder] [--only part,part]. It uses
# this machine's Node if that is new enough, and otherwise the one in this folder.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
node=$(command -v node || true)
if [ -z "$node" ] || ! "$node" -e '
  const [major, minor] = process.versions.node.split(".").map(Number);
  process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1);
'; then
  node="$here/node/bin/node"
  [ -x "$node" ] || { echo "Node 20.19 or newer is needed: none was found, and none was packed" >&2; exit 2; }
fi
exec "$node" "$here/dist/run.mjs" "$@"
