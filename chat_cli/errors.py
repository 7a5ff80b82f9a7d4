"""What can go wrong, in one tree.

ChatError                       a sentence for the person
├── CredentialError             tokens cannot be kept (credentials)
├── KnownHostsError             the file of known certificates cannot be used (known_hosts)
├── HandshakeError              what a server shows of itself (handshake)
│   ├── NoAnswerError           nobody answers
│   ├── NoTlsError              what answers speaks no TLS
│   ├── NoHttp2Error            what answers speaks TLS, and is no chat server
│   └── NotTrustedError         the certificate was not taken
├── TrustError                  the server cannot be spoken to as was asked (trust)
│   └── UnknownServerError      nobody has said yet whether its certificate is to be trusted
├── UnansweredError             a question is not answered (answers, question_bar)
│   ├── NobodyError             there is nobody to ask
│   └── AnswerFileError         a file of a secret cannot be used
├── UnknownOutcomeError         what was asked for may have been done
│   └── UnansweredCallError     and nobody answered (session.errors)
└── CallError                   a call failed (session.errors)
    ├── UnreachableError        nobody answered
    │   └── UnansweredCallError as above
    └── UnauthenticatedError    the token is not, or no longer, valid
"""


class ChatError(Exception):
    """Something went wrong; the text is for people and may be the server's: sanitize it."""


class UnknownOutcomeError(ChatError):
    """Nobody knows whether what was asked for was done."""


class UnansweredError(ChatError):
    """A question was not answered: nobody can be asked, or the person does not want to."""


class NobodyError(UnansweredError):
    """There is nobody to ask: no terminal."""
