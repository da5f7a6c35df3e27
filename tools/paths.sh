# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Sourced by the scripts that look for libraries. Homebrew keeps its curl and SQLite apart from the
# system's, so pkg-config has to be told where they are.
if command -v brew >/dev/null; then
    for formula in curl sqlite; do
        PKG_CONFIG_PATH=$(brew --prefix "$formula")/lib/pkgconfig:${PKG_CONFIG_PATH:-}
    done
    export PKG_CONFIG_PATH
fi
