"""The calls that open, cut, grow and rename files."""

import os
from pathlib import Path

import pytest

from chat_service.transcripts.files import Calls, ChangedError, Files


def files(directory: Path) -> Files:
    """Use the system's own calls."""
    return Files(directory, Calls())


def test_new_file_grows(tmp_path: Path) -> None:
    """A size of 0 makes the file; what is appended goes behind what counts."""
    for size, text in ((0, b"one\n"), (4, b"two\n")):
        with files(tmp_path).grown("a", size, is_known=False) as descriptor:
            files(tmp_path).append(descriptor, text)
    assert (tmp_path / "a").read_bytes() == b"one\ntwo\n"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_what_does_not_count_is_cut_off(tmp_path: Path) -> None:
    """Half a line of a crash goes, unless nobody can have crashed."""
    (tmp_path / "a").write_bytes(b"one\nhal")
    with (
        pytest.raises(ChangedError, match="was changed"),
        files(tmp_path).grown("a", 4, is_known=True),
    ):
        pass
    assert (tmp_path / "a").read_bytes() == b"one\nhal"
    with files(tmp_path).grown("a", 4, is_known=False):
        pass
    assert (tmp_path / "a").read_bytes() == b"one\n"


@pytest.mark.parametrize(("content", "size"), [(b"one\n", 5), (b"", 4), (b"other text\n", 4)])
def test_changed_file_is_told(tmp_path: Path, content: bytes, size: int) -> None:
    """It is shorter than what counts, or no line ends there; it is left as it is."""
    (tmp_path / "a").write_bytes(content)
    with (
        pytest.raises(ChangedError, match="was changed"),
        files(tmp_path).grown("a", size, is_known=False),
    ):
        pass
    assert (tmp_path / "a").read_bytes() == content


def test_missing_file_is_told(tmp_path: Path) -> None:
    """It had something in it; where the directory is gone, that is an error of the disk."""
    with (
        pytest.raises(ChangedError, match="is gone"),
        files(tmp_path).grown("a", 4, is_known=False),
    ):
        pass
    with pytest.raises(FileNotFoundError), files(tmp_path / "gone").grown("a", 4, is_known=False):
        pass


def test_all_is_written_however_little_a_call_takes(tmp_path: Path) -> None:
    """A disk may take a part of what it is given."""
    slow = Files(tmp_path, Calls(write=lambda descriptor, data: os.write(descriptor, data[:3])))
    with slow.grown("a", 0, is_known=False) as descriptor:
        slow.append(descriptor, b"0123456789")
    assert (tmp_path / "a").read_bytes() == b"0123456789"


def test_rename_is_done_once(tmp_path: Path) -> None:
    """A second time changes nothing: the new name says that it was done."""
    (tmp_path / "a").write_bytes(b"old")
    files(tmp_path).rename({"a": "b", "missing": "c"})
    (tmp_path / "a").write_bytes(b"new")
    files(tmp_path).rename({"a": "b", "missing": "c"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "a": b"new",
        "b": b"old",
    }


def test_names_are_synced_with_their_directory(tmp_path: Path) -> None:
    """A new name is on the disk when the directory is."""
    synced: list[int] = []

    def sync(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)

    Files(tmp_path, Calls(sync=sync)).rename({})
    assert synced == [tmp_path.stat().st_ino]


def test_removing_what_is_gone_is_no_error(tmp_path: Path) -> None:
    """Somebody may have been quicker."""
    (tmp_path / "a").touch()
    files(tmp_path).remove("a")
    files(tmp_path).remove("a")
    assert not files(tmp_path).is_taken("a")
    (tmp_path / "a").symlink_to("nowhere")
    assert files(tmp_path).is_taken("a")
