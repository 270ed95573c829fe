"""The same messages to the pooler and to PostgreSQL itself: the answers have to be the same."""

from dataclasses import dataclass

from wire import Answer, Wire

DIFFERS_BY_CONNECTION = "SNKA"  # parameters, notices, keys, notifications come when they come
SOURCE_FIELDS = "FLRVW"  # of an error: where in PostgreSQL's source; its untranslated severity; its context


@dataclass(frozen=True)
class Step:
    """Messages, and what ends their answers: so many of these kinds."""

    messages: bytes
    ends: str = "Z"
    times: int = 1


def steps(*given) -> list[Step]:
    return [step if isinstance(step, Step) else Step(step) for step in given]


def play(client: Wire, script: list[Step]) -> list:
    answers = []
    for step in script:
        client.send(step.messages)
        for _ in range(step.times):
            heard = client.read_until(step.ends)
            answers += [comparable(answer) for answer in heard if answer.kind not in DIFFERS_BY_CONNECTION]
    return answers


def comparable(answer: Answer):
    if answer.kind == "E":
        return "E", {letter: text for letter, text in answer.fields.items() if letter not in SOURCE_FIELDS}
    return answer.kind, answer.body
