from contextlib import contextmanager
from datetime import timedelta
from itertools import product
from unittest.mock import patch

import pytz

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL

from odoo.addons.crm_customer.country_zones import find_same_clock, get_zone_rows

from .common import CrmCustomerCommon


@tagged('post_install', '-at_install')
class TestCustomerZone(CrmCustomerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.resource_calendar_id.tz = 'Asia/Shanghai'
        cls.stranger.tz = 'Europe/Brussels'  # of whoever made the contact

    def place(self, country, state=None):
        """Put the stranger into a place."""
        country = self.env.ref(f'base.{country}')
        states = self.env['res.country.state'].search(
            [('country_id', '=', country.id), ('code', '=', state or '')]
        )
        self.assertEqual(len(states), 1 if state else 0, f'{country.code} {state}')
        self.stranger.write({'country_id': country.id, 'state_id': states.id})

    def sql_zones(self, partners, company=None):
        """Return what the expression gives, by id."""
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                'SELECT partner.id, %s FROM res_partner AS partner'
                ' JOIN res_company AS company ON company.id = %s WHERE partner.id IN %s',
                self.env['res.partner']._get_customer_tz_sql('partner', 'company'),
                (company or self.company).id,
                tuple(partners.ids),
            )
        )
        return dict(rows)

    def assertZone(self, zone):
        self.stranger.invalidate_recordset()
        self.assertEqual(self.stranger.customer_tz, zone)
        self.assertEqual(self.sql_zones(self.stranger)[self.stranger.id], zone)

    def test_company_of_unknown_place(self):
        self.assertZone('Asia/Shanghai')

    def test_only_zone_of_the_country(self):
        self.place('np')
        self.assertZone('Asia/Kathmandu')
        self.place('cn')
        self.assertZone('Asia/Shanghai')
        self.place('de')
        self.assertZone('Europe/Berlin')

    def test_zone_of_the_state(self):
        for country, state, zone in (
            ('us', 'CA', 'America/Los_Angeles'),
            ('us', 'AZ', 'America/Phoenix'),
            ('us', 'PR', 'America/Puerto_Rico'),
            ('ca', 'NL', 'America/St_Johns'),
            ('au', 'SA', 'Australia/Adelaide'),
            ('br', 'AM', 'America/Manaus'),
            ('mx', 'ROO', 'America/Cancun'),
            ('ru', 'PRI', 'Asia/Vladivostok'),
            ('id', 'BA', 'Asia/Makassar'),
            ('es', 'GC', 'Atlantic/Canary'),
            ('es', 'M', 'Europe/Madrid'),
            ('pt', '20', 'Atlantic/Azores'),
        ):
            with self.subTest(country=country, state=state):
                self.place(country, state)
                self.assertZone(zone)

    def test_several_zones_and_no_state(self):
        self.place('us')
        self.assertZone('Asia/Shanghai')

    def test_chosen(self):
        self.place('np')
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            self.stranger.customer_tz_choice = 'Nowhere/City'
        self.stranger.customer_tz_choice = 'Asia/Tokyo'
        self.assertZone('Asia/Tokyo')

    def test_own_user(self):
        self.stranger.customer_tz_choice = 'Asia/Tokyo'
        user = new_test_user(self.env, 'cc_zone', partner_id=self.stranger.id, tz='Europe/Paris')
        self.assertZone('Europe/Paris')
        user.active = False
        self.assertZone('Asia/Tokyo')

    def test_portal_user_who_never_came(self):
        """His contact still has the zone of whoever invited him."""
        self.place('np')
        user = new_test_user(
            self.env, 'cc_zone', groups='base.group_portal', partner_id=self.stranger.id
        )
        self.stranger.tz = 'Europe/Brussels'
        self.assertZone('Asia/Kathmandu')
        user.with_user(user)._update_last_login()
        self.assertZone('Europe/Brussels')

    def test_utc_only_when_nothing_is_known(self):
        self.company.resource_calendar_id.tz = 'UTC'
        self.place('us')
        self.assertZone('America/New_York')
        self.stranger.write({'country_id': False, 'state_id': False})
        self.company.partner_id.write({'country_id': self.env.ref('base.nz').id, 'state_id': False})
        self.assertZone('Pacific/Auckland')
        self.company.partner_id.country_id = self.env.ref('base.us')
        self.assertZone('America/New_York')
        self.company.partner_id.country_id = False
        self.assertZone('UTC')

    def test_python_and_sql_agree(self):
        """All combinations of what may be known."""
        places = [
            (False, False),
            *((self.env.ref(f'base.{code}').id, False) for code in ('np', 'us', 'es')),
            (self.env.ref('base.us').id, self.env.ref('base.state_us_5').id),
            (self.env.ref('base.us').id, self.env.ref('base.state_us_46').id),
            (self.env.ref('base.es').id, self.env.ref('base.state_es_gc').id),
        ]
        values = [
            {
                'name': "Somebody",
                'country_id': country,
                'state_id': state,
                'customer_tz_choice': choice,
                'tz': tz,
            }
            for (country, state), choice, tz in product(
                places, (False, 'Asia/Tokyo'), (False, 'Europe/Brussels')
            )
        ]
        alone, staff, invited, came, left = (
            self.env['res.partner'].create(values) for _kind in range(5)
        )
        self.make_users(staff, 'base.group_user')
        self.make_users(invited, 'base.group_portal')
        for user in self.make_users(came, 'base.group_portal'):
            user.with_user(user)._update_last_login()
        self.make_users(left, 'base.group_user').active = False
        partners = alone | staff | invited | came | left
        for zone, company in product(('UTC', 'Asia/Shanghai'), (self.company, self.other_company)):
            company.resource_calendar_id.tz = zone
            self.env.invalidate_all()
            zones = self.sql_zones(partners, company)
            for partner in partners.with_company(company):
                self.assertEqual(partner.customer_tz, zones[partner.id], partner.read())
        self.assertEqual(len(partners), 140)

    def make_users(self, partners, group):
        """Make a user for each contact without changing its zone."""
        zones = [(partner, partner.tz) for partner in partners]
        users = (
            self.env['res.users']
            .with_context(no_reset_password=True)
            .create(
                [
                    {
                        'login': f'cc_zone_{partner.id}',
                        'partner_id': partner.id,
                        'group_ids': [(6, 0, self.env.ref(group).ids)],
                    }
                    for partner in partners
                ]
            )
        )
        for partner, tz in zones:
            partner.tz = tz
        return users

    def test_the_table(self):
        """Each country has a zone, of one kind; each code names a place that exists."""
        countries = self.env['res.country'].search([])
        rows = get_zone_rows()
        self.assertFalse({row[2] for row in rows} - set(pytz.all_timezones))
        whole = [row[0] for row in rows if row[1] is None]
        self.assertFalse(set(countries.mapped('code')) - set(whole))
        self.assertEqual(len(whole), len(set(whole)))
        states = self.env['res.country.state'].search([])
        known = {(state.country_id.code, state.code) for state in states}
        unknown = {row[:2] for row in rows if row[1]} - known
        self.assertEqual(unknown, {('RU', 'ZAB')}, "Odoo does not have this one")
        for country in ('AU', 'BR', 'CA', 'ID', 'MX', 'RU', 'US'):
            mine = {state for code, state in known if code == country}
            given = {row[1] for row in rows if row[0] == country}
            military = {'AA', 'AE', 'AP'} if country == 'US' else set()
            self.assertEqual(mine - given, military, country)

    def test_changes_are_kept(self):
        zone = self.env['crm.country.zone'].search([('country_id.code', '=', 'NP')])
        zone.tz = 'Asia/Dhaka'
        before = self.env['crm.country.zone'].search_count([])
        self.env['crm.country.zone']._load_known_zones()
        self.place('np')
        self.assertZone('Asia/Dhaka')
        self.assertEqual(self.env['crm.country.zone'].search_count([]), before)

    # ------------------------------------------------------------
    # What the database server knows
    # ------------------------------------------------------------

    @contextmanager
    def server_without(self, *names):
        """Let the database server know all zones but these, as one without the old names."""
        Zone = self.env['crm.country.zone']
        execute_query = type(self.env).execute_query

        def without(env, query):
            rows = execute_query(env, query)
            if 'pg_timezone_names' in query.code:
                return [row for row in rows if row[0] not in names]
            return rows

        self.registry.clear_cache('stable')
        with patch.object(type(self.env), 'execute_query', without):
            zones = Zone._get_server_zones()
        self.assertNotIn(zones[names[0]], names)
        try:
            yield zones
        finally:
            self.registry.clear_cache('stable')

    def test_server_without_the_old_names(self):
        now = fields.Datetime.now()
        old = {
            'US/Pacific': 'America/Los_Angeles',
            'Asia/Calcutta': 'Asia/Kolkata',
            'Australia/NSW': 'Australia/Sydney',
            'PRC': 'Asia/Shanghai',
            'Europe/Kiev': 'Europe/Kyiv',
        }
        with self.server_without(*old) as zones:
            for name, current in old.items():
                self.stranger.customer_tz_choice = name
                self.assertEqual(self.stranger.customer_tz, name)
                zone = self.sql_zones(self.stranger)[self.stranger.id]
                self.assertEqual(zone, zones[name])
                for days in range(0, 366, 7):
                    moment = pytz.utc.localize(now + timedelta(days=days))
                    shown = [
                        moment.astimezone(pytz.timezone(other)).replace(tzinfo=None)
                        for other in (zone, current)
                    ]
                    self.assertEqual(*shown, (name, zone))
            self.stranger.customer_tz_choice = 'Asia/Tokyo'
            self.assertZone('Asia/Tokyo')

    def test_clock_like_no_other(self):
        everything = [name for name in pytz.all_timezones if name != 'Asia/Kathmandu']
        now = fields.Datetime.now()
        self.assertEqual(find_same_clock('Asia/Kathmandu', everything, now), 'Asia/Katmandu')
        self.assertEqual(find_same_clock('Asia/Kathmandu', ['Asia/Tokyo'], now), 'UTC')

    def test_name_nobody_knows(self):
        """Whatever is stored, however it came there, nobody else's messages wait for it."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE res_partner SET customer_tz_choice = 'Nowhere/City' WHERE id = %s",
                self.stranger.id,
            )
        )
        self.env.invalidate_all()
        self.assertEqual(self.sql_zones(self.stranger)[self.stranger.id], 'UTC')
        self.stranger.write({'street': "1 Lake Road", 'city': "Hangzhou"})
        person = self.env['crm.person']._for_partners(self.stranger)
        message = self.env['crm.message']._plan(
            [
                {
                    'key': 'zone:nowhere',
                    'person_id': person.id,
                    'company_id': self.company.id,
                    'message_class': 'hint',
                    'channel': 'post',
                }
            ]
        )
        outcomes = message._decide(fields.Datetime.now())
        self.assertFalse(outcomes['refuse'], message.reason)
