"""The last lines of the log."""

from chat_service.admin.operations import Logged
from chat_service.admin.recent import KEPT_LINES, RecentLog


def test_lines_of_one_and_of_all() -> None:
    """Each instance has its lines, and all together come in the order of their coming."""
    log = RecentLog()
    lines = [Logged(50051, "a"), Logged(0, "b"), Logged(50052, "c"), Logged(50051, "d")]
    for line in lines:
        log.add(line)
    assert log.lines(0) == lines
    assert log.lines(50051) == [lines[0], lines[3]]
    assert log.lines(50060) == []


def test_talkative_instance_pushes_out_no_other() -> None:
    """The oldest lines go, of each instance by itself."""
    log = RecentLog()
    log.add(Logged(50052, "rare"))
    for number in range(KEPT_LINES + 1):
        log.add(Logged(50051, str(number)))
    assert log.lines(50052) == [Logged(50052, "rare")]
    assert log.lines(50051) == log.lines(0)
    assert log.lines(50051)[0] == Logged(50051, "1")
    assert len(log.lines(50051)) == KEPT_LINES
