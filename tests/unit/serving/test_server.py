import socket
import time
from pathlib import Path

import pytest

from serving import cores, server
from serving import device as devices
from serving.errors import ServingUnavailable
from settings import ServingSettings
from tests.unit.serving.factories import make_settings
from tests.unit.serving.peer import Peer


def value_of(argv: list[str], flag: str) -> str:
    return argv[argv.index(flag) + 1]


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_what_every_server_needs_to_stay_alive_is_in_the_command(tmp_path: Path, device: str) -> None:
    argv = server.command(make_settings(tmp_path, device=device, port=8123, max_lora_rank=16))
    assert value_of(argv, "--model") == str(tmp_path / "base")
    assert value_of(argv, "--served-model-name") == "base"
    assert (value_of(argv, "--host"), value_of(argv, "--port")) == ("127.0.0.1", "8123")
    assert value_of(argv, "--max-lora-rank") == "16"
    start = argv.index("--lora-target-modules") + 1
    assert argv[start : start + 7] == ServingSettings().lora_target_modules
    assert int(value_of(argv, "--shutdown-timeout")) > 0
    assert value_of(argv, "--scheduling-policy") == "priority"


def test_the_cpu_and_the_gpu_have_their_own_limits(tmp_path: Path) -> None:
    cpu = server.command(make_settings(tmp_path, device="cpu"))
    gpu = server.command(make_settings(tmp_path, device="cuda"))
    assert {"--enforce-eager", "--max-num-seqs", "--max-num-batched-tokens"} <= set(cpu) - set(gpu)
    assert value_of(gpu, "--gpu-memory-utilization") == "0.9"
    assert "--gpu-memory-utilization" not in cpu
    assert "VLLM_CPU_KVCACHE_SPACE" in server.environment(make_settings(tmp_path, device="cpu"))
    assert "VLLM_CPU_KVCACHE_SPACE" not in server.environment(make_settings(tmp_path, device="cuda"))


@pytest.mark.parametrize(
    ("flags", "said", "expected"),
    [
        ("avx2 avx512f", "auto", "float32"),
        ("avx2 avx512_bf16", "auto", "auto"),
        ("asimd bf16", "auto", "auto"),
        ("avx2", "bfloat16", "bfloat16"),
    ],
)
def test_a_cpu_that_would_imitate_bfloat16_computes_with_float32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str, said: str, expected: str
) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor : 0\nflags : fpu {flags}\n", encoding="utf-8")
    monkeypatch.setattr(devices, "CPU_FLAGS", tmp_path / "cpuinfo")
    devices._computes_bfloat16.cache_clear()
    try:
        assert value_of(server.command(make_settings(tmp_path, device="cpu", dtype=said)), "--dtype") == expected
        assert value_of(server.command(make_settings(tmp_path, device="cuda", dtype=said)), "--dtype") == said
    finally:
        devices._computes_bfloat16.cache_clear()


def test_the_key_is_in_the_environment_and_never_in_the_command(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, api_key="s3cret")
    assert server.environment(settings)["VLLM_API_KEY"] == "s3cret"
    assert not any("s3cret" in word for word in server.command(settings))
    assert "VLLM_API_KEY" not in server.environment(make_settings(tmp_path))


def test_the_callers_variables_are_kept_and_no_plugin_loads_adapters_unchecked(tmp_path: Path) -> None:
    inherited = {"PATH": "/bin", "PYTHONDONTWRITEBYTECODE": "1", "VLLM_SERVER_DEV_MODE": "1", "VLLM_PLUGINS": "other"}
    variables = server.environment(make_settings(tmp_path, sharing="beside"), inherited)
    assert variables["PATH"] == "/bin"
    assert variables["VLLM_PLUGINS"] == ""
    assert not {"PYTHONDONTWRITEBYTECODE", "VLLM_SERVER_DEV_MODE"} & set(variables)


def test_on_a_cpu_training_has_cores_of_its_own(tmp_path: Path) -> None:
    assert cores.RESERVED in server.environment(make_settings(tmp_path, device="cpu"))
    assert cores.RESERVED not in server.environment(make_settings(tmp_path, device="cuda"))
    assert cores.RESERVED not in server.environment(make_settings(tmp_path, device="cpu"), {cores.BOUND: "0-6"})


@pytest.mark.parametrize("mode", ["auto", "sleep", "window"])
def test_a_server_that_may_have_to_sleep_is_started_so_and_guarded(tmp_path: Path, mode: str) -> None:
    settings = make_settings(tmp_path, device="cuda", sharing=mode)
    argv = server.command(settings)
    assert "--enable-sleep-mode" in argv and value_of(argv, "--middleware") == server.GUARD
    assert server.environment(settings)["VLLM_SERVER_DEV_MODE"] == "1"


@pytest.mark.parametrize(("device", "mode"), [("cuda", "beside"), ("cpu", "auto"), ("cpu", "sleep")])
def test_no_other_server_opens_what_is_for_development(tmp_path: Path, device: str, mode: str) -> None:
    settings = make_settings(tmp_path, device=device, sharing=mode)
    assert not {"--enable-sleep-mode", "--middleware"} & set(server.command(settings))
    assert "VLLM_SERVER_DEV_MODE" not in server.environment(settings, {"VLLM_SERVER_DEV_MODE": "1"})


async def test_waiting_ends_when_the_server_is_well() -> None:
    async with Peer() as peer:
        assert await server.wait_ready(peer.url, timeout=5) < 5


async def test_waiting_ends_in_time_and_when_the_process_has_ended() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(ServingUnavailable, match="not ready after 1 s"):
        await server.wait_ready(url, timeout=0.6)
    start = time.monotonic()
    with pytest.raises(ServingUnavailable, match="ended while it was starting"):
        await server.wait_ready(url, timeout=60, alive=lambda: False)
    assert time.monotonic() - start < 5
