"""What a client called: which method of which model, by which interface."""

from __future__ import annotations

from typing import NamedTuple

from odoo.http import request

#: where the web client calls methods; programs have other addresses, files for download too
WEB_CLIENT = '/web/dataset/'
#: where programs call methods
JSON_2 = '/json/2/'


class ClientCall(NamedTuple):
    #: ``WEB_CLIENT`` or ``JSON_2``
    interface: str
    model: str
    method: str


def get_client_call() -> ClientCall | None:
    """Return the method a client called, as the server reads it from the request.

    :return: None where no request calls a method: jobs, pages, files, and the XML-RPC interface,
        which is on its way out
    """
    if not request:
        return None
    path, params = request.httprequest.path, request.params
    if path.startswith(WEB_CLIENT):
        # what is called stands in the parameters; the rest of the address may say anything
        return ClientCall(WEB_CLIENT, params.get('model') or '', params.get('method') or '')
    if path.startswith(JSON_2):
        model, method = params.get('__model__') or '', params.get('__method__') or ''
        return ClientCall(JSON_2, model, method)
    return None
