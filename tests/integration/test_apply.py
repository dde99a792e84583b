# SPDX-License-Identifier: MIT
"""The configuration changes while hosts run: what changed follows, what did not is not touched."""

import json
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from runner import eventually

ASKED, RESULT = 700, 701
MODULES_MAX = 120  # UMH_MODULES_PER_HOST_MAX


def configured(runner, name="m", file="configurable", number=0, **config):
    """A module of tests/support/modules/configurable.h; `number` keeps several apart."""
    return runner.module(name, file, Asked=ASKED + 10 * number, Result=RESULT + 10 * number, **{"Value": 0, **config})


def report(runner, number=0):
    return json.loads(runner.exchange(ASKED + 10 * number, RESULT + 10 * number, "report"))


def apply(runner, *arguments, code=0):
    """The steps that were performed, and what was said besides."""
    done = runner.umh("apply", *arguments, code=code)
    return done.stdout.decode().splitlines(), done.stderr.decode()


def pids(runner, *names):
    return {name: runner.pid(name) for name in names}


def test_nothing_changed_needs_nothing(make_runner):
    runner = make_runner()
    runner.configure(runner.host("A", configured(runner)), runner.host("B", "echo"))
    runner.start()
    before = pids(runner, "A", "B")
    assert apply(runner) == (["nothing to do"], "")
    assert pids(runner, "A", "B") == before


def test_hosts_come_and_go(make_runner):
    runner = make_runner()
    runner.configure(runner.host("A", "echo"), runner.host("B", "echo"))
    runner.start()
    stays = runner.pid("B")
    runner.configure(runner.host("C", "echo"), runner.host("B", "echo"))
    steps, _ = apply(runner)
    assert steps == ["stop host 'A'", "start host 'C' (1 module)"]
    eventually(lambda: [host["name"] for host in runner.status()["hosts"]] == ["B", "C"])
    runner.await_running("B", "C")
    assert runner.pid("B") == stays
    assert apply(runner)[0] == ["nothing to do"]


def test_modules_come_and_go(make_runner):
    runner = make_runner()
    runner.configure(runner.host("A", configured(runner), "echo"))
    runner.start()
    stays = runner.pid("A")
    runner.configure(runner.host("A", configured(runner), "counter"))
    steps, _ = apply(runner)
    assert steps == ["unload module 'echo' from host 'A'", "load module 'counter' into host 'A'"]
    runner.await_module("A", "counter", "running")
    eventually(lambda: runner.find_module("A", "echo") is None)
    assert runner.pid("A") == stays
    assert report(runner)["told"] == 0


def test_config_is_told(make_runner):
    runner = make_runner()
    runner.configure(runner.host("A", configured(runner, Value=1)))
    runner.start()
    stays = runner.pid("A")
    runner.configure(runner.host("A", configured(runner, Value=2)))
    steps, _ = apply(runner)
    assert steps == ["configure module 'm' of host 'A' (Config)"]
    wanted = {"value": 2, "first": 1, "told": 1, "messages": 0, "errors": 0}
    eventually(lambda: report(runner) == wanted, what=lambda: report(runner))
    assert runner.pid("A") == stays
    assert runner.find_module("A", "m")["loaded"] == 1
    # A crash brings it back with the new one.
    runner.kill("A")
    runner.await_host("A", lambda host: host["pid"] not in (0, None, stays))
    runner.await_running("A")
    assert report(runner) == {**wanted, "first": 2, "told": 0}


def test_a_module_that_was_told_very_often_begins_anew(make_runner):
    """It may hold on to every text that it was given: they end with it."""
    runner = make_runner()
    runner.configure(runner.host("A", configured(runner, Value=0), "echo"))
    runner.start()
    before = runner.pid("A")
    for value in range(1, 71):
        runner.configure(runner.host("A", configured(runner, Value=value), "echo"))
        apply(runner)
        eventually(lambda: runner.find_module("A", "m")["state"] == "running")
    eventually(lambda: report(runner)["value"] == 70)
    assert runner.find_module("A", "m")["loaded"] == 2
    assert "it has been told 64 configurations" in runner.log()
    assert runner.pid("A") == before


