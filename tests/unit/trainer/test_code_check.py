"""Code of a model: right code passes however it is wrapped, all else fails with a reason, nothing escapes."""

from pathlib import Path

import pytest

from trainer.code_check import CodeCase, SandboxError, check_code, same_value

DOUBLE = [CodeCase((3,), 6), CodeCase((0,), 0)]
PLAIN = "def double(n):\n    return n * 2"


@pytest.mark.parametrize(
    "answer",
    [
        PLAIN,
        f"```python\n{PLAIN}\n```",
        f"Sure! Here it is:\n```py\n{PLAIN}\n```\nIt works for all numbers.",
        f"```\n{PLAIN}\n```",
        f"Sure! Here it is:\n\n{PLAIN}\n\nThis function doubles a number (n).",
        f"```python\n{PLAIN}",
        f"x = 3 doubles to 6, like so:\n\n{PLAIN}\n",
        f"```python\n{PLAIN}\n\nprint(double(4))\nresult = double('a' * 10 ** 9)\n```",
        f"```python\n{PLAIN}\n\nif __name__ == '__main__':\n    double(undefined)\n```",
        f"Install it:\n```bash\npip install x\n```\n```python\n{PLAIN}\n```",
        "1. First:\n\n    ```python\n    def double(n):\n        return n * 2\n    ```",
        "```python\ndef double(n):\n    return twice(n)\n\ndef twice(n):\n    return n * 2\n```",
        "```python\nfrom typing import List\n\nTWO = 2\n\ndef double(n: int) -> int:\n    return n * TWO\n```",
        "```python\ndef double(n):\n    return 0 if n == 0 else 2 + double(n - 1)\n```",
    ],
)
def test_right_code_passes(answer: str) -> None:
    verdict = check_code(answer, DOUBLE)
    assert verdict.passed, verdict.reason
    assert verdict.reason == "double is right in 2 cases"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("I cannot write code.", "no Python function found"),
        ("", "no Python function found"),
        ("def double(n:\n    return n", "no Python function found"),
        ("double = lambda n: n * 2", "no Python function found"),
        ("def double(n):\n    return n + 3", "double(0) returned 3, expected 0"),
        ("def double(n):\n    return str(n * 2)", "double(3) returned '6', expected 6"),
        ("def double(a, b):\n    return a", "double(3) failed: TypeError"),
        ("def double(n):\n    return double(n)", "double(3) failed: RecursionError"),
        ("def double(n):\n    return [0] * 10 ** 9", "double(3) failed: MemoryError"),
        ("def double(n):\n    while True:\n        print('x' * 1000)", "double(3) failed: "),
        ("def double(n):\n    return open('/etc/passwd').read()", "double(3) failed: PermissionError"),
        ("import os\ndef double(n):\n    return os.listdir('/')", "double(3) failed: PermissionError"),
        ("import socket\ndef double(n):\n    return socket.socket()", "double(3) failed: "),
        ("import subprocess\ndef double(n):\n    return subprocess.run('id')", "double(3) failed: "),
        ("def double(n):\n    raise SystemExit(0)", "double(3) failed: "),
        ("x" * 20_001, "the answer has more than 20000 characters"),
        ("def double(n):\n    return " + "(" * 5000 + "n" + ")" * 5000, "no Python function found"),
    ],
)
def test_other_code_fails_with_its_reason(answer: str, reason: str) -> None:
    verdict = check_code(answer, DOUBLE)
    assert not verdict.passed
    assert reason in verdict.reason
    assert len(verdict.reason) < 400


def test_code_that_loops_for_ever_is_ended() -> None:
    verdict = check_code("def double(n):\n    while True:\n        pass", DOUBLE)
    # By the interpreter itself, or from outside where the machine is too busy for that.
    assert not verdict.passed
    assert verdict.reason.startswith(("double(3) failed: TimeoutError", "double(3) did not end"))


def test_a_case_cannot_spoil_the_next_one() -> None:
    keeps_state = "SEEN = []\n\ndef count(items):\n    SEEN.append(1)\n    items.append(1)\n    return len(SEEN)"
    assert check_code(keeps_state, [CodeCase(([],), 1), CodeCase(([],), 1)]).passed


def test_the_code_does_not_see_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEND_SECRET", "blue-lantern")
    verdict = check_code("import os\ndef peek(n):\n    return os.environ.get('MEND_SECRET')", [CodeCase((1,), "x")])
    assert "blue-lantern" not in verdict.reason


@pytest.mark.parametrize("program", ["/bin/false", "/does/not/exist"])
def test_a_broken_sandbox_is_an_error_and_not_a_verdict(program: str) -> None:
    with pytest.raises(SandboxError, match="the code sandbox"):
        check_code(PLAIN, DOUBLE, sandbox=Path(program))


@pytest.mark.parametrize(
    ("returned", "expected", "same"),
    [
        (3, 3.0, True),
        (0.1 + 0.2, 0.3, True),
        (1, True, False),
        (True, True, True),
        (None, False, False),
        ((1, 2), [1, 2], True),
        ([1], [1, 2], False),
        ({"a": (1,)}, {"a": [1.0]}, True),
        ({"a": 1}, {"b": 1}, False),
        ("3", 3, False),
        (None, None, True),
    ],
)
def test_same_value(returned: object, expected: object, same: bool) -> None:
    assert same_value(returned, expected) is same
