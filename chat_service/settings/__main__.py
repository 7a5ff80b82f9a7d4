"""Prints docs/configuration.md."""

from chat_service.settings.document import markdown

print(markdown(), end="")
