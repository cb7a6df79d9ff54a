"""A load by wrk, a generator of HTTP load that is not ours: as many requests as are answered."""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_SCRIPT = """
local lines, at = {}, 0
for line in io.lines("FILE") do lines[#lines + 1] = line end
local kind = {["Content-Type"] = "application/json"}
request = function()
  at = at % #lines + 1
  if "PATH" == "" then return wrk.format("GET", lines[at]) end
  return wrk.format("POST", "PATH", kind, lines[at])
end
done = function(summary, latency)
  local failed = summary.errors
  io.write(string.format('{"requests": %f, "p50": %f, "p99": %f, "failed": %d}\\n',
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    failed.connect + failed.read + failed.write + failed.status + failed.timeout))
end
"""
"""What wrk runs; one thread, so that each line is sent once before any is sent again."""


class Answered(NamedTuple):
    """What wrk measured: requests a second, milliseconds, and answers above 399 or connections that broke."""

    requests: float
    p50: float
    p99: float
    failed: int


def run_wrk(port: int, lines: Sequence[str], seconds: float, *, path: str = "", connections: int = 16) -> Answered:
    """Send a load to this machine.

    Args:
        port: Of the server.
        lines: Paths to get, or bodies to post.
        seconds: How long.
        path: Where to post; empty: the lines are paths.
        connections: That stay open.
    """
    with tempfile.TemporaryDirectory(prefix="nightschool-") as folder:
        file, script = Path(folder) / "lines", Path(folder) / "load.lua"
        file.write_text("\n".join(lines), encoding="utf-8")
        script.write_text(_SCRIPT.replace("FILE", str(file)).replace("PATH", path), encoding="utf-8")
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "-s", str(script), f"http://127.0.0.1:{port}"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    answered = json.loads(done.stdout.splitlines()[-1])
    return Answered(**{**answered, "failed": int(answered["failed"])})
