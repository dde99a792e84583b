# SPDX-License-Identifier: MIT
"""A machine with a real systemd and logind: a container that a test boots, and that leaves nothing behind.

Its tree is made of the distribution's packages once, and cached. The container writes into memory above it, so it is
never changed and nothing has to be unpacked.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

LOOK_EVERY = 0.01
BUILD_SECONDS = 300
BOOT_SECONDS = 60
COMMAND_SECONDS = 60

# libstdc++6 is for .NET; what our programs are linked with is asked for by its file.
PACKAGES = ["systemd", "systemd-sysv", "dbus", "libpam-systemd", "login", "passwd", "util-linux", "libstdc++6"]
USER, USER_ID, USER_GROUP, USER_GROUP_ID = "bob", 1801, "crew", 1802


class Unavailable(Exception):
    """What a machine cannot be made for."""


def find_cgroup2():
    """Where the tree of version 2 is mounted."""
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        fields = line.split()
        if fields[2] == "cgroup2":
            return pathlib.Path(fields[1])
    raise Unavailable("no cgroup v2 tree is mounted")


def check_privileges():
    for program in ("mmdebstrap", "systemd-nspawn", "nsenter", "unshare"):
        if not shutil.which(program):
            raise Unavailable(f"{program} is not installed (make setup)")
    if os.geteuid() != 0:
        raise Unavailable("a container with a system of its own takes root")
    probe = subprocess.run(["unshare", "--mount", "--propagation", "private", "mount", "-t", "tmpfs", "none", "/mnt"],
                           capture_output=True)
    if probe.returncode != 0:
        raise Unavailable(f"nothing may be mounted here: {probe.stderr.decode().strip()}")


def libraries_of(programs):
    found = set()
    for program in programs:
        text = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
        found.update(re.findall(r"=> (/\S+)", text))
    return found


def packages_of(programs):
    """Those with the libraries that the programs are linked with."""
    libraries = libraries_of(programs)
    # A package may name its file as it was before /lib became a link. What is not found is said by the exit code.
    paths = [form for library in libraries for form in (library, "/usr" + library)]
    text = subprocess.run(["dpkg-query", "-S", *paths], capture_output=True, text=True).stdout
    return sorted({line.split(":")[0] for line in text.splitlines()})


def find_tree(programs):
    """The folder of the machine's files, made where there is none of these packages."""
    release = re.search(r"^VERSION_CODENAME=(\w+)", pathlib.Path("/etc/os-release").read_text(), re.M)
    if not release:
        raise Unavailable("this is no release of a distribution with apt")
    packages = ",".join([*PACKAGES, *packages_of(programs)])
    key = hashlib.sha256(f"{release[1]} {packages}".encode()).hexdigest()[:12]
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "umh-tests"
    tree = cache / f"system-{key}"
    if tree.is_dir():
        return tree
    cache.mkdir(parents=True, exist_ok=True)
    fresh = pathlib.Path(tempfile.mkdtemp(prefix="building-", dir=cache))
    try:
        done = subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}", release[1],
                               fresh / "tree"], capture_output=True, text=True, timeout=BUILD_SECONDS)
        if done.returncode != 0:
            raise Unavailable(f"the packages could not be had: {done.stderr.strip()[-300:]}")
        with contextlib.suppress(OSError):  # another test was faster
            (fresh / "tree").rename(tree)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"the packages could not be had within {BUILD_SECONDS} s") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return tree


def processes_of(folder):
    """All that are in a control group or below it."""
    found = []
    for path in sorted(folder.rglob("cgroup.procs")):
        with contextlib.suppress(OSError):
            found += [int(pid) for pid in path.read_text().split()]
    return found


def command_line(pid):
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""


