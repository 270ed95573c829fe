"""The page to chat in: three files, nothing from elsewhere."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

FOLDER = Path(__file__).parent / "page"
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

router = APIRouter(include_in_schema=False)


@router.get("/")
def page() -> FileResponse:
    return FileResponse(FOLDER / "index.html", headers=HEADERS)


@router.get("/chat.js")
def script() -> FileResponse:
    return FileResponse(FOLDER / "chat.js", headers=HEADERS)


@router.get("/chat.css")
def style() -> FileResponse:
    return FileResponse(FOLDER / "chat.css", headers=HEADERS)
