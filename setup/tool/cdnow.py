"""A real purchase log as data: 23,570 customers of an online music shop, 1997-98.

The CDNOW log ships as two text files inside the wheel of ``lifetimes`` (MIT).
Here it becomes the CSV files that an administrator would prepare, in the columns
of the import templates of ``crm_customer``; ``probes/cdnow_load.py`` brings them in.
"""

import csv
import datetime
import json
import zipfile
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from . import python
from .paths import CACHE, ROOT, RUN, SETUP
from .ui import SetupError, say, step

WHEEL = ('Lifetimes', '0.11.3')
FILES = {
    'cdnow': 'lifetimes/datasets/CDNOW_sample.txt',
    'cdnow-full': 'lifetimes/datasets/CDNOW_master.txt',
}
SIZES = tuple(FILES)
# What is known of the data, so that a damaged file cannot pass: purchases, customers.
KNOWN = {'cdnow': (6919, 2357), 'cdnow-full': (69659, 23570)}

# Most purchases have no price per disc with two decimals, so a purchase is one
# line of quantity 1; the product says in which band its value lies.
BANDS = (
    ('free', "Music, given away", Decimal('0.00')),
    ('small', "Music, up to 15", Decimal('15.00')),
    ('medium', "Music, up to 30", Decimal('30.00')),
    ('large', "Music, up to 60", Decimal('60.00')),
    ('huge', "Music, over 60", Decimal('Infinity')),
)
PREFIX = '__import__.cdnow_'
# The columns of the import templates, by their technical names; the disc count
# goes into the description of the line.
CUSTOMERS = ('id', 'name', 'email')
PRODUCTS = ('id', 'name', 'default_code', 'type', 'list_price', 'sale_ok')
ORDERS = (
    'id',
    'name',
    'partner_id/id',
    'date_order',
    'state',
    'order_line/id',
    'order_line/product_id',
    'order_line/name',
    'order_line/product_uom_qty',
    'order_line/price_unit',
    'order_line/tax_ids',
)


@dataclass(frozen=True)
class Purchase:
    """One line of the log.

    :param line: line number in the file, from 1
    :param customer: number of the customer, as text
    :param day: day of the purchase, already shifted
    :param discs: number of discs
    :param value: dollars
    """

    line: int
    customer: str
    day: datetime.date
    discs: int
    value: Decimal

    @property
    def band(self):
        return next(name for name, _label, limit in BANDS if self.value <= limit)


@dataclass
class Log:
    """A purchase log, and the lines of it that are not purchases."""

    purchases: list = field(default_factory=list)
    bad: list = field(default_factory=list)

    @property
    def customers(self):
        return {purchase.customer for purchase in self.purchases}

    @property
    def value(self):
        return sum((purchase.value for purchase in self.purchases), Decimal())


def parse(lines):
    """Read the lines of a log; a bad line is noted with its number and reason.

    Both files are columns of text: customer, (number in the sample), date,
    number of discs, dollar value.
    """
    log = Log()
    for number, text in enumerate(lines, 1):
        cells = text.split()
        if not cells or (number == 1 and not cells[0].isdigit()):
            continue
        try:
            log.purchases.append(_purchase(number, cells))
        except (ValueError, InvalidOperation) as error:
            log.bad.append((number, str(error)))
    return log


def _purchase(number, cells):
    if len(cells) not in (4, 5):
        raise ValueError(f"{len(cells)} columns instead of 4 or 5")
    customer, (day, discs, value) = cells[0], cells[-3:]
    if not customer.isdigit():
        raise ValueError(f"the customer number {customer!r} is not a number")
    amount = Decimal(value) if _is_number(value) else None
    if amount is None or amount < 0:
        raise ValueError(f"the value {value!r} is not an amount")
    if not discs.isdigit():
        raise ValueError(f"the number of discs {discs!r} is not a number")
    return Purchase(number, customer, _day(day), int(discs), amount)


def _is_number(text):
    return text.replace('.', '', 1).isdigit()


