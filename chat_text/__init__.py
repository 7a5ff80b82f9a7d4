"""Text that came from somebody else, made fit to be shown: on a terminal or in a file.

    sanitize      every character harmless and visible
    transcript    what happened in a room, as lines of plain text

The server and the client share it. Pure; imports nothing of the project.
"""
