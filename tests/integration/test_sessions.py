# SPDX-License-Identifier: MIT
"""Hosts in users' sessions: who they run as and with, when they come and go, and whom they may send to. The system is
a mount namespace with a logind made of files and two users of its own."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import pytest

from runner import eventually, is_alive
from test_hostile import private_installation

ASKED, ANSWERED, PASSED = 31, 32, 33
ANN, BOB = 2001, 2002
PASSWD = ("root:x:0:0:root:/root:/bin/bash\n"
          f"ann:x:{ANN}:{ANN}:Ann:/home/ann:/bin/bash\n"
          f"bob:x:{BOB}:{BOB}:Bob:/home/nowhere:/bin/sh\n")
GROUP = f"root:x:0:\nann:x:{ANN}:\nbob:x:{BOB}:\nvideo:x:3001:ann,bob\naudio:x:3002:ann\n"
ALLOWED = {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR", "DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY",
           "XDG_RUNTIME_DIR", "XDG_SESSION_ID", "XDG_SESSION_TYPE", "XDG_SEAT", "DBUS_SESSION_BUS_ADDRESS",
           "DOTNET_EnableDiagnostics", "DOTNET_hostBuilder__reloadConfigOnChange"}
POISON = {"LD_PRELOAD": "/tmp/evil.so", "DOTNET_STARTUP_HOOKS": "/tmp/evil.dll", "LD_LIBRARY_PATH": "/tmp", "LANG": "xx_YY",
          "BASH_ENV": "/tmp/evil.sh", "HOME": "/tmp", "DISPLAY": ":99"}

# What the broker has of its own: /run with a logind of the test's, homes, accounts.
SETUP = """
mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/systemd /run/user &&
mount --bind "$1/systemd" /run/systemd && mount --bind "$1/user" /run/user &&
mount -t tmpfs -o mode=755 tmpfs /home && mkdir -m 700 /home/ann && chown 2001:2001 /home/ann &&
mount --bind "$1/passwd" /etc/passwd && mount --bind "$1/group" /etc/group && shift && exec "$@"
"""


class Desk:
    """The machine that users sit at: its sessions, and the broker that serves them."""

    def __init__(self, runner):
        self.runner = runner
        self.leaders = []
        folder = runner.folder
        (folder / "systemd").mkdir()
        (folder / "user").mkdir()
        (folder / "passwd").write_text(PASSWD)
        (folder / "group").write_text(GROUP)
        self.make_logind()

    # --- logind ------------------------------------------------------------------------------

    @property
    def sessions(self):
        return self.runner.folder / "systemd" / "sessions"

    def make_logind(self):
        for name in ("sessions", "users", "seats", "machines"):
            (self.runner.folder / "systemd" / name).mkdir()

    def remove_logind(self):
        """In one step: a session whose file goes first has ended."""
        gone = self.runner.folder / "gone"
        self.sessions.rename(gone)
        shutil.rmtree(gone)
        for path in (self.runner.folder / "systemd").iterdir():
            shutil.rmtree(path)

    def log_on(self, name, uid, state="active", active=1, type="tty", seat=None, leader=None, session_class="user"):
        text = (f"UID={uid}\nUSER=any\nACTIVE={active}\nIS_DISPLAY=1\nSTATE={state}\nREMOTE=0\nTYPE={type}\n"
                f"CLASS={session_class}\nSCOPE=session-{name}.scope\n")
        text += f"SEAT={seat}\n" if seat else ""
        text += f"LEADER={leader}\n" if leader else ""
        hidden = self.sessions / f".new-{name}"
        hidden.write_text(text)
        hidden.rename(self.sessions / name)

    def log_off(self, name):
        (self.sessions / name).unlink()

    def start_leader(self, uid, **environment):
        """A process of the user's that has an environment."""
        done = subprocess.Popen(["sleep", "1000"], env={"PATH": "/usr/bin:/bin", **environment}, user=uid, group=uid,
                                extra_groups=[])
        self.leaders.append(done)
        return done.pid

    # --- the broker --------------------------------------------------------------------------

    def start(self):
        runner = self.runner
        with open(runner.log_path, "ab") as log:
            runner.broker = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "sh", "-c", SETUP, "setup", runner.folder,
                 runner.dist / "libexec" / "umh" / "umh-broker", "--service", "--config", runner.config,
                 "--control", runner.control, "--instance", runner.instance],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **POISON, "LD_PRELOAD": ""})
        eventually(runner.find_status, runner.patience, "the broker answers")

    def hosts(self):
        """Those that run, by name."""
        status = self.runner.status()
        return {host["name"]: host for host in status["hosts"] if host["state"] == "running"}

    def await_hosts(self, *names):
        """Until exactly these exist, and run."""
        def look():
            status = self.runner.status()
            found = {host["name"]: host for host in status["hosts"]}
            is_it = set(found) == set(names) and all(
                host["state"] == "running" and all(module["state"] == "running" for module in host["modules"])
                for host in found.values())
            return found if is_it else None

        return eventually(look, self.runner.patience, lambda: f"hosts {names}: {self.runner.status()['hosts']}")

    def close(self):
        for leader in self.leaders:
            leader.kill()
            leader.wait()