def _day(text):
    try:
        return datetime.datetime.strptime(text, '%Y%m%d').date()
    except ValueError:
        raise ValueError(f"the date {text!r} is not YYYYMMDD") from None


def shift(log, as_of):
    """Move all dates by one number of weeks, so that the log ends in the week before a day."""
    last = max(purchase.day for purchase in log.purchases)
    weeks = (as_of - last).days // 7
    delta = datetime.timedelta(weeks=weeks)
    moved = [Purchase(p.line, p.customer, p.day + delta, p.discs, p.value) for p in log.purchases]
    return Log(moved, log.bad)


def last_sunday(today=None):
    today = today or datetime.date.today()
    return today - datetime.timedelta(days=(today.weekday() + 1) % 7)


def read(size):
    """Return the log of a size, fetching the wheel when the cache does not hold it."""
    path = python.wheel(*WHEEL, CACHE / 'wheels', python_version='3.11')
    with zipfile.ZipFile(path) as archive:
        log = parse(archive.read(FILES[size]).decode('ascii').splitlines())
    if (len(log.purchases), len(log.customers)) != KNOWN[size]:
        raise SetupError(
            f"{FILES[size]} holds {len(log.purchases)} purchases of {len(log.customers)} "
            f"customers, not {KNOWN[size]}",
            f"remove {path} and run the command again",
        )
    return log


def prepare(log, folder):
    """Write the CSV files of a log and return what they must add up to."""
    folder.mkdir(parents=True, exist_ok=True)
    customers = sorted(log.customers)
    _write(folder / 'customers.csv', CUSTOMERS, map(_customer_row, customers))
    _write(folder / 'products.csv', PRODUCTS, map(_product_row, BANDS))
    _write(folder / 'orders.csv', ORDERS, map(_order_row, log.purchases))
    totals = {
        'orders': len(log.purchases),
        'customers': len(customers),
        'value': str(log.value),
        'first_day': str(min(p.day for p in log.purchases)),
        'last_day': str(max(p.day for p in log.purchases)),
        'bad_lines': log.bad,
    }
    (folder / 'totals.json').write_text(json.dumps(totals, indent=1))
    return totals


def _write(path, header, rows):
    with open(path, 'w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def _customer_row(customer):
    address = f'customer{customer}@cdnow.example.com'
    return (f'{PREFIX}customer_{customer}', f"CDNOW {customer}", address)


def _product_row(band):
    name, label, limit = band
    price = limit if limit.is_finite() else Decimal('75.00')
    return (f'{PREFIX}product_{name}', label, _reference(name), 'Goods', price, 1)


def _reference(band):
    return f'CDNOW-{band.upper()}'


def _order_row(purchase):
    # The log holds exact duplicates; the line number tells them apart.
    number = f'{purchase.line:05d}'
    return (
        f'{PREFIX}order_{number}',
        f'CDNOW/{number}',
        f'{PREFIX}customer_{purchase.customer}',
        # Noon: a bare date would land on the day before, west of Greenwich.
        f'{purchase.day} 12:00:00',
        'sale',
        f'{PREFIX}order_{number}_1',
        _reference(purchase.band),
        f"CDs: {purchase.discs}",
        1,
        purchase.value,
        '',
    )


def load(ready, database, size, as_of=None):
    """Bring a log into a database through Odoo's own import and play the loop on it."""
    day = datetime.date.fromisoformat(as_of) if as_of else last_sunday()
    log = shift(read(size), day)
    folder = RUN / 'cdnow' / size
    totals = prepare(log, folder)
    step(f"{totals['orders']} purchases of {totals['customers']} customers up to {day}")
    for number, reason in log.bad:
        say(f"  line {number} left out: {reason}")
    code = ready.stream(
        database, SETUP / 'probes/cdnow_load.py', folder=folder, root=ROOT, as_of=day
    )
    if code:
        raise SetupError(f"loading {size} stopped (exit {code})", "the lines above say why")
