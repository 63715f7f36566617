"""The two ways a command can fail, and their exit statuses."""


class InputError(ValueError):
    """Bad arguments or input; the message names value and remedy (exit status 2)."""


class RunError(RuntimeError):
    """A run or a claim failed, for example by divergence (exit status 1)."""
