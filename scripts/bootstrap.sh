#!/bin/sh
# Makes .venv/ with exactly what uv.lock names. Needs any Python 3 or uv on the PATH, and finds a Python 3.10 by itself.
# Arguments are handed on to `uv sync`: --extra diet brings TensorFlow, --no-dev leaves the tools of developers out.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "bootstrap: $*"
    exit 2
}

# Whether it runs and is 3.10. A shim of pyenv is on the PATH even where it only says that it has no such version.
is_python_310() { "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 10))' >/dev/null 2>&1; }

find_python() {
    pyenv_root=${PYENV_ROOT:-$(pyenv root 2>/dev/null || printf '%s' "${HOME:-}/.pyenv")}
    # An unmatched pattern stays as it is, and then is no Python.
    for candidate in python3.10 python3 python "$pyenv_root"/versions/3.10*/bin/python3.10 /usr/local/bin/python3.10 /opt/homebrew/bin/python3.10; do
        if is_python_310 "$candidate"; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
}

# Whether it runs and knows all that pyproject.toml uses.
is_usable_uv() {
    case $("$1" --version 2>/dev/null) in
        'uv 0.'[0-4].*) return 1 ;;
        'uv '*) return 0 ;;
        *) return 1 ;;
    esac
}

# A uv of our own, in .venv-tools/, made with the first Python that can.
install_uv() {
    for candidate in "$1" python3 python; do
        [ -n "$candidate" ] || continue
        if "$candidate" -m venv .venv-tools >/dev/null 2>&1 && .venv-tools/bin/python -m pip install --quiet 'uv>=0.5' >&2; then
            return
        fi
    done
    fail "uv is needed and could not be installed; see https://docs.astral.sh/uv/getting-started/installation/"
}

python=$(find_python)

uv=uv
if ! is_usable_uv "$uv"; then
    uv=.venv-tools/bin/uv
    if ! is_usable_uv "$uv"; then
        say "Installing uv, the package installer, in .venv-tools/"
        install_uv "$python"
    fi
fi

if [ -z "$python" ]; then
    # uv knows more places, and can fetch a Python of its own.
    python=$("$uv" python find --no-python-downloads 3.10 2>/dev/null) || {
        say "No Python 3.10 on this machine: uv downloads one"
        "$uv" python install 3.10 || fail "no Python 3.10 found, nor downloaded; install it (for example: pyenv install 3.10) and try again"
        python=3.10
    }
fi

say "Installing into ${UV_PROJECT_ENVIRONMENT:-.venv}/ with Python: $python"
exec "$uv" sync --frozen --python "$python" "$@"
