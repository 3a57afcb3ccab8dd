"""Merging two customers who have everything: no opt-out, send, note, case or point is lost."""

from everything import EverythingCase

from odoo.tests import tagged


@tagged('post_install', '-at_install')
class TestMergeEverything(EverythingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.create_customer()
        cls.target = cls.create_customer(
            name="Ophelia Zauberwald",
            email='ophelia@example.com',
            phone='+32 470 11 22 33',
            login=None,
        )

    def count_all(self):
        """Return how many rows of each kind the two have together."""
        both = ('partner_id', 'in', (self.source | self.target).ids)
        models = {
            'sale.order': [both],
            'account.move': [both],
            'account.payment': [both],
            'aftersales.request': [both],
            'aftersales.unit': [both],
            'rating.rating': [both],
            'crm.lead': [both],
            'crm.segment.member': [both],
            'sms.sms': [both],
            'res.partner.bank': [both],
            'calendar.attendee': [both],
            'crm.message': [both],
            'crm.customer.note': [both],
            'crm.anniversary': [both],
            'crm.occasion': [both],
            'mail.message': [
                ('model', '=', 'res.partner'),
                ('res_id', 'in', (self.source | self.target).ids),
            ],
            'mailing.trace': [
                ('model', '=', 'res.partner'),
                ('res_id', 'in', (self.source | self.target).ids),
            ],
        }
        counts = {
            model: self.env[model].sudo().with_context(active_test=False).search_count(domain)
            for model, domain in models.items()
        }
        cards = self.env['loyalty.card'].sudo().search([both])
        counts['points'] = sum(cards.mapped('points'))
        return counts

    def test_nothing_is_lost(self):
        before = self.count_all()
        self.assertTrue(all(before.values()), before)
        events = self.env['crm.consent.event'].search_count([])
        source_id = self.source.id

        wizard = self.env['base.partner.merge.automatic.wizard'].create({})
        wizard._merge([self.source.id, self.target.id], self.target)
        self.env.invalidate_all()

        self.assertFalse(self.source.exists())
        self.source = self.target
        after = self.count_all()
        self.assertGreaterEqual(after.pop('mail.message'), before.pop('mail.message'))
        self.assertEqual(after, before)
        self.assertGreaterEqual(self.env['crm.consent.event'].search_count([]), events)
        person = self.env['crm.person']._for_partners(self.target)
        statuses = person._get_consent_statuses(self.company)
        self.assertEqual(statuses['promotion', 'email'], 'out')
        origins = self.env['crm.message'].search([('person_id', '=', person.id)])
        self.assertNotIn(source_id, origins.mapped('origin_id'))
        open_members = self.env['crm.segment.member'].search(
            [('partner_id', '=', self.target.id), ('left_at', '=', False)]
        )
        self.assertEqual(len(open_members), 1)
