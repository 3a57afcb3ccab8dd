"""Fixtures of the arrival list."""

from datetime import datetime, timedelta

from odoo import fields

from .common import CrmCustomerCommon


class OccasionCommon(CrmCustomerCommon):
    """A company in Shanghai with guests and the types of occasions."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.resource_calendar_id.tz = 'Asia/Shanghai'
        cls.company.country_id = cls.env.ref('base.cn')
        cls.stay = cls.env.ref('crm_customer.crm_occasion_type_stay')
        cls.appointment = cls.env.ref('crm_customer.crm_occasion_type_appointment')
        cls.visit = cls.env.ref('crm_customer.crm_occasion_type_visit')
        cls.guest_li = cls.env['res.partner'].create(
            {'name': "Li", 'phone': '+86 138 0013 8000', 'email': 'li@mail.example.com'}
        )
        cls.guest_wang = cls.env['res.partner'].create(
            {'name': "Wang", 'phone': '+86 139 0013 9000'}
        )

    @classmethod
    def create_stay(cls, partner, days=0, **values):
        """Create a stay of two nights that begins in so many days."""
        start = fields.Datetime.now().replace(minute=0, second=0) + timedelta(days=days)
        return cls.env['crm.occasion'].create(
            {
                'type_id': cls.stay.id,
                'partner_id': partner.id,
                'date_from': start,
                'date_to': start + timedelta(days=2),
                **values,
            }
        )

    @classmethod
    def utc(cls, text):
        """Return the moment a text says."""
        return datetime.fromisoformat(text)
