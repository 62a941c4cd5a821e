#!/usr/bin/env bash
# Build the wheel into dist/; with --install, also install it with its locked dependencies into .setup/wheel.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=.setup/uv/bin/uv
export UV_NO_PROGRESS=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1

rm -rf dist
"$uv" build --quiet --wheel --no-build-isolation --python .venv/bin/python --out-dir dist .
ls -l dist/*.whl | awk '{printf "%s  %d bytes\n", $NF, $5}'

if [[ "${1:-}" == "--install" ]]; then
  echo "Installing the wheel into .setup/wheel, an environment of its own"
  "$uv" venv --quiet --clear --python .setup/uv/bin/python .setup/wheel
  "$uv" pip install --quiet --python .setup/wheel --require-hashes -r requirements.txt
  "$uv" pip install --quiet --python .setup/wheel --no-deps dist/*.whl
  .setup/wheel/bin/papertape --version
fi
