# SPDX-License-Identifier: MIT
"""Managed modules that do to their process what they should not: who is named, and who goes on."""

import pathlib
import re
import shutil
import subprocess

import pytest

from runner import eventually, is_alive, service

ROGUE = (0x1E1, 0x1E2)
GOOD = (0x1E3, 0x1E4)
READER = (0x146, 0x147)
ECHO = (1, 2)
LINE_BYTES_MAX = 65536
HUGE = 1_000_000

pytestmark = pytest.mark.managed


class System:
    """Hosts with the rogue, a second module of the same assembly, and a native one; and a host beside them."""

    def __init__(self, runner):
        self.runner = runner
        self.path = runner.tree.file("Rogue")

    def module(self, name, pair, **config):
        return self.runner.module(name, self.path, Asked=service(pair[0]), Answered=service(pair[1]), **config)

    def start(self, config=None, **keys):
        keys = {"Restart": {"FirstDelayMs": 10, "MaxDelayMs": 10}, **keys}
        self.runner.configure(
            self.runner.host("one", self.module("rogue", ROGUE, **(config or {})), self.module("good", GOOD), "echo",
                             **keys),
            self.runner.host("two", "printing"))
        self.runner.start()
        self.other = self.runner.pid("two")
        return self

    def tell(self, text):
        self.runner.send(ROGUE[0], text)

    def ask(self, text, pair=ROGUE):
        return self.runner.exchange(*pair, text)

    def expect_others(self):
        """The neighbours in the process answer, and the host beside it has noticed nothing."""
        assert self.ask("hello", GOOD) == "heard hello"
        assert self.runner.exchange(*ECHO, "native") == "native"
        assert self.runner.pid("two") == self.other

    def await_restart(self, count):
        return self.runner.await_host("one", lambda host: host["restarts"] == count and host["state"] == "running")


@pytest.fixture
def rogue(runner):
    return System(runner)


def records(text, *words):
    """The lines of a log that have all these words."""
    return [line for line in text.split("\n") if all(word in line for word in words)]


# --- the end of the process ----------------------------------------------------------------------

ABORTED = "signal 6 (Aborted)"
IN_CALLBACK = "; was in rogue.OnMessage for "
THROWN = ABORTED + "; unhandled exception of module rogue"
UNHANDLED = ("level=critical", "module=rogue", "unhandled exception ends the process: ")

ENDS = [
    ("exit 7", "exit code 7" + IN_CALLBACK, ["Environment.Exit ends the process with code 7"]),
    ("exit 0", "exit code 0" + IN_CALLBACK, ["Environment.Exit ends the process with code 0"]),
    ("exit-pool 7", "exit code 7", ["Environment.Exit ends the process with code 7"]),
    ("exit-thread 8", "exit code 8", ["Environment.Exit ends the process with code 8"]),
    ("fail-fast bye", ABORTED + IN_CALLBACK, ["msg=bye", "at Rogue.Endings.Fail(System.String)"]),
    ("fail-fast-pool bye", ABORTED, ["msg=bye", "at Rogue.Endings.Fail(System.String)"]),
    ("overflow-thread", ABORTED, ["Stack overflow.", "at Rogue.Endings.Overflow(Int32)"]),
    ("access", ABORTED + IN_CALLBACK, ["System.AccessViolationException", "at Rogue.Endings.Touch()"]),
    ("finalizer boom", THROWN, [(*UNHANDLED, "InvalidDataException: boom", "Dying.Finalize")]),
    ("pool boom", THROWN, [(*UNHANDLED, "InvalidDataException: boom")]),
    ("pool-unsafe boom", THROWN, [(*UNHANDLED, "The input string 'boom'", "Rogue.Endings")]),
    ("thread-unsafe boom", THROWN, [(*UNHANDLED, "InvalidDataException: boom")]),
    ("async-void boom", THROWN, [(*UNHANDLED, "InvalidDataException: boom", "Endings.Later")]),
    ("timer boom", THROWN, [(*UNHANDLED, "InvalidDataException: boom")]),
    ("pool-hostile", THROWN, [(*UNHANDLED, "Rogue.HostileException (its ToString threw ")]),
    (f"pool-huge {HUGE}", THROWN, [(*UNHANDLED, "huge \ufffd\ufffd", "   at Rogue.Endings")]),
]


