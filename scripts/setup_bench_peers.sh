#!/usr/bin/env bash
# Make one environment for each named peer of `make bench-engine`, .setup/bench/PEER, of exactly what its lock says.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=.setup/uv/bin/uv
export UV_NO_PROGRESS=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1

for peer in "$@"; do
  lock="requirements-bench-$peer.txt"
  home=".setup/bench/$peer"
  if cmp --silent "$lock" "$home/installed.txt"; then
    continue
  fi
  echo "Installing $peer into $home"
  if [[ ! -x "$home/bin/python" ]]; then
    "$uv" venv --quiet --python .setup/uv/bin/python "$home"
  fi
  if "$uv" pip sync --quiet --python "$home" --require-hashes "$lock"; then
    cp "$lock" "$home/installed.txt"
  else
    echo "$peer is left out: it could not be installed on this Python." >&2
  fi
done
