# SPDX-License-Identifier: MIT
"""Calls that are not made: each has a replacement here or a reason why nobody needs it."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# (call, where it is looked for, where it is allowed, why not)
RULES = [
    ("uv_spawn", r"", None, "watch/process.h spawns"),
    ("uv_default_loop", r"", None, "the loop is the broker's own"),
    ("getenv|secure_getenv|setenv|putenv", r"^src/", r"^src/platform/\w+/environment\.c$", "platform/environment.h"),
    ("system|popen", r"", None, "no shell"),
    ("sleep|usleep|nanosleep|uv_sleep", r"", None, "wait for an event with a deadline"),
    ("strcpy|strcat|sprintf|vsprintf|gets", r"", None, "has no bound"),
    ("json_unpack|json_unpack_ex", r"", None, "its positions are those of the format"),
    ("exit|quick_exit", r"^src/host/", None, "a host leaves by _exit"),
    # The second place asks what time zone it is.
    ("time|gettimeofday|timespec_get", r"^src/", r"^src/(platform/\w+/clock|broker/logs)\.c$",
     "deadlines are monotonic; platform/clock.h"),
]
# (name, where it is allowed, why not elsewhere), in src/
NAMES = [
    ("CLOCK_REALTIME(?:_\w+)?", r"^src/platform/linux/clock\.c$", "deadlines are monotonic; platform/clock.h"),
]
BLANK = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
PYTHON_SLEEP = re.compile(r"\btime\.sleep\(")


def project_files(*patterns):
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "--", *patterns],
                         cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in dict.fromkeys(out.split("\n")) if name and (ROOT / name).is_file()]


def without_comments_and_text(source):
    """Blanked in place: lines stay where they are."""
    return BLANK.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), source)


def main():
    found = 0
    for name in project_files("*.c", "*.h", "*.cpp"):
        source = without_comments_and_text((ROOT / name).read_text(encoding="utf-8"))
        for calls, place, allowed, reason in RULES:
            if not re.search(place, name) or (allowed and re.search(allowed, name)):
                continue
            # A member of that name is another function.
            for match in re.finditer(rf"(?<![\w.>])({calls})\s*\(", source):
                line = source.count("\n", 0, match.start()) + 1
                print(f"{name}:{line}: {match.group(1)}: {reason}")
                found += 1
        for names, allowed, reason in NAMES:
            if not name.startswith("src/") or re.search(allowed, name):
                continue
            for match in re.finditer(rf"\b{names}\b", source):
                print(f"{name}:{source.count(chr(10), 0, match.start()) + 1}: {match.group()}: {reason}")
                found += 1
    for name in project_files("tests/*.py"):
        lines = (ROOT / name).read_text(encoding="utf-8").split("\n")
        for number, line in enumerate(lines, 1):
            # One that must be is explained on its line.
            if PYTHON_SLEEP.search(line) and "#" not in line:
                print(f"{name}:{number}: time.sleep: wait for an event with a deadline")
                found += 1
    return 1 if found else 0


sys.exit(main())
