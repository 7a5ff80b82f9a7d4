"""`chat-cli send` and `chat-cli tail`: the service for pipes; `account` signs in for them.

`post` is `send` with an API token, `script` what `send` and `tail` share.

Results go to stdout, everything else to stderr. Exit codes are those of `exits`. Imports the
session and the pure part; nothing of the screens.
"""
