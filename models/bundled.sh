#!/bin/sh
# Trains the bundled models and exports them as version 1 of each.
set -eu
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT

bundle() {
    name=$1
    shift
    stepwire train "$@" --no-memoryless --out "$runs" --name "$name"
    stepwire export "$runs/$name" --to model_repository --version 1 --force
}

bundle adding-gru adding --cell gru --hidden 48
bundle copying-gru copying --cell gru --hidden 64
bundle pendulum-gru pendulum --cell gru --hidden 48
bundle pendulum-lstm pendulum --cell lstm --hidden 48
bundle pendulum-rnn pendulum --cell rnn --hidden 48 --input-layer 32
bundle pendulum-memoryless pendulum --cell none --hidden 48
bundle morse-gru morse --cell gru --hidden 64
bundle sentiment-gru sentiment --cell gru --hidden 48
bundle sine-gru sine --cell gru --hidden 32
bundle sine-lstm sine --cell lstm --hidden 32
bundle sine-gru-reset-before sine --cell gru-reset-before --hidden 32
bundle text-gru text --cell gru --hidden 224
bundle sales-gru forecast --cell gru --hidden 24
