#!/usr/bin/env bash
# Put the locked uv into .setup/uv, so that the system's Python stays as it is.
set -euo pipefail
cd "$(dirname "$0")/.."

python=""
for candidate in python3 python3.11 python3.12 python3.13 python3.14; do
  if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    python="$candidate"
    break
  fi
done
if [[ -z "$python" ]]; then
  echo "papertape needs Python 3.11 or newer, and none is on the PATH. Install one (Debian: apt-get install python3 python3-venv), then run make again." >&2
  exit 1
fi

echo "Installing uv into .setup/uv"
rm -rf .setup/uv
if ! "$python" -m venv .setup/uv; then
  echo "$python cannot make a virtual environment. Install its venv package (Debian: apt-get install python3-venv), then run make again." >&2
  exit 1
fi
.setup/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-setup.txt
