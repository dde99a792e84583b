# SPDX-License-Identifier: MIT
"""The broker as a service: what it says to its manager, and its whole life under a real systemd."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from runner import ROOT, eventually, is_alive
from runner import service as guid_of

sys.path.insert(0, str(ROOT / "tests" / "container"))
from machine import USER, USER_GROUP_ID, USER_ID, Machine, Unavailable, command_line  # noqa: E402

ECHO_ASKED, ECHO_ANSWERED, HANG_ASKED, PRINTING_ASKED = 1, 2, 4, 8


# --- what it says, to a socket that stands for the manager -------------------------------------------------------


class Manager:
    """Hears what a service says."""

    def __init__(self, folder):
        self.path = folder / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.heard = []

    def hear(self, timeout):
        """The next message, as its lines."""
        self.socket.settimeout(timeout)
        self.heard.append(self.socket.recv(4096).decode().split("\n"))
        return self.heard[-1]

    def await_line(self, line, timeout=20.0):
        """Until a message has it; returns that."""
        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            assert left > 0, f"it did not say {line}: {self.heard}"
            with contextlib.suppress(socket.timeout):
                lines = self.hear(left)
                if line in lines:
                    return lines

    def close(self):
        self.socket.close()


@pytest.fixture
def manager(tmp_path):
    made = Manager(tmp_path)
    yield made
    made.close()


def environment_of(manager, **more):
    return {"NOTIFY_SOCKET": str(manager.path), **more}


@pytest.mark.sanitize
def test_is_ready_when_its_hosts_run(runner, manager):
    runner.configure(runner.host("early", "echo"), runner.host("one", "echo", Stage=1), runner.host("two", "printing", Stage=2))
    runner.start(environment=environment_of(manager), wait=False)
    assert manager.await_line("READY=1", runner.patience) == ["READY=1", "STATUS=3 of 3 hosts run"]
    assert [host["state"] for host in runner.status()["hosts"]] == ["running"] * 3
    assert all("READY=1" not in lines for lines in manager.heard[:-1])


@pytest.mark.sanitize
def test_says_how_many_hosts_run(runner, manager):
    runner.configure(runner.host("one", "echo", Restart={"When": "Never"}), runner.host("two", "printing"))
    runner.start(environment=environment_of(manager))
    manager.await_line("STATUS=2 of 2 hosts run", runner.patience)
    runner.kill("one")
    manager.await_line("STATUS=1 of 2 hosts run", runner.patience)
    runner.umh("reset", "one")
    manager.await_line("STATUS=2 of 2 hosts run", runner.patience)
    assert runner.stop() == 0
    assert manager.await_line("STOPPING=1", runner.patience)[1].startswith("STATUS=stopping, ")


def test_a_host_that_keeps_ending_does_not_keep_it_from_being_ready(runner, manager):
    runner.configure(runner.host("one", "wrong_start"), runner.host("two", "echo"),
                     runner.host("three", Environment={"UMH_NOTHING": "1"}, Restart={"FirstDelayMs": 600000}))
    runner.start(environment=environment_of(manager), wait=False)
    manager.await_line("READY=1", runner.patience)


@pytest.mark.sanitize
def test_feeds_the_watchdog_while_its_loop_runs(runner, manager):
    runner.configure(runner.host("one", "echo"))
    runner.start(environment=environment_of(manager, WATCHDOG_USEC="400000"))
    for _ in range(3):
        manager.await_line("WATCHDOG=1", runner.patience)
    with runner.paused(runner.broker.pid):
        with contextlib.suppress(socket.timeout):
            while True:  # what it had said before
                manager.hear(0.5)
        assert manager.heard[-1] is not None
    manager.await_line("WATCHDOG=1", runner.patience)


def test_does_not_wait_for_a_manager_that_does_not_listen(runner, manager):
    """Its socket is full: the broker works on, and says the last word later."""
    full = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            full.sendto(b"X=1", str(manager.path))
    full.close()
    runner.configure(runner.host("one", "echo"))
    runner.start(environment=environment_of(manager, WATCHDOG_USEC="100000"))
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "here") == "here"
    assert manager.await_line("READY=1", runner.patience) == ["READY=1", "STATUS=1 of 1 hosts run"]


def test_its_hosts_do_not_have_its_socket(runner, manager):
    runner.configure(runner.host("one", "echo"))
    runner.start(environment=environment_of(manager, WATCHDOG_USEC="60000000"))
    with open(f"/proc/{runner.pid('one')}/environ", "rb") as file:
        names = [entry.split(b"=")[0] for entry in file.read().split(b"\0")]
    assert not {b"NOTIFY_SOCKET", b"WATCHDOG_USEC", b"JOURNAL_STREAM"} & set(names)


# --- the command where it cannot do anything ----------------------------------------------------------------------


def test_service_needs_systemd(runner):
    runner.configure(runner.host("one", "echo"))
    if os.path.isdir("/run/systemd/system"):
        pytest.skip("systemd runs this machine: its services are not touched")
    for arguments in (("install", "--config", runner.config), ("uninstall",), ("start",), ("stop",), ("status",)):
        done = runner.umh("service", *arguments, code=1)
        assert b"systemd does not run this machine" in done.stderr


def test_service_refuses_wrong_usage(runner):
    for arguments, words in (((), b"missing"), (("instal",), b"did you mean install?"), (("start", "stop"), b"too much"),
                             (("install",), b"--config FILE"), (("start", "--config", "x"), b"takes no --config"),
                             (("status", "--instance", "a/b"), b"--instance takes a name")):
        assert words in runner.umh("service", *arguments, code=2).stderr


def test_service_checks_the_configuration_first(runner):
    done = runner.umh("service", "install", "--config", runner.folder / "none.json", code=1)
    assert b"there is no file" in done.stderr
    runner.config.write_text('{"ChildProcesses": [')
    assert b"broker.json:1" in runner.umh("service", "install", "--config", runner.config, code=1).stderr
    runner.config.write_text('{"ChildProcesses": [{"GroupName": "a", "Modules": ["no_such_module"]}]}')
    done = runner.umh("service", "install", "--config", runner.config, code=1)
    assert b"no_such_module" in done.stderr and done.stdout == b""


# --- who may change what it runs ----------------------------------------------------------------------------------


@pytest.fixture
def config(runner):
    """A configuration without hosts, in a folder of its own."""
    path = runner.folder / "own" / "broker.json"
    path.parent.mkdir(mode=0o755)
    path.write_text('{"ChildProcesses": []}')
    return path


def run_broker(runner, config, *arguments):
    """The program itself, for as long as it needs to begin."""
    return subprocess.run([runner.dist / "libexec" / "umh" / "umh-broker", "--config", config, "--instance", runner.instance,
                           "--control", runner.folder / "own-control", "--for", "0", *arguments],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=runner.patience)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_service_runs_only_what_root_may_change(runner, config, what):
    culprit = config if what == "file" else config.parent
    mode = culprit.stat().st_mode & 0o777
    culprit.chmod(mode | 0o002)
    words = f"other users may write '{culprit}'".encode()
    done = run_broker(runner, config, "--service")
    assert done.returncode == 1 and words in done.stderr and b"only what root alone may change" in done.stderr
    done = runner.umh("service", "install", "--config", config, code=1)
    assert words in done.stderr and done.stdout == b""

    done = run_broker(runner, config)
    assert done.returncode == 0 and done.stderr.count(b"warning: " + words) == 1
    culprit.chmod(mode)
    assert b"other users may write" not in run_broker(runner, config).stderr


@contextlib.contextmanager
def running_service(runner, config=None):
    """A broker as a service, without a manager, from when it answers until it has ended."""
    broker = subprocess.Popen([runner.dist / "libexec" / "umh" / "umh-broker", "--service", "--config", config or runner.config,
                               "--instance", runner.instance, "--control", runner.control],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(runner.find_status, runner.patience, "the broker answers")
        yield
    finally:
        broker.terminate()
        assert broker.wait(runner.patience) == 0


def test_service_applies_only_what_root_may_change(runner, config):
    with running_service(runner, config):
        runner.umh("apply")
        config.chmod(0o666)
        assert f"other users may write '{config}'".encode() in runner.umh("apply", code=1).stderr
        config.chmod(0o644)
        runner.umh("apply")


def failed_module(runner, host):
    """The host's only module once it has failed."""
    module = next((host_ for host_ in runner.status()["hosts"] if host_["name"] == host), {"modules": [{"state": ""}]})["modules"][0]
    return module if module["state"] == "failed" else None


