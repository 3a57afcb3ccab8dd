from pathlib import Path

from odoo.modules.migration import load_script
from odoo.tests import tagged

from .common import AftersalesCommon

SCRIPT = Path(__file__).parents[1] / 'migrations/19.0.1.2.1/post-numbers.py'


@tagged('post_install', '-at_install')
class TestNumberMigration(AftersalesCommon):
    """Numbers in full width, as version 19.0.1.2.0 compared them."""

    def test_compared_in_one_width(self):
        units = self.env['aftersales.unit'].create(
            [
                {
                    'product_id': self.unit.product_id.id,
                    'partner_id': self.customer.id,
                    'serial': serial,
                    'plate': plate,
                }
                for serial, plate in (
                    ('ＡＢ－１２', '京Ａ·１２'),
                    ('CD-34', False),
                    ('Y', False),
                    ('ß-é', False),
                )
            ]
        )
        single, known, double, other = units
        self._set_as_before(single, serial_norm='ＡＢ－１２', plate_norm='京Ａ１２')
        # the same number as the one before, which nobody could see
        self._set_as_before(double, serial='ＣＤ３４', serial_norm='ＣＤ３４')
        load_script(SCRIPT.as_posix(), 'post_numbers').migrate(self.env.cr, '19.0.1.2.0')
        units.invalidate_recordset()
        self.assertEqual((single.serial_norm, single.plate_norm), ('AB12', '京A12'))
        self.assertEqual((known.serial_norm, double.serial_norm), ('CD34', 'ＣＤ３４'))
        self.assertEqual(other.serial_norm, 'SSÉ', "nothing was wrong with it")

    def _set_as_before(self, unit, **values):
        self.env.flush_all()
        for name, value in values.items():
            self.env.cr.execute(
                f'UPDATE aftersales_unit SET {name} = %s WHERE id = %s', (value, unit.id)
            )