class Machine:
    """Booted from the moment it is made."""

    def __init__(self, dist, tests, binds=()):
        check_privileges()
        self.cgroups = find_cgroup2()
        self.name = f"umh-test-{os.getpid()}"
        tree = find_tree([dist / "libexec/umh/umh-broker", dist / "bin/umh"])
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="umh-machine-"))
        (self.folder / "shared").mkdir(mode=0o755)
        self.folder.chmod(0o755)
        self.console = self.folder / "console.log"
        script = (f"mount -t tmpfs -o mode=755 tmpfs /run && umount -R /sys/fs/cgroup && "
                  f"mount -t cgroup2 none /sys/fs/cgroup && mkdir -p /sys/fs/cgroup/{self.name}.slice && "
                  f"echo $$ >/sys/fs/cgroup/{self.name}.slice/cgroup.procs && exec \"$@\"")
        with open(self.console, "wb") as console:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "bash", "-c", script, "boot",
                 "systemd-nspawn", "--directory", tree, "--volatile=overlay", "--register=no", "--keep-unit", "--boot",
                 f"--machine={self.name}", "--console=pipe", f"--bind-ro={dist}:/opt/umh", f"--bind-ro={tests}:/opt/tests",
                 f"--bind={self.folder / 'shared'}:/srv/shared", *[f"--bind-ro={path}" for path in binds]],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        try:
            self.leader = self._await(self._find_leader, BOOT_SECONDS, "it boots")
            self._await(lambda: self.run("test", "-S", "/run/systemd/private", code=None).returncode == 0, BOOT_SECONDS,
                        "its systemd answers")
            self.run("systemctl", "is-system-running", "--wait", code=None, timeout=BOOT_SECONDS)
            self._add_user()
        except BaseException:
            self.close()
            raise

    @property
    def shared(self):
        """A folder that is /srv/shared inside."""
        return self.folder / "shared"

    def _await(self, check, seconds, what):
        deadline = time.monotonic() + seconds
        while True:
            value = check()
            if value:
                return value
            assert self.process.poll() is None and time.monotonic() < deadline, \
                f"{what}: no; {self.console.read_text(errors='replace')[-2000:]}"
            time.sleep(LOOK_EVERY)  # nothing tells of a boot

    def _find_leader(self):
        for children in pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            for pid in children.read_text().split():
                with contextlib.suppress(OSError):
                    status = pathlib.Path(f"/proc/{pid}/status").read_text()
                    if re.search(r"^NSpid:\t\d+\t1$", status, re.M):
                        return int(pid)
        return None

    def _add_user(self):
        self.run("groupadd", "--gid", str(USER_GROUP_ID), USER_GROUP)
        self.run("useradd", "--uid", str(USER_ID), "--user-group", "--groups", USER_GROUP, "--create-home",
                 "--shell", "/bin/bash", USER)

    # --- commands ------------------------------------------------------------------------------

    def run(self, *arguments, code=0, timeout=COMMAND_SECONDS, **keys):
        """A command inside, as root, to its end; `code` None takes any."""
        done = subprocess.run(
            ["nsenter", "--target", str(self.leader), "--mount", "--uts", "--ipc", "--net", "--pid", "--",
             *[str(argument) for argument in arguments]],
            capture_output=True, text=True, timeout=timeout, cwd="/", env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            stdin=None if "input" in keys else subprocess.DEVNULL, **keys)
        assert code is None or done.returncode == code, \
            f"{' '.join(map(str, arguments))[:200]} ended with {done.returncode}: {done.stdout[-500:]}{done.stderr[-1500:]}"
        return done

    def umh(self, *arguments, **keys):
        return self.run("/opt/umh/bin/umh", *arguments, **keys)

    def unit(self, name, *properties):
        """What systemd says of a unit, by property."""
        text = self.run("systemctl", "show", f"--property={','.join(properties)}", name).stdout
        return dict(line.split("=", 1) for line in text.splitlines())

    def journal(self, *matches):
        """Records as objects, the oldest first."""
        text = self.run("journalctl", "--sync", code=None) and \
            self.run("journalctl", "--output=json", "--no-pager", *matches, code=None).stdout
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def write(self, path, text):
        self.run("sh", "-c", 'mkdir -p "$(dirname "$0")" && cat >"$0"', path, input=text)

    # --- processes, as they are seen from outside ------------------------------------------------

    def group(self, unit):
        """The folder of a unit's control group."""
        inner = self.unit(unit, "ControlGroup")["ControlGroup"]
        return self.cgroups / f"{self.name}.slice" / "payload" / inner.lstrip("/") if inner else None

    def pids(self, unit):
        folder = self.group(unit)
        return processes_of(folder) if folder else []

    def find_pid(self, unit, text, without=None):
        """Of the one process of a unit whose command line has the text, and not the other; None: there is none."""
        lines = {pid: command_line(pid) for pid in self.pids(unit)}
        found = [pid for pid, line in lines.items() if text in line and not (without and without in line)]
        assert len(found) <= 1, [command_line(pid) for pid in found]
        return found[0] if found else None

    # --- the end -------------------------------------------------------------------------------

    def close(self):
        if self.process.poll() is None:
            # With its first process all others go; there is nothing to be written back.
            with contextlib.suppress(AttributeError, ProcessLookupError):
                os.kill(self.leader, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        self.process.kill()
        self.process.wait()
        slice_folder = self.cgroups / f"{self.name}.slice"
        if slice_folder.is_dir():
            with contextlib.suppress(OSError):
                (slice_folder / "cgroup.kill").write_text("1")
            deadline = time.monotonic() + 5
            while slice_folder.is_dir() and time.monotonic() < deadline:
                for folder in sorted((path for path in slice_folder.rglob("*") if path.is_dir()), reverse=True):
                    with contextlib.suppress(OSError):
                        folder.rmdir()
                with contextlib.suppress(OSError):
                    slice_folder.rmdir()
                time.sleep(LOOK_EVERY)  # a group is busy until its last process is reaped
        shutil.rmtree(self.folder, ignore_errors=True)