@pytest.mark.skipif(os.geteuid() != 0, reason="files of another user take root")
def test_service_runs_nothing_of_another_user(runner, config):
    os.chown(config, 65534, 65534)
    done = run_broker(runner, config, "--service")
    assert done.returncode == 1 and b"belongs to another user (65534)" in done.stderr


@pytest.mark.sanitize
@pytest.mark.parametrize("what", ["file", "folder", "parent", "beside"])
def test_service_runs_only_modules_that_root_may_change(runner, what):
    """Refused as a service with what is wrong and what to do, said once in a terminal."""
    folder = runner.folder / "modules"
    (folder / "echo").mkdir(parents=True, mode=0o755)
    file = folder / "echo" / "echo.so"
    shutil.copy(runner.tree.file("echo"), file)
    (folder / "echo" / "table").write_text("1")
    culprit = {"file": file, "folder": file.parent, "parent": folder, "beside": file.parent / "table"}[what]
    words = f"other users may write '{culprit}' (mode 0"
    runner.config.write_text(json.dumps({"ModuleFolders": [str(folder)], "ChildProcesses": [
        {"GroupName": name, "Modules": ["echo"]} for name in ("one", "two")]}))
    runner.umh("check", runner.config)
    mode = culprit.stat().st_mode & 0o777
    culprit.chmod(mode | 0o020)

    done = runner.umh("service", "install", "--config", runner.config, code=1)
    assert words in done.stderr.decode() and b"only what root alone may change" in done.stderr
    with running_service(runner):
        modules = [eventually(lambda host=host: failed_module(runner, host), runner.patience) for host in ("one", "two")]
        assert all(words in module["why"] and "chown root and chmod go-w" in module["why"] for module in modules)
        culprit.chmod(mode)
        runner.umh("reload", "one", "echo")
        runner.await_module("one", "echo", "running")
    culprit.chmod(mode | 0o020)
    runner.start()
    assert {host["modules"][0]["state"] for host in runner.status()["hosts"]} == {"running"}
    assert runner.log().count(words) == 1 and "what is changed there runs as this user" in runner.log()


