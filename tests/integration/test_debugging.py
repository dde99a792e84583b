# SPDX-License-Identifier: MIT
"""Whoever is debugged is left in peace, and tools of .NET reach who lets them, and nobody else."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess

import pytest

from runner import eventually
from test_liveness import let_pass

ECHO_ASKED, ECHO_ANSWERED, HANG_ASKED = 1, 2, 4
TALKER_ASKED, TALKER_ANSWERED = 0x141, 0x142
ATTACHED = "a debugger is attached: nothing is late until that has gone"
GONE = "its debugger has gone"
MAGIC = b"DOTNET_IPC_V1\0"


@contextlib.contextmanager
def traced(tree, pid, *how):
    """A native debugger has the process; with "stop" all its threads stand still."""
    scope = pathlib.Path("/proc/sys/kernel/yama/ptrace_scope")
    if os.geteuid() != 0 and scope.exists() and scope.read_text().strip() != "0":
        pytest.skip("nobody but root may attach to another's child here")
    tracer = subprocess.Popen([tree.tests / "programs" / "tracer", str(pid), *how],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert tracer.stdout.readline() == b"attached\n"
        yield
    finally:
        tracer.stdin.close()
        tracer.wait()
        tracer.stdout.close()


def talker(tree):
    return {"Name": "Talker", "Path": str(tree.tests / "modules" / "Talker" / "Talker.dll")}


# --- native debuggers ---------------------------------------------------------------------------

@pytest.mark.sanitize
def test_a_host_at_a_breakpoint_is_not_late(tree, runner):
    runner.configure(runner.host("one", "echo", Timeouts={"PingMs": 250}), StallSeconds=1)
    runner.start()
    pid = runner.pid("one")
    listener = runner.listen(ECHO_ANSWERED)
    with traced(tree, pid, "stop"):
        runner.send(ECHO_ASKED, "kept")
        runner.await_log(ATTACHED)
        let_pass(runner, 1.6)
        host = runner.find_host("one")
        assert host["debugged"] and (host["pid"], host["state"], host["restarts"]) == (pid, "running", 0)
        assert b"\n  debugged: nothing of it is late until the debugger has gone\n" in runner.umh("status").stdout
    assert listener.next()["text"] == "kept"
    runner.await_log(GONE)
    assert not runner.find_host("one")["debugged"]
    assert runner.log().count(ATTACHED) == 1
    # It is watched as before.
    with runner.paused(pid):
        host = runner.await_host("one", lambda host: host["deaths"])
    assert "did not answer a ping for 250 ms" in host["deaths"][0]["text"]


def test_a_callback_may_last_while_it_is_debugged(tree, runner):
    runner.configure(runner.host("one", "hang", Timeouts={"CallbackMs": 300}))
    runner.start()
    with traced(tree, runner.pid("one")):
        runner.send(HANG_ASKED, "for ever")
        runner.await_log(ATTACHED)
        let_pass(runner, 1.0)
        assert runner.find_host("one")["restarts"] == 0
    host = runner.await_host("one", lambda host: host["restarts"] == 1)
    assert "lasted longer than CallbackMs (300)" in host["deaths"][0]["text"]


def test_whoever_is_asked_to_end_must_also_under_a_debugger(tree, runner):
    runner.configure(runner.host("one", "echo", Timeouts={"StopMs": 200, "PingMs": 60000}))
    runner.start()
    with traced(tree, runner.pid("one"), "stop"):
        os.kill(runner.broker.pid, signal.SIGTERM)
        runner.await_log("did not stop within 200 ms")
        # Linux keeps it until its tracer has seen that it was killed.
        runner.await_log("was killed, and is still there: it ends when its debugger lets it go")
    assert runner.broker.wait(runner.patience) == 0
    assert ATTACHED not in runner.log()


# --- tools and debuggers of .NET ----------------------------------------------------------------

def left_in(folder):
    return sorted(path.name for path in pathlib.Path(folder).iterdir()
                  if path.name.startswith(("dotnet-diagnostic-", "clr-debug-pipe-")))


def process_info(address):
    """What the CLR at a diagnostics address says of its process: the pid it has there, and who it is."""
    def receive(count):
        data = b""
        while len(data) < count:
            more = connection.recv(count - len(data))
            assert more, "the CLR hung up"
            data += more
        return data

    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(address)
        connection.sendall(struct.pack("<14sHBBH", MAGIC, 20, 0x04, 0x00, 0))
        magic, size, command_set, command, _ = struct.unpack("<14sHBBH", receive(20))
        assert (magic, command_set, command) == (MAGIC, 0xFF, 0x00)
        pid, cookie = struct.unpack_from("<Q16s", receive(size - 20))
    return pid, cookie


def own_pid(pid):
    """The pid that a process has in its namespace."""
    return int(re.search(r"^NSpid:.*\t(\d+)$", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)[1])


@pytest.mark.managed
def test_tools_reach_only_hosts_that_let_them(tree, runner):
    folders = {}
    for name in ("open", "other", "shut"):
        folders[name] = runner.folder / f"tmp-{name}"
        folders[name].mkdir()
    environments = {name: {"TMPDIR": str(folder)} for name, folder in folders.items()}
    environments["shut"].update({"DOTNET_EnableDiagnostics": "1", "DOTNET_EnableDiagnostics_IPC": "1",
                                 "DOTNET_EnableDiagnostics_Debugger": "1", "COMPlus_EnableDiagnostics": "1"})
    runner.configure(
        runner.host("usual", talker(tree), DotNet={"Diagnostics": True}),
        runner.host("open", talker(tree), DotNet={"Diagnostics": True}, Environment=environments["open"]),
        runner.host("other", talker(tree), DotNet={"Diagnostics": True}, Environment=environments["other"]),
        runner.host("shut", talker(tree), Environment=environments["shut"]))
    runner.start()
    hosts = {host["name"]: host for host in runner.status()["hosts"]}
    assert hosts["shut"]["diagnostics"] is None and left_in(folders["shut"]) == []
    usual = hosts["usual"]["diagnostics"]
    assert usual.startswith(os.environ.get("TMPDIR", "/tmp").rstrip("/") + "/dotnet-diagnostic-")
    assert f"\n  diagnostics: {usual}\n" in runner.umh("status").stdout.decode()
    infos = {}
    for name in ("usual", "open", "other"):
        infos[name] = process_info(hosts[name]["diagnostics"])
        assert infos[name][0] == own_pid(hosts[name]["pid"])
    assert len({cookie for _, cookie in infos.values()}) == 3
    for name in ("open", "other"):
        assert len(left_in(folders[name])) == 3 and str(folders[name]) in hosts[name]["diagnostics"]

    # What a process had goes with it, however it ends; the next has its own.
    runner.kill("open")
    runner.await_host("open", lambda host: host["restarts"] == 1 and host["diagnostics"])
    again = runner.find_host("open")["diagnostics"]
    assert again != hosts["open"]["diagnostics"]
    assert len(left_in(folders["open"])) == 3 and process_info(again)[1] != infos["open"][1]
    assert runner.stop() == 0
    assert left_in(folders["open"]) + left_in(folders["other"]) == [] and not os.path.exists(usual)


@contextlib.contextmanager
def connected(address):
    """A debugger of .NET has the CLR at that address, as far as the CLR can know before it is told anything."""
    pipes = re.sub(r"dotnet-diagnostic-(.*)-socket$", r"clr-debug-pipe-\1", address)
    to_clr = os.open(pipes + "-in", os.O_WRONLY)
    from_clr = os.open(pipes + "-out", os.O_RDONLY)
    try:
        yield
    finally:
        os.close(to_clr)
        os.close(from_clr)


@pytest.mark.managed
def test_a_managed_module_at_a_breakpoint_is_not_late(tree, runner):
    """Only managed threads stand still: pings are answered, a callback lasts."""
    runner.configure(runner.host("one", talker(tree), "hang", DotNet={"Diagnostics": True},
                                 Timeouts={"CallbackMs": 400}))
    runner.start()
    with connected(runner.find_host("one")["diagnostics"]):
        runner.send(HANG_ASKED, "at a breakpoint")
        runner.await_log(ATTACHED)
        let_pass(runner, 1.0)
        assert runner.find_host("one")["restarts"] == 0
        assert runner.exchange(TALKER_ASKED, TALKER_ANSWERED, "others go on") == "heard others go on"
    host = runner.await_host("one", lambda host: host["restarts"] == 1)
    assert "lasted longer than CallbackMs (400)" in host["deaths"][0]["text"]
