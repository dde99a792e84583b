# SPDX-License-Identifier: MIT
"""Module files of every kind come, go and are replaced while the rest runs."""

import os
import pathlib
import shutil
import stat
import subprocess
import time

import pytest

from runner import eventually, has_mapped, is_alive, memory_of

ECHO_ASKED, ECHO_ANSWERED = 1, 2
STREAM, ASKED, RESULT, SOURCE_ASKED, SOURCE_RESULT = 100, 101, 102, 103, 104
TENANT_ASKED, TENANT_ANSWERED = 301, 302
ELF_CLASS, ELF_MACHINE = 4, 18
MIB = 1024 * 1024


def copy_of(tree, runner, name, to=None):
    path = runner.folder / (to or name) / f"{to or name}.so"
    path.parent.mkdir(exist_ok=True)
    shutil.copy(tree.file(name), path)
    return path


def patched(path, offset, raw):
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(raw)
    return path


# --- files of every wrong kind ---------------------------------------------------------------

def make_empty(tree, folder):
    path = folder / "wrong.so"
    path.touch()
    return path


def make_text(tree, folder):
    path = folder / "wrong.so"
    path.write_text("#!/bin/sh\nexit 0\n" * 100)
    return path


def make_cut(tree, folder):
    path = folder / "wrong.so"
    path.write_bytes(tree.file("echo").read_bytes()[:1000])
    return path


def make_32_bit(tree, folder):
    path = pathlib.Path(shutil.copy(tree.file("echo"), folder / "wrong.so"))
    return patched(path, ELF_CLASS, b"\x01")


def make_foreign_processor(tree, folder):
    path = pathlib.Path(shutil.copy(tree.file("echo"), folder / "wrong.so"))
    return patched(path, ELF_MACHINE, (243).to_bytes(2, "little"))


def make_program(tree, folder):
    return pathlib.Path(shutil.copy("/bin/true", folder / "wrong.so"))


def make_windows_library(tree, folder):
    path = folder / "wrong.dll"
    header = bytearray(1024)
    header[0:2] = b"MZ"
    header[0x3C:0x40] = (0x80).to_bytes(4, "little")
    header[0x80:0x84] = b"PE\0\0"
    header[0x84:0x86] = (0x8664).to_bytes(2, "little")
    header[0x94:0x96] = (240).to_bytes(2, "little")
    header[0x96:0x98] = (0x2022).to_bytes(2, "little")
    header[0x98:0x9A] = (0x20B).to_bytes(2, "little")
    header[0x98 + 108:0x98 + 112] = (16).to_bytes(4, "little")
    path.write_bytes(header)
    return path


def make_missing(tree, folder):
    return folder / "nowhere.so"


def make_folder(tree, folder):
    path = folder / "wrong.so"
    path.mkdir()
    return path


def make_loop(tree, folder):
    path = folder / "wrong.so"
    path.symlink_to(path)
    return path


def make_fifo(tree, folder):
    path = folder / "wrong.so"
    os.mkfifo(path)
    return path


def test_module(name):
    def make(tree, folder):
        return tree.file(name)

    make.__name__ = name
    return make


test_module.__test__ = False

WRONG = [
    (make_empty, ("neither", "cut off")),
    (make_text, ("neither",)),
    (make_cut, ("cut off",)),
    (make_32_bit, ("32-bit",)),
    (make_foreign_processor, ("processor",)),
    (make_program, ("program",)),
    (make_windows_library, ("another operating system", "neither", "cut off")),
    (make_missing, ("no such file",)),
    (make_folder, ("folder",)),
    (make_loop, ("no such file", "no regular file", "symbolic links")),
    (make_fifo, ("no regular file",)),
    (test_module("unit_plain"), ("umh_module_entry",)),
    (test_module("unit_unresolved"), ("umh_test_exists_nowhere",)),
    (test_module("wrong_abi"), ("version",)),
    (test_module("wrong_null"), ("NULL",)),
    (test_module("wrong_size"), ("size",)),
    (test_module("wrong_tiny"), ("size",)),
    (test_module("wrong_no_init"), ("init",)),
    (test_module("wrong_init"), ("init failed",)),
    (test_module("wrong_start"), ("start failed",)),
    (test_module("wrong_services"), ("services",)),
    (test_module("wrong_flags"), ("flags",)),
    (test_module("wrong_ui"), ("event loop",)),
]


