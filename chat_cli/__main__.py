"""`python -m chat_cli` is `chat-cli`."""

from chat_cli.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