@pytest.fixture
def desk(runner):
    if os.geteuid() != 0:
        pytest.skip("hosts of other users need root")
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode != 0:
        pytest.skip("no mount namespace can be made here")
    made = Desk(runner)
    yield made
    made.close()


@pytest.fixture
def tmp_place():
    with tempfile.TemporaryDirectory(prefix="umh-sessions-") as folder:
        yield pathlib.Path(folder)


def resident(runner, **keys):
    return runner.module("resident", Asked=ASKED, Answered=ANSWERED, Passed=PASSED, **keys)


def for_users(runner, name="agent", **keys):
    return runner.host(name, resident(runner), Session="AllUsers", **keys)


def names_of(environment):
    return {entry.partition("=")[0] for entry in environment}


def as_dict(environment):
    return dict(entry.split("=", 1) for entry in environment)


def ask_who(runner, talk, host):
    return talk.ask(f"{host} who", lambda answer: answer["host"] == host and "uid" in answer)


# --- who they are ------------------------------------------------------------------------------------------------


@pytest.mark.sanitize
def test_a_host_is_its_user(runner, desk):
    runner.configure(for_users(runner), runner.host("own", resident(runner)))
    desk.log_on("c1", ANN, type="x11", seat="seat0", leader=desk.start_leader(ANN, **POISON))
    (runner.folder / "user" / str(ANN)).mkdir(mode=0o700)
    os.chown(runner.folder / "user" / str(ANN), ANN, ANN)
    desk.log_on("c2", BOB)
    desk.start()
    hosts = desk.await_hosts("own", "agent@1", "agent@2")
    sessions = {session["user"]: session for session in runner.status()["sessions"]}
    assert sessions["ann"] == {"number": sessions["ann"]["number"], "id": "c1", "user": "ann", "uid": ANN, "seat": "seat0",
                               "type": "x11", "graphical": True, "remote": False}
    assert runner.status()["sessions_unknown"] is None

    talk = runner.talk(ASKED, ANSWERED)
    ann, bob = (f"agent@{sessions[name]['number']}" for name in ("ann", "bob"))
    who = ask_who(runner, talk, ann)
    assert who["session"] == sessions["ann"]["number"] == hosts[ann]["session"]
    assert who["uid"] == [ANN, ANN] and who["gid"] == [ANN, ANN]
    assert sorted(who["groups"]) == [ANN, 3001, 3002]
    assert who["folder"] == "/home/ann"
    environment = as_dict(who["environment"])
    assert {name for name in environment if not name.startswith("LC_")} <= ALLOWED
    assert environment["HOME"] == "/home/ann" and environment["USER"] == environment["LOGNAME"] == "ann"
    assert environment["SHELL"] == "/bin/bash" and environment["LANG"] == "xx_YY"
    assert environment["XDG_SESSION_ID"] == "c1" and environment["XDG_SESSION_TYPE"] == "x11"
    assert environment["XDG_SEAT"] == "seat0" and environment["XDG_RUNTIME_DIR"] == f"/run/user/{ANN}"

    who = ask_who(runner, talk, bob)
    assert who["uid"] == [BOB, BOB] and sorted(who["groups"]) == [BOB, 3001]
    assert who["folder"] == "/"  # there is no home
    environment = as_dict(who["environment"])
    assert environment["HOME"] == "/home/nowhere" and environment["PATH"]
    assert not {"XDG_RUNTIME_DIR", "XDG_SEAT", "LANG", "DISPLAY"} & set(environment)

    assert ask_who(runner, talk, "own")["uid"] == [0, 0]
    status = pathlib.Path(f"/proc/{hosts[ann]['pid']}/status").read_text()
    assert f"Uid:\t{ANN}\t{ANN}\t{ANN}\t{ANN}\n" in status
    assert "CapEff:\t0000000000000000" in status and "CapPrm:\t0000000000000000" in status
    shown = runner.umh("status").stdout.decode()
    assert "SESSION" in shown and "ann" in shown and "seat0" in shown