@pytest.mark.parametrize("make, words", WRONG, ids=[make.__name__.replace("make_", "") for make, _ in WRONG])
def test_reports_a_wrong_file_and_runs_the_rest(tree, runner, make, words):
    path = make(tree, runner.folder)
    runner.configure(runner.host("one", runner.module("wrong", path), "echo"))
    runner.start()
    module = runner.find_module("one", "wrong")
    assert module["state"] == "failed"
    assert any(word in module["why"] for word in words), module["why"]
    assert any(word in runner.log() for word in words)
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "the rest") == "the rest"
    assert runner.find_host("one")["restarts"] == 0


@pytest.mark.sanitize
def test_reports_every_wrong_file_of_one_host(tree, runner):
    natives = [make for make, _ in WRONG if make.__name__.startswith(("wrong_", "unit_"))]
    runner.configure(runner.host("one", *(runner.module(make.__name__, make(tree, runner.folder)) for make in natives),
                                 "echo"))
    runner.start()
    modules = {module["name"]: module for module in runner.find_host("one")["modules"]}
    assert modules.pop("echo")["state"] == "running"
    assert all(module["state"] == "failed" and module["why"] for module in modules.values())
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "the rest") == "the rest"


def test_finds_modules_by_name(tree, runner):
    for name, file in (("alpha", "alpha64.so"), ("beta", "beta.so")):
        folder = runner.folder / "modules" / name
        folder.mkdir(parents=True)
        shutil.copy(tree.file("echo"), folder / file)
    elsewhere = runner.folder / "elsewhere" / "gamma"
    elsewhere.mkdir(parents=True)
    shutil.copy(tree.file("printing"), elsewhere / "gamma.so")
    runner.configure({"GroupName": "one", "Modules": ["alpha", "beta", {"Name": "gamma"}]}, ModuleFolders=["elsewhere"])
    runner.start()
    assert [module["state"] for module in runner.find_host("one")["modules"]] == ["running"] * 3
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "found") == "found"


def test_suggests_the_name_that_was_meant(tree, runner):
    folder = runner.folder / "modules" / "sensors"
    folder.mkdir(parents=True)
    shutil.copy(tree.file("echo"), folder / "sensors.so")
    runner.configure({"GroupName": "one", "Modules": ["sensor"]})
    runner.start()
    assert "did you mean 'sensors'" in runner.find_module("one", "sensor")["why"]


# --- files that change ------------------------------------------------------------------------

@pytest.mark.sanitize
def test_a_file_is_rewritten_in_place_while_loaded(tree, runner):
    path = copy_of(tree, runner, "echo")
    runner.configure(runner.host("one", runner.module("echo", path)))
    runner.start()
    with open(path, "r+b") as file:
        file.write(b"\xcc" * path.stat().st_size)
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "unmoved") == "unmoved"
    pid = runner.kill("one")
    runner.await_host("one", lambda host: host["state"] == "running" and host["pid"] != pid)
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "the same copy") == "the same copy"


@pytest.mark.sanitize
def test_a_file_is_deleted_while_loaded(tree, runner):
    path = copy_of(tree, runner, "echo")
    runner.configure(runner.host("one", runner.module("echo", path), "printing"))
    runner.start()
    shutil.rmtree(path.parent)
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "unmoved") == "unmoved"
    pid = runner.kill("one")
    runner.await_host("one", lambda host: host["state"] == "running" and host["pid"] != pid)
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "the same copy") == "the same copy"
    done = runner.umh("reload", "one", "echo", code=1)
    assert b"no such file" in done.stderr
    assert runner.find_module("one", "printing")["state"] == "running"
    copy_of(tree, runner, "echo")
    runner.umh("reload", "one", "echo")
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "back") == "back"