def test_the_module_that_threw_is_blamed_and_not_the_one_that_was_called(runner, rogue):
    rogue.start()
    runner.send(GOOD[0], "wait")
    eventually(lambda: (runner.find_module("one", "good")["for_ms"] or 0) >= 100, runner.patience, "it is shown")
    rogue.tell("pool boom")
    death = rogue.await_restart(1)["deaths"][0]
    assert (death["text"], death["module"], death["activity"]) == (THROWN, "rogue", None)
    rogue.expect_others()


@pytest.mark.limit(60)
def test_each_end_of_the_process_is_told(runner, rogue):
    rogue.start()
    for count, (told, death, said) in enumerate(ENDS, 1):
        mark = len(runner.log())
        rogue.tell(told)
        host = rogue.await_restart(count)
        assert host["death"].startswith(death), f"{told}: {host['death']}"
        # What runs elsewhere may end the process before the callback that began it has returned.
        assert host["deaths"][0]["module"] in (["rogue"] if "rogue" in death else ["rogue", None])
        for words in said:
            found = records(runner.log()[mark:], *([words] if isinstance(words, str) else words))
            assert found, f"{told}: {words} in {runner.log()[mark:][:4000]}"
        rogue.expect_others()


def test_an_exit_that_a_handler_blocks_has_a_deadline(runner, rogue):
    rogue.start()
    assert rogue.ask("exit-stuck 7") == "begun"
    runner.await_log("Environment.Exit ends the process with code 7")
    rogue.expect_others()
    assert rogue.await_restart(1)["death"].startswith(ABORTED)
    assert "a handler of ProcessExit does not return" in runner.log()
    rogue.expect_others()


def test_what_a_module_left_behind_ends_the_process_later(runner, rogue):
    gate = runner.folder / "gate"
    rogue.start({"Leaves": str(gate)})
    gate.touch()
    pid = runner.pid("one")
    runner.umh("unload", "one", "rogue", code=None)
    runner.await_host("one", lambda host: host["state"] == "running" and host["pid"] != pid)
    assert records(runner.log(), *UNHANDLED, "thrown by what was left behind")
    assert runner.find_module("one", "rogue") is None
    rogue.expect_others()


# --- exceptions that it survives -----------------------------------------------------------------

def test_exceptions_of_all_kinds_are_told_and_counted(runner, rogue):
    rogue.start()
    rogue.tell("throw bad")
    rogue.tell(f"throw-huge {HUGE}")
    rogue.tell("throw-hostile")
    assert rogue.ask(f"log {HUGE}") == "logged"
    runner.await_log("huge \ufffd\ufffd\\r\\n\\u001b[2J\ufffd\\\"=\\\\\\t\\u0085")
    runner.await_log("Rogue.HostileException (its Message threw System.InvalidOperationException)")
    assert runner.find_module("one", "rogue")["exceptions"] == 3
    assert "    3 exceptions; see the log\n" in runner.umh("status").stdout.decode()
    assert runner.find_host("one")["restarts"] == 0
    huge = records(runner.log(), "OnMessage failed: System.IO.InvalidDataException: huge", "failures=2")
    assert len(huge) == 1 and "at Rogue.RogueModule.OnMessage" in huge[0]
    eventually(lambda: rogue.ask("forget me") and records(
        runner.log(), "level=warning", "module=rogue", "nobody awaited a task that failed", "InvalidDataException: me"),
        runner.patience, "a task that failed is told")
    assert runner.find_module("one", "rogue")["exceptions"] == 3
    raw = runner.log_path.read_bytes()
    assert b"\0" not in raw and b"\x1b" not in raw
    assert max(len(line) for line in raw.split(b"\n")) < LINE_BYTES_MAX + 200  # and when and who
    rogue.expect_others()


def test_a_module_that_cannot_be_made_says_why(runner, rogue):
    runner.configure(runner.host("one", rogue.module("static", (0x1E5, 0x1E6), Throws="static constructor"),
                                 rogue.module("hostile", (0x1E7, 0x1E8), Throws="constructor"),
                                 rogue.module("good", GOOD)))
    runner.start()
    static, hostile, good = runner.find_host("one")["modules"]
    assert static["state"] == "failed" and "The input string 'no number' was not in a correct format" in static["why"]
    assert hostile["state"] == "failed" and "its constructor failed: Rogue.HostileException" in hostile["why"]
    assert records(runner.log(), "module=static", "Rogue.Broken..cctor")
    assert good["state"] == "running" and rogue.ask("hello", GOOD) == "heard hello"


# --- what does not return ------------------------------------------------------------------------