def test_users_can_read_their_modules_and_no_more(runner, desk):
    runner.configure(for_users(runner), runner.host("own", resident(runner)))
    desk.log_on("c1", ANN)
    desk.start()
    desk.await_hosts("own", "agent@1")
    store = pathlib.Path("/var/lib/umh") / runner.instance

    def try_as_ann(*command):
        return subprocess.run(command, user=ANN, group=ANN, extra_groups=[], capture_output=True).returncode == 0

    copy = next((store / "users").rglob("resident.so"))
    own = next((store / "modules").rglob("resident.so"))
    assert try_as_ann("cat", copy)
    assert not try_as_ann("cat", own)
    assert not try_as_ann("ls", store) and not try_as_ann("ls", store / "users")
    assert not try_as_ann("sh", "-c", f"echo >> {copy}")
    assert not try_as_ann("touch", copy.parent / "new") and not try_as_ann("touch", store / "users" / "new")
    assert not try_as_ann("cat", store / "lock")
    assert copy.stat().st_uid == 0


def test_a_module_that_users_may_not_read_is_named(runner, desk):
    closed = runner.folder / "closed.so"
    shutil.copy(runner.tree.file("resident"), closed)
    closed.chmod(0o600)
    entry = {**resident(runner), "Path": str(closed)}
    runner.configure({"GroupName": "agent", "Session": "AllUsers", "Modules": [entry]})
    desk.log_on("c1", ANN)
    desk.start()
    module = runner_await_failed(runner, "agent@1", "resident")
    assert "not readable by other users" in module["why"]


def runner_await_failed(runner, host, name):
    def look():
        with contextlib.suppress(StopIteration):
            module = runner.find_module(host, name)
            return module if module and module["state"] == "failed" else None

    return eventually(look, runner.patience, lambda: f"{host}/{name} fails: {runner.status()['hosts']}")


# --- when they come and go -----------------------------------------------------------------------------------------


@pytest.mark.sanitize
def test_hosts_come_and_go_with_their_sessions(runner, desk):
    runner.configure(for_users(runner), runner.host("own", "echo"))
    desk.start()
    desk.await_hosts("own")
    own = runner.pid("own")
    desk.log_on("c1", ANN)
    first = desk.await_hosts("own", "agent@1")["agent@1"]
    # A second session of the same user is one more.
    desk.log_on("c2", ANN)
    hosts = desk.await_hosts("own", "agent@1", "agent@2")
    assert hosts["agent@1"]["pid"] == first["pid"]
    desk.log_off("c1")
    hosts = desk.await_hosts("own", "agent@2")
    eventually(lambda: not is_alive(first["pid"]), runner.patience, "the host of the session has ended")
    assert "ended: exit code 0" in runner.log()
    # The same name is another session, and no number comes again.
    desk.log_on("c1", ANN)
    desk.await_hosts("own", "agent@2", "agent@3")
    desk.log_on("c2", ANN, state="closing", active=0)
    desk.await_hosts("own", "agent@3")
    assert [session["number"] for session in runner.status()["sessions"]] == [3]
    assert runner.pid("own") == own
    assert "session 1 has ended: c1 of ann" in runner.log()


@pytest.mark.sanitize
def test_lock_switch_and_disconnect_change_nothing(runner, desk):
    runner.configure(for_users(runner))
    desk.log_on("c1", ANN)
    desk.start()
    before = desk.await_hosts("agent@1")["agent@1"]
    for state, active in (("active", 1), ("online", 0), ("active", 1), ("online", 0)):
        desk.log_on("c1", ANN, state=state, active=active)
    # What comes last is noticed, and so was all before.
    desk.log_on("mark", BOB)
    after = desk.await_hosts("agent@1", "agent@2")["agent@1"]
    assert (after["pid"], after["restarts"]) == (before["pid"], 0)


