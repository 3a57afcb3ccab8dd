from datetime import datetime

from odoo.fields import Command

from odoo.addons.mail.tests.common import MailCommon, mail_new_test_user

# A Monday, 09:00 UTC
MONDAY = datetime(2026, 3, 2, 9)


class AftersalesCommon(MailCommon):
    """A service desk: two teams, working hours in UTC, a customer with a product and a login."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env.company
        cls.calendar = cls._create_calendar("Mon-Fri 8-12, 13-17")
        cls.company.resource_calendar_id = cls.calendar
        cls.user_service = cls._create_user('aftersales_service', 'crm_aftersales.group_all')
        cls.user_technician = cls._create_user('aftersales_tech', 'crm_aftersales.group_own')
        cls.user_manager = cls._create_user('aftersales_manager', 'crm_aftersales.group_manager')
        cls.team, cls.team_workshop = cls.env['aftersales.team'].create(
            [
                {
                    'name': "Desk",
                    'alias_name': 'desk.test',
                    'member_ids': [Command.set(cls.user_service.ids)],
                },
                {'name': "Shop", 'member_ids': [Command.set(cls.user_technician.ids)]},
            ]
        )
        cls.company.aftersales_team_id = cls.team
        # other messages are counted here; test_request_notice switches these on
        cls.company.write(
            {f'aftersales_notice_{notice}': False for notice in ('received', 'waiting', 'resolved')}
        )
        cls.env['aftersales.sla.policy'].search([]).active = False
        cls.env['aftersales.checklist.item'].search([]).active = False
        cls.type_fault = cls.env.ref('crm_aftersales.aftersales_request_type_fault')
        cls.type_complaint = cls.env.ref('crm_aftersales.aftersales_request_type_complaint')
        cls.type_praise = cls.env.ref('crm_aftersales.aftersales_request_type_praise')
        cls.product = cls.env['product.product'].create(
            {'name': "Pump", 'aftersales_warranty_months': 24, 'type': 'consu'}
        )
        cls._create_customers()

    @classmethod
    def _create_user(cls, login, groups):
        return mail_new_test_user(
            cls.env,
            login=login,
            password=login,
            groups=groups,
            company_id=cls.company.id,
            notification_type='inbox',
            tz='UTC',
        )

    @classmethod
    def _create_customers(cls):
        cls.customer_company = cls.env['res.partner'].create(
            {'name': "Sunrise Hotel", 'is_company': True, 'email': 'info@sunrise.example.com'}
        )
        cls.user_customer = mail_new_test_user(
            cls.env,
            login='aftersales_customer',
            password='aftersales_customer',
            email='wang@sunrise.example.com',
            name="Wang Fang",
            groups='base.group_portal',
            company_id=cls.company.id,
        )
        cls.customer = cls.user_customer.partner_id
        cls.customer.parent_id = cls.customer_company
        cls.stranger = cls.env['res.partner'].create(
            {'name': "Stranger", 'email': 'stranger@example.com'}
        )
        cls.unit, cls.unit_stranger = cls.env['aftersales.unit'].create(
            [
                {'product_id': cls.product.id, 'serial': 'P 1', 'partner_id': cls.customer.id},
                {'product_id': cls.product.id, 'serial': 'P 2', 'partner_id': cls.stranger.id},
            ]
        )

    @classmethod
    def _create_calendar(cls, name, hours=((8, 12), (13, 17)), days=range(5), tz='UTC'):
        return cls.env['resource.calendar'].create(
            {
                'name': name,
                'tz': tz,
                'company_id': False,
                'attendance_ids': [Command.clear()]
                + [
                    Command.create(
                        {
                            'name': name,
                            'dayofweek': str(day),
                            'hour_from': start,
                            'hour_to': stop,
                            'day_period': 'morning' if start < 12 else 'afternoon',
                        }
                    )
                    for day in days
                    for start, stop in hours
                ],
            }
        )

    @classmethod
    def _create_policy(cls, response=1, resolution=8, **values):
        return cls.env['aftersales.sla.policy'].create(
            {
                'name': "Policy",
                'response_hours': response,
                'resolution_hours': resolution,
                **values,
            }
        )

    @classmethod
    def _create_request(cls, **values):
        return cls.env['aftersales.request'].create(
            {
                'name': "The pump makes a noise",
                'partner_id': cls.customer.id,
                'unit_id': cls.unit.id,
                'type_id': cls.type_fault.id,
                **values,
            }
        )

    @classmethod
    def _stage(cls, state):
        return cls.env['aftersales.request.stage']._get_for_state(state)
