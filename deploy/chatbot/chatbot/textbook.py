"""The textbook: a folder of Markdown files, one for each chapter (#), whose sections (##) are the passages."""

from pathlib import Path
from typing import Iterator, NamedTuple

from sqlalchemy import delete, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from .models import Document


class Section(NamedTuple):
    chapter: str
    section: str
    body: str


def read_textbook(folder: Path) -> list[Section]:
    return [section for file in sorted(folder.glob("*.md")) for section in _sections(file.read_text(encoding="utf-8"))]


def _sections(text: str) -> Iterator[Section]:
    chapter, *sections = text.split("\n## ")
    for section in sections:
        title, _, body = section.partition("\n")
        yield Section(chapter.removeprefix("# ").strip(), title.strip(), " ".join(body.split()))


async def load_textbook(connection: AsyncConnection, sections: list[Section]):
    """Makes the table the same as the book, however often it is done."""
    places = [(section.chapter, section.section) for section in sections]
    await connection.execute(delete(Document).where(tuple_(Document.chapter, Document.section).not_in(places)))
    added = insert(Document).values([section._asdict() for section in sections])
    added = added.on_conflict_do_update(
        index_elements=[Document.chapter, Document.section],
        set_={"body": added.excluded.body},
        where=Document.body != added.excluded.body,
    )
    await connection.execute(added)
