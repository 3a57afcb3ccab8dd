from ast import literal_eval

from odoo.tests import Form, tagged

from .common import CampaignsCommon


@tagged('post_install', '-at_install')
class TestMailing(CampaignsCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partners = cls._make_partners(4, name="Mailing test", ref='mail')
        cls.segment = cls._make_segment("Readers", domain="[('ref', '=', 'mail')]")
        cls.segment.action_refresh()

    def _new_mailing(self):
        action = self.segment.with_user(self.user_manager).action_new_mailing()
        return self.env['mailing.mailing'].browse(action['res_id'])

    def test_draft_mailing_reaches_the_members(self):
        mailing = self._new_mailing()
        self.assertRecordValues(
            mailing,
            [
                {
                    'state': 'draft',
                    'subject': "News from Scored Company",
                    'mailing_model_real': 'res.partner',
                }
            ],
        )
        self.assertIn('/unsubscribe_from_list', mailing.body_html)
        self.assertEqual(mailing._get_recipients(), self.partners.ids)
        found = self.env['res.partner'].search(literal_eval(mailing.mailing_domain))
        self.assertEqual(found, self.partners)
        self.assertEqual(self.segment.mailing_count, 1)

    def test_recipients_are_the_members_when_it_leaves(self):
        mailing = self._new_mailing()
        self.partners[0].ref = False
        self.segment.action_refresh()
        self.assertEqual(mailing._get_recipients(), self.partners[1:].ids)

    def test_domain_narrowed_by_hand_stays_inside_the_segment(self):
        mailing = self._new_mailing()
        mailing.mailing_domain = "[('name', 'like', 'Mailing test 3')]"
        self.assertEqual(mailing._get_recipients(), self.partners[3:].ids)
        mailing.mailing_domain = "[]"
        self.assertEqual(mailing._get_recipients(), self.partners.ids)

    def test_choosing_a_segment_in_the_form(self):
        with Form(self.env['mailing.mailing']) as form:
            form.subject = "Hello"
            form.mailing_model_id = self.env['ir.model']._get('res.partner')
            form.crm_segment_id = self.segment
            self.assertEqual(
                literal_eval(form.mailing_domain), [('crm_segment_ids', 'in', self.segment.ids)]
            )
            form.mailing_model_id = self.env['ir.model']._get('mailing.list')
            self.assertFalse(form.crm_segment_id)

    def test_core_queues_and_respects_the_blacklist(self):
        self.env['mail.blacklist']._add(self.partners[0].email)
        mailing = self._new_mailing()
        mailing.action_put_in_queue()
        mailing.action_send_mail()
        traces = mailing.mailing_trace_ids
        self.assertEqual(sorted(traces.mapped('res_id')), self.partners.ids)
        cancelled = traces.filtered(lambda trace: trace.trace_status == 'cancel')
        self.assertEqual(cancelled.mapped('res_id'), self.partners[0].ids)
        self.assertEqual(cancelled.failure_type, 'mail_bl')

    def test_other_mailings_are_core_s(self):
        mailing = self.env['mailing.mailing'].create(
            {
                'subject': "All",
                'mailing_model_id': self.env['ir.model']._get_id('res.partner'),
                'mailing_domain': repr([('id', 'in', self.partners[:2].ids)]),
            }
        )
        self.assertEqual(mailing._get_recipients(), self.partners[:2].ids)
