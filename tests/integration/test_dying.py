# SPDX-License-Identifier: MIT
"""What is left when the broker, a host or its first process ends, by whatever means: nothing. And what happens when
nothing can be started for a while."""

import contextlib
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import time

import pytest

from runner import eventually, is_alive

ECHO_ASKED, ECHO_ANSWERED, CRASH_ASKED = 1, 2, 7
MARK = "UMH_TEST_MARK"
PROMISED_SECONDS = 0.1
AT_ONCE = {"FirstDelayMs": 0, "MaxDelayMs": 0}
PATIENT = {"FirstDelayMs": 50, "Factor": 1, "MaxDelayMs": 50, "Jitter": 0}
# The promise is about us: who is killed needs a processor to end on, and others may have them all.
BEFORE_OTHERS = ["nice", "-n", "-15"] if os.geteuid() == 0 else []


def marked(runner):
    """The processes that have the mark in their environment: whoever descends from the broker, and it itself."""
    wanted = f"{MARK}={runner.instance}\0".encode()
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes() and is_alive(folder.name):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def describe(pids):
    for pid in pids:
        with contextlib.suppress(OSError):
            yield pid, pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()[:100]


def parent_of(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def is_killed(pid):
    """No further instruction of it will run: it waits for a processor to end on, or has ended."""
    with contextlib.suppress(OSError):
        status = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
        pending = [int(line.split()[1], 16) for line in status if line.startswith(("SigPnd", "ShdPnd"))]
        return any(mask & 1 << (signal.SIGKILL - 1) for mask in pending)
    return True


def expect_nothing(runner, since):
    """At that moment nothing of it is alive, as promised."""
    left = since + PROMISED_SECONDS * runner.tree.slowness - time.monotonic()
    time.sleep(max(0, left))  # the promise is about this moment
    assert not list(describe(pid for pid in marked(runner) if not is_killed(pid) and is_alive(pid)))
    eventually(lambda: not marked(runner), runner.patience, "who was killed has ended")


@pytest.fixture
def system(runner):
    """A system of marked processes; what is left of it in the end is killed."""
    runner.prefix = BEFORE_OTHERS
    runner.marked_host = lambda name, *modules, **keys: runner.host(
        name, *modules, **{**keys, "Environment": {MARK: runner.instance}})
    runner.begin = lambda *arguments, **keys: runner.start(
        *arguments, environment={MARK: runner.instance, **keys.pop("environment", {})}, **keys)
    yield runner
    if runner.broker is not None and runner.broker.poll() is None:
        with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
            runner.stop()
    for pid in marked(runner):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def contained(system):
    """One in which each host has a namespace."""
    if os.geteuid() != 0:
        pytest.skip("namespaces need root")
    yield system


def family(runner, name="family", **config):
    return runner.module(name, "family", **config)


def await_family(runner, name):
    """The host has a child and an orphan; returns its init, and all that are in its namespace."""
    def look():
        program = runner.pid(name)
        parents = {}
        with contextlib.suppress(OSError):
            init = parent_of(program)
            inside = os.readlink(f"/proc/{program}/ns/pid")
            for pid in marked(runner):
                if os.readlink(f"/proc/{pid}/ns/pid") == inside:
                    parents[pid] = parent_of(pid)
            if sorted(parents.values()) == sorted([parents.get(init, 0), init, init, program]):
                return init, sorted(parents)
        return None

    return eventually(look, runner.patience, f"{name} has its family")


# --- the broker ends ---------------------------------------------------------------------------------

def kill_brokers(runner, count, storm, seconds):
    """At random moments: hosts start, run, and end at once to be started again, each with a family."""
    runner.configure(runner.marked_host("steady", "echo", family(runner)),
                     runner.marked_host("storm", family(runner, Storm=storm)),
                     *(runner.marked_host(f"again{i}", family(runner, Leave=1), Restart=AT_ONCE) for i in range(3)))
    for _ in range(count):
        runner.begin(wait=False)
        with contextlib.suppress(subprocess.TimeoutExpired):
            runner.broker.wait(random.uniform(0, seconds))
        runner.broker.kill()
        runner.broker.wait()
        expect_nothing(runner, time.monotonic())


@pytest.mark.limit(120)
def test_nothing_outlives_a_killed_broker(contained):
    kill_brokers(contained, 50, 1, 0.25)


@pytest.mark.soak
@pytest.mark.limit(900)
def test_nothing_outlives_many_killed_brokers(contained):
    kill_brokers(contained, 200, 2, 1.0)


@pytest.mark.sanitize
@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS])
def test_nothing_outlives_a_broker_that_crashed(contained, signal_number):
    if contained.tree.sanitizer and signal_number != signal.SIGKILL:
        pytest.skip("a sanitizer reports it")
    contained.configure(*(contained.marked_host(f"host{i}", "echo", family(contained)) for i in range(4)))
    contained.begin()
    for number in range(4):
        await_family(contained, f"host{number}")
    assert len(marked(contained)) == 17
    contained.broker.send_signal(signal_number)
    contained.broker.wait()
    assert contained.broker.returncode == -signal_number
    expect_nothing(contained, time.monotonic())


