"""Make the table of Chinese lunar years of crm_customer/lunar.py, and compare it with others.

Not needed to run the suite.  In an environment of its own, with the packages ephem (astronomy),
borax and lunar_python (published calendars):

    python setup/probes/lunar_table.py          print the table
    python setup/probes/lunar_table.py --check  compare the table in the addon, day by day
"""

import importlib.util
import math
import sys
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import ephem

FIRST_YEAR, LAST_YEAR = 1900, 2100
#: new moons within minutes of midnight, and the day that published calendars give them
PUBLISHED = {date(1906, 4, 23): date(1906, 4, 24), date(2057, 9, 28): date(2057, 9, 29)}
LUNAR = Path(__file__).parents[2] / 'crm_customer' / 'lunar.py'


def beijing_date(moment):
    """Return the day of an event; the meridian of Beijing ruled until 1928, 120° E since."""
    utc = ephem.Date(moment).datetime().replace(tzinfo=timezone.utc)
    offset = timedelta(hours=8) if utc.year >= 1929 else timedelta(hours=7, minutes=45, seconds=40)
    return utc.astimezone(timezone(offset)).date()


def sun_longitude(moment):
    """Return the apparent ecliptic longitude of the sun in degrees, of the equinox of date."""
    sun = ephem.Sun(ephem.Date(moment))
    place = ephem.Equatorial(sun.ra, sun.dec, epoch=moment)
    return math.degrees(ephem.Ecliptic(place, epoch=moment).lon)


def principal_term(year, index):
    """Return the day on which the sun reaches 270 + 30 * index degrees, index 0 in December."""
    target = (270 + 30 * index) % 360
    moment = ephem.Date(datetime(year, 12, 21)) + 30.4368 * index
    for _round in range(30):
        away = (target - sun_longitude(moment) + 180) % 360 - 180
        moment += away * 365.2422 / 360
        if abs(away) < 1e-7:
            break
    return beijing_date(moment)


def months_between_solstices(year):
    """Return (first day, number, leap) of the months from the winter solstice of a year on."""
    terms = [principal_term(year, index) for index in range(13)]
    moons = []
    moment = ephem.Date(datetime(year, 11, 15))
    while not moons or moons[-1] <= terms[-1]:
        moment = ephem.next_new_moon(moment)
        day = beijing_date(moment)
        moons.append(PUBLISHED.get(day, day))
        moment += 20
    first = max(index for index, moon in enumerate(moons) if moon <= terms[0])
    last = max(index for index, moon in enumerate(moons) if moon <= terms[-1])
    number, leap_left, months = 11, last - first == 13, []
    for index in range(first, last):
        has_term = any(moons[index] <= term < moons[index + 1] for term in terms)
        leap = leap_left and not has_term and index > first
        if leap:
            leap_left = False
        elif months:
            number = number % 12 + 1
        months.append((moons[index], number, leap))
    return months, moons[last]


def make_table():
    """Return the packed years: leap month in the low 4 bits, then a bit per month of 30 days."""
    months, end = [], None
    for year in range(FIRST_YEAR - 1, LAST_YEAR + 1):
        some, end = months_between_solstices(year)
        months += some
    months.append((end, 11, False))
    starts = [index for index, month in enumerate(months) if month[1:] == (1, False)]
    years = []
    for first, last in zip(starts, [*starts[1:], len(months) - 1], strict=True):
        packed = next((number for _day, number, leap in months[first:last] if leap), 0)
        for bit, index in enumerate(range(first, last)):
            packed |= ((months[index + 1][0] - months[index][0]).days == 30) << (bit + 4)
        years.append(packed)
    return months[starts[0]][0], years[: LAST_YEAR - FIRST_YEAR + 1]


def check():
    """Print the days on which the table and the published calendars do not agree."""
    from borax.calendars.lunardate import LunarDate
    from lunar_python import Solar

    spec = importlib.util.spec_from_file_location('lunar', LUNAR)
    lunar = importlib.util.module_from_spec(spec)
    sys.modules['lunar'] = lunar
    spec.loader.exec_module(lunar)
    first, _years = make_table()
    print('computed table equal:', (first, tuple(_years)) == (lunar._FIRST_DAY, lunar._YEARS))
    day, counts = date(1900, 1, 31), {}
    while day <= date(2101, 1, 28):
        ours = tuple(lunar.from_solar(day))
        theirs = LunarDate.from_solar(day)
        if ours != (theirs.year, theirs.month, theirs.day, bool(theirs.leap)):
            counts.setdefault('borax', []).append(day)
        other = Solar.fromYmd(day.year, day.month, day.day).getLunar()
        month = other.getMonth()
        if ours != (other.getYear(), abs(month), other.getDay(), month < 0):
            counts.setdefault('lunar_python', []).append(day)
        day += timedelta(days=1)
    for name in ('borax', 'lunar_python'):
        days = counts.get(name, [])
        print(name, len(days), sorted({f'{day:%Y-%m}' for day in days}))


if __name__ == '__main__':
    if '--check' in sys.argv:
        check()
    else:
        first_day, table = make_table()
        print(first_day)
        for index in range(0, len(table), 10):
            print('    ' + ' '.join(f'0x{year:05x},' for year in table[index : index + 10]))
