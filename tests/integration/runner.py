# SPDX-License-Identifier: MIT
"""One running system, driven only as a person could: by `umh`, by files and by signals."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOOK_EVERY = 0.01


def eventually(check, timeout=20.0, what=None):
    """The first true value of `check()`; fails when there is none until the deadline."""
    deadline = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            wanted = what() if callable(what) else what
            raise AssertionError(f"not within {timeout:g} s: {wanted or check}")
        time.sleep(LOOK_EVERY)  # the one place that looks again and again


def service(number):
    """The test service of that number: see tests/support/modules/services.h."""
    return f"7e570000-0000-4000-8000-{number:012x}"


class Tree:
    """A build: its installation, its test modules, and how much slower than usual it is."""

    def __init__(self):
        build = ROOT / "build"
        self.dist = pathlib.Path(os.environ.get("UMH_DIST", build / "dist"))
        self.tests = pathlib.Path(os.environ.get("UMH_TESTS", build / "tests"))
        self.sanitizer = ""
        cache = self.dist.parent / "CMakeCache.txt"
        if cache.exists():
            for line in cache.read_text().splitlines():
                if line.startswith("UMH_SANITIZE:"):
                    self.sanitizer = line.partition("=")[2]
        self.slowness = 4 if self.sanitizer else 1

    @property
    def umh(self):
        return self.dist / "bin" / "umh"

    @property
    def has_managed(self):
        return (self.dist / "lib" / "umh" / "managed").is_dir()

    def file(self, name):
        """The file of a test module, native or managed."""
        for suffix in (".so", ".dll"):
            path = self.tests / "modules" / name / (name + suffix)
            if path.exists():
                return path
        raise FileNotFoundError(f"no test module '{name}' in {self.tests}")

    def program(self, name):
        return self.tests / "programs" / name


def is_alive(pid):
    """A process that runs; one that only waits to be reaped does not."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def birth_of(pid):
    """What tells a process from a later one with the same pid; None: it is none of the product's."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    name, _, rest = stat.partition("(")[2].rpartition(")")
    return int(rest.split()[19]) if name.startswith("umh-") else None


def memory_of(pid, key="VmRSS"):
    """In bytes."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"process {pid} has no {key}")


