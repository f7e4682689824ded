"""Names and messages from outside as one printable line."""


def one_line(text: str) -> str:
    """Collapse line breaks and runs of blanks, and drop control and other unprintable characters."""
    return " ".join("".join(char for char in text if char.isprintable() or char.isspace()).split())


def shorten(text: str, width: int = 120) -> str:
    """Cut a message to ``width`` characters on one line."""
    line = one_line(text).rstrip(".")
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"
