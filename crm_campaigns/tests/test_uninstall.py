from ast import literal_eval

from odoo.tests import tagged

from odoo.addons.crm_campaigns import uninstall_hook

from .common import CampaignsCommon


@tagged('post_install', '-at_install')
class TestUninstall(CampaignsCommon):
    def test_core_mailings_keep_their_recipients(self):
        partners = self._make_partners(3, ref='uninstall')
        segment = self._make_segment(domain="[('ref', '=', 'uninstall')]")
        segment.action_refresh()
        mailing = self.env['mailing.mailing'].browse(segment.action_new_mailing()['res_id'])
        core = self.env['mailing.mailing'].create(
            {
                'subject': "Core",
                'mailing_model_id': self.env['ir.model']._get_id('res.partner'),
                'mailing_domain': "[('ref', '=', 'uninstall')]",
            }
        )
        favourite = self.env['mailing.filter'].create(
            {
                'name': "Members",
                'mailing_model_id': self.env['ir.model']._get_id('res.partner'),
                'mailing_domain': "[('crm_segment_ids', '!=', False)]",
            }
        )
        run = self.env['crm.score.run'].create({'company_id': self.company.id})
        run.action_score()
        job = run.job_id
        uninstall_hook(self.env)
        self.assertFalse(job.exists(), "nothing is left for the workers to stumble over")
        self.assertEqual(literal_eval(mailing.mailing_domain), [('id', 'in', partners.ids)])
        self.assertEqual(core.mailing_domain, "[('ref', '=', 'uninstall')]")
        self.assertFalse(favourite.exists())
