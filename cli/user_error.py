"""Its own file, so that a command can refuse without importing every room's errors."""


class UserError(Exception):
    """Something that the person at the terminal can put right; the message says how."""