@pytest.mark.parametrize("file, refuse", [("unconfigurable", 0), ("configurable", 7)])
def test_who_does_not_take_it_is_reloaded(make_runner, file, refuse):
    runner = make_runner()
    runner.configure(runner.host("A", configured(runner, file=file, Value=1), "echo"))
    runner.start()
    stays = runner.pid("A")
    runner.configure(runner.host("A", configured(runner, file=file, Value=2, Refuse=refuse), "echo"))
    steps, _ = apply(runner)
    assert steps == ["configure module 'm' of host 'A' (Config)"]
    eventually(lambda: (runner.find_module("A", "m") or {}).get("loaded") == 2)
    runner.await_module("A", "m", "running")
    assert report(runner) == {"value": 2, "first": 2, "told": 0, "messages": 0, "errors": 0}
    assert runner.pid("A") == stays
    assert runner.find_module("A", "echo")["loaded"] == 1
    runner.await_log("is reloaded for its changed Config")


def test_failed_module_is_tried_with_its_new_config(make_runner):
    runner = make_runner()
    runner.configure(runner.host("A", configured(runner, Value=-1)))
    runner.start()
    runner.await_module("A", "m", "failed")
    runner.configure(runner.host("A", configured(runner, Value=5)))
    apply(runner)
    runner.await_module("A", "m", "running")
    assert report(runner)["first"] == 5


def test_another_path_reloads(make_runner):
    runner = make_runner()
    runner.configure(runner.host("A", configured(runner), "echo"))
    runner.start()
    stays = runner.pid("A")
    runner.configure(runner.host("A", configured(runner, file="unconfigurable"), "echo"))
    assert apply(runner)[0] == ["reload module 'm' of host 'A' (Path)"]
    eventually(lambda: (runner.find_module("A", "m") or {}).get("loaded") == 2)
    runner.await_module("A", "m", "running")
    assert runner.pid("A") == stays


def test_policy_is_taken_where_it_is(make_runner):
    runner = make_runner()
    runner.configure(runner.host("A", "crash"), runner.host("B", "echo"))
    runner.start()
    stays = pids(runner, "A", "B")
    runner.configure(runner.host("A", "crash", Restart={"When": "Never"}, Hold={"Seconds": 5}), runner.host("B", "echo"))
    assert apply(runner)[0] == ["configure host 'A' (Restart, Hold)"]
    assert pids(runner, "A", "B") == stays
    runner.kill("A")
    runner.await_log("it is not started again")
    # An applied change is a fresh start of one that has given up.
    runner.configure(runner.host("A", "crash", Restart={"When": "Never"}, Hold={"Seconds": 6}), runner.host("B", "echo"))
    assert apply(runner)[0] == ["configure host 'A' (Hold)"]
    runner.await_host("A", lambda host: host["state"] == "running" and host["pid"] != stays["A"])
    assert runner.pid("B") == stays["B"]


def test_what_a_process_is_born_with_replaces_it(make_runner):
    runner = make_runner()
    runner.configure(runner.host("A", configured(runner)), runner.host("B", "echo"))
    runner.start()
    before = pids(runner, "A", "B")
    runner.configure(runner.host("A", configured(runner, Value=3), Environment={"X": "1"}), runner.host("B", "echo"))
    assert apply(runner)[0] == ["replace host 'A' (Environment)"]
    runner.await_host("A", lambda host: host["state"] == "running" and host["pid"] != before["A"])
    assert b"X=1" in open(f"/proc/{runner.pid('A')}/environ", "rb").read().split(b"\0")
    runner.await_running()
    assert report(runner)["first"] == 3
    assert runner.pid("B") == before["B"]
    assert apply(runner)[0] == ["nothing to do"]


