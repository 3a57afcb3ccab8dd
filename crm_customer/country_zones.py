"""Time zones of countries and of their states, as loaded into ``crm.country.zone``.

Where the tz database lists one zone for a country, that is it.  Here are the others: countries
whose zones show one time (or nearly all of whose people live in one of them), and states of the
countries that really have several.  A state is given the zone most of its people live in.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

import pytz

#: countries with several names of zones and one time, but for the states below
ONE_TIME = {
    'AR': 'America/Argentina/Buenos_Aires',
    'CL': 'America/Santiago',
    'CN': 'Asia/Shanghai',
    'CY': 'Asia/Nicosia',
    'DE': 'Europe/Berlin',
    'EC': 'America/Guayaquil',
    'ES': 'Europe/Madrid',
    'KZ': 'Asia/Almaty',
    'MH': 'Pacific/Majuro',
    'MN': 'Asia/Ulaanbaatar',
    'MY': 'Asia/Kuala_Lumpur',
    'NZ': 'Pacific/Auckland',
    'PF': 'Pacific/Tahiti',
    'PG': 'Pacific/Port_Moresby',
    'PS': 'Asia/Hebron',
    'PT': 'Europe/Lisbon',
    'UA': 'Europe/Kyiv',
    'UZ': 'Asia/Tashkent',
}

#: what Odoo lists among the countries and the tz database does not
UNLISTED = {
    'BV': 'Europe/Oslo',
    'HM': 'Indian/Kerguelen',
    'XI': 'Europe/London',
    'XK': 'Europe/Belgrade',
}

#: countries with several times: the zone taken when not even the company has one
LAST_RESORT = {
    'AQ': 'Antarctica/McMurdo',
    'AU': 'Australia/Sydney',
    'BR': 'America/Sao_Paulo',
    'CA': 'America/Toronto',
    'CD': 'Africa/Kinshasa',
    'FM': 'Pacific/Pohnpei',
    'GL': 'America/Nuuk',
    'ID': 'Asia/Jakarta',
    'KI': 'Pacific/Tarawa',
    'MX': 'America/Mexico_City',
    'RU': 'Europe/Moscow',
    'UM': 'Pacific/Wake',
    'US': 'America/New_York',
}

#: codes of states, as Odoo has them, by country and zone
STATES = {
    'AU': {
        'Australia/Adelaide': 'SA',
        'Australia/Brisbane': 'QLD',
        'Australia/Darwin': 'NT',
        'Australia/Hobart': 'TAS',
        'Australia/Melbourne': 'VIC',
        'Australia/Perth': 'WA',
        'Australia/Sydney': 'ACT NSW',
    },
    'BR': {
        'America/Araguaina': 'TO',
        'America/Bahia': 'BA',
        'America/Belem': 'AP PA',
        'America/Boa_Vista': 'RR',
        'America/Campo_Grande': 'MS',
        'America/Cuiaba': 'MT',
        'America/Fortaleza': 'CE MA PB PI RN',
        'America/Maceio': 'AL SE',
        'America/Manaus': 'AM',
        'America/Porto_Velho': 'RO',
        'America/Recife': 'PE',
        'America/Rio_Branco': 'AC',
        'America/Sao_Paulo': 'DF ES GO MG PR RJ RS SC SP',
    },
    'CA': {
        'America/Edmonton': 'AB NT',
        'America/Halifax': 'NS PE',
        'America/Iqaluit': 'NU',
        'America/Moncton': 'NB',
        'America/Regina': 'SK',
        'America/St_Johns': 'NL',
        'America/Toronto': 'ON QC',
        'America/Vancouver': 'BC',
        'America/Whitehorse': 'YT',
        'America/Winnipeg': 'MB',
    },
    'CL': {'America/Punta_Arenas': 'CL-MA'},
    'EC': {'Pacific/Galapagos': '20'},
    'ES': {'Africa/Ceuta': 'CE ME', 'Atlantic/Canary': 'GC TF'},
    'ID': {
        'Asia/Jakarta': 'AC BB BT BE JK JA JB JT JI KR LA RI SB SS SU YO',
        'Asia/Jayapura': 'MA MU PA PB PD PS PT PE',
        'Asia/Makassar': 'BA GO KS KI KU NB NT SR SN ST SG SA',
        'Asia/Pontianak': 'KB KT',
    },
    'MN': {'Asia/Hovd': '02 15 16'},
    'MX': {
        'America/Cancun': 'ROO',
        'America/Chihuahua': 'CHH',
        'America/Hermosillo': 'SON',
        'America/Mazatlan': 'BCS NAY SIN',
        'America/Merida': 'CAM YUC',
        'America/Mexico_City': (
            'AGU CHP CMX COL GRO GUA HID JAL MEX MIC MOR OAX PUE QUE SLP TAB TLA VER ZAC'
        ),
        'America/Monterrey': 'COA DUR NLE TAM',
        'America/Tijuana': 'BCN',
    },
    'PT': {'Atlantic/Azores': '20', 'Atlantic/Madeira': '30'},
    'RU': {
        'Asia/Anadyr': 'CHU',
        'Asia/Barnaul': 'AL ALT',
        'Asia/Chita': 'ZAB',
        'Asia/Irkutsk': 'BU IRK',
        'Asia/Kamchatka': 'KAM',
        'Asia/Krasnoyarsk': 'KK KYA TY',
        'Asia/Magadan': 'MAG',
        'Asia/Novokuznetsk': 'KEM',
        'Asia/Novosibirsk': 'NVS',
        'Asia/Omsk': 'OMS',
        'Asia/Sakhalin': 'SAK',
        'Asia/Tomsk': 'TOM',
        'Asia/Vladivostok': 'KHA PRI YEV',
        'Asia/Yakutsk': 'AMU SA',
        'Asia/Yekaterinburg': 'BA CHE KGN KHM ORE PER SVE TYU YAN',
        'Europe/Astrakhan': 'AST',
        'Europe/Kaliningrad': 'KGD',
        'Europe/Kirov': 'KIR',
        'Europe/Moscow': (
            'AD ARK BEL BRY CE CU DA IN IVA KB KC KDA KL KLU KO KOS KR KRS LEN LIP ME MO MOS MOW'
            ' MUR NGR NIZ ORL PNZ PSK ROS RYA SE SMO SPE STA TA TAM TUL TVE VLA VLG VOR YAR'
        ),
        'Europe/Samara': 'SAM UD',
        'Europe/Saratov': 'SAR',
        'Europe/Ulyanovsk': 'ULY',
        'Europe/Volgograd': 'VGG',
    },
    'US': {
        'America/Anchorage': 'AK',
        'America/Boise': 'ID',
        'America/Chicago': 'AL AR IA IL KS LA MN MO MS ND NE OK SD TN TX WI',
        'America/Denver': 'CO MT NM UT WY',
        'America/Detroit': 'MI',
        'America/Indiana/Indianapolis': 'IN',
        'America/Los_Angeles': 'CA NV OR WA',
        'America/New_York': 'CT DC DE FL GA KY MA MD ME NC NH NJ NY OH PA RI SC VA VT WV',
        'America/Phoenix': 'AZ',
        'America/Puerto_Rico': 'PR VI',
        'Pacific/Guam': 'GU MP',
        'Pacific/Honolulu': 'HI',
        'Pacific/Majuro': 'MH',
        'Pacific/Pago_Pago': 'AS',
        'Pacific/Palau': 'PW',
        'Pacific/Pohnpei': 'FM',
    },
}


def get_zone_rows() -> list[tuple[str, str | None, str, bool]]:
    """Return what is known: code of the country, of the state or None, zone, last resort."""
    countries = {
        code: zones[0] for code, zones in pytz.country_timezones.items() if len(zones) == 1
    }
    countries |= UNLISTED | ONE_TIME
    rows = [(code, None, zone, False) for code, zone in countries.items()]
    rows += [(code, None, zone, True) for code, zone in LAST_RESORT.items()]
    rows += [
        (code, state, zone, False)
        for code, zones in STATES.items()
        for zone, states in zones.items()
        for state in states.split()
    ]
    return [row for row in rows if row[2] in pytz.all_timezones_set]


def find_same_clock(name: str, candidates: Collection[str], today: datetime) -> str:
    """Return the first of several zones whose clocks show what those of a zone show.

    :param name: a zone of pytz
    :param candidates: zones of pytz
    :param today: the year before it and the one after it are compared
    :return: 'UTC' when there is none
    """
    moments = [pytz.utc.localize(today + timedelta(days=days)) for days in range(-366, 367, 2)]
    zone = pytz.timezone(name)
    offsets = [moment.astimezone(zone).utcoffset() for moment in moments]
    for candidate in candidates:
        other = pytz.timezone(candidate)
        if all(
            moment.astimezone(other).utcoffset() == offset
            for moment, offset in zip(moments, offsets, strict=True)
        ):
            return candidate
    return 'UTC'
