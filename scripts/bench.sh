#!/usr/bin/env bash
# Run every measurement: the programs in bench/ (figures as JSON), then the tests in tests/bench.
set -euo pipefail
cd "$(dirname "$0")/.."

for program in bench/*.py; do
  [[ $program == bench/engine_peers.py ]] && continue # make bench-engine: it takes long, and other environments
  echo "── $program"
  .venv/bin/python "$program"
done
if compgen -G "tests/bench/test_*.py" >/dev/null; then
  .venv/bin/python -m pytest tests/bench -s
fi