def test_a_stopped_broker_that_is_killed_takes_all_along(contained):
    contained.configure(contained.marked_host("one", family(contained)))
    contained.begin()
    await_family(contained, "one")
    contained.broker.send_signal(signal.SIGSTOP)
    contained.broker.kill()
    contained.broker.wait()
    expect_nothing(contained, time.monotonic())


# --- a host ends -------------------------------------------------------------------------------------

@pytest.mark.sanitize
@pytest.mark.parametrize("whom", ["program", "init"])
def test_a_family_ends_with_its_host(contained, whom):
    contained.configure(contained.marked_host("one", "echo", family(contained), Restart=AT_ONCE),
                        contained.marked_host("two", "printing", family(contained)))
    contained.begin()
    assert contained.status()["broker"]["containment"] == "namespace"
    init, before = await_family(contained, "one")
    untouched = await_family(contained, "two")
    program = contained.pid("one")
    assert program != init and {program, init} < set(before)
    os.kill(init if whom == "init" else program, signal.SIGKILL)
    host = contained.await_host("one", lambda host: host["restarts"] == 1 and host["state"] == "running")
    assert not [pid for pid in before if is_alive(pid)]
    death = host["deaths"][0]
    assert (death["kind"], death["signal"], death["exit_code"]) == ("signal", 9, None)
    assert death["text"].startswith("signal 9 (Killed)")
    assert host["pid"] not in before
    assert contained.exchange(ECHO_ASKED, ECHO_ANSWERED, "back") == "back"
    assert await_family(contained, "two") == untouched


@pytest.mark.sanitize
def test_the_way_a_host_ended_is_told_through_its_init(contained):
    contained.configure(contained.marked_host("one", "crash", Restart=AT_ONCE))
    contained.begin()
    for restarts, (text, kind) in enumerate((("now", "signal"), ("leave", "exit")), 1):
        contained.send(CRASH_ASKED, text)
        host = contained.await_host("one", lambda host: host["restarts"] == restarts and host["state"] == "running")
        death = host["deaths"][0]
        assert death["kind"] == kind
        assert (death["signal"], death["exit_code"]) == ((6, None) if kind == "signal" else (None, 0))


def test_each_host_sees_itself_alone(contained):
    contained.configure(contained.marked_host("one", "echo"), contained.marked_host("two", "printing"))
    contained.begin()
    pids = [contained.pid(name) for name in ("one", "two")]
    spaces = [os.readlink(f"/proc/{pid}/ns/pid") for pid in (*pids, contained.broker.pid)]
    assert len(set(spaces)) == 3
    for pid in pids:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        assert next(line for line in status.splitlines() if line.startswith("NSpid")).split()[1:] == [str(pid), "2"]
        seen = [name for name in os.listdir(f"/proc/{pid}/root/proc") if name.isdigit()]
        assert sorted(seen) == ["1", "2"]
        # What is open in the first process is its own, and nothing of the program's.
        init = parent_of(pid)
        assert len(os.listdir(f"/proc/{init}/fd")) <= 2


@pytest.mark.sanitize
def test_stops_a_storm_in_order(contained):
    contained.configure(contained.marked_host("storm", "echo", family(contained, Storm=2)),
                        contained.marked_host("other", "printing"))
    contained.begin()
    contained.await_host("storm", lambda host: host["state"] == "running")
    assert contained.stop() == 0
    expect_nothing(contained, time.monotonic())
    assert "killed" not in contained.log()


@pytest.mark.parametrize("hard", [False, True])
def test_a_host_that_will_not_stop_ends_with_all_it_has(contained, hard):
    contained.configure(contained.marked_host("one", family(contained, Stay=1),
                                              Timeouts={"StopMs": 60000 if hard else 200}))
    contained.begin()
    await_family(contained, "one")
    contained.broker.send_signal(signal.SIGTERM)
    contained.await_log("stopping")
    if hard:
        contained.broker.send_signal(signal.SIGTERM)
    assert contained.broker.wait(contained.patience) == 0
    expect_nothing(contained, time.monotonic())


# --- without privileges ------------------------------------------------------------------------------

@pytest.fixture
def unprivileged(system):
    """A broker of a user whom nobody else is, so that a limit on processes counts its own."""
    if os.geteuid() != 0:
        pytest.skip("to become somebody else takes root")
    uid = 61000 + os.getpid() % 4000
    home = system.folder / "home"
    home.mkdir(mode=0o700)
    for path in (system.folder, home):
        os.chown(path, uid, uid)
    system.prefix = [*BEFORE_OTHERS, "setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups",
                     "env", f"HOME={home}", f"XDG_RUNTIME_DIR={home}", f"XDG_CACHE_HOME={home}/cache"]
    return system


