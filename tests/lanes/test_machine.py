"""What is left for another process is told by the container where there is one, else by the system."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.lanes.machine import cores, has_accelerator, memory_left

GIB = 2**30


def system(folder: Path, available: str = "MemAvailable:    8388608 kB") -> Path:
    path = folder / "meminfo"
    path.write_text(f"MemTotal:       16777216 kB\n{available}\n")
    return path


def container(folder: Path, limit: str) -> Path:
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{3 * GIB}\n")
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {GIB}\n")
    return folder


@pytest.mark.parametrize(
    ("limit", "left"), [("max", 8 * GIB), (str(4 * GIB), 2 * GIB), (str(100 * GIB), 8 * GIB), ("?", 8 * GIB)]
)
def test_memory_is_what_both_leave(limit: str, left: int, tmp_path: Path) -> None:
    assert memory_left(system(tmp_path), container(tmp_path, limit)) == left


def test_a_system_that_does_not_say_is_taken_for_half_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": GIB // 4096}.__getitem__)
    assert memory_left(tmp_path / "none", tmp_path) == GIB // 2
    assert memory_left(system(tmp_path, "MemAvailable: much"), tmp_path) == GIB // 2
    monkeypatch.delattr("os.sysconf")
    assert memory_left(tmp_path / "none", tmp_path) == 0


def test_a_graphics_processor_is_seen_by_its_device(tmp_path: Path) -> None:
    (tmp_path / "nvidiactl").touch()
    assert not has_accelerator(tmp_path)
    (tmp_path / "nvidia0").touch()
    assert has_accelerator(tmp_path)


def test_there_is_a_processor() -> None:
    assert cores() >= 1
