from odoo.tests import BaseCase, tagged

from ..importing import ValueReader


@tagged('post_install', '-at_install')
class TestImportValue(BaseCase):
    def test_dates(self):
        american, british = ValueReader('mdy'), ValueReader('dmy')
        for text in (
            '2025-03-14', '2025/3/14', '2025年3月14日', '20250314', '14.03.2025', '14.3.2025',
            '2025-03-14 12:30', '2025.3.14',
        ):  # fmt: skip
            self.assertEqual(american.to_date(text), '2025-03-14', text)
            self.assertEqual(british.to_date(text), '2025-03-14', text)
        self.assertEqual(american.to_date('3/4/2025'), '2025-03-04')
        self.assertEqual(british.to_date('3/4/2025'), '2025-04-03')
        for text in ('2025-02-30', '14/13/2025', '3/14', 'soon', '45000', '25-03-14'):
            with self.assertRaises(ValueError, msg=text):
                american.to_date(text)

    def test_moments(self):
        reader = ValueReader()
        self.assertEqual(reader.to_datetime('2025-03-14'), '2025-03-14 12:00:00', "noon")
        for text, moment in (
            ('2025-03-14 09:05', '09:05:00'),
            ('2025/3/14 9:05:07', '09:05:07'),
            ('2025-03-14T09:05:07Z', '09:05:07'),
            ('2025年3月14日 9：05', '09:05:00'),
        ):
            self.assertEqual(reader.to_datetime(text), f'2025-03-14 {moment}')
        with self.assertRaises(ValueError):
            reader.to_datetime('2025-03-14 25:00')

    def test_numbers(self):
        point, comma = ValueReader(decimal_sign='.'), ValueReader(decimal_sign=',')
        for text, number in (
            ('1,234.50', '1234.50'), ('1.234,50', '1234.50'), ('¥ 1,234.50', '1234.50'),
            ('CNY 5', '5'), ('5元', '5'), ('(12.00)', '-12.00'), ('１２', '12'), ('-3', '-3'),
            ('1 234.5', '1234.5'), ('1,234', '1234'),
        ):  # fmt: skip
            self.assertEqual(point.to_number(text), number, text)
        self.assertEqual(comma.to_number('12,5'), '12.5')
        self.assertEqual(comma.to_number('1.234'), '1234')
        for text in ('12,5', '1,23,4', 'two', 'nan', 'inf', '1-2', ''):
            with self.assertRaises(ValueError, msg=text):
                point.to_number(text)

    def test_yes_and_no(self):
        reader = ValueReader()
        self.assertEqual([reader.to_boolean(text) for text in ('是', 'Y', '1')], ['1'] * 3)
        self.assertEqual([reader.to_boolean(text) for text in ('否', 'No', '0')], ['0'] * 3)
        self.assertEqual(reader.to_boolean('oui'), 'oui', "left to translations")

    def test_numbers_a_spreadsheet_has_shortened(self):
        reader = ValueReader()
        self.assertEqual(reader.to_phone('+86 138 0013 8000'), '+86 138 0013 8000')
        with self.assertRaises(ValueError):
            reader.to_phone('1.38E+10')
