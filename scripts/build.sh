#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds the tree and installs it into build/dist, from where it runs.
. "$(dirname "$0")/lib.sh"

[ -f "$build/build.ninja" ] || say "build: everything, which takes minutes; later only what has changed"
configure "$build" "$@"
compile "$build"
find_dotnet >/dev/null || say "build: no .NET SDK 10 found; the managed parts are absent"
say "build: build/dist is ready"
