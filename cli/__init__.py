"""The command `mend`: every part of Mend started, looked at and checked from a terminal."""
