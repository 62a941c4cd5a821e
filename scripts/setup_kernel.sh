#!/usr/bin/env bash
# Compile the kernel. A missing C compiler is installed when we may; without one papertape runs interpreted, and says so.
set -euo pipefail
cd "$(dirname "$0")/.."

has_compiler() {
  [[ -n "${CC:-}" ]] || command -v cc >/dev/null || command -v gcc >/dev/null || command -v clang >/dev/null
}

has_headers() {
  [[ -f "$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ]]
}

packages=()
has_compiler || packages+=(gcc libc6-dev)
has_headers || packages+=(python3-dev)

if [[ ${#packages[@]} -gt 0 && "$(id -u)" == 0 ]] && command -v apt-get >/dev/null; then
  echo "Installing ${packages[*]} with apt-get, to compile the kernel"
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null; } ||
    echo "apt-get could not; the kernel stays interpreted." >&2
fi

.venv/bin/python scripts/kernel_build.py
