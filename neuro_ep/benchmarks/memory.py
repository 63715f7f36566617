"""The most memory that a program held, written down by the program as it ends.

The system's own account, ru_maxrss, also counts what the process held before it became
this program, which is all of Python. So a small library is loaded into the program.
Linux only.
"""

from __future__ import annotations

import sys
from pathlib import Path

from neuro_ep.engine.dense.codeobjects import shared_library
from neuro_ep.errors import InputError

FILE = "NEURO_EP_PEAK"

SOURCE = """
#include <cstdio>
#include <cstdlib>
#include <cstring>

__attribute__((destructor)) static void write_peak()
{
    const char* path = std::getenv("NEURO_EP_PEAK");
    std::FILE* status = std::fopen("/proc/self/status", "r");
    std::FILE* written = path ? std::fopen(path, "w") : nullptr;
    char line[256];
    while (status && written && std::fgets(line, sizeof line, status))
        if (!std::strncmp(line, "VmHWM:", 6)) std::fputs(line + 6, written);
    if (written) std::fclose(written);
}
"""


def environment(file: Path) -> dict[str, str]:
    """What makes a program write its peak into a file."""
    if not sys.platform.startswith("linux"):
        raise InputError("memory is measured on Linux only")
    return {"LD_PRELOAD": str(shared_library(SOURCE)), FILE: str(file)}


def peak_bytes(file: Path) -> int:
    """What the program wrote."""
    kilobytes, _ = file.read_text().split()
    return int(kilobytes) * 1024
