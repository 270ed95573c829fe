"""What one run of a suite gave, and what was lost beside another run of it."""

from dataclasses import dataclass, field


@dataclass
class Score:
    verdicts: dict[str, str] = field(default_factory=dict)  # of a test: ok, failed, ignored (it may fail)
    silent: list[str] = field(default_factory=list)  # tests without a verdict
    troubles: list[str] = field(default_factory=list)  # why the run has not passed, whatever its tests say
    seconds: float = 0

    def having(self, verdict: str) -> list[str]:
        return [name for name, given in self.verdicts.items() if given == verdict]

    @property
    def failed(self) -> list[str]:
        return self.having("failed") + self.silent

    @property
    def clean(self) -> bool:
        return bool(self.having("ok")) and not self.failed and not self.troubles

    def lost(self, reference: "Score") -> list[str]:
        """What passed there and not here."""
        fine = {*self.having("ok"), *self.having("ignored")}
        return [name for name in reference.having("ok") if name not in fine]

    def __str__(self) -> str:
        total = len(self.verdicts) + len(self.silent)
        return f"{len(self.having('ok'))} of {total} passed, {self.seconds:.0f} s"