def test_a_reload_takes_the_changed_file(tree, runner):
    path = copy_of(tree, runner, "printing", "changing")
    runner.configure(runner.host("one", runner.module("changing", path)))
    runner.start()
    pid = runner.pid("one")
    shutil.copy(tree.file("echo"), path)
    assert runner.umh("reload", "one", "changing").stdout.strip() == b"running"
    assert runner.pid("one") == pid
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "changed") == "changed"


def test_a_reload_with_a_wrong_file_goes_on_with_the_old_one(tree, runner):
    path = copy_of(tree, runner, "echo")
    runner.configure(runner.host("one", runner.module("echo", path), "printing"))
    runner.start()
    path.write_text("no library")
    done = runner.umh("reload", "one", "echo", code=1)
    assert done.stderr.count(b"\n") == 1 and b"neither" in done.stderr
    module = runner.find_module("one", "echo")
    assert module["state"] == "running" and "neither" in module["why"]
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "as before") == "as before"
    assert runner.find_host("one")["restarts"] == 0
    shutil.copy(tree.file("echo"), path)
    runner.umh("reload", "one", "echo")
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "mended") == "mended"


# --- load, unload, reload ---------------------------------------------------------------------

def test_loads_and_unloads_by_name_and_by_path(tree, runner):
    runner.configure(runner.host("one", "printing"))
    runner.start()
    pid = runner.pid("one")
    deep = runner.folder.joinpath(*["deep" * 50] * 8)  # 1,600 bytes
    deep.mkdir(parents=True)
    for file in (tree.file("echo"), shutil.copy(tree.file("echo"), deep)):
        runner.umh("load", "one", file)
        assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "loaded") == "loaded"
        assert has_mapped(pid, "echo.so")
        assert runner.umh("unload", "one", "echo").stdout.strip() == b"unloaded"
    assert not has_mapped(pid, "echo.so")
    assert runner.find_module("one", "echo") is None
    runner.umh("unload", "one", "printing")
    assert runner.find_host("one")["modules"] == []
    runner.umh("load", "one", "printing")
    assert runner.find_module("one", "printing")["state"] == "running"
    assert runner.pid("one") == pid


def test_refuses_what_is_not_there(runner):
    runner.configure(runner.host("one", "echo"))
    runner.start()
    for arguments in (("load", "two", "echo"), ("unload", "one", "missing"), ("reload", "one", "missing"),
                      ("load", "one", "/nowhere/at/all.so")):
        done = runner.umh(*arguments, code=1)
        assert done.stderr.count(b"\n") == 1 and done.stdout == b""
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "undisturbed") == "undisturbed"


def test_names_of_any_case_are_the_same(runner):
    runner.configure(runner.host("One", "echo", "printing"))
    runner.start()
    pid = runner.pid("One")
    assert runner.umh("reload", "one", "ECHO").stdout.strip() == b"running"
    assert runner.umh("unload", "ONE", "Echo").stdout.strip() == b"unloaded"
    assert runner.find_module("One", "echo") is None
    assert runner.umh("load", "one", "eCHO").stdout.strip() == b"running"
    assert b"has the module 'echo' already" in runner.umh("load", "one", "ECHO", code=1).stderr
    assert runner.umh("reset", "oNE").stdout == b"runs already\n"
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "the same") == "the same"
    assert [module["name"] for module in runner.find_host("One")["modules"]] == ["echo", "printing"]
    assert runner.pid("One") == pid


