"""Codes of cards as drawings: sharp at any size, and without the libraries that paint pictures."""

from __future__ import annotations

import base64
from collections.abc import Iterable

from reportlab.graphics.barcode.code128 import Code128
from reportlab.graphics.barcode.qr import QrCodeWidget

#: modules left empty around a code, as readers need them
BAR_MARGIN, QR_MARGIN = 10, 4


def get_code128(text: str) -> str:
    """Return a bar code as the address of an image; it may be stretched in height.

    :param text: Latin letters and digits
    :raise ValueError: it cannot be a bar code
    """
    code = Code128(text, quiet=False)
    code.validate()
    if not code.valid:
        raise ValueError(f"Not a bar code: {text}")
    code.encode()
    code.decompose()
    position, bars = BAR_MARGIN, []
    for letter in code.decomposed:
        # capitals are bars and small letters gaps, of one to four modules
        width = ord(letter.lower()) - ord('a') + 1
        if letter.isupper():
            bars.append((position, 0, width))
        position += width
    return _to_image(position + BAR_MARGIN, 1, bars, 'preserveAspectRatio="none"')


def get_qr(text: str) -> str:
    """Return a QR code as the address of an image; a quarter of it may be dirty.

    :param text: text of any length a QR code can hold
    """
    qr = QrCodeWidget(text, barLevel='Q').qr
    qr.make()
    count = qr.getModuleCount()
    squares = [
        (column + QR_MARGIN, row + QR_MARGIN, 1)
        for row in range(count)
        for column in range(count)
        if qr.isDark(row, column)
    ]
    size = count + 2 * QR_MARGIN
    return _to_image(size, size, squares)


def _to_image(width: int, height: int, boxes: Iterable[tuple], extra: str = '') -> str:
    """Return a drawing of black boxes (left, top, width; one high) on white."""
    path = ''.join(f'M{left} {top}h{length}v1h-{length}z' for left, top, length in boxes)
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" shape-rendering="crispEdges" {extra}>'
        f'<rect width="{width}" height="{height}" fill="#fff"/><path d="{path}"/></svg>'
    )
    return f'data:image/svg+xml;base64,{base64.b64encode(drawing.encode()).decode()}'
