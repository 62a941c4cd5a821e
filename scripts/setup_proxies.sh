#!/usr/bin/env bash
# See that nginx and Caddy are there for the tests of the deployment guide; install Debian's when they are missing and
# we may. Without them those tests are skipped and say so.
set -euo pipefail

missing=()
command -v nginx >/dev/null || missing+=(nginx-light)
command -v caddy >/dev/null || missing+=(caddy)
if [[ ${#missing[@]} -eq 0 ]]; then
  exit 0
fi

if [[ "$(id -u)" == 0 ]] && command -v apt-get >/dev/null; then
  echo "Installing ${missing[*]} with apt-get"
  export DEBIAN_FRONTEND=noninteractive
  # A package would start its server at once; what a test does not start must not run.
  policy=/usr/sbin/policy-rc.d
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
  echo "The deployment guide's tests need ${missing[*]}; without them they are skipped. Debian: sudo apt-get install ${missing[*]}" >&2
fi
