"""`chat-admin` in this process, against a service that is told by its path."""

from chat_cli.admin.arguments import read_arguments
from chat_cli.admin.cli import run
from tests.cli.admin.fake_admin import FakeAdmin


async def admin(fake: FakeAdmin, *arguments: str) -> int:
    """Run a command against a fake; return the exit code."""
    return await run(read_arguments(arguments), fake.target)
