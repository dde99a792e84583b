# SPDX-License-Identifier: MIT
"""A display that nobody sees: Xvfb, whose screen is a file, and a hand for its mouse."""

import os
import shutil
import struct
import subprocess
import zlib

MISSING = [name for name in ("Xvfb", "xdotool") if not shutil.which(name)]


class Picture:
    """Rows of bytes, four a pixel: blue, green, red and nothing."""

    def __init__(self, width, height, rows):
        self.width = width
        self.height = height
        self.rows = rows

    def cut(self, left, top, width, height):
        return Picture(width, height, [row[left * 4:(left + width) * 4] for row in self.rows[top:top + height]])

    def colours(self):
        """How many pixels each colour has."""
        counts = {}
        for row in self.rows:
            for at in range(0, len(row), 4):
                pixel = row[at:at + 3]
                counts[pixel] = counts.get(pixel, 0) + 1
        return counts

    def differs(self, other):
        return self.rows != other.rows

    def save(self, path):
        """As PNG."""
        raw = bytearray()
        for row in self.rows:
            raw.append(0)
            for at in range(0, len(row), 4):
                raw += row[at:at + 3][::-1]

        def chunk(kind, data):
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

        path.write_bytes(b"\x89PNG\r\n\x1a\n"
                         + chunk(b"IHDR", struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0))
                         + chunk(b"IDAT", zlib.compress(bytes(raw))) + chunk(b"IEND", b""))


class Display:
    """`environment` is what a program needs that is to be seen on it."""

    def __init__(self, folder, width=800, height=600):
        self.folder = folder
        reading, writing = os.pipe()
        self.process = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{width}x{height}x24", "-fbdir", str(folder),
             "-nolisten", "tcp", "-noreset"],
            pass_fds=[writing], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(writing)
        with os.fdopen(reading) as numbers:
            number = numbers.readline().strip()
        assert number, "Xvfb has not begun"
        self.environment = {"DISPLAY": ":" + number, "WAYLAND_DISPLAY": ""}

    def picture(self):
        """Of the whole screen, as it is at this moment. The file is an X window dump."""
        raw = (self.folder / "Xvfb_screen0").read_bytes()
        header = struct.unpack_from(">25I", raw)
        width, height, bits, bytes_per_row, colours = header[4], header[5], header[11], header[12], header[19]
        assert bits == 32
        at = header[0] + colours * 12
        return Picture(width, height, [raw[at + y * bytes_per_row:at + y * bytes_per_row + width * 4]
                                       for y in range(height)])

    def do(self, *arguments):
        """One command of xdotool; returns what it says."""
        done = subprocess.run(["xdotool", *map(str, arguments)], env={**os.environ, **self.environment},
                              capture_output=True, text=True, timeout=60)
        return done.stdout

    def find_window(self, title):
        """Its place and size; None: there is none, or it is not shown."""
        found = self.do("search", "--onlyvisible", "--name", title).split()
        if not found:
            return None
        lines = self.do("getwindowgeometry", "--shell", found[-1]).splitlines()
        place = dict(line.split("=") for line in lines if "=" in line)
        return tuple(int(place[key]) for key in ("X", "Y", "WIDTH", "HEIGHT"))

    def click(self, x, y):
        self.do("mousemove", x, y, "click", 1)

    def close(self):
        self.process.terminate()
        self.process.wait(20)
