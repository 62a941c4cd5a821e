#!/usr/bin/env bash
# Start the desk and Vite side by side; the first that ends, or Ctrl-C, ends both.
set -euo pipefail
cd "$(dirname "$0")/.."

.venv/bin/papertape run "$@" &
desk=$!
npm --prefix web run dev &
vite=$!
trap 'kill "$desk" "$vite" 2>/dev/null || true; wait' EXIT
wait -n "$desk" "$vite"