# --- its life under systemd ----------------------------------------------------------------------------------------

UNIT = "umh.service"
CONFIG = "/etc/umh/broker.json"
RUNS = "2 of 2 hosts run"


def find_dotnet():
    """The folder with a runtime for managed modules; None: there is none."""
    for folder in ("/usr/share/dotnet", "/usr/lib/dotnet", os.path.expanduser("~/.dotnet")):
        if list(pathlib.Path(folder).glob("shared/Microsoft.NETCore.App/10.*")):
            return folder
    return None


def modules32_of(tree):
    return tree.tests.parent / "tests32" / "modules"


def has_host32(tree):
    return (tree.dist / "libexec" / "umh" / "umh-host32").exists()


@pytest.fixture(scope="module")
def machine(tree):
    if tree.sanitizer:
        pytest.skip("a sanitizer's programs need its libraries")
    dotnet = find_dotnet()
    binds = [f"{dotnet}:/usr/share/dotnet"] if dotnet else []
    if has_host32(tree):
        binds += [f"{modules32_of(tree)}:/opt/tests32", "/usr/lib32", "/usr/lib32/ld-linux.so.2:/usr/lib/ld-linux.so.2"]
    try:
        made = Machine(tree.dist, tree.tests, binds)
    except Unavailable as reason:
        pytest.skip(str(reason))
    yield made
    made.close()


def module_of(name, **keys):
    return {"Name": name, "Path": f"/opt/tests/modules/{name}/{name}.so", **keys}


