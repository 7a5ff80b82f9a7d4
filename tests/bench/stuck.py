"""A worker that does not end when it should, for the test of the one who ends it."""

import signal

from bench.worker import answer

if __name__ == "__main__":
    answer({"stuck": True})
    signal.pause()
