from ast import literal_eval

from lxml.html import fromstring

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, tagged

from .common import CampaignsCommon

BODY = (
    '<p>News <a href="https://shop.example.com/tea">tea</a>'
    ' <a href="/unsubscribe_from_list">unsubscribe</a></p>'
)


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

    def test_recipients_chosen_before_the_form_stay(self):
        """As when the mailing begins from a list of contacts."""
        chosen = "[('ref', '=', 'mail')]"
        new = self.env['mailing.mailing'].with_context(
            default_mailing_model_id=self.env['ir.model']._get_id('res.partner'),
            default_mailing_domain=chosen,
        )
        self.assertEqual(literal_eval(Form(new).mailing_domain), literal_eval(chosen))

    def test_segment_is_for_mails_to_contacts(self):
        """What does not pass the gate would reach members who want to hear nothing."""
        kinds = self.env['mailing.mailing']._fields['mailing_type']
        # whether or not core's addon for them is there
        self.patch(kinds, '_selection', {'mail': "Email", 'sms': "SMS"})
        mailing = self._new_mailing()
        lists = self.env['ir.model']._get_id('mailing.list')
        for vals in ({'mailing_type': 'sms'}, {'mailing_model_id': lists}):
            with self.assertRaisesRegex(ValidationError, "Only emails"), self.cr.savepoint():
                mailing.write(vals)
        mailing.write({'crm_segment_id': False, 'mailing_type': 'sms'})
        with self.assertRaisesRegex(ValidationError, "Only emails"):
            mailing.crm_segment_id = self.segment

    def test_models_that_get_no_mailings(self):
        """The condition runs with all rights: it must not ask for what is confidential."""
        for model in ('crm.customer.note', 'crm.occasion.task', 'res.users.apikeys'):
            with self.assertRaisesRegex(ValidationError, "no mailings"), self.cr.savepoint():
                self._new_mailing().write(
                    {
                        'crm_segment_id': False,
                        'mailing_model_id': self.env['ir.model']._get_id(model),
                    }
                )

    def test_models_of_other_addons_get_mailings(self):
        """What an addon writes to by code is no list of ours, and leads to nothing secret."""
        model = self.env['ir.model']._get('product.template')
        self.assertFalse(model.is_mailing_enabled)
        mailing = self._new_mailing()
        mailing.write({'crm_segment_id': False, 'mailing_model_id': model.id})
        self.assertEqual(mailing.mailing_model_real, 'product.template')

    def test_no_field_leads_from_recipients_to_what_is_secret(self):
        secret = set(self.registry['crm.visibility.mixin']._inherit_children)
        Mailing = self.env['mailing.mailing']
        known = self.env['ir.model'].search([]).filtered(Mailing._is_mailing_allowed)
        todo = [name for name in known.mapped('model') if name in self.env]
        seen = set(todo)
        self.assertFalse(seen & secret)
        for name in todo:
            for field in self.env[name]._fields.values():
                target = field.comodel_name
                if target and target not in seen:
                    self.assertNotIn(target, secret, f'{name}.{field.name}')
                    seen.add(target)
                    todo.append(target)

    # ------------------------------------------------------------
    # The gate
    # ------------------------------------------------------------

    def _plan(self, **values):
        mailing = self._new_mailing()
        mailing.write({'body_html': BODY, **values})
        mailing.action_put_in_queue()
        mailing.action_send_mail()
        return mailing

    def _messages(self, mailing):
        messages = self.env['crm.message'].sudo().search(mailing._get_message_domain())
        return messages.sorted(lambda message: message.partner_id.id)

    def _decide(self, mailing):
        """Let the gate decide at noon, in the zone of everybody."""
        self.company.crm_consent_promotion = 'opt_out'
        messages = self._messages(mailing)
        messages._process(fields.Datetime.now().replace(hour=12))
        self.env.flush_all()
        self.env.invalidate_all()
        return messages

    def test_recipients_become_messages(self):
        mailing = self._plan()
        messages = self._messages(mailing)
        self.assertEqual(messages.partner_id, self.partners)
        self.assertEqual(set(messages.mapped('message_class')), {'offer'})
        self.assertEqual(set(messages.mapped('state')), {'planned'})
        self.assertEqual(messages.company_id, self.company)
        self.assertEqual(mailing.state, 'done')
        self.assertFalse(mailing.mailing_trace_ids, "not written yet")

    def test_nobody_twice(self):
        mailing = self._plan()
        with self.assertRaisesRegex(UserError, "no recipients"):
            mailing.action_send_mail()
        mailing._plan_messages(self.partners.ids)
        self.assertEqual(len(self._messages(mailing)), 4)

    def test_waterfall_adds_up_to_the_audience(self):
        self.env['mail.blacklist']._add(self.partners[0].email)
        self.partners[1].email = False
        mailing = self._plan()
        messages = self._decide(mailing)
        self.assertEqual(
            [(message.state, message.reason) for message in messages],
            [
                ('refused', 'blacklist'),
                ('refused', 'no_address'),
                ('queued', False),
                ('queued', False),
            ],
        )
        rows = [
            [cell.text_content() for cell in row.iter('td')]
            for row in fromstring(mailing.crm_waterfall).iter('tr')
        ]
        self.assertEqual(rows[0], ["Audience", "", "4"])
        self.assertEqual(sum(int(row[2]) for row in rows[1:]), 4)
        self.assertIn(["Refused", "Blacklisted", "1"], rows)
        action = mailing.action_view_crm_messages()
        self.assertEqual(self.env['crm.message'].search_count(action['domain']), 4)

    def test_mails_are_core_s_with_our_links(self):
        mailing = self._plan()
        messages = self._decide(mailing)
        traces = mailing.mailing_trace_ids
        self.assertEqual(sorted(traces.mapped('res_id')), self.partners.ids)
        self.assertEqual(set(traces.mapped('trace_status')), {'outgoing'})
        self.assertEqual(set(traces.mapped('message_id')), set(messages.mapped('rfc_message_id')))
        mail = self.env['mail.mail'].search([('crm_message_id', '=', messages[0].id)])
        self.assertEqual(mail.mailing_id, mailing)
        email = mail._prepare_outgoing_list()[0]
        self.assertIn('/r/', email['body'], "links are tracked")
        self.assertIn(f'/m/{mail.mailing_trace_ids.id}', email['body'])
        self.assertIn('/mail/track/', email['body'])
        self.assertIn('/crm/preferences/', email['body'])
        self.assertNotIn('/unsubscribe_from_list', email['body'])

    def test_each_recipient_has_his_own_words(self):
        mailing = self._plan(
            subject="Hi {{ object.name }}",
            body_html='<p>Dear <t t-out="object.name"/> <a href="https://a.example.com">x</a></p>',
        )
        self._decide(mailing)
        mails = self.env['mail.mail'].search([('mailing_id', '=', mailing.id)])
        for mail in mails:
            name = mail.recipient_ids.name
            self.assertEqual(mail.subject, f"Hi {name}")
            self.assertIn(f"Dear {name} ", mail.body_html)
            self.assertIn("/r/", mail.body_html)

    def test_sent_and_taken_back(self):
        mailing = self._plan()
        messages = self._decide(mailing)
        mails = self.env['mail.mail'].search([('crm_message_id', 'in', messages.ids)])
        messages[:2].write({'state': 'sent'})
        messages[2].write({'state': 'refused', 'reason': 'no_consent'})
        messages[3].write({'state': 'failed', 'reason': 'delivery', 'failure': "No"})
        mails._finish()
        by_partner = {trace.res_id: trace for trace in mailing.mailing_trace_ids}
        self.assertEqual(
            [by_partner[partner.id].trace_status for partner in self.partners],
            ['sent', 'sent', 'cancel', 'error'],
        )
        self.assertEqual(mailing.delivered, 2)
        mailing.action_retry_failed()
        self.assertEqual(messages[3].state, 'queued')

    def test_other_mailings_are_core_s(self):
        mailing = self.env['mailing.mailing'].create(
            {
                'subject': "All",
                'mailing_model_id': self.env['ir.model']._get_id('res.partner'),
                'mailing_domain': repr([('id', 'in', self.partners[:2].ids)]),
            }
        )
        self.assertEqual(mailing._get_recipients(), self.partners[:2].ids)