def test_global_dotnet_reaches_hosts(make_runner):
    runner = make_runner()
    runner.configure(runner.host("A", "echo"), runner.host("B", "echo", DotNet={"Diagnostics": False}))
    runner.start()
    before = pids(runner, "A", "B")
    runner.configure(runner.host("A", "echo"), runner.host("B", "echo", DotNet={"Diagnostics": False}),
                     DotNet={"Diagnostics": True})
    assert apply(runner)[0] == ["replace host 'A' (DotNet)"]
    runner.await_host("A", lambda host: host["state"] == "running" and host["pid"] != before["A"])
    assert runner.pid("B") == before["B"]


def test_broken_file_changes_nothing(make_runner):
    runner = make_runner()
    runner.configure(runner.host("A", "echo"))
    runner.start()
    before = runner.pid("A")
    good = runner.config.read_text()
    runner.config.write_text(good.replace("GroupName", "GroupName\":\n,\"", 1))
    steps, said = apply(runner, code=1)
    assert steps == []
    assert f"{runner.config}:" in said and "nothing has changed" in said
    runner.config.write_text('{"MaxMessageByte": 1}')
    steps, said = apply(runner, code=1)
    assert steps == [] and "did you mean MaxMessageBytes?" in said
    runner.config.unlink()
    steps, said = apply(runner, code=1)
    assert steps == [] and "there is no such file" in said
    assert runner.pid("A") == before
    runner.await_log("the configuration stays as it was")


def test_wrong_entry_keeps_its_host(make_runner):
    runner = make_runner()
    runner.configure(runner.host("A", configured(runner, Value=1)), runner.host("B", "echo"))
    runner.start()
    before = runner.pid("A")
    runner.configure(runner.host("A", configured(runner, Value=2), Stage="no"), runner.host("C", "echo"))
    steps, said = apply(runner, code=1)
    assert steps == ["stop host 'B'", "start host 'C' (1 module)"]
    assert "ChildProcesses[0].Stage: expected a whole number from 0 to 100" in said
    runner.await_running("A", "C")
    assert runner.pid("A") == before
    assert report(runner) == {"value": 1, "first": 1, "told": 0, "messages": 0, "errors": 0}
    runner.configure(runner.host("A", configured(runner, Value=2)), runner.host("C", "echo"))
    assert apply(runner)[0] == ["configure module 'm' of host 'A' (Config)"]
    eventually(lambda: report(runner)["value"] == 2)


def test_keys_of_the_whole_wait_for_a_new_broker(make_runner):
    runner = make_runner()
    runner.configure(runner.host("A", "echo"))
    runner.start()
    runner.configure(runner.host("A", "echo"), MemoryMiB=128, LogLevel="Debug", StallSeconds=30,
                     Services={"New": "11111111-1111-1111-1111-111111111111"})
    for _ in range(2):
        steps, said = apply(runner)
        assert steps == ["nothing to do"]
        assert said == "umh: another MemoryMiB takes a new broker\n"
    runner.umh("send", "New", "x")
    assert json.loads(runner.umh("apply", "--json").stdout)["pending"] == ["MemoryMiB"]


def test_hangup_and_another_file(make_runner):
    runner = make_runner()
    runner.configure(runner.host("A", "echo"))
    runner.start()
    other = runner.folder / "other" / "broker.json"
    other.parent.mkdir()
    first = runner.config
    runner.config = other
    runner.configure(runner.host("A", "echo"), runner.host("B", "echo"))
    assert apply(runner, other)[0] == ["start host 'B' (1 module)"]
    runner.await_running("A", "B")
    # From now on it is that one which is read again.
    runner.configure(runner.host("A", "echo"))
    os.kill(broker_pid(runner), signal.SIGHUP)
    eventually(lambda: [host["name"] for host in runner.status()["hosts"]] == ["A"])
    assert runner.status()["broker"]["config"] == str(other)
    assert apply(runner, first.parent)[0] == ["nothing to do"]


