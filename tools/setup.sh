#!/bin/sh
# Makes this machine ready: Debian packages, .venv, what requirements.lock pins. Says what it does; silent and
# at once when everything is there.
#
#   tools/setup.sh demo|test
#
# Debian packages need root or sudo. Where there is neither, it says which line to run and goes on as far as it can.
set -eu
cd "$(dirname "$0")/.."
unset PYTHONWARNINGS PYTHONPATH PYTHONHOME || true
export DEBIAN_FRONTEND=noninteractive PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

stage=${1:?demo or test}
case $stage in
demo) sections="till demo" ;;
test) sections="till demo test" ;;
*) echo "tools/setup.sh: no stage '$stage': demo or test" >&2; exit 2 ;;
esac

stamp=.venv/.ready-$stage-$(cat requirements.lock pyproject.toml tools/apt-packages.txt tools/setup.sh | sha256sum | cut -c1-16)
[ ! -e "$stamp" ] || exit 0

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# slowly WORDS COMMAND...: runs it quietly, a dot every two seconds; on failure shows the end of its output.
slowly() {
    printf '  %s ' "$1"; shift
    "$@" </dev/null >"$log" 2>&1 & pid=$!
    ticks=0
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.2; ticks=$((ticks + 1))
        [ $((ticks % 10)) -ne 0 ] || printf .
    done
    if wait "$pid"; then echo ' done'; else echo ' failed:'; tail -n 15 "$log" | sed 's/^/    /'; return 1; fi
}

section() { sed -n "/^\[$1\]/,/^\[/p" tools/apt-packages.txt | grep -E '^[a-z0-9]' || true; }

missing() {
    for package in $(section "$1"); do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
    done
}

# How to become root: nothing, sudo, or not at all.
as_root=none
if [ "$(id -u)" -eq 0 ]; then as_root=
elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }; }; then as_root="sudo -E"
fi

updated=
install_section() {
    packages=$(missing "$1" | tr '\n' ' ')
    [ -n "$packages" ] || return 0
    if [ "$as_root" = none ] || ! command -v apt-get >/dev/null; then
        by_hand="$by_hand$packages"; return 1
    fi
    if [ -z "$updated" ]; then
        slowly "Debian's package lists (10 s)" $as_root apt-get update -q || true
        updated=yes
    fi
    slowly "Debian packages, about 20 s: $packages" \
        $as_root apt-get install -q -y --no-install-recommends $packages
}

echo "Setting up for '$stage': once, a minute or two."
lacking=
by_hand=
for name in $sections; do
    install_section "$name" || lacking="$lacking $name"
done
[ -z "$by_hand" ] || echo "  Please run, as root:  apt-get install --no-install-recommends $by_hand"
[ -z "$lacking" ] || echo "  Going on without the Debian packages for:$lacking"

python=
for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$candidate; break; fi
done
if [ -z "$python" ]; then
    echo "Clafoutis needs Python 3.11 or newer (Debian 12, Raspberry Pi OS 12, or later)." >&2; exit 1
fi
if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    rm -rf .venv
    slowly "environment in .venv ($("$python" -V))" "$python" -m venv .venv || {
        echo "Python can't make an environment here: it needs Debian's python3-venv." >&2; exit 1; }
fi
# The lock names everything, so nothing is left to resolve; Debian 12's pip, resolving, would want the newest
# release of a package that another one asks for with an extra, and refuse it for having no hash.
slowly "Python packages, pinned by hash, about 60 s (pyscard is compiled)" \
    .venv/bin/python -m pip install -q --no-deps --require-hashes -r requirements.lock || {
    echo "The Python packages could not be installed; pyscard needs gcc, python3-dev and libpcsclite-dev." >&2; exit 1; }
slowly "our own commands in .venv/bin" \
    .venv/bin/python -m pip install -q --no-deps --no-build-isolation --no-index -e .
rm -f .venv/.ready-"$stage"-*
# Without its Debian packages a stage is not ready: the next run tries again.
[ -n "$lacking" ] || : >"$stamp"
