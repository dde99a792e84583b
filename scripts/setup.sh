#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what building and testing need and what is missing; says what it does; nothing to do takes no time.
#   --bench   also what only the benchmark needs
#   --fuzz    also what only the fuzz targets need
#   --vm      also what only the virtual machine needs
. "$(dirname "$0")/lib.sh"

packages=(gcc g++ clang clang-format clang-tidy cmake ninja-build pkg-config libuv1-dev libjansson-dev libsystemd-dev
    libcmocka-dev uuid-dev python3-pytest gcc-mingw-w64-x86-64 spin mmdebstrap systemd-container xvfb xdotool libgtk-3-0)
commands=(gcc g++ clang clang-format clang-tidy cmake ninja pkg-config x86_64-w64-mingw32-gcc spin)
for argument in "$@"; do
    case $argument in
    --bench) packages+=(libzmq3-dev runit s6) ;;
    --fuzz) packages+=(libclang-rt-dev) ;;
    --vm) packages+=(mmdebstrap qemu-system-x86 e2fsprogs) ;;
    *) die "usage: scripts/setup.sh [--bench] [--fuzz] [--vm]" ;;
    esac
done

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "not root and no sudo; as root, run: $*"
    fi
}

lists_updated=no
apt_install() {
    if [ $lists_updated = no ]; then
        say "setup: apt-get update"
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update || return 1
        lists_updated=yes
    fi
    say "setup: installing $*"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "$@" >/dev/null
}

# Prints those of the named packages that are not installed. A package that is only provided by another
# (pkg-config by pkgconf, libclang-rt-dev by its version) is found under the other's name.
missing_packages() {
    dpkg-query -W -f='${db:Status-Status} ${Package} ${Provides}\n' 2>/dev/null |
        awk -v wanted="$*" '
            $1 == "installed" { for (i = 2; i <= NF; i++) { sub(/,$/, "", $i); have[$i] = 1 } }
            END { n = split(wanted, w, " "); for (i = 1; i <= n; i++) if (!(w[i] in have)) printf "%s ", w[i] }'
}

install_packages() {
    local missing command
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        for command in "${commands[@]}"; do
            command -v "$command" >/dev/null || warn "not found: $command"
        done
        warn "no apt here: install what corresponds to ${packages[*]}"
        return 0
    fi
    read -ra missing <<<"$(missing_packages "${packages[@]}")"
    [ ${#missing[@]} -eq 0 ] || apt_install "${missing[@]}" || die "could not install: ${missing[*]}"
}

# What the SDK needs of the distribution; the name of ICU's package carries its version.
dotnet_libraries() {
    local icu
    icu=$(apt-cache pkgnames libicu | grep -xE 'libicu[0-9]+' | sort -V | tail -n 1)
    printf '%s ' curl ca-certificates $icu
}

install_dotnet() {
    local script missing
    if command -v apt-get >/dev/null; then
        if apt-cache show dotnet-sdk-10.0 >/dev/null 2>&1; then
            apt_install dotnet-sdk-10.0 && find_dotnet >/dev/null && return 0
        fi
        read -ra missing <<<"$(missing_packages $(dotnet_libraries))"
        [ ${#missing[@]} -eq 0 ] || apt_install "${missing[@]}" || return 1
    fi
    say "setup: installing the .NET SDK 10 into ~/.dotnet with Microsoft's script"
    script=$(mktemp) || return 1
    curl -fsSL --retry 1 --max-time 60 https://dot.net/v1/dotnet-install.sh -o "$script" &&
        bash "$script" --channel 10.0 --install-dir "$HOME/.dotnet" --no-path >/dev/null
    rm -f "$script"
    find_dotnet >/dev/null
}

# may_attempt <what>: what could not be had is tried again after an hour: a machine without a network builds what it
# can without waiting each time.
may_attempt() {
    local attempt=$build/.$1-attempt
    if [ "${CI:-}" != true ] && [ -n "$(find "$attempt" -mmin -60 2>/dev/null)" ]; then
        return 1
    fi
    mkdir -p "$build"
    touch "$attempt"
}

want_dotnet() {
    find_dotnet >/dev/null || { may_attempt dotnet && install_dotnet; }
}

# The i386 libraries that a 32-bit host is linked with are unpacked into build/i386, found by apt with lists of its
# own: the system's list of architectures stays as it is.
fetch_i386() {
    local state=$build/i386.apt package
    local apt=(apt-get -qq -o APT::Architecture=i386 -o APT::Architectures=i386 -o APT::Sandbox::User=root
        -o Acquire::Languages=none -o Dir::Cache="$state/cache" -o Dir::State::lists="$state/lists"
        -o Dir::State::status="$state/status")
    say "setup: fetching i386 libraries into build/i386"
    rm -rf "$state" "$build/i386"
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$build/i386"
    touch "$state/status"
    # A list of several may be out of step; whether it was needed shows in the download.
    (cd "$state" && { "${apt[@]}" update || true; } &&
        "${apt[@]}" download libjansson-dev uuid-dev libcmocka-dev libcmocka0) >"$build/i386.log" 2>&1 || return 1
    for package in "$state"/*.deb; do
        dpkg-deb -x "$package" "$build/i386" || return 1
    done
    rm -rf "$state"
}

# gcc-multilib and cross compilers for Linux shut each other out: nothing that is installed is removed.
install_multilib() {
    local missing removed
    read -ra missing <<<"$(missing_packages gcc-multilib)"
    [ ${#missing[@]} -gt 0 ] || return 0
    removed=$(apt-get -s --no-install-recommends install gcc-multilib 2>/dev/null |
        awk '$1 == "Remv" { printf "%s ", $2 }')
    if [ -n "$removed" ]; then
        warn "no 32-bit host: gcc-multilib would remove $removed"
        return 1
    fi
    apt_install gcc-multilib
}

want_i386() {
    if find_i386 >/dev/null; then
        return 0
    fi
    [ "$(uname -m)" = x86_64 ] && command -v apt-get >/dev/null && may_attempt i386 || return 0
    install_multilib && fetch_i386 && touch "$build/i386/complete" ||
        warn "no 32-bit host: its compiler or libraries could not be had"
}

install_packages
if ! want_dotnet; then
    if [ "${CI:-}" = true ]; then
        die ".NET SDK 10 could not be installed, and CI must build the managed parts"
    fi
    warn "no .NET SDK 10: the native parts are built, run and tested; the managed parts are absent"
fi
want_i386
find_python >/dev/null || warn "no python3 with pytest: the end-to-end tests cannot run"
