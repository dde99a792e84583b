#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The tests that need hours to say something: those marked `soak`, for UMH_SOAK_SECONDS each, or for UMH_SOAK_KILLS
# (10,000) where they count.
. "$(dirname "$0")/lib.sh"

python=$(find_python) || die "no python3 with pytest"
export UMH_DIST=$build/dist UMH_TESTS=$build/tests UMH_SOAK_SECONDS=${UMH_SOAK_SECONDS:-3600}
exec "$python" -m pytest tests/integration -v -p no:cacheprovider -m soak
