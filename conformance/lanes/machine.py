"""What this machine has for processes: processors, memory, and devices that only one process can have."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
MEMINFO = Path("/proc/meminfo")
DEVICES = Path("/dev")


def cores() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_left(meminfo: Path = MEMINFO, cgroup: Path = CGROUP) -> int:
    """Bytes that processes can still get: what the system calls available, or less where a container may have less.

    Where the system does not say, half of all that is built in; 0 where nobody says even that.
    """
    left = _of_container(cgroup)
    with suppress(OSError, ValueError, StopIteration):
        lines = meminfo.read_text(encoding="ascii").splitlines()
        left.append(next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")))
        return min(left)
    with suppress(AttributeError, OSError, ValueError):
        left.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2)
        return min(left)
    return 0


def _of_container(cgroup: Path) -> list[int]:
    """What the container's limit leaves, with the files that it can forget; nothing where there is no limit."""
    with suppress(OSError, ValueError, StopIteration):
        limit = int((cgroup / "memory.max").read_text(encoding="ascii"))  # "max" is no number
        used = int((cgroup / "memory.current").read_text(encoding="ascii"))
        lines = (cgroup / "memory.stat").read_text(encoding="ascii").splitlines()
        files = next(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
        return [limit - used + files]
    return []


def has_accelerator(devices: Path = DEVICES) -> bool:
    """Whether there is a graphics processor, of which a framework may take all the memory for its first process."""
    return any(next(devices.glob(pattern), None) for pattern in ("nvidia[0-9]*", "kfd", "accel*", "dxg"))
