"""A Dockerfile's steps, run in root file systems by chroot, where there is no Docker.

    build = Build(Path("deploy/Dockerfile"), context=REPOSITORY, images={"debian:bookworm-slim": root}, folder=scratch)
    image = build.stage("ballast")
    image.root, image.environment, image.account, image.entrypoint, image.command, image.health

Knows what Ballast's own Dockerfiles use, as the Dockerfile reference has it, and refuses the rest: an instruction or
option that was skipped would make the proof worth nothing.
"""

import fnmatch
import json
import re
import shlex
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

from root import Account, Root


class Unknown(Exception):
    """Something that is not interpreted here."""


@dataclass
class Instruction:
    line: int
    name: str
    text: str

    def options(self) -> tuple[dict[str, str], str]:
        """--name=value at the beginning, and what follows."""
        options, rest = {}, self.text
        while found := re.match(r"--([a-z-]+)=(\S+)\s+", rest):
            options[found[1]] = found[2]
            rest = rest[found.end() :]
        return options, rest


@dataclass
class Stage:
    base: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)


@dataclass
class Image:
    root: Root
    environment: dict[str, str] = field(default_factory=dict)
    account: Account = Account()
    folder: str = "/"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)  # behind the entrypoint
    health: list[str] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)

    def on(self, root: Root) -> "Image":
        """What a stage that begins from this image inherits, on a root of its own."""
        return replace(self, root=root, environment=dict(self.environment), ports=self.ports[:])


def parse(text: str) -> list[Stage]:
    stages: list[Stage] = []
    for instruction in _instructions(text):
        if instruction.name == "FROM":
            found = re.fullmatch(r"(\S+)(?: +AS +(\S+))?", instruction.text)
            if not found:
                raise Unknown(f"line {instruction.line}: FROM {instruction.text}")
            stages.append(Stage(found[1], found[2] or str(len(stages))))
        elif not stages:
            raise Unknown(f"line {instruction.line}: {instruction.name} before FROM")
        elif instruction.name not in STEPS:
            raise Unknown(f"line {instruction.line}: {instruction.name}")
        else:
            stages[-1].instructions.append(instruction)
    return stages


def _instructions(text: str):
    """Comments are gone, lines that end with a backslash joined."""
    pending, begin = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or (not line.strip() and not pending):
            continue
        begin = begin or number
        pending += line.rstrip("\\").strip() + " "
        if line.endswith("\\"):
            continue
        name, _, rest = pending.strip().partition(" ")
        yield Instruction(begin, name, rest.strip())
        pending, begin = "", 0


class Build:
    def __init__(self, file: Path, context: Path, images: dict[str, Root], folder: Path):
        self.stages = {stage.name: stage for stage in parse(file.read_text())}
        self.context = context
        ignore = context / ".dockerignore"
        lines = ignore.read_text().splitlines() if ignore.exists() else []
        self.ignored = [line for line in lines if line and not line.startswith("#")]
        self.images = images
        self.folder = folder
        self.done: dict[str, Image] = {}

    def stage(self, name: str) -> Image:
        if name not in self.done:
            stage = self.stages[name]
            image = self._from(stage)
            for instruction in stage.instructions:
                print(f"  {name}: {instruction.name} {instruction.text[:100]}", flush=True)
                STEPS[instruction.name](self, image, instruction)
            self.done[name] = image
        return self.done[name]

    def _from(self, stage: Stage) -> Image:
        folder = self.folder / stage.name
        if stage.base == "scratch":
            return Image(Root.empty(folder))
        if stage.base in self.stages:
            base = self.stage(stage.base)
            return base.on(base.root.copy(folder))
        if stage.base not in self.images:
            raise Unknown(f"image {stage.base}")
        return Image(self.images[stage.base].copy(folder))

    # ---- Steps

    def _run(self, image: Image, step: Instruction):
        if step.text.startswith(("[", "--", "<<")):
            raise Unknown(f"line {step.line}: RUN {step.text}")
        command = ["/bin/sh", "-c", step.text]
        image.root.run(command, image.environment, image.account, image.folder)

    def _copy(self, image: Image, step: Instruction):
        options, rest = step.options()
        if options.keys() - {"from"} or rest.startswith("["):
            raise Unknown(f"line {step.line}: COPY {step.text}")
        *patterns, target = rest.split()
        origin = self.stage(options["from"]).root.folder if "from" in options else self.context
        inside = target if target.startswith("/") else f"{image.folder.rstrip('/')}/{target}"
        sources = [path for pattern in patterns for path in sorted(origin.glob(pattern.lstrip("/")))]
        if len(sources) < len(patterns):
            raise FileNotFoundError(f"line {step.line}: COPY {step.text}")
        place = image.root.path(inside)
        into = target.endswith("/") or len(sources) > 1
        for source in sources:
            if source.is_dir():
                ignore = self._ignore if origin == self.context else None
                shutil.copytree(source, place, ignore=ignore, symlinks=True, dirs_exist_ok=True)
            else:
                (place if into else place.parent).mkdir(parents=True, exist_ok=True)
                shutil.copy(source, place / source.name if into else place)

    def _ignore(self, folder: str, names: list[str]) -> set[str]:
        """As .dockerignore's patterns: `name` at the top of the context, `**/name` everywhere."""
        is_top = Path(folder) == self.context
        ignored = set()
        for pattern in self.ignored:
            if "/" in pattern.removeprefix("**/"):
                raise Unknown(f".dockerignore: {pattern}")
            if is_top or pattern.startswith("**/"):
                ignored |= {name for name in names if fnmatch.fnmatch(name, pattern.removeprefix("**/"))}
        return ignored

    def _workdir(self, image: Image, step: Instruction):
        image.folder = step.text
        image.root.path(step.text).mkdir(parents=True, exist_ok=True)

    def _env(self, image: Image, step: Instruction):
        for word in shlex.split(step.text):
            name, is_pair, value = word.partition("=")
            if not is_pair or "$" in value:
                raise Unknown(f"line {step.line}: ENV {step.text}")
            image.environment[name] = value

    def _user(self, image: Image, step: Instruction):
        found = re.fullmatch(r"(\d+):(\d+)", step.text)
        if not found:
            raise Unknown(f"line {step.line}: USER {step.text}: a number:number is what Kubernetes can check")
        image.account = Account(int(found[1]), int(found[2]))

    def _expose(self, image: Image, step: Instruction):
        image.ports += [int(port) for port in step.text.split()]

    def _healthcheck(self, image: Image, step: Instruction):
        options, rest = step.options()
        if options.keys() - {"interval", "timeout", "start-period", "retries"} or not rest.startswith("CMD ["):
            raise Unknown(f"line {step.line}: HEALTHCHECK {step.text}")
        image.health = json.loads(rest.removeprefix("CMD "))

    def _entrypoint(self, image: Image, step: Instruction):
        image.entrypoint = json.loads(step.text)

    def _cmd(self, image: Image, step: Instruction):
        image.command = json.loads(step.text)


STEPS = {
    "RUN": Build._run,
    "COPY": Build._copy,
    "WORKDIR": Build._workdir,
    "ENV": Build._env,
    "USER": Build._user,
    "EXPOSE": Build._expose,
    "HEALTHCHECK": Build._healthcheck,
    "ENTRYPOINT": Build._entrypoint,
    "CMD": Build._cmd,
}
