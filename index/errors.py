"""The errors that citewire raises for a user to act on.

    CitewireError           names the wrong value and how to fix it
    |- InputError           what the user gave: a path, a question, a setting, an article file
    |- IndexFormatError     an index that this version or this embedder cannot read
    |- ModelError           a model that is unknown, missing, corrupt or does not answer

Only the outermost layer (command line, HTTP) shows them to a person, with exit code 2 or a 4xx status.
"""

from __future__ import annotations


class CitewireError(Exception):
    """Base of all errors with a message that a user can act on.

    Args:
        problem: what is wrong; names the offending value.
        fix: what the user can do about it, in the imperative.
    """

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(f"{problem}. {fix}")
        self.problem = problem
        self.fix = fix

    def __reduce__(self) -> tuple[type[CitewireError], tuple[str, str]]:
        """Pickle both parts, so that an error can come from another process."""
        return type(self), (self.problem, self.fix)


class InputError(CitewireError):
    """A path, question, setting or article file that cannot be used."""


class IndexFormatError(CitewireError):
    """An index of another format version or embedder, or one whose files do not match their manifest."""


class ModelError(CitewireError):
    """A model that is unknown, missing, corrupt or does not answer."""
