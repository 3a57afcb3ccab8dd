"""Vehicle identification numbers by ISO 3779, with the check digit of North America and China."""

import re

from .texts import normalise_number

#: letters that are taken for digits are not used
PATTERN = re.compile(r'[A-HJ-NPR-Z0-9]{17}')
VALUES = {str(digit): digit for digit in range(10)} | {
    letter: value
    for letters, value in (
        ('AJ', 1), ('BKS', 2), ('CLT', 3), ('DMU', 4), ('ENV', 5),
        ('FW', 6), ('GPX', 7), ('HY', 8), ('RZ', 9),
    )
    for letter in letters
}  # fmt: skip
WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
CHECK_POSITION = 8
#: where makers have to use it: 49 CFR 565 and its like in North America, GB 16735 in China
CHECKED_REGIONS = '12345L'


def normalise(vin: str | bool) -> str | bool:
    """Return a number as it is compared: in capitals, without blanks and dashes."""
    return normalise_number(vin, r'[\W_]+')


def is_well_formed(vin: str) -> bool:
    """Return whether a number has 17 characters, none of them I, O or Q."""
    return bool(PATTERN.fullmatch(vin))


def get_check_digit(vin: str) -> str:
    """Return what stands in the ninth place of a well-formed number, where it is used.

    :return: a digit, or X for ten
    """
    total = sum(VALUES[char] * weight for char, weight in zip(vin, WEIGHTS, strict=True))
    return 'X' if total % 11 == 10 else str(total % 11)


def fits_check_digit(vin: str) -> bool:
    """Return whether the ninth place of a well-formed number is its check digit."""
    return vin[CHECK_POSITION] == get_check_digit(vin)


def needs_check_digit(vin: str) -> bool:
    """Return whether the maker of a vehicle has to use the check digit, by his region."""
    return vin[0] in CHECKED_REGIONS