def host_of(name, *modules, **keys):
    return {"GroupName": name, "Modules": [module_of(module) for module in modules], **keys}


TWO_HOSTS = (host_of("one", "echo"), host_of("two", "printing"))


def configure(machine, *hosts, **keys):
    machine.write(CONFIG, json.dumps({**keys, "ChildProcesses": hosts}))


def status_of(machine):
    done = machine.umh("status", "--json", code=None)
    return json.loads(done.stdout) if done.returncode == 0 else None


def await_hosts(machine, check, what):
    """The hosts of the status by name, once they pass."""
    def look():
        status = status_of(machine)
        hosts = {host["name"]: host for host in status["hosts"]} if status else {}
        return hosts if hosts and check(hosts) else None

    return eventually(look, 20, lambda: f"{what}: {status_of(machine)}")


def await_all_run(machine):
    def run(hosts):
        return all(host["state"] == "running" and all(module["state"] in ("running", "failed") for module in host["modules"])
                   for host in hosts.values())

    return await_hosts(machine, run, "all run")


@pytest.fixture(scope="module")
def installed(machine):
    configure(machine, *TWO_HOSTS)
    machine.umh("service", "install", "--config", CONFIG)
    return machine


@pytest.fixture
def service(installed, request):
    """Started anew; afterwards it is stopped, and nothing of it is left."""
    configure(installed, *TWO_HOSTS)
    installed.run("systemctl", "start", UNIT)
    yield installed
    call = getattr(request.node, "report_call", None)
    if call is None or call.failed:
        print(installed.run("journalctl", "--unit", UNIT, "--no-pager", "--lines=60", code=None).stdout)
    pids = installed.pids(UNIT)
    installed.run("systemctl", "stop", UNIT)
    assert not [command_line(pid) for pid in pids if is_alive(pid)]


def await_end(pids, seconds):
    eventually(lambda: not any(is_alive(pid) for pid in pids), seconds,
               lambda: [command_line(pid) for pid in pids if is_alive(pid)])


def test_is_installed_started_stopped_and_uninstalled(machine):
    configure(machine, *TWO_HOSTS)
    assert "is not installed" in machine.umh("service", "status", code=1).stdout
    for action in ("start", "stop", "uninstall"):
        assert "there is no service umh.service" in machine.umh("service", action, code=1).stderr
    assert "umh.service is installed" in machine.umh("service", "install", "--config", CONFIG).stdout
    assert "just the same" in machine.umh("service", "install", "--config", CONFIG).stdout
    state = json.loads(machine.umh("service", "status", "--json", code=1).stdout)
    assert (state["active"], state["at_boot"], state["pid"]) == ("inactive", "enabled", None)

    machine.umh("service", "start")
    assert [host["state"] for host in status_of(machine)["hosts"]] == ["running", "running"]
    state = machine.unit(UNIT, "ActiveState", "SubState", "StatusText")
    assert state == {"ActiveState": "active", "SubState": "running", "StatusText": RUNS}
    state = json.loads(machine.umh("service", "status", "--json").stdout)
    assert (state["active"], state["says"], state["broker"], state["restarts"]) == ("active", RUNS, RUNS, 0)
    assert RUNS in machine.umh("service", "status").stdout

    group = machine.group(UNIT)
    pids = machine.pids(UNIT)
    assert len(pids) >= 3
    machine.umh("service", "stop")
    await_end(pids, 0.5)
    assert not group.exists()
    assert machine.unit(UNIT, "ActiveState", "Result") == {"ActiveState": "inactive", "Result": "success"}
    assert not machine.run("ls", "/run/umh", code=None).stdout.strip()
    machine.write("/var/lib/umh/default/notes", "mine")
    done = machine.umh("service", "uninstall")
    assert "stopped and uninstalled" in done.stdout and "/var/lib/umh/default stays: " in done.stderr and "notes" in done.stderr
    assert machine.run("ls", "/var/lib/umh/default").stdout.split() == ["notes"]
    machine.run("rm", "-r", "/var/lib/umh")
    assert machine.unit(UNIT, "LoadState", "FragmentPath") == {"LoadState": "not-found", "FragmentPath": ""}
    assert machine.run("cat", CONFIG).stdout


