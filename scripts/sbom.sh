#!/bin/sh
# What the image holds of others, as CycloneDX: every package of uv.lock that scripts/slim.sh leaves in, with its hashes. Into results/sbom.json.
set -eu
cd "$(dirname "$0")/.."
uv=$(command -v uv || echo .venv-tools/bin/uv)
requirements=$(mktemp)
trap 'rm -f "$requirements"' EXIT

left_out=$(sh scripts/slim.sh --list | sed 's/^/--no-emit-package /')
# shellcheck disable=SC2086 (a list of options)
"$uv" export --quiet --frozen --no-dev --no-emit-project --no-annotate --no-header $left_out >"$requirements"
mkdir -p results
"$uv" tool run --quiet --from 'cyclonedx-bom>=7,<8' cyclonedx-py requirements --pyproject pyproject.toml --spec-version 1.6 --output-reproducible \
    --output-format JSON --output-file results/sbom.json "$requirements"
echo "results/sbom.json: $(grep -c '"bom-ref": "requirements' results/sbom.json) packages"
