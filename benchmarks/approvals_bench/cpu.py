"""CPU time of server, workers and client while decisions are made, and of everybody else."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

import psutil


class Cpu:
    """Adds up what lies between `begin` and `end`."""

    def __init__(self, server: int, workers: Sequence[int]) -> None:
        self._of = {
            "server": [psutil.Process(server)],
            "workers": [psutil.Process(pid) for pid in workers],
            "client": [psutil.Process(os.getpid())],
        }
        self._spent = dict.fromkeys([*self._of, "machine", "clock"], 0.0)

    def begin(self) -> None:
        self._add(-1)

    def end(self) -> None:
        self._add(1)

    def per(self, decisions: int) -> dict[str, float]:
        cores = os.cpu_count() or 1
        own = sum(self._spent[name] for name in self._of)
        found = {
            f"{name}_cpu_ms_per_decision": round(self._spent[name] / max(1, decisions) * 1000, 1)
            for name in self._of
        }
        clock = max(self._spent["clock"], 0.001)
        others = (self._spent["machine"] - own) / clock / cores
        return {**found, "other_programs_cpu_share": round(others, 2)}

    def _add(self, sign: int) -> None:
        for name, processes in self._of.items():
            times = [process.cpu_times() for process in processes]
            self._spent[name] += sign * sum(one.user + one.system for one in times)
        whole = psutil.cpu_times()
        self._spent["machine"] += sign * (
            sum(whole[:8]) - whole.idle - getattr(whole, "iowait", 0.0)
        )
        self._spent["clock"] += sign * time.perf_counter()
