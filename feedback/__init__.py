"""The record: answers, votes, cases, datasets, training runs, adapters, probe reports, and who changed what.

Models are in ``models``, states and allowed moves in ``states``; the other modules are plain functions that take an
open ``Session`` and are named after the noun they read and write.
"""