def cgroup_places():
    """The folders of the cgroup v2 tree that a broker started from here may make groups in."""
    own = [line[3:] for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::")]
    places = []
    for mount in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
        if own and pathlib.Path(mount, "cgroup.controllers").exists():
            base = pathlib.Path(mount + own[0])
            places += [base, base.parent]
    return places


def has_mapped(pid, part):
    return part in pathlib.Path(f"/proc/{pid}/maps").read_text()


class Listener:
    """`umh listen --json`, from the moment it is subscribed."""

    def __init__(self, runner, services, arguments=()):
        self._runner = runner
        self._messages = []
        self._position = 0
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            runner.command("listen", "--json", *arguments, *services),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        first = self.process.stderr.readline()
        assert first.strip() == b"listening", first + self.process.stderr.read()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for line in self.process.stdout:
            with self._changed:
                self._messages.append(json.loads(line))
                self._changed.notify_all()
        with self._changed:
            self._messages.append(None)
            self._changed.notify_all()

    @property
    def messages(self):
        """All that have come."""
        with self._changed:
            return [message for message in self._messages if message is not None]

    @property
    def texts(self):
        return [message["text"] for message in self.messages]

    def next(self, timeout=None, where=lambda message: True):
        """The next message that was not taken yet and fits; what comes before it is skipped."""
        deadline = time.monotonic() + (timeout or self._runner.patience)
        with self._changed:
            while True:
                while self._position < len(self._messages):
                    message = self._messages[self._position]
                    assert message is not None, "the listener has ended"
                    self._position += 1
                    if where(message):
                        return message
                left = deadline - time.monotonic()
                assert left > 0, f"no message came; so far: {str(self._messages)[-2000:]}"
                self._changed.wait(left)

    def next_json(self, timeout=None, where=lambda value: True):
        """The same of messages that are JSON texts."""
        return json.loads(self.next(timeout, lambda message: where(json.loads(message["text"])))["text"])

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(self._runner.patience)
        self._thread.join(self._runner.patience)
        self.process.stdout.close()
        self.process.stderr.close()


class Talk:
    """Questions to a test module and its answers."""

    def __init__(self, runner, asked, result):
        self._runner = runner
        self._asked = asked
        self.listener = runner.listen(result)

    def tell(self, text):
        self._runner.send(self._asked, text)

    def ask(self, text="report", where=lambda value: True):
        self.tell(text)
        return self.listener.next_json(where=where)


class Runner:
    """One instance of the product with files of its own."""

    def __init__(self, tree, dist=None):
        self.tree = tree
        self.dist = pathlib.Path(dist or tree.dist)
        self.patience = 20.0 * tree.slowness
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="umh-e2e-"))
        self.instance = self.folder.name
        self.control = self.folder / "control"
        self.config = self.folder / "broker.json"
        self.log_path = self.folder / "broker.log"
        self.prefix = []  # before every command: whoever runs it
        self.broker = None
        self._listeners = []
        self._births = {}

    # --- configuration -----------------------------------------------------------------------

    def module(self, name, file=None, overflow=None, **config):
        """An entry of Modules: the test module `file` under a name."""
        entry = {"Name": name, "Path": str(file if isinstance(file, pathlib.Path) else self.tree.file(file or name))}
        if config:
            entry["Config"] = config
        if overflow:
            entry["Overflow"] = overflow
        return entry

    def host(self, name, *modules, **keys):
        """An entry of ChildProcesses; a text among the modules is a test module's name."""
        return {"GroupName": name, **keys,
                "Modules": [self.module(module) if isinstance(module, str) else module for module in modules]}

    def configure(self, *hosts, **keys):
        self.config.write_text(json.dumps({**keys, "ChildProcesses": hosts}, indent=1))

    # --- the broker ----------------------------------------------------------------------------

    def start(self, *arguments, wait=True, environment=None, under=()):
        """`umh run`, itself run by the command `under`; returns when every host runs."""
        with open(self.log_path, "ab") as log:
            self.broker = subprocess.Popen(
                [*self.prefix, *under, self.dist / "bin" / "umh", "--control", self.control, "run", self.config,
                 "--instance", self.instance, *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                env={**os.environ, **environment} if environment else None)
        if wait:
            self.await_running()

    def await_running(self, *names):
        """Until those hosts run, or all of them, each module with its outcome."""
        def are_running():
            assert self.broker.poll() is None, f"the broker has ended with {self.broker.returncode}"
            status = self.find_status()
            if not status:
                return None
            hosts = [host for host in status["hosts"] if not names or host["name"] in names]
            settled = all(host["state"] == "running" and
                          all(module["state"] in ("running", "failed") for module in host["modules"])
                          for host in hosts)
            return status if settled and len(hosts) >= len(names) else None

        return eventually(are_running, self.patience, lambda: f"hosts run: {self.find_status()}")

    def command(self, *arguments):
        return [str(part) for part in (*self.prefix, self.dist / "bin" / "umh", "--control", self.control, *arguments)]

    def umh(self, *arguments, code=0, **keys):
        """One subcommand to its end; `code` None takes any."""
        done = subprocess.run(self.command(*arguments), capture_output=True, timeout=self.patience * 2,
                              stdin=None if "input" in keys else subprocess.DEVNULL, **keys)
        assert code is None or done.returncode == code, \
            f"umh {' '.join(map(str, arguments))[:200]} ended with {done.returncode}: {done.stderr.decode(errors='replace')}"
        return done

    def find_status(self):
        """None where no broker answers."""
        done = self.umh("status", "--json", code=None)
        if done.returncode != 0:
            return None
        status = json.loads(done.stdout)
        self._births.update((host["pid"], birth_of(host["pid"])) for host in status["hosts"] if host["pid"])
        return status

    def status(self):
        status = self.find_status()
        assert status, "no broker answers"
        return status

    def find_host(self, name):
        """What the status says of it."""
        return next(host for host in self.status()["hosts"] if host["name"] == name)

    def find_module(self, host, name):
        """None when the host has none of that name."""
        return next((module for module in self.find_host(host)["modules"] if module["name"] == name), None)

    def await_host(self, name, check, timeout=None):
        """What the status says of the host, once it passes the check."""
        def look():
            host = self.find_host(name)
            return host if check(host) else None

        return eventually(look, timeout or self.patience, lambda: f"host {name}: {self.find_host(name)}")

    def await_module(self, host, name, state):
        def look():
            module = self.find_module(host, name)
            return module if module and module["state"] == state else None

        return eventually(look, self.patience, lambda: f"{host}/{name} is {state}: {self.find_host(host)}")

    def pid(self, host):
        return self.find_host(host)["pid"]

    def kill(self, host, signal_number=signal.SIGKILL):
        """Signal a host's process; returns its pid."""
        pid = self.pid(host)
        os.kill(pid, signal_number)
        return pid

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def await_log(self, text):
        eventually(lambda: text in self.log(), self.patience, f"the log says: {text}")

    # --- messages ------------------------------------------------------------------------------

    def send(self, to, text, *arguments, code=0):
        """`to` is a name, a GUID or the number of a test service."""
        raw = text if isinstance(text, bytes) else text.encode()
        return self.umh("send", service(to) if isinstance(to, int) else to, *arguments, "-", input=raw, code=code)

    def listen(self, *services, arguments=()):
        listener = Listener(self, [service(one) if isinstance(one, int) else one for one in services], arguments)
        self._listeners.append(listener)
        return listener

    def talk(self, asked, result):
        return Talk(self, asked, result)

    def exchange(self, asked, answered, text):
        """The text of the next message to `answered` after one to `asked`."""
        listener = self.listen(answered)
        self.send(asked, text)
        answer = listener.next()["text"]
        listener.close()
        return answer

    # --- the end -------------------------------------------------------------------------------

    def stop(self):
        """In order; returns the broker's exit code."""
        if self.broker is None:
            return 0
        if self.broker.poll() is None:
            self.find_status()
            self.umh("stop", code=None)
        return self.broker.wait(self.patience)

    def kill_broker(self):
        self.find_status()
        self.broker.kill()
        self.broker.wait(self.patience)

    @contextlib.contextmanager
    def paused(self, pid):
        """The process does not run."""
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _find_report(self):
        """What a sanitizer said, of whichever process."""
        log = self.log()
        for mark in ("ERROR: AddressSanitizer", "WARNING: ThreadSanitizer", "ERROR: LeakSanitizer", "runtime error:"):
            at = log.find(mark)
            if at >= 0:
                return log[at:at + 6000]
        return None

    def _find_left(self):
        """Processes of hosts that are alive. Thousands were seen in some tests, so pids come again."""
        return [pid for pid, birth in self._births.items()
                if birth is not None and is_alive(pid) and birth_of(pid) == birth]

    def _kill_all(self):
        if self.broker is not None and self.broker.poll() is None:
            self.broker.kill()
            self.broker.wait()
        left = self._find_left()
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return left

    def _remove_groups(self):
        """What a killed broker left in the cgroup tree is for the next of its instance, and there is none."""
        for place in cgroup_places():
            tree = place / f"umh-{self.instance}"
            if tree.is_dir():
                with contextlib.suppress(OSError):
                    (tree / "cgroup.kill").write_text("1")
                for folder, _, _ in os.walk(tree, topdown=False):
                    with contextlib.suppress(OSError):
                        os.rmdir(folder)

    def close(self, is_ok=True):
        """Everything ends and nothing is left; what was wrong on the way is an error of the test."""
        problems = []
        try:
            ended = self.broker is not None and self.broker.poll() is not None
            if is_ok and not ended and self.stop() != 0:
                problems.append(f"the broker ended with {self.broker.returncode}")
            if is_ok and self._find_left():
                eventually(lambda: not self._find_left(), 2.0 * self.tree.slowness,
                           "the hosts have ended with their broker")
        except (AssertionError, subprocess.TimeoutExpired) as error:
            problems.append(f"it did not stop in order: {error}")
        self._kill_all()
        for listener in self._listeners:
            listener.close()
        report = self._find_report()
        if report:
            problems.append(report)
        if problems or not is_ok:
            print(f"--- log of {self.instance} ---\n{self.log()[-12000:]}")
        shutil.rmtree(self.folder, ignore_errors=True)
        for place in (f"/var/lib/umh/{self.instance}", f"/run/umh/{self.instance}",
                      os.path.expanduser(f"~/.cache/umh/store/{self.instance}")):
            shutil.rmtree(place, ignore_errors=True)
        self._remove_groups()
        assert not problems, "\n".join(problems)
