# SPDX-License-Identifier: MIT
"""The `umh` command: what each subcommand does, says and ends with."""

import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import time
import uuid

import pytest

from runner import eventually, is_alive, memory_of, service

ECHO_ASKED, ECHO_ANSWERED, CRASH_ASKED = 1, 2, 7
RUNNING = ("plan", "status", "load", "unload", "reload", "send", "listen", "stop")
ALL = ("run", "new", "try", "check", "version", "help") + RUNNING


@pytest.fixture
def echo(runner):
    runner.configure(runner.host("one", "echo"), runner.host("two", "printing"),
                     Services={"asked": service(ECHO_ASKED), "answered": service(ECHO_ANSWERED)})
    runner.start()
    return runner


def one_line(done):
    """What a failure says: one line that begins with the program's name."""
    text = done.stderr.decode()
    assert text.startswith("umh: ") and text.count("\n") == 1 and text.endswith("\n"), text
    return text


def test_says_its_version_and_helps(runner):
    assert runner.umh("version").stdout.split()[-1].count(b".") == 2
    helped = runner.umh("help").stdout.decode()
    for name in ALL:
        assert name in helped
        for arguments in (("help", name), (name, "--help")):
            done = runner.umh(*arguments)
            assert name in done.stdout.decode() and not done.stderr


def test_explains_wrong_usage(runner):
    for arguments in ((), ("statsu",), ("status", "--jsno"), ("send",), ("load", "one"), ("run",), ("check",),
                      ("listen", "--count", "many"), ("listen", "--count"), ("send", "x", "y", "z"),
                      ("send", "x", "y", "--session", "minus one"), ("listen", "--timeout", "soon"), ("try", "a", "b"),
                      ("stop", "now")):
        done = runner.umh(*arguments, code=2)
        assert done.stderr and not done.stdout, arguments
    assert b"status" in runner.umh("statsu", code=2).stderr
    assert b"umh --instance NAME status" in runner.umh("status", "--instance", "x", code=2).stderr


def test_says_that_no_broker_runs(runner):
    for arguments in (("status",), ("plan",), ("load", "one", "echo"), ("unload", "one", "echo"),
                      ("reload", "one", "echo"), ("send", service(1), "text"), ("listen",), ("stop",)):
        text = one_line(runner.umh(*arguments, code=1))
        assert "no broker" in text or "not running" in text, text


def test_shows_the_status_to_people(echo):
    text = echo.umh("status").stdout.decode()
    for word in ("one", "two", "echo", "printing", "running", str(echo.pid("one"))):
        assert word in text


@pytest.mark.sanitize
def test_shows_the_status_to_programs(echo):
    status = json.loads(echo.umh("status", "--json").stdout)
    assert status["broker"]["instance"] == echo.instance and status["broker"]["pid"] == echo.broker.pid
    for host in status["hosts"]:
        assert {"name", "pid", "state", "restarts", "modules"} <= set(host)


@pytest.mark.sanitize
def test_sends_and_listens(echo):
    listener = echo.listen("answered", arguments=("--count", "3", "--timeout", "20"))
    for text in ("one", "zwei", "三"):
        echo.umh("send", "asked", text)
    assert [listener.next()["text"] for _ in range(3)] == ["one", "zwei", "三"]
    assert listener.process.wait(echo.patience) == 0