def test_watched_file_is_followed_through_links(make_runner):
    """A file elsewhere, a folder of versions as Kubernetes mounts it, and what a link leads to next."""
    runner = make_runner()
    data = runner.folder / "mounted"
    (data / "..one").mkdir(parents=True)
    elsewhere = runner.folder / "elsewhere"
    elsewhere.mkdir()
    link = runner.folder / "broker.json"

    def write(path, value):
        """As an editor does."""
        runner.config = path.with_suffix(".new")
        runner.configure(runner.host("A", configured(runner, Value=value)), Watch=True)
        os.replace(runner.config, path)
        runner.config = link

    def lead(place, target):
        place.with_suffix(".link").symlink_to(target)
        os.replace(place.with_suffix(".link"), place)

    def expect(value):
        eventually(lambda: report(runner)["value"] == value, runner.patience, lambda: report(runner))

    write(elsewhere / "real.json", 1)
    lead(link, "elsewhere/real.json")
    runner.start()
    pid = runner.pid("A")
    write(elsewhere / "real.json", 2)
    expect(2)
    for name, value in (("..one", 3), ("..two", 4), ("..three", 5)):
        (data / name).mkdir(exist_ok=True)
        write(data / name / "broker.json", value)
        lead(data / "..data", name)
        if value == 3:
            lead(data / "broker.json", "..data/broker.json")
            lead(link, data / "broker.json")
        expect(value)
    shutil.rmtree(data / "..one")
    shutil.rmtree(data / "..two")
    write(data / "..three" / "broker.json", 6)
    expect(6)
    # A link to nothing changes nothing, and what comes there is taken.
    lead(link, "later/broker.json")
    runner.await_log("the configuration stays as it was")
    later = runner.folder / "later"
    write(elsewhere / "broker.json", 7)
    lead(later, "elsewhere")
    expect(7)
    write(elsewhere / "broker.json", 8)
    expect(8)
    assert runner.pid("A") == pid


def broker_pid(runner):
    return runner.status()["broker"]["pid"]


def test_watched_file_is_followed(make_runner):
    runner = make_runner()
    runner.configure(runner.host("A", configured(runner, Value=1)), Watch=True)
    runner.start()
    before = runner.pid("A")

    def replace(value, **keys):
        """As an editor does: another file takes the place."""
        path = runner.config
        runner.config = path.with_suffix(".new")
        runner.configure(runner.host("A", configured(runner, Value=value)), **keys)
        os.replace(runner.config, path)
        runner.config = path

    for value in range(2, 8):
        if value % 2:
            runner.configure(runner.host("A", configured(runner, Value=value)), Watch=True)
        else:
            replace(value, Watch=True)
        eventually(lambda: report(runner)["value"] == value, what=lambda: report(runner))
    runner.config.write_text("{")
    runner.await_log("the configuration stays as it was")
    replace(20, Watch=True)
    eventually(lambda: report(runner)["value"] == 20)
    # It stops watching when it is told to, and begins again with `umh apply`.
    replace(21)
    eventually(lambda: report(runner)["value"] == 21)
    replace(22, Watch=True)
    assert apply(runner)[0] == ["configure module 'm' of host 'A' (Config)"]
    replace(23, Watch=True)
    eventually(lambda: report(runner)["value"] == 23)
    assert runner.pid("A") == before


def test_run_time_changes_live_until_their_host_is_applied(make_runner):
    runner = make_runner()
    hosts = [runner.host("A", configured(runner), "echo"), runner.host("B", "echo")]
    runner.configure(*hosts)
    runner.start()
    runner.umh("unload", "A", "echo")
    runner.umh("load", "A", runner.tree.file("counter"))
    runner.umh("load", "B", runner.tree.file("counter"))
    # Neither the change of another host nor an apply of nothing ends them, nor does a crash.
    runner.configure(*hosts, runner.host("C", "echo"))
    assert apply(runner)[0] == ["start host 'C' (1 module)"]
    gone = runner.kill("A")
    runner.await_host("A", lambda host: host["pid"] not in (None, 0, gone))
    runner.await_running()
    assert [module["name"] for module in runner.find_host("A")["modules"]] == ["m", "counter"]
    # The change of its own entry does.
    hosts[1]["Hold"] = {"Seconds": 9}
    runner.configure(*hosts, runner.host("C", "echo"))
    assert apply(runner)[0] == ["configure host 'B' (Hold)", "unload module 'counter' from host 'B'"]
    assert [module["name"] for module in runner.find_host("A")["modules"]] == ["m", "counter"]
    # And so does its name.
    assert apply(runner, "--host", "A")[0] == ["unload module 'counter' from host 'A'", "load module 'echo' into host 'A'"]
    runner.await_module("A", "echo", "running")
    steps, said = apply(runner, "--host", "a1", code=1)
    assert steps == [] and "there is no host 'a1'" in said


