"""Texts of customers, as the database takes them and staff reads them."""

import re
import unicodedata


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


def normalise_number(text: str | bool, ignored: str) -> str | bool:
    """Return a serial number or the like as it is compared.

    In capitals, in one width (Chinese keyboards write ＡＢ－１２ for AB-12), and without what
    people leave out or add.

    :param text: a number as somebody wrote it
    :param ignored: regular expression of what does not count
    """
    return re.sub(ignored, '', unicodedata.normalize('NFKC', text or '')).upper() or False


def without_nul(sent):
    """Return what was sent without the one character the database refuses.

    :param sent: anything JSON can say
    """
    if isinstance(sent, dict):
        return {name: without_nul(value) for name, value in sent.items()}
    if isinstance(sent, list):
        return [without_nul(value) for value in sent]
    return sent.replace('\0', '') if isinstance(sent, str) else sent
