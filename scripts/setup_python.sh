#!/usr/bin/env bash
# Make .venv hold exactly what the lock says, and papertape itself from src/.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=.setup/uv/bin/uv
export UV_NO_PROGRESS=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1

echo "Installing the Python dependencies into .venv"
if [[ ! -x .venv/bin/python ]]; then
  "$uv" venv --quiet --python .setup/uv/bin/python .venv
fi
"$uv" pip sync --quiet --python .venv --require-hashes requirements-dev.txt
"$uv" pip install --quiet --python .venv --no-deps --no-build-isolation --editable .
