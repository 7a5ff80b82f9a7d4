"""Being who an API token says, without a session of one's own."""

from chat_cli.session.identity import Identity


class GivenToken(Identity):
    """A token that a script was given: nothing is opened with it, kept of it, or ended.

    There is no other way in once the server does not take it any more.
    """

    def __init__(self, token: str) -> None:
        super().__init__("")
        self._token = token

    @property
    def given(self) -> bool:
        """Always."""
        return True

    @property
    def token(self) -> str:
        """The token."""
        return self._token

    @property
    def account(self) -> bool:
        """Always: it goes on when the client ends."""
        return True

    def leave(self) -> bool:
        """Do nothing: no next start finds it."""
        return False

    def expired(self) -> None:
        """Do nothing: it is not this process's to forget."""