def test_user_interfaces_only_where_there_is_a_screen(runner, desk):
    runner.configure(for_users(runner), for_users(runner, "panel", Ui=True))
    desk.log_on("c1", ANN, type="x11", seat="seat0")
    desk.start()
    desk.await_hosts("agent@1", "panel@1")
    desk.log_on("c2", BOB, type="tty")
    desk.await_hosts("agent@1", "panel@1", "agent@2")
    desk.log_on("c3", BOB, type="wayland", seat="seat0")
    desk.await_hosts("agent@1", "panel@1", "agent@2", "agent@3", "panel@3")
    desk.log_on("c4", 120, type="x11", session_class="greeter")
    desk.log_on("c5", BOB, session_class="manager")
    desk.log_off("c3")
    desk.await_hosts("agent@1", "panel@1", "agent@2")


@pytest.mark.sanitize
def test_without_logind_it_says_so_and_goes_on(runner, desk):
    runner.configure(for_users(runner), runner.host("own", "echo"))
    desk.remove_logind()
    desk.start()
    desk.await_hosts("own")
    why = eventually(lambda: runner.status()["sessions_unknown"], runner.patience, "it says why")
    runner.await_log("no sessions known: there is no /run/systemd/sessions")
    assert "systemd-logind does not run" in why
    assert "no sessions known: there is no" in runner.umh("status").stdout.decode()
    desk.make_logind()
    desk.log_on("c1", ANN)
    before = desk.await_hosts("own", "agent@1")["agent@1"]
    assert runner.status()["sessions_unknown"] is None
    # Those that were known stay while nobody tells of them.
    desk.remove_logind()
    eventually(lambda: runner.status()["sessions_unknown"], runner.patience, "it is noticed")
    after = desk.await_hosts("own", "agent@1")["agent@1"]
    assert after["pid"] == before["pid"]
    desk.make_logind()
    desk.log_on("c1", ANN)
    desk.log_on("c2", BOB)
    assert desk.await_hosts("own", "agent@1", "agent@2")["agent@1"]["pid"] == before["pid"]


@pytest.mark.limit(120)
def test_flapping_touches_nobody_else(runner, desk):
    runner.configure(for_users(runner), runner.host("own", "echo"))
    desk.log_on("steady", BOB)
    desk.start()
    before = desk.await_hosts("own", "agent@1")
    for number in range(100):
        desk.log_on("flaps", ANN, leader=number + 1)
        desk.log_off("flaps")
    desk.log_on("last", ANN)
    status = eventually(lambda: [session["id"] for session in runner.status()["sessions"]] == ["steady", "last"] and
                        runner.status(), 4 * runner.patience, lambda: f"two are left: {runner.status()['sessions']}")
    last = status["sessions"][1]["number"]
    after = desk.await_hosts("own", "agent@1", f"agent@{last}")
    for name in ("own", "agent@1"):
        assert after[name]["pid"] == before[name]["pid"]
        assert after[name]["restarts"] == 0


def test_a_user_has_all_groups(runner, desk):
    """More than one argument of a program has room for."""
    many = range(100000, 109000)
    (runner.folder / "group").write_text(GROUP + "".join(f"g{number}:x:{number}:ann\n" for number in many))
    runner.configure(for_users(runner))
    desk.log_on("c1", ANN)
    desk.start()
    hosts = desk.await_hosts("agent@1")
    status = pathlib.Path(f"/proc/{hosts['agent@1']['pid']}/status").read_text()
    groups = next(line for line in status.splitlines() if line.startswith("Groups:")).split()[1:]
    assert sorted(map(int, groups)) == sorted([ANN, 3001, 3002, *many])


def test_a_user_that_nobody_knows_is_told(runner, desk):
    runner.configure(for_users(runner))
    desk.log_on("c1", 4242)
    desk.log_on("c2", ANN)
    desk.start()
    desk.await_hosts("agent@1")
    runner.await_log("session c1 is of user 4242, whom this system does not know")


def test_nothing_is_left_when_the_broker_is_killed(runner, desk):
    runner.configure(for_users(runner))
    desk.log_on("c1", ANN)
    desk.log_on("c2", BOB)
    desk.start()
    hosts = desk.await_hosts("agent@1", "agent@2")
    runner.kill_broker()
    eventually(lambda: not any(is_alive(host["pid"]) for host in hosts.values()), 2, "they end with their broker")


def test_a_host_that_dies_is_started_again_in_its_session(runner, desk):
    runner.configure(for_users(runner))
    desk.log_on("c1", ANN)
    desk.start()
    before = desk.await_hosts("agent@1")["agent@1"]
    os.kill(before["pid"], signal.SIGKILL)
    after = runner.await_host("agent@1", lambda host: host["restarts"] == 1 and host["state"] == "running")
    assert pathlib.Path(f"/proc/{after['pid']}").stat().st_uid == ANN


