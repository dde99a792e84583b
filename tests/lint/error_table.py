# SPDX-License-Identifier: MIT
"""One table of failures: names and numbers in src/base/err.h, in the managed parts and in the documents agree."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROW = re.compile(r'X\((UMH_E_\w+), (-\d+), "([^"]*)"\)')
RESULT = re.compile(r"\b(UMH_V1_\w+) = (\d+)")


def camel(name, prefix):
    return "".join(word.capitalize() for word in name[len(prefix):].split("_"))


def complain(problems, path, text, position, what):
    problems.append(f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, position) + 1}: {what}")


def main():
    problems = []
    header = ROOT / "src/base/err.h"
    if not header.exists():
        return 0
    text = header.read_text(encoding="utf-8")
    table = {}
    for match in ROW.finditer(text):
        name, number = match.group(1), int(match.group(2))
        if number in table.values() or number >= 0:
            complain(problems, header, text, match.start(), f"{name}: {number} is used twice or no failure")
        table[name] = number

    module = ROOT / "include/umh/module.h"
    results = {}
    if module.exists():
        results = {name: int(number) for name, number in RESULT.findall(module.read_text(encoding="utf-8"))}
    numbers = {**table, **results}

    documents = [path for path in (ROOT / "docs").glob("*.md")] + [ROOT / "README.md"]
    managed = [path for path in (ROOT / "managed").rglob("*.cs") if not {"bin", "obj"} & set(path.parts)]
    for path in [path for path in documents + managed if path.exists()]:
        text = path.read_text(encoding="utf-8")
        for match in re.finditer(r"\b(UMH_(?:E|V1)_[A-Z0-9_]+)\b(?:`?\s*(?:\||=)\s*`?(-?\d+))?", text):
            name, number = match.groups()
            if name.startswith("UMH_E_") and name not in numbers:
                complain(problems, path, text, match.start(), f"{name} is not in the table")
            elif number is not None and name in numbers and int(number) != numbers[name]:
                complain(problems, path, text, match.start(), f"{name} is {numbers[name]}")
        # A document that begins to list the failures lists all.
        rows = set(re.findall(r"^\|\s*`?(UMH_E_\w+)`?\s*\|", text, re.M))
        if rows:
            for name in sorted(set(table) - rows):
                complain(problems, path, text, 0, f"the table lacks {name}")

    # C# names the results of the module interface in its own spelling; the numbers are the same.
    by_camel = {camel(name, "UMH_V1_"): number for name, number in results.items()}
    for path in managed:
        text = path.read_text(encoding="utf-8")
        for enum in re.finditer(r"\benum (\w*Result)\b[^{]*\{(.*?)\}", text, re.S):
            for entry in re.finditer(r"\b([A-Z]\w+)\s*=\s*(\d+)", enum.group(2)):
                name, number = entry.group(1), int(entry.group(2))
                if by_camel.get(name, number) != number:
                    complain(problems, path, text, enum.start(2) + entry.start(), f"{name} is {by_camel[name]}")

    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


sys.exit(main())
