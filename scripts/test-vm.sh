#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Limits for real: a virtual machine with systemd and cgroup v2, software-emulated, so that it runs anywhere. What was
# found is printed as a table and kept in build/vm/results.md; the machine's root is built once and kept beside it.
#   UMH_DIST, UMH_TESTS   another tree than build/dist and build/tests
#   UMH_VM                another folder than build/vm
. "$(dirname "$0")/lib.sh"

dist=${UMH_DIST:-$build/dist}
tests=${UMH_TESTS:-$build/tests}
vm=${UMH_VM:-$build/vm}
limit_seconds=1200

# Whatever changes what is in the root belongs in here.
packages=systemd,systemd-sysv,dbus,libuv1,libjansson4,libsystemd0,jq,linux-image-cloud-amd64,initramfs-tools
recipe="1 $packages"

release() { (. /etc/os-release && [ "$ID" = debian ] && printf '%s' "$VERSION_CODENAME"); }

write_runner() {
    cat >"$1/etc/systemd/system/umh-guest.service" <<'END'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
StandardOutput=file:/dev/ttyS1
StandardError=inherit
ExecStart=/bin/sh -c 'mount /dev/vdb /mnt && bash /mnt/guest.sh'
ExecStopPost=/bin/sh -c 'sync; systemctl poweroff -ff'
END
    mkdir -p "$1/etc/systemd/system/multi-user.target.wants"
    ln -sf ../umh-guest.service "$1/etc/systemd/system/multi-user.target.wants/"
}

build_root() {
    local tree=$vm/tree
    [ "$(cat "$vm/recipe" 2>/dev/null)" != "$recipe" ] || return 0
    say "test-vm: building the root of the machine"
    rm -rf "$tree" "$vm/recipe"
    mkdir -p "$vm"
    mmdebstrap --quiet --variant=minbase --include="$packages" "$(release)" "$tree" || return 1
    write_runner "$tree"
    cp "$tree"/boot/vmlinuz-* "$vm/vmlinuz"
    cp "$tree"/boot/initrd.img-* "$vm/initrd"
    rm -f "$vm/root.img"
    mkfs.ext4 -q -d "$tree" "$vm/root.img" 1500M || return 1
    rm -rf "$tree"
    printf '%s' "$recipe" >"$vm/recipe"
}

build_data() {
    local data=$vm/data
    rm -rf "$data" "$vm/data.img"
    mkdir -p "$data"
    cp -a "$dist" "$data/dist"
    rm -rf "$data/dist/lib/umh/managed"
    cp "$tests/modules/greedy/greedy.so" tests/vm/guest.sh "$data/"
    mkfs.ext4 -q -d "$data" "$vm/data.img" 200M
    rm -rf "$data"
}

run_machine() {
    rm -f "$vm/out.log" "$vm/console.log"
    timeout -k 10 "$limit_seconds" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 2048 -display none \
        -no-reboot -nic none -kernel "$vm/vmlinuz" -initrd "$vm/initrd" \
        -drive file="$vm/root.img",if=virtio,format=raw,snapshot=on \
        -drive file="$vm/data.img",if=virtio,format=raw,snapshot=on \
        -serial file:"$vm/console.log" -serial file:"$vm/out.log" \
        -append 'console=ttyS0 root=/dev/vda rw mitigations=off quiet' </dev/null
}

# The rows as a table of a document.
write_results() {
    tr -d '\r' <"$vm/out.log" | awk -F '|' '
        BEGIN { print "| what | expected | got | |\n|---|---|---|---|" }
        $1 == "RESULT" { printf "| %s | %s | %s | %s |\n", $2, $3, $4, $5 }' >"$vm/results.md"
}

[ "$(id -u)" -eq 0 ] || die "make test-vm builds the root of a machine and needs to be root"
[ -n "$(release || true)" ] || die "make test-vm builds a machine of this one's release and needs Debian"
[ -x "$dist/bin/umh" ] || die "no $dist/bin/umh: run \`make build\` first"

build_root || die "the root of the machine could not be built"
build_data
say "test-vm: the machine runs; about two minutes"
run_machine || warn "the machine did not end in order"
write_results
cat "$vm/results.md"
if ! grep -q '^DONE 0 failed' <(tr -d '\r' <"$vm/out.log"); then
    tail -n 40 "$vm/console.log"
    cat "$vm/out.log"
    die "make test-vm failed"
fi