def test_leaves_what_others_wrote_alone(machine):
    configure(machine, *TWO_HOSTS)
    machine.write(f"/etc/systemd/system/{UNIT}", "[Service]\nExecStart=/bin/sleep 1000\n")
    assert "was not written by" in machine.umh("service", "install", "--config", CONFIG, code=1).stderr
    machine.run("systemctl", "daemon-reload")
    assert "was not written by" in machine.umh("service", "uninstall", code=1).stderr
    machine.run("rm", f"/etc/systemd/system/{UNIT}")
    machine.run("systemctl", "daemon-reload")
    done = machine.run("setpriv", "--reuid=nobody", "--clear-groups", "/opt/umh/bin/umh", "service", "start", code=1)
    assert "only root" in done.stderr


def test_instances_do_not_disturb_each_other(service):
    service.write("/etc/umh/100% odd $name.json", json.dumps({"ChildProcesses": [host_of("three", "echo")]}))
    service.umh("service", "install", "--instance", "edge", "--config", "/etc/umh/100% odd $name.json")
    service.umh("service", "start", "--instance", "edge")
    assert "1 of 1 hosts run" in service.umh("service", "status", "--instance", "edge").stdout
    assert "umh@edge.service" in service.umh("service", "uninstall", "--instance", "edge").stdout
    assert RUNS in service.umh("service", "status").stdout


def test_is_started_again_after_kill_9(service):
    pids = service.pids(UNIT)
    os.kill(service.find_pid(UNIT, "umh-broker"), signal.SIGKILL)
    await_end(pids, 0.5)
    eventually(lambda: service.unit(UNIT, "NRestarts", "StatusText") == {"NRestarts": "1", "StatusText": RUNS}, 20,
               lambda: service.unit(UNIT, "NRestarts", "StatusText", "ActiveState"))
    await_all_run(service)
    assert not set(pids) & set(service.pids(UNIT))


def test_is_started_again_when_its_loop_hangs(service):
    service.write(f"/etc/systemd/system/{UNIT}.d/fast.conf", "[Service]\nWatchdogSec=1\nTimeoutAbortSec=500ms\n")
    service.run("systemctl", "daemon-reload")
    service.run("systemctl", "restart", UNIT)
    pids = service.pids(UNIT)
    started = time.monotonic()
    os.kill(service.find_pid(UNIT, "umh-broker"), signal.SIGSTOP)
    eventually(lambda: service.unit(UNIT, "NRestarts", "StatusText") == {"NRestarts": "1", "StatusText": RUNS}, 20,
               lambda: service.unit(UNIT, "NRestarts", "StatusText", "ActiveState"))
    # 1 s of silence, 0.5 s to die of SIGABRT, 0.5 s of RestartSec
    assert time.monotonic() - started < 6
    await_end(pids, 0.5)
    await_all_run(service)
    assert any("watchdog" in record["MESSAGE"].lower() for record in service.journal(f"UNIT={UNIT}"))
    service.run("rm", "-r", f"/etc/systemd/system/{UNIT}.d")
    service.run("systemctl", "daemon-reload")


def test_stays_away_after_umh_stop(service):
    pids = service.pids(UNIT)
    service.umh("stop")
    eventually(lambda: service.unit(UNIT, "ActiveState", "Result") == {"ActiveState": "inactive", "Result": "success"},
               20, lambda: service.unit(UNIT, "ActiveState", "Result"))
    await_end(pids, 0.5)


@pytest.mark.managed
def test_a_managed_module_runs(service):
    if not find_dotnet():
        pytest.skip("no runtime of .NET 10 was found")
    talker = {"Name": "Talker", "Path": "/opt/tests/modules/Talker/Talker.dll", "Config": {"Greeting": "good day"}}
    configure(service, {"GroupName": "managed", "Modules": [talker, module_of("echo")]})
    service.run("systemctl", "restart", UNIT)
    host = await_all_run(service)["managed"]
    assert {module["name"]: module["state"] for module in host["modules"]} == {"Talker": "running", "echo": "running"}


