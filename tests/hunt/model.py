"""What one client may expect of its session. Pure: told what was done, it says what has to be seen.

Settings follow transactions and savepoints, SET LOCAL included. The client itself keeps statements, channels, locks.
"""

from dataclasses import dataclass, field

DEFAULTS = {
    "app.user_id": "",
    "application_name": "",
    "search_path": '"$user", public',
    "timezone": "UTC",
    "work_mem": "4MB",
    "statement_timeout": "0",
    "role": "none",
}
RESETTABLE = [name for name in DEFAULTS if name != "role"]


@dataclass
class Layer:
    """What a transaction or savepoint has changed: values that last, and others that end with the transaction."""

    values: dict[str, str] = field(default_factory=dict)
    local: dict[str, str] = field(default_factory=dict)


class Settings:
    def __init__(self, startup: dict[str, str]):
        self.startup = DEFAULTS | startup
        self.session = dict(self.startup)
        self.layers: list[Layer] = []

    def seen(self, name: str) -> str:
        for layer in reversed(self.layers):
            if name in layer.local:
                return layer.local[name]
            if name in layer.values:
                return layer.values[name]
        return self.session[name]

    def set(self, name: str, value: str):
        if not self.layers:
            self.session[name] = value
            return
        self.layers[-1].values[name] = value
        self.layers[-1].local.pop(name, None)

    def set_local(self, name: str, value: str):
        if self.layers:
            self.layers[-1].local[name] = value

    def reset(self, name: str):
        self.set(name, self.startup[name])

    def reset_all(self):
        for name in RESETTABLE:
            self.reset(name)

    def begin(self):
        self.layers = [Layer()]

    def savepoint(self):
        self.layers.append(Layer())

    def rollback_to(self):
        self.layers[-1] = Layer()

    def release(self):
        """The savepoint's changes are the transaction's; a lasting one undoes an outer local one."""
        inner = self.layers.pop()
        outer = self.layers[-1]
        for name, value in inner.values.items():
            outer.values[name] = value
            outer.local.pop(name, None)
        outer.local |= inner.local

    def commit(self):
        while len(self.layers) > 1:
            self.release()
        (layer,) = self.layers
        self.layers = []
        self.session |= layer.values

    def rollback(self):
        self.layers = []
