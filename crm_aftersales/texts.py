"""Texts of customers, as the database takes them and staff reads them."""


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


def without_nul(sent):
    """Return what was sent without the one character the database refuses.

    :param sent: anything JSON can say
    """
    if isinstance(sent, dict):
        return {name: without_nul(value) for name, value in sent.items()}
    if isinstance(sent, list):
        return [without_nul(value) for value in sent]
    return sent.replace('\0', '') if isinstance(sent, str) else sent