def test_a_32_bit_module_runs(tree, service):
    if not has_host32(tree):
        pytest.skip("the 32-bit host is not built here")
    echo = {"Name": "echo", "Path": "/opt/tests32/echo/echo.so"}
    configure(service, {"GroupName": "narrow", "Wow64": True, "Modules": [echo]})
    service.run("systemctl", "restart", UNIT)
    host = await_all_run(service)["narrow"]
    assert (host["bits"], host["modules"][0]["state"]) == (32, "running")


def test_a_host_that_ignores_everything_does_not_outlive_it(service):
    configure(service, host_of("deaf", "hang", Timeouts={"StopMs": 200}), *TWO_HOSTS)
    service.run("systemctl", "restart", UNIT)
    service.umh("send", guid_of(HANG_ASKED), "now")
    pids = service.pids(UNIT)
    service.umh("service", "stop")
    await_end(pids, 0.5)
    assert service.unit(UNIT, "Result")["Result"] == "success"


def await_record(machine, where, *matches):
    """The first record that fits."""
    def look():
        return next((record for record in machine.journal("SYSLOG_IDENTIFIER=umh", *matches) if where(record)), None)

    return eventually(look, 20, lambda: machine.journal("SYSLOG_IDENTIFIER=umh", *matches)[-20:])


def test_its_journal_has_fields(service):
    service.umh("send", guid_of(PRINTING_ASKED), "a\nbreak")
    record = await_record(service, lambda record: record.get("UMH_F_TEXT") == "a\nbreak", "UMH_HOST=two")
    assert (record["MESSAGE"], record["PRIORITY"], record["_SYSTEMD_UNIT"]) == ("two/printing: logged", "6", UNIT)
    assert (record["UMH_MODULE"], record["UMH_SESSION"]) == ("printing", "0")
    record = await_record(service, lambda record: record["MESSAGE"] == "two: printed: a", "UMH_HOST=two")
    assert record["UMH_F_STREAM"] == "text"
    record = await_record(service, lambda record: record["MESSAGE"].startswith("running 2 hosts"))
    assert "UMH_HOST" not in record
    service.umh("load", "one", "/opt/tests/modules/wrong_init/wrong_init.so", code=None)
    record = await_record(service, lambda record: True, "UMH_MODULE=wrong_init")
    assert record["MESSAGE"].startswith("one/wrong_init: ") and record["PRIORITY"] in "34"


def test_a_journal_that_hangs_holds_up_nothing(service):
    """What it does not take waits; what is too much is dropped, counted and said."""
    lines = "\n".join(f"line {number} " + "x" * 1000 for number in range(500))
    journald = service.pids("systemd-journald.service")
    for pid in journald:
        os.kill(pid, signal.SIGSTOP)
    try:
        for _ in range(8):
            service.umh("send", guid_of(PRINTING_ASKED), "-", input=lines)
        assert RUNS in service.umh("service", "status").stdout
    finally:
        for pid in journald:
            os.kill(pid, signal.SIGCONT)
    await_record(service, lambda record: "log lines were dropped" in record["MESSAGE"])
    service.umh("send", guid_of(PRINTING_ASKED), "afterwards")
    await_record(service, lambda record: record.get("UMH_F_TEXT") == "afterwards", "UMH_HOST=two")


def test_reload_follows_the_file(service):
    before = service.umh("status", "--json").stdout
    pids = {host["name"]: host["pid"] for host in json.loads(before)["hosts"]}
    configure(service, *TWO_HOSTS, host_of("three", "echo"))
    service.run("systemctl", "reload", UNIT)
    hosts = await_hosts(service, lambda hosts: len(hosts) == 3 and hosts["three"]["state"] == "running", "three runs")
    assert {name: hosts[name]["pid"] for name in pids} == pids
    eventually(lambda: service.unit(UNIT, "ActiveState", "StatusText") ==
               {"ActiveState": "active", "StatusText": "3 of 3 hosts run"}, 20,
               lambda: service.unit(UNIT, "ActiveState", "StatusText"))
    service.write(CONFIG, "{")
    done = service.run("systemctl", "reload", UNIT, code=None)
    assert done.returncode != 0
    assert len(status_of(service)["hosts"]) == 3