def test_listens_for_people(echo):
    process = subprocess.Popen(echo.command("listen", "answered", "--count", "1"), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    assert process.stderr.readline() == b"listening\n"
    echo.umh("send", "asked", "for people")
    out, err = process.communicate(timeout=echo.patience)
    assert process.returncode == 0 and out.count(b"\n") == 1 and not err
    assert b"answered" in out and b"one/" in out and b"for people" in out


def test_sends_what_stdin_has(echo):
    listener = echo.listen("answered")
    raw = b"\tline 1\nline 2\0 after NUL\n"
    echo.umh("send", "asked", "-", input=raw)
    assert listener.next()["text"].encode() == raw
    echo.umh("send", "asked", input=b"without a dash")
    assert listener.next()["text"] == "without a dash"
    echo.umh("send", service(ECHO_ASKED).upper(), "{}")
    assert listener.next()["text"] == "{}"


def test_refuses_what_cannot_be_sent(echo):
    assert "asked" in one_line(echo.umh("send", "askd", "x", code=1))
    one_line(echo.umh("send", "Broker", "x", code=1))
    one_line(echo.umh("send", "All", "x", code=1))
    one_line(echo.umh("send", "asked", "-", input=b"\xff", code=1))


def test_ends_when_too_few_messages_come(echo):
    done = echo.umh("listen", "answered", "--count", "2", "--timeout", "0.2", code=1)
    assert done.stderr.startswith(b"listening\n")


def test_listens_for_a_time(echo):
    done = echo.umh("listen", "answered", "--timeout", "0.2", "--json")
    assert done.stdout == b"" and done.stderr == b"listening\n"


def test_a_listener_ends_with_its_broker(echo):
    listener = echo.listen("answered")
    assert echo.stop() == 0
    assert listener.process.wait(echo.patience) == 1


def test_plans_what_it_would_do(echo):
    assert echo.umh("plan", echo.config).stdout == b"nothing to do\n"
    assert echo.umh("plan").stdout == b"nothing to do\n"
    echo.umh("stop")
    text = echo.umh("plan", echo.config).stdout.decode()
    assert "one" in text and "two" in text


def test_checks_a_file(tree, runner):
    runner.configure(runner.host("one", "echo"))
    assert runner.umh("check", runner.config).stdout
    runner.config.write_text('{\n "ChildProcesses": [\n  {"GroupName": "one", "Modles": []},\n'
                             '  {"GroupName": "two", "Modules": ["nowhere"]}\n ]\n}\n')
    text = runner.umh("check", runner.config, code=1).stderr.decode()
    assert f"{runner.config}:3:" in text and "Modles" in text and "Modules" in text
    assert f"{runner.config}:4:36: " in text and "nowhere" in text
    runner.config.write_text('{"ChildProcesses": [\n {"GroupName": "one",\n  "Modules": [{"Name": "echo", "Path": "'
                             f'{tree.file("echo")}"' '},\n   {"Name": "gone",\n    "Path": "/nowhere/gone.so"}]}]}\n')
    assert f"{runner.config}:4:4: " in runner.umh("check", runner.config, code=1).stderr.decode()
    runner.config.write_text("{ // a comment\n \"ChildProcesses\": [ }")
    assert f"{runner.config}:2:" in runner.umh("check", runner.config, code=1).stderr.decode()
    runner.umh("check", "/nowhere/broker.json", code=1)


def test_stops_the_broker(echo):
    pids = [host["pid"] for host in echo.status()["hosts"]]
    echo.umh("stop")
    assert echo.broker.wait(echo.patience) == 0
    assert not any(is_alive(pid) for pid in pids)
    one_line(echo.umh("status", code=1))


@pytest.mark.sanitize
def test_tries_a_module(tree, runner):
    done = runner.umh("try", tree.file("echo"), input=f"{service(ECHO_ASKED)} hello there\n".encode())
    assert done.stdout.decode().split("\n")[0].endswith("hello there")
    assert service(ECHO_ANSWERED) in done.stdout.decode()


def test_says_that_nobody_has_subscribed(tree, runner, echo):
    warning = "umh: warning: nobody has subscribed to "
    assert echo.umh("send", "asked", "heard").stderr == b""
    assert echo.umh("send", service(99), "lost").stderr.decode() == f"{warning}{service(99)}\n"
    nobody = echo.umh("send", "asked", "lost", "--session", "4711").stderr
    assert nobody == b"umh: warning: nobody in session 4711 has subscribed to asked\n"
    lines = "".join(f"{service(number)} text\n" for number in (ECHO_ASKED, 99, 99, ECHO_ASKED))
    done = runner.umh("try", tree.file("echo"), input=lines.encode())
    assert done.stderr.decode() == f"{warning}{service(99)}\n" and done.stdout.count(b"text") == 2


def test_tries_what_was_built_here_with_the_names_of_its_services(tree, runner):
    runner.configure(Services={"asked": service(ECHO_ASKED), "answered": service(ECHO_ANSWERED)})
    (runner.folder / "build").mkdir()
    (runner.folder / "greeter").mkdir()  # one that has no module is not meant
    for name in ("greeter", "other"):
        shutil.copy(tree.file("echo"), runner.folder / "build" / f"{name}.so")
    done = runner.umh("try", "greeter", input=b"asked hello\n", cwd=runner.folder)
    assert done.stdout == b"answered hello\n" and done.stderr == b""
    assert b"greete" in runner.umh("try", "greete", input=b"", cwd=runner.folder, code=1).stderr
    runner.config.write_text("{ \n no JSON")
    done = runner.umh("try", "greeter", input=f"{service(ECHO_ASKED)} hello\n".encode(), cwd=runner.folder)
    assert b"hello" in done.stdout and b"broker.json:2:" in done.stderr


def test_tries_a_folder(tree, runner):
    done = runner.umh("try", tree.file("echo").parent, input=f"{service(ECHO_ASKED)} hello\n".encode())
    assert b"hello" in done.stdout


def test_trying_what_is_no_module_fails(tree, runner):
    text = runner.umh("try", tree.file("wrong_init"), input=b"", code=1).stderr.decode()
    assert "init failed" in text
    runner.umh("try", "/nowhere/x.so", input=b"", code=1)


@pytest.mark.parametrize("text, reason", [("now", "signal 6"), ("leave", "exit code 0; was in crash.OnMessage")])
def test_trying_a_module_that_does_not_survive_fails(tree, runner, text, reason):
    done = runner.umh("try", tree.file("crash"), input=f"{service(CRASH_ASKED)} {text}\n".encode(), code=1)
    assert "the module did not survive: " + reason in done.stderr.decode()


@pytest.mark.parametrize("program, is_there", [("umh-host64", False), ("umh-init", False), ("umh-init", True)])
def test_trying_says_what_its_host_lacks(tree, runner, program, is_there):
    """A program of the installation is missing, or may not be executed."""
    dist = runner.folder / "dist"
    dist.mkdir()
    for folder in ("bin", "libexec"):
        shutil.copytree(tree.dist / folder, dist / folder)
    for folder in ("lib", "share"):
        (dist / folder).symlink_to(tree.dist / folder)
    culprit = dist / "libexec" / "umh" / program
    if is_there:
        culprit.chmod(0o644)
    else:
        culprit.unlink()
    began = time.monotonic()
    done = subprocess.run([dist / "bin" / "umh", "try", tree.file("echo")], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=runner.patience)
    if program == "umh-init" and done.returncode == 0:
        pytest.skip("no namespaces here, so no init is needed")
    assert done.returncode == 1 and program in done.stderr.decode().splitlines()[-1]
    assert "does not start" in done.stderr.decode() and time.monotonic() - began < runner.patience


def test_trying_leaves_nothing_behind(tree, runner):
    process = subprocess.Popen(runner.command("try", tree.file("echo")), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env={**os.environ, "TMPDIR": str(runner.folder)})
    process.stdin.write(f"{service(ECHO_ASKED)} hello\n".encode())
    process.stdin.flush()
    assert b"hello" in process.stdout.readline()
    children = eventually(lambda: subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)],
                                                 capture_output=True).stdout.split())
    process.send_signal(signal.SIGINT)
    process.wait(runner.patience)
    process.communicate()
    eventually(lambda: not any(is_alive(int(pid)) for pid in children), runner.patience, "its broker has ended")
    assert not [path for path in runner.folder.iterdir() if path.name.startswith("umh-")]


