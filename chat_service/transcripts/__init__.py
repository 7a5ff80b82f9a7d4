"""What is said in public rooms, as files of plain text that grow as people talk.

    notes       what commits mean for transcripts: noted on the event loop, taken by a thread
    entries     events, joins and leaves as lines, in their order; pure
    naming      what files are called; pure
    files       the calls that open, cut, grow and rename files
    positions   how far each file is, in a small SQLite file beside them
    book        one room after the other, brought up to date on the disk
    writer      the thread: when it writes, how it rests, what it does when the disk fails

The log is the truth, and a transcript a copy that may be late: chat never waits for it. The
thread reads what follows the last seq that it wrote, appends it, has it synced, and only then
commits the new size and seq. Whatever ends the process in between, the next start cuts the
file to the committed size and goes on behind the committed seq: no hole, and no double.
Joins and leaves are not in the log. Those that a crash meets before they are committed here,
and those that happen while nothing writes, are missing.

May import of the project: core, log, config, chat_text.
"""
