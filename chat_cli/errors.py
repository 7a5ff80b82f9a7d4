"""What can go wrong, in one tree.

ChatError                       a sentence for the person
├── CredentialError             tokens cannot be kept (credentials)
└── CallError                   a call failed (session.errors)
    ├── UnreachableError        nobody answered
    └── UnauthenticatedError    the token is not, or no longer, valid
"""


class ChatError(Exception):
    """Something went wrong; the text is for people and may be the server's: sanitize it."""
