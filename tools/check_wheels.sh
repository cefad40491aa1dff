#!/bin/sh
# Installs the till's wheel as a till gets it: a fresh environment, the till's lock with its hashes, nothing else.
set -eu
cd "$(dirname "$0")/.."
till=$(mktemp -d)
trap 'rm -rf "$till"' EXIT
.venv/bin/python -m tools.build_wheel terminal server provisioning auditor --out "$till/wheels"
.venv/bin/python -m venv "$till/venv"
echo "A till's environment, about 30 s"
"$till/venv/bin/pip" install -q --no-deps --require-hashes -r requirements-terminal.lock
"$till/venv/bin/pip" install -q --no-deps --no-index "$till"/wheels/clafoutis-*terminal*.whl
"$till/venv/bin/pip" check
cd "$till"
venv/bin/clafoutis-terminal --help >/dev/null
for stranger in simulator tests server_stub provisioning auditor django pytest; do
    ! venv/bin/python -c "import $stranger" 2>/dev/null || { echo "a till can import $stranger" >&2; exit 1; }
done
echo "The till's wheel runs, and holds neither simulator nor tests nor Django"
