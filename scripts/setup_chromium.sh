#!/usr/bin/env bash
# See that a Chromium for the browser tests is there; install Debian's when it is missing and we may.
set -euo pipefail

for candidate in chromium chromium-browser google-chrome; do
  if command -v "$candidate" >/dev/null; then
    exit 0
  fi
done

if [[ "$(id -u)" == 0 ]] && command -v apt-get >/dev/null; then
  echo "Installing Chromium with apt-get"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
else
  echo "The browser tests need Chromium, and it is not on the PATH. Install it (Debian: sudo apt-get install chromium), then run make test again." >&2
  exit 1
fi
