"""Texts of customers, as staff reads them."""


def cut_to_line(text: str, width: int) -> str:
    """Return a text as one line: cut between words, or between characters where it has no spaces.

    :param text: any text; Chinese is written without spaces
    :param width: the most characters, the sign of omission included
    """
    line = ' '.join(text.split())
    if len(line) <= width:
        return line
    # one character more: a word may end right where the line does
    words = line[:width].rpartition(' ')[0]
    return (words if len(words) > width // 2 else line[: width - 1]).rstrip() + '…'