def test_in_the_foreground_there_is_one_session(runner, desk):
    runner.configure(for_users(runner))
    desk.log_on("c1", ANN)
    runner.start()
    status = runner.status()
    assert [host["name"] for host in status["hosts"]] == ["agent"]
    assert status["sessions"] == [] and status["sessions_unknown"] is None


# --- whom they may send to -------------------------------------------------------------------------------------------


@pytest.mark.sanitize
def test_sessions_are_closed_to_each_other(runner, desk):
    runner.configure(for_users(runner), runner.host("own", resident(runner)))
    desk.log_on("c1", ANN)
    desk.start()
    desk.await_hosts("own", "agent@1")
    desk.log_on("c2", BOB)
    desk.await_hosts("own", "agent@1", "agent@2")
    talk = runner.talk(ASKED, ANSWERED)
    ok, not_allowed = 0, 4

    def send(host, session):
        return talk.ask(f"{host} send {session}", lambda answer: answer["host"] == host and "result" in answer)["result"]

    def next_arrival():
        return talk.listener.next_json(where=lambda answer: "from" in answer)

    # The broker's own session and each user's, both ways, and within one.
    talk.tell("own send 1")
    assert next_arrival() == {"host": "agent@1", "from": 0, "number": runner.find_host("own")["number"]}
    talk.tell("agent@1 send 0")
    assert next_arrival()["from"] == 1
    talk.tell("agent@2 send 2")
    assert next_arrival() == {"host": "agent@2", "from": 2, "number": runner.find_host("agent@2")["number"]}

    # Not from one user to another: told at once, counted, logged.
    published = runner.find_module("agent@1", "resident")["published"]
    for count in range(1, 6):
        assert send("agent@1", 2) == not_allowed
    assert send("agent@1", 77) == not_allowed
    assert runner.find_host("agent@1")["refused"] == 6
    assert runner.find_host("agent@2")["refused"] == runner.find_host("own")["refused"] == 0
    assert runner.find_module("agent@1", "resident")["published"] == published + 6  # its answers
    runner.await_log("to session 2 is refused: session 1 may not reach it (4 so far in this process)")
    assert "(5 so far" not in runner.log()
    assert "refused: 6 messages to other users' sessions" in runner.umh("status").stdout.decode()

    # To every session is to those that may be reached.
    talk.tell("agent@1 send 4294967295")
    awaited = {("agent@1", "result"), ("agent@1", "from"), ("own", "from")}  # in any order
    while awaited:
        answer = talk.listener.next_json()
        assert answer.get("result", ok) == ok
        awaited -= {(answer["host"], kind) for kind in answer}
    talk.tell("own send 4294967295")
    assert {next_arrival()["host"] for _ in range(3)} == {"own", "agent@1", "agent@2"}

    # The count outlives the process.
    os.kill(runner.pid("agent@1"), signal.SIGKILL)
    assert runner.await_host("agent@1", lambda host: host["restarts"] == 1 and host["state"] == "running")["refused"] == 6


def test_the_broker_does_not_rely_on_hosts_to_refuse(tmp_place, runner, desk):
    tmp_place.chmod(0o755)  # users run the program in it
    runner.dist = private_installation(runner.tree, tmp_place)
    listened = resident(runner)
    listened["Config"]["Passed"] = 400
    runner.configure({"GroupName": "agent", "Session": "AllUsers", "Modules": [listened]},
                     runner.host("hostile-others", "printing", Session="AllUsers", Restart={"FirstDelayMs": 300000}))
    desk.log_on("c1", ANN)
    desk.start()
    desk.await_hosts("agent@1", "hostile-others@1")
    desk.log_on("c2", BOB)
    runner.await_running("agent@2")
    listener = runner.listen(ANSWERED)
    # Once more, now that there is a second session.
    runner.kill("hostile-others@1")
    runner.await_host("hostile-others@1", lambda host: host["state"] == "absent")
    runner.umh("reset", "hostile-others@1")
    assert listener.next_json(where=lambda answer: answer.get("from") == 1)["host"] == "agent@1"
    host = runner.await_host("hostile-others@1", lambda host: host["refused"] >= 6)
    assert host["state"] == "running" and host["restarts"] == 1
    assert "to session 2 is refused: session 1 may not reach it" in runner.log()
    assert not any('"agent@2","from":1' in text for text in listener.texts)
