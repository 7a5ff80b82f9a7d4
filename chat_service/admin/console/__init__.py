"""The console: a table of the instances above a command line (prompt_toolkit).

    commands      the table of commands; parsing, help and completion come from it
    table         the instances as styled lines; `sparkline` the last minutes. Pure
    state         what the console shows, and what a key or a line changes. Pure
    screen        the full-screen application

Knows the instances by `admin.operations` alone. Every text that somebody else chose goes
through `chat_text.sanitize`.
"""