@pytest.mark.parametrize("told", ["deadlock", "wait"])
def test_a_callback_that_does_not_return_is_shown_and_can_be_replaced(runner, rogue, told):
    rogue.start(Timeouts={"StopMs": 300})
    pid = runner.pid("one")
    rogue.tell(told)
    eventually(lambda: (runner.find_module("one", "rogue")["for_ms"] or 0) >= 100, runner.patience, "it is shown")
    assert runner.find_module("one", "rogue")["activity"] == "OnMessage"
    assert re.search(r"^ +in OnMessage for \d+\.\d s$", runner.umh("status").stdout.decode(), re.M)
    rogue.expect_others()
    assert runner.umh("reload", "one", "good").stdout.strip() == b"running"
    assert runner.pid("one") == pid
    runner.umh("unload", "one", "rogue", code=None)
    runner.await_host("one", lambda host: host["state"] == "running" and host["pid"] != pid)
    assert IN_CALLBACK.strip("; ") in runner.log() or "rogue.Stop" in runner.log()
    rogue.expect_others()


def test_a_callback_that_does_not_return_has_a_deadline_where_wanted(runner, rogue):
    rogue.start(Timeouts={"CallbackMs": 300})
    rogue.tell("deadlock")
    death = rogue.await_restart(1)["deaths"][0]
    assert (death["kind"], death["module"], death["activity"]) == ("deadline", "rogue", "OnMessage")
    assert death["text"].startswith("a callback of module rogue lasted longer than CallbackMs (300)" + IN_CALLBACK)
    rogue.expect_others()


def test_each_phase_has_its_deadline(runner, rogue):
    phases = {"constructor": ("LoadMs", "Init"), "OnStart": ("StartMs", "Start"), "OnStop": ("StopMs", "Stop"),
              "Dispose": ("StopMs", "Stop")}
    runner.configure(*(runner.host(phase, rogue.module("rogue", ROGUE, Blocks=phase), Timeouts={key: 1500},
                                   Restart={"When": "Never"}) for phase, (key, _) in phases.items()),
                     runner.host("two", "echo"), StartTogetherMs=50)
    runner.start(wait=False)
    runner.await_running("OnStop", "Dispose", "two")
    unloading = [subprocess.Popen(runner.command("unload", phase, "rogue"), stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL) for phase in ("OnStop", "Dispose")]
    for phase, (key, activity) in phases.items():
        told = f"; was in rogue.{activity} for "
        eventually(lambda: records(runner.log(), f"host={phase} ", "is killed: ", told), runner.patience,
                   lambda: f"{phase} is killed in rogue.{activity}: {runner.log()}")
    for one in unloading:
        one.wait(runner.patience)
    assert runner.exchange(*ECHO, "native") == "native"


def test_a_pool_without_threads_stops_nobody_else(runner, rogue):
    rogue.start()
    pid = runner.pid("one")
    assert rogue.ask("starve 300") == "starved"
    rogue.expect_others()
    assert runner.umh("reload", "one", "good").stdout.strip() == b"running"
    rogue.expect_others()
    assert runner.pid("one") == pid


# --- standard streams ----------------------------------------------------------------------------

def test_there_is_nothing_to_read(rogue):
    assert rogue.start().ask("read") == "null -1 0 no key"


def test_what_is_written_is_in_the_log(runner, rogue):
    rogue.start()
    for told in ("print on the console", "print-stream on the stream", "print-native by libc"):
        assert rogue.ask(told) == "printed"
    assert rogue.ask("print-half without an end") == "printed"
    assert runner.umh("unload", "one", "rogue").stdout.strip() == b"unloaded"
    for words in (("level=info", "module=rogue", "on the console"),
                  ("level=warning", "module=rogue", "on the console, to the other"),
                  ("on the stream", "stream="), ("standard output: by libc",), ("standard error: by libc",),
                  ("module=rogue", "without an end")):
        eventually(lambda: records(runner.log(), *words), runner.patience, lambda: f"{words} in {runner.log()}")


def test_a_flood_is_limited_and_counted_and_starves_nobody(runner, rogue):
    rogue.start()
    assert rogue.ask("flood-begin nothing new") == "begun"
    eventually(lambda: "log lines were dropped: more than" in runner.log(), runner.patience, "the excess is counted")
    for i in range(5):
        assert rogue.ask(f"number {i}", GOOD) == f"heard number {i}"
        assert rogue.ask(f"number {i}") == f"heard number {i}"
    rogue.expect_others()
    assert rogue.ask("flood-end") == "ended"
    eventually(lambda: rogue.ask("print again", GOOD) and records(runner.log(), "module=good", "again"),
               runner.patience, "others are read again")
    assert runner.find_host("one")["restarts"] == 0