def test_says_which_module_was_meant(runner):
    runner.configure(runner.host("one", "echo", "printing"))
    runner.start()
    for command in ("reload", "unload"):
        assert b"host 'one' has no module 'ehco' (did you mean 'echo'?)" in runner.umh(command, "one", "ehco", code=1).stderr
        assert b"host 'one' has no module 'missing'\n" in runner.umh(command, "one", "missing", code=1).stderr
        assert b"there is no host 'onee' (did you mean 'one'?)" in runner.umh(command, "onee", "echo", code=1).stderr


def test_says_that_a_module_was_unloaded(runner):
    runner.configure(runner.host("one", "echo", "printing"))
    runner.start()
    assert runner.find_host("one")["unloaded"] == []
    runner.umh("unload", "one", "echo")
    for command in ("reload", "unload"):
        done = runner.umh(command, "one", "ECHO", code=1)
        assert b"module 'echo' of host 'one' was unloaded; umh load one echo brings it back" in done.stderr
    assert runner.find_host("one")["unloaded"] == ["echo"]
    assert "  unloaded: echo; umh load one echo brings it back\n" in runner.umh("status").stdout.decode()
    runner.umh("load", "one", "echo")
    assert runner.find_host("one")["unloaded"] == [] and b"unloaded" not in runner.umh("status").stdout
    runner.umh("unload", "one", "echo")
    runner.umh("apply", "--host", "ONE")
    runner.await_module("one", "echo", "running")
    assert runner.find_host("one")["unloaded"] == []


def test_unloads_a_module_that_failed(tree, runner):
    runner.configure(runner.host("one", "echo"))
    runner.start()
    runner.umh("load", "one", tree.file("wrong_init"), code=1)
    assert runner.find_module("one", "wrong_init")["state"] == "failed"
    assert runner.umh("unload", "one", "wrong_init").stdout.strip() == b"unloaded"
    assert runner.find_module("one", "wrong_init") is None
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "undisturbed") == "undisturbed"


@pytest.mark.limit(60)
def test_unloads_two_hundred_times_with_proof_and_flat_memory(tree, runner):
    runner.configure(runner.host("one", "echo", "printing"))
    runner.start()
    pid = runner.pid("one")
    before = None
    for turn in range(200):
        assert runner.umh("unload", "one", "echo").stdout.strip() == b"unloaded"
        assert not has_mapped(pid, "echo.so")
        runner.umh("load", "one", "echo")
        assert runner.umh("reload", "one", "echo").stdout.strip() == b"running"
        if turn == 40:
            before = memory_of(pid), memory_of(runner.broker.pid)
    assert runner.pid("one") == pid
    assert runner.find_module("one", "echo")["loaded"] >= 1
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "after all") == "after all"
    if not tree.sanitizer:  # which keeps what was freed for a while
        assert memory_of(pid) < before[0] + MIB
        assert memory_of(runner.broker.pid) < before[1] + MIB
    copies = list(pathlib.Path(f"/var/lib/umh/{runner.instance}/modules").glob("*")) if os.geteuid() == 0 else []
    assert len(copies) <= 3


@pytest.mark.sanitize
@pytest.mark.tsan
def test_reloads_some_times(runner):
    runner.configure(runner.host("one", "echo", "printing"))
    runner.start()
    pid = runner.pid("one")
    for turn in range(5):
        assert runner.umh("reload", "one", "echo").stdout.strip() == b"running"
        assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, str(turn)) == str(turn)
    assert runner.pid("one") == pid


@pytest.mark.sanitize
@pytest.mark.tsan
@pytest.mark.sanitize
def test_asks_for_a_reload_at_each_start_and_gets_one_a_second(runner):
    runner.configure(runner.host("one", "restless", "echo"))
    runner.start()
    pid = runner.pid("one")
    seen = []
    for count in (2, 3, 4):
        eventually(lambda: runner.find_module("one", "restless")["loaded"] >= count, runner.patience, "another reload")
        seen.append(time.monotonic())
    assert seen[-1] - seen[0] > 1.5, "a reload a second, whatever it asks for"
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "beside it") == "beside it"
    assert runner.umh("unload", "one", "restless").stdout.strip() == b"unloaded"
    assert runner.pid("one") == pid
    assert "was listened to in its stop" not in runner.log()


