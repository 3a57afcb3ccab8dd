# ruff: noqa: F821 - `env` is what Odoo's shell provides
"""Bring the prepared CDNOW files in as an administrator would, and play the closed loop.

Run in Odoo's shell by ``setup/dev demo --data cdnow``.

``SUITE_FOLDER`` holds the CSV files, ``SUITE_AS_OF`` the last day of the log.
Everything lands in a company of its own, so that the demo data stay apart.
"""

import csv
import datetime
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(os.environ['SUITE_ROOT']) / 'setup'))

from tool.cdnow_import import Importer, Pace
from tool.cdnow_loop import Loop

folder = Path(os.environ['SUITE_FOLDER'])
totals = json.loads((folder / 'totals.json').read_text())
started = time.monotonic()


def company():
    """The shop's own company; the demo users may work in it."""
    found = env.ref('__import__.cdnow_company', raise_if_not_found=False)
    if found:
        return found
    found = env['res.company'].create({'name': "CDNOW", 'currency_id': env.ref('base.USD').id})
    env['ir.model.data'].create(
        {
            'module': '__import__',
            'name': 'cdnow_company',
            'model': 'res.company',
            'res_id': found.id,
        }
    )
    found.resource_calendar_id.tz = 'America/New_York'
    if 'stock.warehouse' in env:  # Inventory came first, and confirmed orders need one
        env['stock.warehouse'].create({'name': "CDNOW", 'code': 'CDNOW', 'company_id': found.id})
    people = env['res.users'].search([('share', '=', False)])
    people.company_ids += found
    env.ref('base.user_admin').company_id = found
    return found


shop = company()
env.cr.commit()
importer = Importer(env(user=env.ref('base.user_admin')), shop, 'America/New_York')
for model, name in (
    ('res.partner', 'customers.csv'),
    ('product.template', 'products.csv'),
    ('sale.order', 'orders.csv'),
):
    pace = Pace(name.removesuffix('.csv'))
    with open(folder / name, encoding='utf-8') as file:
        header, *rows = csv.reader(file)
    importer.load(model, header, rows, pace)
    print(pace.line(), flush=True)

as_of = datetime.date.fromisoformat(os.environ['SUITE_AS_OF'])
since = datetime.date.fromisoformat(totals['first_day'])
Loop(importer.env, shop, as_of, since).play()
print(f"  the whole loop took {(time.monotonic() - started) / 60:.1f} minutes")
