"""Copies of good rules on this machine."""

from __future__ import annotations

from answerby.server.live.snapshots import KEPT, Snapshots

FILES = {"a.yaml": b"a", "sub/b.yaml": "乙".encode()}


def test_the_last_good_rules_are_found_again(tmp_path):
    snapshots = Snapshots(tmp_path / "kept")
    assert snapshots.last_good() is None
    snapshots.save("r-1", FILES)
    assert Snapshots(tmp_path / "kept").last_good() == FILES
    snapshots.save("r-2", {"a.yaml": b"changed"})
    assert snapshots.last_good() == {"a.yaml": b"changed"}
    snapshots.save("r-1", FILES)
    assert snapshots.last_good() == FILES


def test_a_copy_that_is_gone_is_none(tmp_path):
    snapshots = Snapshots(tmp_path / "kept")
    snapshots.save("r-1", FILES)
    (tmp_path / "kept" / "r-1").rename(tmp_path / "elsewhere")
    assert snapshots.last_good() is None


def test_old_copies_go(tmp_path):
    snapshots = Snapshots(tmp_path / "kept")
    for number in range(KEPT + 3):
        snapshots.save(f"r-{number}", {"a.yaml": str(number).encode()})
    copies = [path for path in (tmp_path / "kept").iterdir() if path.is_dir()]
    assert len(copies) == KEPT
    assert snapshots.last_good() == {"a.yaml": str(KEPT + 2).encode()}
