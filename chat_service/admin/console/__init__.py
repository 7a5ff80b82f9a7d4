"""The console: a table of the instances above a command line (prompt_toolkit).

    commands      the table of commands; parsing, help, hints and completion come from it
    syntax        what may be typed; `completion` what Tab offers
    actions       what each command does; `answers` and `sparkline` what comes back, as lines
    table         the instances in columns; `output` answers that scroll
    state         what keys, commands and news have changed
    view          all of that as the rows of a screen; `lines`, `units`, `styles` their make
    screen        the full-screen application; `terminal` what it draws on

All but `actions`, `screen` and `terminal` is pure. Knows the instances by `admin.operations`
alone. Every text that somebody else chose goes through `chat_text.sanitize`.
"""
