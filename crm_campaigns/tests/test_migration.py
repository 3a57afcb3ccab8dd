import runpy

from odoo.tests import TransactionCase, tagged
from odoo.tools.misc import file_path


@tagged('post_install', '-at_install')
class TestMigration(TransactionCase):
    def test_groups_installed_early_are_updated_again(self):
        groups = self.env['ir.model.data'].search(
            [('module', '=', 'crm_campaigns'), ('model', '=', 'res.groups')]
        )
        crons = self.env['ir.model.data'].search(
            [('module', '=', 'crm_campaigns'), ('model', '=', 'ir.cron')]
        )
        groups.noupdate = True
        self.env.flush_all()
        script = file_path('crm_campaigns/migrations/19.0.1.1.0/pre-migrate.py')
        runpy.run_path(script)['migrate'](self.env.cr, '19.0.1.0.0')
        self.env.invalidate_all()
        self.assertEqual(groups.mapped('noupdate'), [False] * len(groups))
        self.assertTrue(all(crons.mapped('noupdate')), "other rows stay as they are")
