#!/bin/sh
# One model, for the network: LLAMA_API_KEY=... deploy/production.sh MODEL [more of what `dovetail serve` takes]
# MODEL is a path, or owner/name:FILE on the hub. The key comes by the environment, where no list of processes shows it.
set -eu
: "${LLAMA_API_KEY:?the key that clients send; a new one: openssl rand -hex 32}"
model=${1:?which model? a path, or owner/name:FILE on the hub}
shift
export LLAMA_API_KEY
# Tokens for each slot; slots, that is answers in one batch; layers on the GPU, "auto" as many as fit.
export DOVETAIL_LOAD__CONTEXT="${CONTEXT:-8192}"
export DOVETAIL_LOAD__PARALLEL="${PARALLEL:-4}"
export DOVETAIL_LOAD__GPU_LAYERS="${GPU_LAYERS:-auto}"
umask 077
exec dovetail serve --host 0.0.0.0 --port "${LLAMA_PORT:-8080}" --log-format json --model "$model" "$@"
