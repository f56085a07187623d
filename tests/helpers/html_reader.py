"""Reads a page as a browser would, and checks that it is well formed and cannot run or fetch anything."""

from html.parser import HTMLParser

_VOID = {"meta", "br", "img"}
_ACTIVE = {"script", "img", "link", "iframe", "object", "form", "a", "base"}
_FETCHING = {"href", "src", "srcset", "action"}
_POLICY = ("content", "default-src 'none'; img-src data:; style-src 'unsafe-inline'")


class HtmlReader(HTMLParser):
    """The tags, attributes, cells and text of a piece of HTML.

    Attributes:
        tags: Every tag in the order of the text.
        attributes: Every attribute with its value.
        text: All text.
        headings: The text of every h1, h2 and h3.
        rows: The text of the cells of every table row.
    """

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.headings: list[str] = []
        self.rows: list[list[str]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == [], "every tag is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        self._open += [] if tag in _VOID else [tag]
        if tag in ("h1", "h2", "h3"):
            self.headings.append("")
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if {"h1", "h2", "h3"} & set(self._open):
            self.headings[-1] += data
        elif {"td", "th"} & set(self._open):
            self.rows[-1][-1] += data

    def values(self, name: str) -> list[str | None]:
        """Returns the values of every attribute of a name."""
        return [value for key, value in self.attributes if key == name]


def read_page(text: str) -> HtmlReader:
    """Reads a whole page and checks that it can neither run nor fetch anything, and has the disclaimer."""
    page = HtmlReader(text)
    assert not set(page.tags) & _ACTIVE
    names = {name for name, _ in page.attributes}
    assert not {name for name in names if name.startswith("on")} | (names & _FETCHING)
    assert "url(" not in text and "@import" not in text and "\x1b" not in text
    assert _POLICY in page.attributes
    assert "not a diagnosis" in page.text
    return page