def test_given_up_host_is_started_by_its_name(make_runner):
    runner = make_runner()
    runner.configure(runner.host("A", "echo", Restart={"When": "Never"}))
    runner.start()
    runner.kill("A")
    runner.await_log("it is not started again")
    assert apply(runner)[0] == ["nothing to do"]
    assert runner.find_host("A")["state"] == "absent"
    apply(runner, "--host", "A")
    runner.await_running("A")


def test_plan_does_nothing(make_runner):
    runner = make_runner()
    runner.configure(runner.host("A", configured(runner, Value=1)), runner.host("B", "echo"))
    planned = runner.umh("plan", runner.config).stdout.decode().splitlines()
    assert planned == ["start host 'A' (1 module)", "start host 'B' (1 module)"]
    runner.start()
    runner.umh("unload", "B", "echo")
    before = pids(runner, "A", "B")
    other = runner.folder / "other.json"
    first, runner.config = runner.config, other
    runner.configure(runner.host("A", configured(runner, Value=2), Environment={"X": "1"}),
                     runner.host("B", "echo", Stage=1), runner.host("C", "echo"))
    runner.config = first
    wanted = ["replace host 'A' (Environment)", "start host 'C' (1 module)", "configure host 'B' (Stage)",
              "load module 'echo' into host 'B'"]
    assert runner.umh("plan", other).stdout.decode().splitlines() == wanted
    assert json.loads(runner.umh("plan", other, "--json").stdout)["steps"] == wanted
    assert runner.umh("plan").stdout == b"nothing to do\n"
    assert runner.umh("plan", first).stdout == b"nothing to do\n"
    assert pids(runner, "A", "B") == before
    assert runner.status()["broker"]["config"] == str(first)
    assert runner.find_module("B", "echo") is None


# --- under load, and at the wrong moment -----------------------------------------------------------

FLAPS = 500


class Stream:
    """One service: numbers from a source, looked at by a sink that knows every gap."""

    def __init__(self, runner, number):
        self.runner = runner
        self.number = number

    def source(self, **config):
        return self.runner.module("source", Service=self.number, Asked=self.number + 1, Result=self.number + 2,
                                  StartAtOnce=1, **config)

    def sink(self, **config):
        return self.runner.module("sink", Service=self.number, Asked=self.number + 3, Result=self.number + 4, **config)

    def count(self):
        """So many have come; none may be missing."""
        result = json.loads(self.runner.exchange(self.number + 3, self.number + 4, "report"))
        assert result["errors"] == 0, result
        return result["count"]