@pytest.mark.sanitize
def test_a_client_that_never_reads_is_let_go(echo):
    """What it asks for gathers up to 4 MiB, and costs nobody else anything."""
    text = json.dumps({"id": 1, "do": "status"}).encode()
    broker = uuid.UUID("92D627A3-6C62-4C5B-8477-484A34ED3B82").bytes
    frame = struct.pack("<IBBH16sIIHHI", len(text), 1, 1, 0, broker, 0, 0, 0xFFFF, 0xFFFF, 0) + text
    pid = echo.status()["broker"]["pid"]
    before = memory_of(pid)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(echo.control))
        connection.settimeout(echo.patience)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            for _ in range(1000):
                connection.sendall(frame * 100)
                assert memory_of(pid) < before + 32 * 1024 * 1024 * echo.tree.slowness
    echo.await_log("a control client was disconnected: it does not read: ")
    assert echo.status()["broker"]["pid"] == pid
    # Who reads may ask for as much as it likes.
    with socket.socket(socket.AF_UNIX) as connection, connection.makefile("rb") as answers:
        connection.connect(str(echo.control))
        connection.settimeout(echo.patience)
        for _ in range(100):
            connection.sendall(frame * 20)
            for _ in range(20):
                header = answers.read(40)
                assert b'"ok"' in answers.read(int.from_bytes(header[:4], "little"))