def test_an_orderly_reload_loses_nothing(runner):
    """The receiver is reloaded while messages come; what it counts over all its lives is what was sent."""
    runner.configure(
        runner.host("source", runner.module("source", Service=STREAM, Asked=SOURCE_ASKED, Result=SOURCE_RESULT,
                                            Count=30_000, Bytes=200)),
        runner.host("relays", runner.module("relay", In=STREAM, Out=130, Asked=131, Result=132, Bytes=200), "echo"),
        runner.host("sink", runner.module("sink", Service=STREAM, Asked=ASKED, Result=RESULT)))
    runner.start()
    end = runner.listen(RESULT)
    talk = runner.talk(131, 132)
    counted = 0
    runner.send(SOURCE_ASKED, "go")
    for _ in range(3):
        counted_now = talk.ask()["received"]
        before = runner.find_module("relays", "relay")
        assert runner.umh("reload", "relays", "relay").stdout.strip() == b"running"
        assert counted_now >= 0 and before["lost"] == 0 and before["dropped"] == 0
        counted += counted_now
    assert end.next_json()["errors"] == 0
    eventually(lambda: runner.find_module("relays", "relay")["waiting"] == 0, runner.patience, "nothing waits")
    module = runner.find_module("relays", "relay")
    # Each message of the stream, its end, and the questions of this test.
    assert module["lost"] == 0 and module["dropped"] == 0
    assert module["delivered"] == 30_000 + 1 + 3


@pytest.mark.sanitize
@pytest.mark.tsan
def test_a_publisher_is_reloaded_without_a_gap(runner):
    runner.configure(
        runner.host("source", runner.module("source", Service=STREAM, Asked=SOURCE_ASKED, Result=SOURCE_RESULT,
                                            Bytes=300, StartAtOnce=1)),
        runner.host("sink", runner.module("sink", Service=STREAM, Asked=ASKED, Result=RESULT)))
    runner.start()
    talk = runner.talk(ASKED, RESULT)
    assert eventually(lambda: talk.ask()["count"] > 1000)
    assert runner.umh("unload", "source", "source").stdout.strip() == b"unloaded"
    result = talk.ask()
    assert result["errors"] == 0 and talk.ask()["count"] == result["count"]


# --- images that stay -------------------------------------------------------------------------

def expect_truth(runner, pid, name, outcome):
    """*unloaded* only where the image is gone; *replaced* is another process, and the old one has ended."""
    if outcome == b"unloaded":
        assert runner.pid("one") == pid and not has_mapped(pid, name + ".so")
    else:
        assert outcome == b"replaced"
        assert runner.pid("one") != pid
        eventually(lambda: not is_alive(pid), runner.patience, "the old process has ended")


def start_with_neighbour(runner, *modules):
    """The neighbour counts a stream that goes on all the while."""
    runner.configure(
        runner.host("one", *modules, runner.module("sink", Service=STREAM, Asked=ASKED, Result=RESULT)),
        runner.host("source", runner.module("source", Service=STREAM, Asked=SOURCE_ASKED, Result=SOURCE_RESULT,
                                            Bytes=200, StartAtOnce=1)))
    runner.start()
    return runner.listen(RESULT)


def expect_nothing_lost(runner):
    """The neighbour's slot was sent every message that was published, and none was dropped on the way."""
    runner.send(SOURCE_ASKED, "pause")
    sink = eventually(lambda: (lambda sink, source: sink if sink["delivered"] >= source["published"] else None)(
        runner.find_module("one", "sink"), runner.find_module("source", "source")), runner.patience,
        "the neighbour got everything")
    assert sink["lost"] == 0 and sink["dropped"] == 0


