"""Float32 values as bfloat16, which is the upper half of their bits: rounded to the nearest, and of two as near to the
even one, as torch and so vLLM round.

numpy is imported only where something is rounded: the bot imports this room, never rounds, and has to stay small.
"""


def narrow(data: bytes) -> bytes:
    """Little-endian float32 values as bfloat16. One that is larger than any bfloat16 becomes infinity."""
    import numpy as np

    bits = np.frombuffer(data, "<u4")
    rounded = (bits + ((bits >> 16 & 1) + 0x7FFF)) >> 16  # a NaN may wrap around here, and is not taken from here
    nan = (bits & 0x7FFFFFFF) > 0x7F800000
    return np.where(nan, bits >> 16 | 0x40, rounded).astype("<u2").tobytes()


def widen(data: bytes) -> bytes:
    """Little-endian bfloat16 values as float32, exactly."""
    import numpy as np

    return (np.frombuffer(data, "<u2").astype("<u4") << 16).astype("<u4").tobytes()
