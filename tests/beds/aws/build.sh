#!/bin/sh
# Installs emulators of AWS into FOLDER once, at the versions that are pinned here; says nothing when they are there. Needs
# Python, npm and their registries; ends with 1 where something is not to be had.
#   build.sh FOLDER
set -e
mkdir -p "$1"
into=$(cd "$1" && pwd)
cd "$(dirname "$0")"
pinned=$(cat requirements.txt package.json package-lock.json | cksum)
ready() { [ "$(cat "$into/pinned" 2>/dev/null)" = "$pinned" ]; }
ready && exit 0
exec 9>"$into/.lock"
flock 9
ready && exit 0

rm -rf "$into/python" "$into/node_modules"
python3 -m venv "$into/python"
"$into/python/bin/pip" install --quiet --disable-pip-version-check --no-input -r requirements.txt >&2
cp package.json package-lock.json "$into/"
cp ../chain/.npmrc "$into/"
(cd "$into" && npm ci --ignore-scripts >/dev/null)
echo "$pinned" >"$into/pinned"
