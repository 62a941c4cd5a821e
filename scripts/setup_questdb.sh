#!/usr/bin/env bash
# Put the QuestDB server's jar into .setup/questdb and a Java runtime into .setup/java, both checked against what is
# pinned here. Arguments: the server's version, the Java version (25 or 17).
set -euo pipefail
cd "$(dirname "$0")/.."

version="${1:?the version of the QuestDB server}"
java="${2:?the version of Java: 25 or 17}"
jar=".setup/questdb/questdb-$version.jar"
lock="requirements-java$java.txt"

pinned="$(awk -v file="questdb-$version.jar" '$2 == file { print $1 }' scripts/questdb.sha256)"

is_pinned_jar() {
  [[ -f "$1" ]] && echo "$pinned  $1" | sha256sum --check --status -
}

install_maven() {
  if command -v mvn >/dev/null; then
    return
  fi
  if [[ "$(id -u)" == 0 ]] && command -v apt-get >/dev/null; then
    echo "Installing Maven with apt-get"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends maven >/dev/null
  else
    echo "The QuestDB server is fetched with Maven, and mvn is not on the PATH. Install it (Debian: sudo apt-get install maven), or put the jar at $jar yourself, then run make again." >&2
    exit 1
  fi
}

fetch_jar() {
  local incoming=.setup/questdb/incoming
  install_maven
  echo "Fetching the QuestDB server $version into .setup/questdb"
  rm -rf "$incoming"
  if ! mvn --batch-mode --quiet -Dstyle.color=never dependency:copy \
      -Dartifact="org.questdb:questdb:$version" -DoutputDirectory="$incoming"; then
    echo "Maven could not fetch org.questdb:questdb:$version (its reason is above): check the version and the network, then run make again." >&2
    exit 1
  fi
  if [[ -z "$pinned" ]]; then
    echo "No checksum of QuestDB $version is pinned, so it is not started. If you trust what was fetched, add this line to scripts/questdb.sha256:" >&2
    (cd "$incoming" && sha256sum "questdb-$version.jar") >&2
    exit 1
  fi
  if ! is_pinned_jar "$incoming/questdb-$version.jar"; then
    echo "The fetched QuestDB $version is not the one pinned in scripts/questdb.sha256 (expected $pinned, got $(sha256sum "$incoming/questdb-$version.jar" | cut -d' ' -f1)); it was not installed. Remove it from Maven's local repository and try again; if it stays different, do not run it." >&2
    exit 1
  fi
  mv "$incoming/questdb-$version.jar" "$jar"
  rm -rf "$incoming"
}

fetch_java() {
  if [[ ! -f "$lock" ]]; then
    echo "There is no Java $java for QuestDB here: choose 25 or 17." >&2
    exit 1
  fi
  echo "Installing Java $java into .setup/java/$java"
  rm -rf ".setup/java/$java"
  UV_NO_PROGRESS=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never .setup/uv/bin/uv pip install --quiet \
    --python .setup/uv/bin/python --target ".setup/java/$java" --require-hashes -r "$lock"
  cp "$lock" ".setup/java/$java/lock.txt"
}

mkdir -p .setup/questdb .setup/java
is_pinned_jar "$jar" || fetch_jar
cmp --silent "$lock" ".setup/java/$java/lock.txt" || fetch_java