def flapping(runner, untouched, number):
    """The hosts of the n-th configuration: each change touches others in another way."""
    hosts = list(untouched)
    if number % 2:
        hosts.append(runner.host("Comes", "echo"))
    modules = [configured(runner, Value=number % 7)]
    if number % 3:
        modules.append(runner.module("echo"))
    hosts.append(runner.host("Changes", *modules, Hold={"Seconds": 1 + number % 5}))
    hosts.append(runner.host("Born", "echo", Environment={"N": str(number // 20)}))
    if number % 4 == 3:
        hosts.reverse()
    return hosts


@pytest.mark.limit(180)
def test_untouched_hosts_lose_nothing_while_the_rest_flaps(make_runner):
    runner = make_runner()
    stream = Stream(runner, 800)
    untouched = [runner.host("Source", stream.source()), runner.host("Sink", stream.sink())]
    runner.configure(*flapping(runner, untouched, 0))
    runner.start()
    before = pids(runner, "Source", "Sink", "Changes")
    first = stream.count()
    for number in range(1, FLAPS + 1):
        runner.configure(*flapping(runner, untouched, number))
        assert apply(runner)[0] != ["nothing to do"]
        if number % 100 == 0:
            assert stream.count() > first
    runner.await_running()
    assert pids(runner, "Source", "Sink", "Changes") == before
    assert stream.count() > first
    eventually(lambda: report(runner)["value"] == FLAPS % 7)
    status = runner.status()
    assert all(module["dropped"] == 0 and module["lost"] == 0
               for host in status["hosts"] if host["name"] in ("Source", "Sink") for module in host["modules"])


def test_replacing_the_receiver_loses_nothing(make_runner):
    runner = make_runner()
    stream = Stream(runner, 800)
    runner.configure(runner.host("Source", stream.source()), runner.host("Sink", stream.sink()))
    runner.start()
    source = runner.pid("Source")
    for number in range(1, 6):
        before = runner.pid("Sink")
        runner.configure(runner.host("Source", stream.source()),
                         runner.host("Sink", stream.sink(), Environment={"N": str(number)}))
        assert apply(runner)[0] == ["replace host 'Sink' (Environment)"]
        runner.await_host("Sink", lambda host: host["state"] == "running" and host["pid"] not in (None, 0, before))
        runner.await_module("Sink", "sink", "running")
    assert runner.pid("Source") == source
    assert "are lost" not in runner.log()
    runner.send(stream.number + 1, "pause")

    def all_came():
        """A sink of its own cannot know what its predecessors had; the broker counted for all of them."""
        published, came = (runner.find_module(*of) for of in (("Source", "source"), ("Sink", "sink")))
        assert came["lost"] == 0 and came["dropped"] == 0
        return published["published"] > 0 and came["delivered"] == published["published"] and not came["waiting"]

    eventually(all_came, what=lambda: runner.status()["hosts"])


def test_during_a_back_off(make_runner):
    runner = make_runner()
    runner.configure(runner.host("A", configured(runner, Value=1), Restart={"FirstDelayMs": 60000, "MaxDelayMs": 60000}))
    runner.start()
    runner.kill("A")
    runner.await_host("A", lambda host: host["state"] == "absent")
    runner.configure(runner.host("A", configured(runner, Value=2), "echo", Environment={"X": "2"},
                                 Restart={"FirstDelayMs": 60000, "MaxDelayMs": 60000}))
    assert apply(runner)[0] == ["replace host 'A' (Environment)"]
    assert runner.find_host("A")["state"] == "absent"
    assert apply(runner)[0] == ["nothing to do"]
    runner.umh("reset", "A")
    runner.await_running("A")
    assert report(runner)["first"] == 2
    assert [module["name"] for module in runner.find_host("A")["modules"]] == ["m", "echo"]
    assert b"X=2" in open(f"/proc/{runner.pid('A')}/environ", "rb").read().split(b"\0")


def gated(runner, phase, **config):
    gate = runner.folder / f"gate-{phase}"
    gate.touch()
    return runner.module("gated", Phase=phase, Gate=str(gate), Asked=750, Result=751, **config), gate


@pytest.mark.parametrize("phase", ["init", "start"])
def test_during_a_start(make_runner, phase):
    runner = make_runner()
    module, gate = gated(runner, phase)
    runner.configure(runner.host("A", module, configured(runner, Value=1)))
    runner.start(wait=False)
    eventually(lambda: runner.find_status() and
               runner.find_module("A", "gated")["state"] == ("loading" if phase == "init" else "starting"))
    runner.configure(runner.host("A", module, configured(runner, Value=2), Environment={"X": "1"}), runner.host("B", "echo"))
    assert apply(runner)[0] == ["replace host 'A' (Environment)", "start host 'B' (1 module)"]
    assert apply(runner)[0] == ["nothing to do"]
    gate.unlink()
    runner.await_host("B", lambda host: host["state"] == "running")
    runner.await_host("A", lambda host: host["state"] == "running" and host["restarts"] == 1)
    runner.await_running()
    assert report(runner)["first"] == 2
    assert b"X=1" in open(f"/proc/{runner.pid('A')}/environ", "rb").read().split(b"\0")


def test_config_changes_while_the_module_starts(make_runner):
    runner = make_runner()
    module, gate = gated(runner, "start")
    runner.configure(runner.host("A", module, configured(runner, Value=1)))
    runner.start(wait=False)
    eventually(lambda: runner.find_status() and runner.find_module("A", "gated")["state"] == "starting")
    other = gated(runner, "start", Other=1)[0]
    runner.configure(runner.host("A", other, configured(runner, Value=2)))
    assert len(apply(runner)[0]) == 2
    gate.unlink()
    # gated has no configure function: it is reloaded when it has started.
    eventually(lambda: runner.find_module("A", "gated")["loaded"] == 2)
    runner.await_module("A", "gated", "running")
    eventually(lambda: report(runner)["value"] == 2)


def test_during_a_stop(make_runner):
    runner = make_runner()
    module, gate = gated(runner, "stop")
    runner.configure(runner.host("A", module), runner.host("B", "echo"))
    runner.start()
    before = runner.pid("A")
    runner.configure(runner.host("B", "echo"))
    assert apply(runner)[0] == ["stop host 'A'"]
    # Wanted again while it is on its way out: it ends first, and then there is another.
    runner.configure(runner.host("A", "echo"), runner.host("B", "echo"))
    assert apply(runner)[0] == ["nothing to do"]
    gate.unlink()
    runner.await_host("B", lambda host: host["state"] == "running")
    eventually(lambda: any(host["name"] == "A" and host["state"] == "running" and host["pid"] != before
                           for host in runner.status()["hosts"]))
    assert [module["name"] for module in runner.find_host("A")["modules"]] == ["echo"]


def test_during_a_reload(make_runner):
    runner = make_runner()
    module, gate = gated(runner, "stop")
    runner.configure(runner.host("A", module, "echo"))
    runner.start()
    before = runner.pid("A")
    runner.configure(runner.host("A", configured(runner, name="gated", Value=4), "echo"))
    assert apply(runner)[0] == ["reload module 'gated' of host 'A' (Path)"]
    runner.configure(runner.host("A", configured(runner, name="gated", Value=5), "echo"))
    assert apply(runner)[0] == ["configure module 'gated' of host 'A' (Config)"]
    gate.unlink()
    eventually(lambda: runner.find_module("A", "gated")["loaded"] == 2)
    runner.await_module("A", "gated", "running")
    eventually(lambda: report(runner)["value"] == 5)
    assert runner.pid("A") == before


def test_unwanted_while_it_is_told(make_runner):
    runner = make_runner()
    runner.configure(runner.host("A", configured(runner, Value=1, SlowMs=500), "echo"))
    runner.start()
    before = runner.pid("A")
    runner.configure(runner.host("A", configured(runner, Value=2, SlowMs=500), "echo"))
    apply(runner)
    runner.await_module("A", "m", "configuring")
    runner.configure(runner.host("A", "echo"))
    assert apply(runner)[0] == ["unload module 'm' from host 'A'"]
    eventually(lambda: runner.find_module("A", "m") is None)
    assert runner.pid("A") == before


def test_two_at_once(make_runner):
    runner = make_runner()
    runner.configure(runner.host("A", configured(runner, Value=0)))
    runner.start()
    before = runner.pid("A")
    files = []
    for number in range(1, 3):
        path, runner.config = runner.config, runner.folder / f"{number}.json"
        files.append(runner.config)
        runner.configure(runner.host("A", configured(runner, Value=number)), runner.host(f"B{number}", "echo"))
        runner.config = path
    running = [subprocess.Popen(runner.command("apply", file), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
               for file in files * 6]
    said = [process.communicate(timeout=runner.patience) for process in running]
    assert [process.returncode for process in running] == [0] * len(running), said
    results = [output.decode().splitlines() for output, _ in said]
    # Each is performed whole: a host of one file leaves with the other's coming. One that was still
    # leaving when its file came again starts when it has left, which may be the next one's step.
    assert all("configure module 'm' of host 'A' (Config)" in steps or
               set(steps) <= {"nothing to do", "start host 'B1' (1 module)", "start host 'B2' (1 module)"}
               for steps in results), results
    followed = runner.status()["broker"]["config"]
    number = files.index(type(files[0])(followed)) + 1
    eventually(lambda: report(runner)["value"] == number)
    eventually(lambda: [host["name"] for host in runner.status()["hosts"]] == ["A", f"B{number}"])
    assert runner.pid("A") == before


def test_stages_begin_one_after_the_other(make_runner):
    runner = make_runner()
    runner.configure(runner.host("A", "echo"), StartTogetherMs=600000)
    runner.start()
    module, gate = gated(runner, "init")
    runner.configure(runner.host("A", "echo"), runner.host("Late", "echo", Stage=2), runner.host("Early", module, Stage=1),
                     StartTogetherMs=600000)
    assert apply(runner)[0] == ["start host 'Early' (1 module)", "start host 'Late' (1 module)"]
    runner.await_host("Early", lambda host: host["state"] == "loading")
    assert "Late" not in [host["name"] for host in runner.status()["hosts"]]
    gate.unlink()
    eventually(lambda: "Late" in [host["name"] for host in runner.status()["hosts"]])
    runner.await_running("A", "Early", "Late")


def test_a_module_that_found_no_place_does_not_come_later(runner):
    path = str(runner.tree.file("echo"))
    modules = [{"Name": f"m{number}", "Path": path} for number in range(MODULES_MAX)]
    runner.configure({"GroupName": "one", "Modules": modules})
    runner.start()
    assert b"no place for module" in runner.umh("load", "one", runner.tree.file("printing"), code=1).stderr
    runner.umh("unload", "one", "m0")
    names = [module["name"] for module in runner.find_host("one")["modules"]]
    assert sorted(names) == sorted(module["Name"] for module in modules[1:])
    runner.umh("load", "one", runner.tree.file("printing"))
    assert runner.await_module("one", "printing", "running")


def test_a_host_that_is_only_starting_is_replaced_when_it_listens(make_runner, tree, tmp_path):
    """Its process was born with the old variables, and is not asked to load anything."""
    gate = tmp_path / "gate"
    dist = tmp_path / "dist"
    shutil.copytree(tree.dist, dist, symlinks=True)
    real = dist / "libexec" / "umh" / "umh-host64"
    real.rename(real.with_name("real-host64"))
    real.write_text(f'#!/bin/bash\nwhile [ ! -e {gate} ]; do sleep 0.02; done\n'
                    f'exec -a "$0" {real.with_name("real-host64")} "$@"\n')
    real.chmod(0o755)
    runner = make_runner(dist=dist)
    runner.configure(runner.host("A", "echo", Environment={"WHICH": "old"}))
    runner.start(wait=False)
    eventually(lambda: runner.find_status() and runner.find_host("A")["state"] == "greeting", runner.patience)
    runner.configure(runner.host("A", "echo", Environment={"WHICH": "new"}))
    assert apply(runner)[0] == ["replace host 'A' (Environment)"]
    gate.touch()
    host = runner.await_host("A", lambda host: host["state"] == "running" and host["restarts"] == 1)
    environment = pathlib.Path(f"/proc/{host['pid']}/environ").read_bytes().split(b"\0")
    assert b"WHICH=new" in environment and b"WHICH=old" not in environment
    assert runner.find_host("A")["ends"] == {"asked": 1}
