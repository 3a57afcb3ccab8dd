from datetime import date

from odoo.fields import Command, Datetime
from odoo.tests import new_test_user

from odoo.addons.base.tests.common import BaseCommon

AS_OF = date(2026, 6, 30)


class CampaignsCommon(BaseCommon):
    """A company of its own, so that no other order counts, and one user of each role."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls._make_company("Scored Company")
        cls.env.user.company_ids |= cls.company
        cls.env = cls.env(context={**cls.env.context, 'allowed_company_ids': cls.company.ids})
        cls.product = cls.env['product.product'].create(
            {'name': "Tea", 'type': 'consu', 'taxes_id': False}
        )
        cls.user_own = cls._make_user('campaigns_own', 'crm_campaigns.group_own')
        cls.user_all = cls._make_user('campaigns_all', 'crm_campaigns.group_all')
        cls.user_manager = cls._make_user('campaigns_manager', 'crm_campaigns.group_manager')
        cls.user_sale = cls._make_user('campaigns_sale', 'sales_team.group_sale_salesman')

    @classmethod
    def _make_company(cls, name, **vals):
        """Make a company whose gate is open, in US dollars and UTC."""
        company = cls.env['res.company'].create(
            {
                'name': name,
                'currency_id': cls.env.ref('base.USD').id,
                'crm_score_min_buyers': 1,
                'crm_score_min_days': 0,
                **vals,
            }
        )
        company.resource_calendar_id.tz = 'UTC'
        # what belongs to nobody in particular belongs to the administrator
        cls.env.ref('base.user_admin').company_ids |= company
        return company

    @classmethod
    def _make_user(cls, login, *groups):
        return new_test_user(
            cls.env,
            login,
            groups=','.join(groups),
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    @classmethod
    def _make_partners(cls, count, name="Customer", **vals):
        return cls.env['res.partner'].create(
            [{'name': f"{name} {i}", 'email': f'{i}@example.com', **vals} for i in range(count)]
        )

    @classmethod
    def _make_order(cls, partner, moment, amount, company=None, state='sale', **vals):
        company = company or cls.company
        return (
            cls.env['sale.order']
            .with_company(company)
            .create(
                {
                    'partner_id': partner.id,
                    'company_id': company.id,
                    'date_order': Datetime.to_datetime(moment),
                    'state': state,
                    'order_line': [
                        Command.create(
                            {
                                'product_id': cls.product.id,
                                'price_unit': amount,
                                'tax_ids': False,
                            }
                        )
                    ],
                    **vals,
                }
            )
        )

    @classmethod
    def _generate_orders(cls, partners, company=None, seed=0.42):
        """Make orders in SQL: up to nine each, with many ties in count, day and amount."""
        company = company or cls.company
        cls.env.flush_all()
        cls.env.cr.execute("SELECT setseed(%s)", [seed])
        cls.env.cr.execute(
            """
            INSERT INTO sale_order (name, company_id, partner_id, partner_invoice_id,
                                    partner_shipping_id, state, date_order, currency_id,
                                    currency_rate, amount_untaxed)
            SELECT 'G' || partner.id || '-' || n, %(company)s, partner.id, partner.id, partner.id,
                   CASE WHEN random() < 0.1 THEN 'cancel' ELSE 'sale' END,
                   %(as_of)s::timestamp + interval '30 hours'
                       - floor(random() * 120) * interval '9 days',
                   %(currency)s,
                   CASE WHEN random() < 0.2 THEN 0.8765 ELSE 1 END,
                   floor(random() * 20) * 12.35
              FROM (SELECT id, 1 + floor(random() * 9)::int AS orders
                      FROM res_partner WHERE id IN %(partners)s ORDER BY id) partner,
                   generate_series(1, partner.orders) n
            """,
            {
                'company': company.id,
                'partners': tuple(partners.ids),
                'currency': company.currency_id.id,
                'as_of': AS_OF,
            },
        )
        cls.env.invalidate_all()

    @classmethod
    def _score(cls, company=None, as_of=AS_OF, **vals):
        """Run a whole scoring and return the run."""
        company = company or cls.company
        run = cls.env['crm.score.run'].create({'company_id': company.id, 'as_of': as_of, **vals})
        run._execute()
        return run

    @classmethod
    def _get_score(cls, partner, company=None):
        return cls.env['crm.customer.score'].search(
            [('partner_id', '=', partner.id), ('company_id', '=', (company or cls.company).id)]
        )

    @classmethod
    def _make_segment(cls, name="Segment", **vals):
        return cls.env['crm.segment'].create(
            {'name': name, 'company_id': cls.company.id, 'state': 'active', **vals}
        )

    @classmethod
    def _get_members(cls, segment):
        return segment.member_ids.filtered(lambda member: not member.left_at).partner_id