@pytest.mark.sanitize
def test_an_unprivileged_broker_says_what_it_cannot(unprivileged):
    unprivileged.configure(*(unprivileged.marked_host(f"host{i}", "echo") for i in range(4)))
    unprivileged.begin()
    assert unprivileged.status()["broker"]["containment"] == "group"
    lines = [line for line in unprivileged.log().splitlines() if "outlive" in line]
    assert len(lines) == 1
    assert "not privileged: what a host starts may outlive a killed broker; the hosts themselves do not" in lines[0]
    pids = [host["pid"] for host in unprivileged.status()["hosts"]]
    assert set(pids) < set(marked(unprivileged))
    unprivileged.broker.kill()
    unprivileged.broker.wait()
    expect_nothing(unprivileged, time.monotonic())


def test_an_unprivileged_broker_that_lives_ends_families_too(unprivileged):
    unprivileged.configure(unprivileged.marked_host("one", "echo"),
                           unprivileged.marked_host("two", family(unprivileged)))
    unprivileged.begin()
    pid = unprivileged.pid("two")

    def group():
        return [one for one in marked(unprivileged) if os.getpgid(one) == pid]

    eventually(lambda: len(group()) == 2, unprivileged.patience, "the host has a child in its group")
    unprivileged.kill("two")
    unprivileged.await_host("two", lambda host: host["restarts"] == 1 and host["state"] == "running")
    assert not group()


def test_a_privileged_broker_does_not_complain(contained):
    contained.configure(contained.marked_host("one", "echo"))
    contained.begin()
    assert "outlive" not in contained.log()


# --- nothing can be started --------------------------------------------------------------------------

def await_refusal(runner, *words):
    """The host `one` was not started again, was tried again and again, and it is said why."""
    host = runner.await_host("one", lambda host: host["restarts"] >= 3 and host["deaths"][0]["kind"] == "start")
    death = host["deaths"][0]
    assert (death["signal"], death["exit_code"]) == (None, None)
    assert any(word in death["text"] for word in words), death
    assert "starts again in 50 ms" in runner.log()


def expect_recovery(runner, neighbour):
    runner.await_host("one", lambda host: host["state"] == "running" and host["pid"])
    assert runner.pid("two") == neighbour
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "undisturbed") == "undisturbed"


def two_hosts(runner):
    runner.configure(runner.marked_host("one", "printing", Restart=PATIENT), runner.marked_host("two", "echo"))
    runner.begin()
    return runner.pid("two")


@pytest.mark.sanitize
@pytest.mark.parametrize("program", ["umh-host64", "umh-init"])
def test_a_program_file_that_vanishes(contained, program):
    dist = contained.folder / "dist"
    for part in ("bin", "libexec/umh"):
        shutil.copytree(contained.tree.dist / part, dist / part)
    for part in ("lib", "share"):
        if (contained.tree.dist / part).exists():
            os.symlink(contained.tree.dist / part, dist / part)
    contained.dist = dist
    neighbour = two_hosts(contained)
    file = dist / "libexec" / "umh" / program
    file.rename(dist / program)
    contained.kill("one")
    await_refusal(contained, f"{program}': No such file or directory")
    assert contained.exchange(ECHO_ASKED, ECHO_ANSWERED, "meanwhile") == "meanwhile"
    (dist / program).rename(file)
    expect_recovery(contained, neighbour)


def test_no_more_processes(unprivileged):
    neighbour = two_hosts(unprivileged)

    hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]

    def allow(count):
        subprocess.run([*unprivileged.prefix, "prlimit", "--pid", str(unprivileged.broker.pid), f"--nproc={count}:"],
                       check=True)

    allow(1)
    unprivileged.kill("one")
    await_refusal(unprivileged, "Resource temporarily unavailable")
    assert unprivileged.exchange(ECHO_ASKED, ECHO_ANSWERED, "meanwhile") == "meanwhile"
    allow("unlimited" if hard == resource.RLIM_INFINITY else hard)
    expect_recovery(unprivileged, neighbour)


@contextlib.contextmanager
def limited(runner, what, soft):
    """The broker has that soft limit meanwhile."""
    before = resource.prlimit(runner.broker.pid, what)
    resource.prlimit(runner.broker.pid, what, (soft, before[1]))
    yield
    resource.prlimit(runner.broker.pid, what, before)


@pytest.mark.sanitize
def test_no_more_descriptors(contained):
    neighbour = two_hosts(contained)
    pid = contained.pid("one")
    # Not even `umh status` gets one: only the log can say it.
    with limited(contained, resource.RLIMIT_NOFILE, 3):
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: contained.log().count("Too many open files") >= 3, contained.patience,
                   "it is said three times")
    expect_recovery(contained, neighbour)
    death = contained.find_host("one")["deaths"][0]
    assert death["kind"] == "start" and "Too many open files" in death["text"]


def test_no_more_memory(contained):
    if contained.tree.sanitizer:
        pytest.skip("a sanitizer has reserved more memory than there is")
    neighbour = two_hosts(contained)
    status = pathlib.Path(f"/proc/{contained.broker.pid}/status").read_text()
    size = int(next(line for line in status.splitlines() if line.startswith("VmSize")).split()[1]) * 1024
    with limited(contained, resource.RLIMIT_AS, size):
        contained.kill("one")
        await_refusal(contained, "Cannot allocate memory")
    expect_recovery(contained, neighbour)