def test_a_broken_reader_is_no_crash(echo):
    done = subprocess.run(f"{' '.join(echo.command('status'))} | true", shell=True, capture_output=True)
    assert done.returncode == 0


def test_can_do_without_a_control_endpoint(runner):
    runner.configure(runner.host("one", "echo"), Control=False)
    runner.start(wait=False)
    runner.await_log("runs as process")
    runner.umh("status", code=1)
    runner.broker.send_signal(signal.SIGTERM)
    assert runner.broker.wait(runner.patience) == 0


def test_uses_the_folder_of_the_instance(runner):
    """Without --control the endpoint has its place, which only its owner can enter."""
    runner.configure(runner.host("one", "echo"))
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(runner.folder)}
    umh = [str(runner.dist / "bin" / "umh"), "--instance", runner.instance]
    with open(runner.log_path, "ab") as log:
        runner.broker = subprocess.Popen(umh + ["run", str(runner.config)], stdin=subprocess.DEVNULL, stderr=log,
                                         env=environment)

    def status():
        done = subprocess.run(umh + ["status", "--json"], capture_output=True, env=environment)
        return json.loads(done.stdout) if done.returncode == 0 else None

    control = eventually(status, runner.patience, "it answers")["broker"]["control"]
    folder = os.path.dirname(control)
    assert runner.instance in control and os.stat(folder).st_mode & 0o077 == 0
    assert subprocess.run(umh + ["stop"], env=environment).returncode == 0
    assert runner.broker.wait(runner.patience) == 0


def test_does_not_let_the_host_be_started_by_hand(tree):
    done = subprocess.run([tree.dist / "libexec" / "umh" / "umh-host64"], capture_output=True, stdin=subprocess.DEVNULL)
    assert done.returncode != 0
    assert b"umh try" in done.stderr and b"broker" in done.stderr


def test_reports_progress_when_clients_are_too_many(echo):
    listeners = []
    try:
        for _ in range(64):
            listeners.append(subprocess.Popen(echo.command("listen", "answered"), stdout=subprocess.DEVNULL,
                                              stderr=subprocess.PIPE))
        said = [listener.stderr.readline() for listener in listeners]
        assert said.count(b"listening\n") == 64
        one_line(echo.umh("status", code=1))
    finally:
        for listener in listeners:
            listener.kill()
            listener.wait()
            listener.stderr.close()
    eventually(lambda: echo.umh("status", code=None).returncode == 0, echo.patience, "there is room again")


def test_is_movable(tree, runner, make_runner):
    """The installed tree runs from another place."""
    elsewhere = runner.folder / "else where"
    shutil.copytree(tree.dist, elsewhere, symlinks=True)
    moved = make_runner(dist=elsewhere)
    moved.configure(moved.host("one", "echo"))
    moved.start()
    assert moved.exchange(ECHO_ASKED, ECHO_ANSWERED, "moved") == "moved"
    assert moved.stop() == 0
