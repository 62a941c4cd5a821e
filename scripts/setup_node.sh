#!/usr/bin/env bash
# Install the locked npm packages of the web UI.
set -euo pipefail
cd "$(dirname "$0")/../web"

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "papertape's web UI is built with Node.js 20 or newer, and node or npm is not on the PATH. Install them, or install the papertape wheel, which needs no Node." >&2
  exit 1
fi
if ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)'; then
  echo "papertape's web UI is built with Node.js 20 or newer; this one is $(node --version). Install a newer one, then run make again." >&2
  exit 1
fi

echo "Installing the npm packages into web/node_modules"
npm ci --no-audit --no-fund --loglevel=error
