from odoo import Command
from odoo.tests import tagged
from odoo.tools import SQL

from .common import CrmCustomerCommon


@tagged('post_install', '-at_install')
class TestMerge(CrmCustomerCommon):
    """5.11: merging contacts never loses an opt-out or a message."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.one, cls.two = cls.env['res.partner'].create(
            [
                {'name': "Wang Fang", 'email': 'wang@example.com'},
                {'name': "Fang Wang", 'email': 'wang@example.com'},
            ]
        )
        cls.Person = cls.env['crm.person']
        cls.person_one = cls.Person._for_partners(cls.one)
        cls.person_two = cls.Person._for_partners(cls.two)

    def merge(self, source, target):
        wizard = self.env['base.partner.merge.automatic.wizard'].create({})
        wizard._merge([source.id, target.id], target)
        self.env.invalidate_all()

    def decide(self, person, status, purpose='promotion', channel='email', **values):
        person._set_consent(
            [purpose],
            [channel],
            status,
            **{'company': self.company, 'source': 'staff', **values},
        )

    def create_message_rows(self, person, count, **values):
        return (
            self.env['crm.message']
            .sudo()
            .create(
                [
                    {
                        'key': f'test:{person.id}:{number}',
                        'person_id': person.id,
                        'message_class': 'offer',
                        'purpose': 'promotion',
                        'state': 'sent',
                        'sent_at': '2026-05-01 10:00:00',
                        **values,
                    }
                    for number in range(count)
                ]
            )
        )

    def test_5_11_strictest_wins_and_all_messages_count(self):
        self.decide(self.person_one, 'out')
        self.decide(self.person_two, 'in')
        messages = self.create_message_rows(self.person_one, 2)
        messages |= self.create_message_rows(self.person_two, 2)
        self.merge(self.one, self.two)
        statuses = self.person_two._get_consent_statuses(self.company)
        self.assertEqual(statuses, {('promotion', 'email'): 'out'})
        self.assertEqual(messages.person_id, self.person_two)
        self.assertEqual(messages.mapped('state'), ['sent'] * 4)
        self.assertEqual(self.person_one.survivor_id, self.person_two)
        self.assertFalse(self.person_one.partner_id)
        events = self.env['crm.consent.event'].search(
            [('person_id', 'in', (self.person_one | self.person_two).ids)]
        )
        self.assertEqual(len(events), 3, "no proof is lost")
        merged = events.filtered(lambda event: event.source == 'merge')
        self.assertEqual((merged.person_id, merged.status), (self.person_two, 'out'))

    def test_every_pair_of_decisions(self):
        order = [None, 'in', 'pending', 'out']
        for first in order:
            for second in order:
                with self.subTest(first=first, second=second), self.env.cr.savepoint() as savepoint:
                    if first:
                        self.decide(self.person_one, first)
                    if second:
                        self.decide(self.person_two, second)
                    self.merge(self.one, self.two)
                    statuses = self.person_two._get_consent_statuses(self.company)
                    expected = max(first, second, key=order.index)
                    self.assertEqual(statuses.get(('promotion', 'email')), expected)
                    savepoint.rollback()
                    self.env.invalidate_all()

    def test_companies_purposes_channels_apart(self):
        self.decide(self.person_one, 'out', company=self.other_company)
        self.decide(self.person_one, 'out', channel='sms')
        self.decide(self.person_two, 'in')
        self.merge(self.one, self.two)
        self.assertEqual(
            self.person_two._get_consent_statuses(self.company),
            {('promotion', 'email'): 'in', ('promotion', 'sms'): 'out'},
        )
        self.assertEqual(
            self.person_two._get_consent_statuses(self.other_company),
            {('promotion', 'email'): 'out'},
        )

    def test_into_contact_without_person(self):
        self.decide(self.person_one, 'out')
        self.merge(self.one, self.stranger)
        self.assertEqual(self.Person._for_partners(self.stranger), self.person_one)
        statuses = self.person_one._get_consent_statuses(self.company)
        self.assertEqual(statuses, {('promotion', 'email'): 'out'})

    def test_without_persons(self):
        other = self.env['res.partner'].create({'name': "Nobody"})
        self.merge(other, self.stranger)
        self.assertFalse(self.Person.search([('partner_id', '=', self.stranger.id)]))

    def test_three_and_chain(self):
        third = self.env['res.partner'].create({'name': "Wang F."})
        person_three = self.Person._for_partners(third)
        self.decide(self.person_one, 'out')
        link = self.person_one._get_unsubscribe_url(self.company, 'care', 'email')
        self.merge(self.one, self.two)
        self.merge(self.two, third)
        self.assertEqual(self.person_one.survivor_id, person_three)
        self.assertEqual(
            person_three._get_consent_statuses(self.company), {('promotion', 'email'): 'out'}
        )
        token = link.rsplit('/', 1)[1]
        found = self.Person._read_link('crm_customer.unsubscribe', token)
        self.assertEqual(found[0], person_three, "links sent before still work")

    def test_three_at_once(self):
        third = self.env['res.partner'].create({'name': "Wang F."})
        self.decide(self.Person._for_partners(third), 'out')
        self.decide(self.person_one, 'in')
        wizard = self.env['base.partner.merge.automatic.wizard'].create({})
        wizard._merge([self.one.id, self.two.id, third.id], self.two)
        self.assertEqual(
            self.person_two._get_consent_statuses(self.company), {('promotion', 'email'): 'out'}
        )

    def test_addresses_and_preferences(self):
        self.person_one._suppress_addresses()
        self.person_two._suppress_addresses()
        self.person_one.sudo().write(
            {
                'do_not_disturb': True,
                'do_not_disturb_until': '2026-12-01',
                'preferred_channel': 'sms',
                'preferred_hour_from': 8,
                'preferred_hour_to': 12,
            }
        )
        self.merge(self.one, self.two)
        address = self.env['crm.person.address'].search([('person_id', '=', self.person_two.id)])
        self.assertEqual(len(address), 1)
        self.assertTrue(address.suppressed)
        self.assertTrue(self.person_two.do_not_disturb)
        self.assertEqual(str(self.person_two.do_not_disturb_until), '2026-12-01')
        self.assertEqual(self.person_two.preferred_channel, 'sms')
        self.assertEqual(self.person_two.preferred_hour_to, 12)

    def is_suppressed(self, channel, company=None):
        person = self.Person._for_partners(self.two)
        return bool(person._filter_suppressed(channel, company or self.company))

    def test_left_alone_by_another_address(self):
        """The address that stays is closed as the one that goes was, to the same companies."""
        self.two.write({'email': 'fang@example.com', 'phone': '+86 571 5555 0124'})
        self.env['crm.person.address']._suppress(
            self.person_one, {'email': 'wang@example.com'}, self.other_company
        )
        self.merge(self.one, self.two)
        self.assertTrue(self.is_suppressed('email', self.other_company))
        self.assertFalse(self.is_suppressed('email', self.company))
        self.assertFalse(self.is_suppressed('sms'))

    def test_blacklisted_by_another_address(self):
        self.two.write({'email': 'fang@example.com', 'phone': '+8657155550124'})
        self.one.phone = '+8657155550123'
        self.env['mail.blacklist'].create({'email': 'wang@example.com'})
        self.env['phone.blacklist'].create({'number': '+8657155550123'})
        self.merge(self.one, self.two)
        self.assertTrue(self.two.is_blacklisted)
        self.assertTrue(self.two.phone_sanitized_blacklisted)

    def test_no_longer_blacklisted(self):
        self.two.email = 'fang@example.com'
        self.env['mail.blacklist'].create({'email': 'wang@example.com', 'active': False})
        self.merge(self.one, self.two)
        self.assertFalse(self.two.is_blacklisted)

    def greet(self, person, **values):
        messages = self.env['crm.message'].sudo()
        key = messages._get_greeting_key(self.company, person, 'S2026')
        planned = {'key': key, 'person_id': person.id, 'message_class': 'greeting'}
        message = messages._plan([planned])
        message.write(values)
        return message

    def test_greeted_before_the_merge(self):
        """What one of them got this year is not planned for the other."""
        greeting = self.greet(self.person_one, state='sent')
        self.merge(self.one, self.two)
        self.assertEqual(greeting.person_id, self.person_two)
        self.assertFalse(self.greet(self.person_two))

    def test_not_greeted_before_the_merge(self):
        self.greet(self.person_one, state='refused', reason='no_address')
        self.merge(self.one, self.two)
        self.assertTrue(self.greet(self.person_two))

    def test_both_greeted_before_the_merge(self):
        third = self.env['res.partner'].create({'name': "Wang F."})
        persons = self.person_one | self.person_two | self.Person._for_partners(third)
        greetings = [self.greet(person, state='sent') for person in persons]
        wizard = self.env['base.partner.merge.automatic.wizard'].create({})
        wizard._merge([self.one.id, self.two.id, third.id], third)
        self.env.invalidate_all()
        self.assertEqual({greeting.state for greeting in greetings}, {'sent'})
        self.assertEqual({greeting.person_id for greeting in greetings}, {persons[2]})

    def test_quiet_periods_of_some_persons(self):
        period = self.env['crm.quiet.period'].create(
            {
                'name': "Sale",
                'promotion_from': '2026-11-11 00:00:00',
                'promotion_to': '2026-11-12 00:00:00',
                'person_ids': [Command.link(self.person_one.id)],
            }
        )
        self.merge(self.one, self.two)
        self.assertEqual(period.person_ids, self.person_two)

    def test_messages_about_the_contact(self):
        message = self.create_message_rows(
            self.person_one, 1, origin_model='res.partner', origin_id=self.one.id
        )
        self.merge(self.one, self.two)
        self.assertEqual(message.origin_id, self.two.id)

    def test_both_expected_to_one_meeting(self):
        event = self.env['calendar.event'].create(
            {
                'name': "Dinner",
                'start': '2026-05-01 18:00:00',
                'stop': '2026-05-01 20:00:00',
            }
        )
        occasions = self.env['crm.occasion'].create(
            [
                {'partner_id': partner.id, 'calendar_event_id': event.id}
                for partner in self.one | self.two
            ]
        )
        self.merge(self.one, self.two)
        self.assertEqual(occasions.partner_id, self.two)
        self.assertEqual(len(occasions.exists()), 2, "none is lost")
        self.assertEqual(occasions.mapped('calendar_event_id'), event)

    def test_foreign_keys_on_contacts_are_indexed(self):
        """Core's merge and the deletion of a contact look into each of these tables."""
        tables = [
            model._table
            for name, model in self.env.registry.items()
            if (model._original_module or '').startswith('crm_') and not model._abstract
        ]
        rows = self.env.execute_query(
            SQL(
                """
                SELECT con.conrelid::regclass::text, att.attname
                  FROM pg_constraint con
                  JOIN pg_class tab ON tab.oid = con.conrelid
                  JOIN pg_attribute att
                    ON att.attrelid = con.conrelid AND att.attnum = con.conkey[1]
                 WHERE con.contype = 'f' AND con.confrelid = 'res_partner'::regclass
                   AND tab.relname IN %s
                   AND NOT EXISTS (SELECT FROM pg_index ind
                                    WHERE ind.indrelid = con.conrelid
                                      AND ind.indkey[0] = con.conkey[1])
                """,
                tuple(tables),
            )
        )
        self.assertFalse(rows)

    def test_unique_indexes_on_contacts_are_known(self):
        """Core's merge fails on a unique index it does not see.

        Whoever adds one brings its rows in order in ``_merge_customer_data`` and names it here.
        """
        columns = self.env['crm.selfcheck']._get_partner_columns()
        known = {
            'crm_person_partner_unique',
            'crm_customer_score_company_partner_unique',
            'crm_merge_suggestion_pair_unique',
            'crm_segment_member_open_unique',
            'crm_occasion_calendar_event_unique',
        }
        rows = self.env.execute_query(
            SQL(
                """
                SELECT tab.relname, att.attname, idx.relname
                  FROM pg_index ind
                  JOIN pg_class idx ON idx.oid = ind.indexrelid
                  JOIN pg_class tab ON tab.oid = ind.indrelid
                  JOIN pg_attribute att
                    ON att.attrelid = tab.oid AND att.attnum = ANY(ind.indkey)
                 WHERE ind.indisunique AND tab.relnamespace = current_schema::regnamespace
                   AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = idx.oid)
                """
            )
        )
        found = {index for table, column, index in rows if (table, column) in columns}
        self.assertFalse(found - known, "merging contacts would fail")