@pytest.mark.parametrize("thread", [0, 1], ids=["called", "own"])
def test_unloads_a_module_in_cpp_with_thread_locals(runner, thread):
    start_with_neighbour(runner, runner.module("tenant", Thread=thread))
    for turn in range(3):
        pid = runner.pid("one")
        assert runner.exchange(TENANT_ASKED, TENANT_ANSWERED, "touched") == "touched"
        outcome = runner.umh("unload", "one", "tenant").stdout.strip()
        expect_truth(runner, pid, "tenant", outcome)
        runner.umh("load", "one", "tenant")
    assert runner.exchange(TENANT_ASKED, TENANT_ANSWERED, "back") == "back"
    expect_nothing_lost(runner)


def test_replaces_the_host_of_a_module_that_stays(runner):
    start_with_neighbour(runner, "nodelete")
    pid = runner.pid("one")
    outcome = runner.umh("unload", "one", "nodelete").stdout.strip()
    assert outcome == b"replaced"
    expect_truth(runner, pid, "nodelete", outcome)
    assert runner.find_module("one", "nodelete") is None
    expect_nothing_lost(runner)
    pid = runner.pid("one")
    runner.umh("load", "one", "nodelete")
    assert runner.umh("reload", "one", "nodelete").stdout.strip() == b"replaced"
    assert runner.pid("one") != pid
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "fresh") == "fresh"
    expect_nothing_lost(runner)
    assert runner.find_host("one")["modules"][0]["state"] == "running"


def test_replaces_the_host_of_a_module_that_leaves_a_thread(runner):
    start_with_neighbour(runner, runner.module("tenant", Thread=2))
    pid = runner.pid("one")
    assert runner.exchange(TENANT_ASKED, TENANT_ANSWERED, "touched") == "touched"
    outcome = runner.umh("unload", "one", "tenant").stdout.strip()
    assert outcome == b"replaced"
    expect_truth(runner, pid, "tenant", outcome)
    expect_nothing_lost(runner)


def test_unloads_while_another_module_is_in_a_callback(runner):
    """The thread that called the one is inside the other: it is waited for, or the process is replaced."""
    gate = runner.folder / "gate"
    gate.touch()
    runner.configure(runner.host("one", runner.module("tenant", Thread=0),
                                 runner.module("gated", Phase="message", Gate=str(gate), Asked=120, Result=121),
                                 Timeouts={"StopMs": 5000}))
    runner.start()
    pid = runner.pid("one")
    for turn in range(10):
        assert runner.exchange(TENANT_ASKED, TENANT_ANSWERED, "touched") == "touched"
    runner.send(120, "stay")
    unloading = subprocess.Popen(runner.command("unload", "one", "tenant"), stdout=subprocess.PIPE)
    eventually(lambda: (runner.find_module("one", "tenant") or {"state": "gone"})["state"] != "running",
               runner.patience, "it is being unloaded")
    gate.unlink()
    outcome = unloading.communicate(timeout=runner.patience)[0].strip()
    expect_truth(runner, pid, "tenant", outcome)
    assert runner.exchange(120, 121, "back") == "back"


def test_unloads_a_module_that_never_comes_back(runner):
    """There is no way but to end its process; the neighbours return."""
    runner.configure(runner.host("one", "hang", "echo", Timeouts={"StopMs": 200}))
    runner.start()
    pid = runner.pid("one")
    runner.send(4, "for ever")
    outcome = runner.umh("unload", "one", "hang").stdout.strip()
    expect_truth(runner, pid, "hang", outcome)
    runner.await_running()
    assert runner.find_module("one", "hang") is None
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "back") == "back"


def test_the_store_is_private(runner):
    if os.geteuid() != 0:
        pytest.skip("its place is another one for who is not root")
    runner.configure(runner.host("one", "echo"))
    runner.start()
    mode = stat.S_IMODE(os.stat(f"/var/lib/umh/{runner.instance}").st_mode)
    assert mode == 0o700
