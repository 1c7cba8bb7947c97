#!/bin/sh
# The steps of the Dockerfile by hand, in an empty folder with an environment of its own, and what each part of the image weighs.
# Needs no container engine. The newest model of models/ is taken, not trained anew.
set -eu
cd "$(dirname "$0")/.."
project=$PWD
uv=$(command -v uv || echo "$project/.venv-tools/bin/uv")
python=$("$project/.venv/bin/python" -c 'import sys; print(sys._base_executable)')
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

size() { du -sm "$@" | awk '{ printf "%7d MB  %s\n", $1, substr($0, index($0, $2)) }'; }

cp -R pyproject.toml uv.lock README.md bot actions config.yml domain.yml content data LICENSE "$folder"
mkdir "$folder/models" "$folder/scripts"
cp scripts/slim.sh "$folder/scripts"
# shellcheck disable=SC2012 (the names are ours)
newest=$(ls -t models/*.tar.gz | head -n 1)
cp -p "$newest" "$newest.sha256" "$folder/models"
cd "$folder"
find . -name __pycache__ -prune -exec rm -rf {} +
# Copies, not links: what is stripped must not be a file that other environments have too.
UV_LINK_MODE=copy "$uv" sync --quiet --frozen --no-dev --python "$python"
export WEGWIJZER_DATA_DIR="$folder/.data"
echo "environment as it is installed:"
size .venv
UV=$uv sh scripts/slim.sh .venv
echo "what goes into the image, beside Python and its base:"
size .venv bot actions content data/redaction models | sort -rn
du -sm .venv bot actions content data/redaction models | awk '{ sum += $1 } END { printf "%7d MB  together\n", sum }'
echo "the heaviest of the environment:"
cd .venv/lib/python3.10/site-packages
# shellcheck disable=SC2012,SC2046 (names of packages)
size $(ls) | sort -rn | head -n 12
find . -name __pycache__ -print0 | du -scm --files0-from=- | awk 'END { printf "%7d MB  of it bytecode\n", $1 }'
