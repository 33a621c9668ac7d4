"""Errors a user can meet: each message says what was expected, what came, and what to do."""


class ManyskiesError(Exception):
    """Base of all errors that a command shows as one or two lines instead of a traceback.

    Attributes:
        exit_code: exit status of the command: 1 failed, 2 bad input, 3 a server or peer is missing or gone.
    """

    exit_code = 1


class InputError(ManyskiesError):
    """The user's file or argument is not what was expected."""

    exit_code = 2


class PeerError(ManyskiesError):
    """A server, trainer or plugin is missing, silent, of another version, or gone."""

    exit_code = 3


class LocalProtocolError(ManyskiesError):
    """We broke the rules of the stream: a fault of this program, found before anything was sent."""


class RemoteProtocolError(PeerError):
    """The peer broke the rules of the stream; nothing of its message was used."""


class RefusedError(PeerError):
    """The peer refused the connection, and said why in words."""
