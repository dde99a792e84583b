#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs the checks of tests/lint, all of them, two at a time; each prints file:line of what it finds.
. "$(dirname "$0")/lib.sh"

checks=(tests/lint/*.sh tests/lint/*.py)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

run_check() {
    local check=$1 name
    name=$(basename "$check")
    case $check in
    *.py) /usr/bin/env python3 "$check" ;;
    *) bash "$check" ;;
    esac >"$2/$name.out" 2>&1 || touch "$2/$name.failed"
}
export -f run_check
printf '%s\n' "${checks[@]}" | xargs -P "$jobs" -I CHECK bash -c 'run_check "$1" "$2"' - CHECK "$folder"

failed=0
for check in "${checks[@]}"; do
    name=$(basename "$check")
    cat "$folder/$name.out"
    [ ! -e "$folder/$name.failed" ] || { failed=$((failed + 1)); say "lint: $check failed"; }
done
say "lint: ${#checks[@]} checks, $failed failed"
[ $failed -eq 0 ]
