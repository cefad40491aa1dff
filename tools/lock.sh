#!/bin/sh
# Writes requirements.lock (every extra) and requirements-terminal.lock (a till, the same versions): hashes for
# every platform in one file, and no word about where the packages were fetched from.
set -eu
cd "$(dirname "$0")/.."
compile() {
    .venv/bin/uv pip compile pyproject.toml "$@" --quiet --universal --generate-hashes \
        --no-header --no-annotate --no-emit-index-url --no-emit-find-links
}
compile --all-extras --upgrade --output-file requirements.lock
compile --extra terminal --constraints requirements.lock --output-file requirements-terminal.lock
