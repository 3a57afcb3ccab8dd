# ruff: noqa: F821 - `env` is what Odoo's shell provides
"""Import one slice of the prepared orders and write what it cost; run in Odoo's shell."""

import csv
import os
import sys
from pathlib import Path

sys.path.insert(0, os.environ['SUITE_ROOT'])

from tool.cdnow_import import Importer, Pace
from tool.meter import Meter

folder = Path(os.environ['SUITE_FOLDER'])
start, number = int(os.environ['SUITE_START']), int(os.environ['SUITE_NUMBER'])


def rows_of(name):
    with open(folder / name, encoding='utf-8') as file:
        header, *rows = csv.reader(file)
    return header, rows


importer = Importer(env, env.company, 'America/New_York')
if not number:
    for model, name in (('res.partner', 'customers.csv'), ('product.template', 'products.csv')):
        importer.load(model, *rows_of(name), Pace(name))
    number = 20  # fills the caches and leaves the first slice like the others
header, rows = rows_of('orders.csv')
env.cr.commit()
meter = Meter(env)
importer.load('sale.order', header, rows[start : start + number], Pace('orders'))
meter.write(os.environ['SUITE_TARGET'])
