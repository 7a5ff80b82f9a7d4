"""What is kept back: a share of a small disk, an amount of a large one, or what was asked."""

import pytest

from chat_service.log.reserve import DiskReserve

M = 1 << 20


@pytest.mark.parametrize(
    ("free", "total", "keep", "touched"),
    [
        (64 * M, 1_000_000 * M, None, False),
        (64 * M - 1, 1_000_000 * M, None, True),
        (2 * M, 100 * M, None, False),
        (2 * M - 1, 100 * M, None, True),
        (0, 100 * M, None, True),
        (5 * M, 100 * M, 5 * M, False),
        (5 * M - 1, 100 * M, 5 * M, True),
        (0, 100 * M, 0, False),
    ],
)
def test_reserve(free: int, total: int, keep: int | None, *, touched: bool) -> None:
    """64 MiB or a fiftieth, the smaller, unless a person chose; 0 keeps nothing back."""
    assert DiskReserve(lambda: (free, total), keep).is_touched() is touched


def test_disk_is_asked_each_time() -> None:
    """Room that was made is seen without a restart."""
    spaces = iter([(1, 100), (99, 100), (1, 100)])
    reserve = DiskReserve(lambda: next(spaces), 50)
    assert [reserve.is_touched() for _ in range(3)] == [True, False, True]