def test_a_console_of_ones_own_ends_with_its_module(runner, rogue):
    rogue.start()
    assert rogue.ask("set-out") == "set"
    assert rogue.ask("print unheard", GOOD) == "printed"
    assert runner.umh("unload", "one", "rogue").stdout.strip() == b"unloaded"
    assert rogue.ask("print heard", GOOD) == "printed"
    runner.await_log("msg=heard")
    assert not records(runner.log(), "msg=unheard")


def test_closed_descriptors_stop_nobody(runner, rogue):
    rogue.start()
    assert rogue.ask("close 0 1 2") == "closed"
    assert rogue.ask("print lost") == "printed"
    rogue.expect_others()
    for name in ("good", "rogue"):
        assert runner.umh("reload", "one", name).stdout.strip() == b"running"
    assert runner.find_host("one")["restarts"] == 0
    runner.kill("one")
    rogue.await_restart(1)
    assert rogue.ask("print back") == "printed"
    runner.await_log("msg=back")


# --- what belongs to the process -----------------------------------------------------------------

def test_a_culture_stays_with_the_call_that_set_it(runner, rogue):
    rogue.start({"Culture": "fr-FR"})
    assert rogue.ask("culture de-DE") == "de-DE/de-DE/de-DE/de-DE"
    assert rogue.ask("cultures") == "///"
    assert rogue.ask("cultures", GOOD) == "///"
    # The default of all threads is the process's; what the host writes for programs does not follow it.
    assert rogue.ask("default-culture tr-TR").startswith("tr-TR/tr-TR/")
    assert rogue.ask("cultures", GOOD) == "tr-TR/tr-TR/tr-TR/"
    rogue.tell("throw -1.5")
    assert runner.umh("reload", "one", "good").stdout.strip() == b"running"
    assert rogue.ask("cultures", GOOD) == "tr-TR/tr-TR/tr-TR/"
    rogue.expect_others()
    assert runner.find_host("one")["restarts"] == 0


@pytest.mark.parametrize("is_deleted", [False, True], ids=["changed", "deleted"])
def test_a_current_directory_changes_nothing_for_the_host(tree, runner, rogue, is_deleted):
    place = runner.folder / "elsewhere"
    place.mkdir()
    rogue.start()
    pid = runner.pid("one")
    assert rogue.ask(f"directory {place}") == str(place)
    assert rogue.ask("where", GOOD) == str(place)
    if is_deleted:
        place.rmdir()
        assert rogue.ask("where", GOOD) == "nowhere"
    folder = runner.folder / "modules" / "Reader"
    shutil.copytree(tree.tests / "modules" / "Reader", folder)
    shutil.copy(tree.tests / "libraries" / "12" / "libanswer.so", folder)
    runner.umh("load", "one", "Reader")
    for turn in range(2):
        assert rogue.ask("greeting de", READER) == "guten Tag"
        assert rogue.ask("native", READER) == "12"
        assert rogue.ask("package", READER) == "12.0.0.0 read 2"
        assert runner.umh("reload", "one", "Reader").stdout.strip() == b"running"
    for name in ("good", "echo"):
        assert runner.umh("reload", "one", name).stdout.strip() == b"running"
    rogue.expect_others()
    assert runner.pid("one") == pid


# --- processes of its own ------------------------------------------------------------------------

def find_processes(mark):
    """Those that were started with that word."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
        except OSError:
            continue  # it has ended
    return [pid for pid in found if is_alive(pid)]


def test_children_live_as_long_as_the_host(runner, rogue):
    rogue.start()
    mark = f"child-of-{runner.instance}"
    rogue.ask(f"child sh|-c|echo said; trap : TERM; sleep 1000 & wait; wait|{mark}")
    rogue.ask(f"child setsid|sh|-c|sleep 1000 & wait|{mark}")
    eventually(lambda: len(find_processes(mark)) >= 2, runner.patience, "both run")
    runner.await_log("msg=said")
    assert runner.umh("reload", "one", "rogue").stdout.strip() == b"running"
    assert len(find_processes(mark)) >= 2
    runner.kill("one")
    rogue.await_restart(1)
    eventually(lambda: not find_processes(mark), runner.patience, lambda: f"they have ended: {find_processes(mark)}")
    rogue.ask(f"child sh|-c|sleep 1000 & wait|{mark}")
    eventually(lambda: find_processes(mark), runner.patience, "it runs")
    assert runner.stop() == 0
    eventually(lambda: not find_processes(mark), runner.patience, lambda: f"they have ended: {find_processes(mark)}")
