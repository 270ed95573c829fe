"""A test that is a sequence of steps, each of which needs those before it."""

import traceback
from typing import Callable


class Sequence:
    def steps(self) -> list[Callable[[], None]]:
        raise NotImplementedError

    def end(self):
        """What the steps have started is stopped."""

    def run(self) -> tuple[int, int]:
        """How many steps passed, and how many failed: one, after which no other is tried."""
        passed = 0
        try:
            for step in self.steps():
                title = step.__name__.replace("_", " ")
                try:
                    step()
                except Exception:
                    traceback.print_exc()
                    print(f"failed: {title}", flush=True)
                    return passed, 1
                print(f"passed: {title}", flush=True)
                passed += 1
            return passed, 0
        finally:
            self.end()