# --- users' sessions -------------------------------------------------------------------------------------------------


def sessions_of(machine):
    """Their ids."""
    lines = machine.run("loginctl", "list-sessions", "--no-legend").stdout.splitlines()
    return {line.split()[0] for line in lines if USER in line.split()}


def log_on(machine, kind="x11"):
    """A session of the user, as a login makes it; returns its id."""
    before = sessions_of(machine)
    machine.run("systemd-run", f"--property=User={USER}", "--property=PAMName=login",
                f"--property=Environment=XDG_SESSION_TYPE={kind}", "--property=Environment=XDG_SESSION_CLASS=user",
                "/bin/sleep", "1000")
    return eventually(lambda: sessions_of(machine) - before, 20, "a session").pop()


def log_off(machine, session):
    machine.run("loginctl", "kill-session", session, "-s", "KILL")


def set_in_user_manager(machine, *assignments):
    machine.run("setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups", "env",
                f"XDG_RUNTIME_DIR=/run/user/{USER_ID}", "systemctl", "--user", "set-environment", *assignments)


def status_fields(pid):
    with open(f"/proc/{pid}/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def environment_of_process(pid):
    with open(f"/proc/{pid}/environ", "rb") as file:
        return dict(entry.decode().split("=", 1) for entry in file.read().split(b"\0") if b"=" in entry)


def await_tray(machine, name):
    """The process of the user's host, once it runs, and the status of all."""
    hosts = await_hosts(machine, lambda hosts: hosts.get(name, {}).get("state") == "running", f"{name} runs")
    return machine.find_pid(UNIT, f"umh-host64 --attached {name}", without="umh-init"), hosts


def test_hosts_come_and_go_with_users(service):
    configure(service, *TWO_HOSTS, host_of("tray", "echo", Session="AllUsers"))
    service.run("systemctl", "restart", UNIT)
    assert {host["name"] for host in status_of(service)["hosts"]} == {"one", "two"}
    session = log_on(service)
    pid, hosts = await_tray(service, "tray@1")
    fields = status_fields(pid)
    assert fields["Uid"].split() == [str(USER_ID)] * 4 and fields["Gid"].split() == [str(USER_ID)] * 4
    assert set(fields["Groups"].split()) == {str(USER_ID), str(USER_GROUP_ID)}
    environment = environment_of_process(pid)
    assert (environment["HOME"], environment["USER"]) == (f"/home/{USER}", USER)
    assert (environment["XDG_SESSION_ID"], environment["XDG_RUNTIME_DIR"]) == (session, f"/run/user/{USER_ID}")

    set_in_user_manager(service, "LANG=tlh_QO.UTF-8", "LD_PRELOAD=/tmp/evil.so")
    other = log_on(service, "tty")
    other_pid, _ = await_tray(service, "tray@2")
    environment = environment_of_process(other_pid)
    assert environment["LANG"] == "tlh_QO.UTF-8" and "LD_PRELOAD" not in environment
    assert environment["XDG_SESSION_ID"] == other
    assert service.unit(UNIT, "StatusText")["StatusText"] == "4 of 4 hosts run"

    log_off(service, session)
    now = await_hosts(service, lambda hosts: "tray@1" not in hosts, "the user's host has gone")
    await_end([pid], 0.5)
    assert {name: host["pid"] for name, host in now.items()} == \
        {"one": hosts["one"]["pid"], "two": hosts["two"]["pid"], "tray@2": now["tray@2"]["pid"]}
    assert is_alive(other_pid)
    log_off(service, other)
    await_hosts(service, lambda hosts: set(hosts) == {"one", "two"}, "the user's hosts have gone")
    await_end([other_pid], 0.5)
    records = service.journal("UMH_HOST=tray@2")
    assert records and {record["UMH_SESSION"] for record in records} == {"2"}
