from __future__ import annotations

from datetime import datetime, timedelta

import pytz

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL


class CrmQuietPeriod(models.Model):
    """Days before a promotion on which its customers get no greeting, gift, hint or other offer.

    Whatever has promotions registers them here, with itself as the origin.  Messages of the same
    origin are the promotion's own and are never held by it.
    """

    _name = 'crm.quiet.period'
    _description = 'Quiet Period'
    _order = 'date_from desc, id desc'

    name = fields.Char(string="Promotion", required=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        'res.company',
        default=lambda self: self.env.company,
        help="Empty: messages of all companies are held.",
    )
    res_model = fields.Char(string="Origin Model", index='btree_not_null', copy=False)
    res_id = fields.Many2oneReference(string="Origin", model_field='res_model', copy=False)
    # === When ===
    promotion_from = fields.Datetime(string="Promotion Starts", required=True)
    promotion_to = fields.Datetime(string="Promotion Ends", required=True)
    days_before = fields.Integer(
        default=3, required=True, help="Days before the start that are kept free of messages."
    )
    include_promotion = fields.Boolean(
        string="Until Its End", help="Keep the promotion itself free of other messages, too."
    )
    date_from = fields.Datetime(
        string="Quiet from", compute='_compute_dates', store=True, precompute=True
    )
    date_to = fields.Datetime(
        string="Quiet to",
        compute='_compute_dates',
        store=True,
        precompute=True,
        help="Messages are held before this moment, not at it.",
    )
    # === What and whom ===
    hold_hint = fields.Boolean(string="Service Hints", default=True)
    hold_greeting = fields.Boolean(string="Greetings", default=True)
    hold_gift = fields.Boolean(string="Gifts", default=True)
    hold_offer = fields.Boolean(string="Other Offers", default=True)
    hold_email = fields.Boolean(string="Email", default=True)
    hold_sms = fields.Boolean(string="SMS", default=True)
    hold_phone = fields.Boolean(string="Phone", default=True)
    hold_post = fields.Boolean(string="Letter", default=True)
    action = fields.Selection(
        selection=[
            ('defer_to_end', "Send after the promotion"),
            ('fold', "Put it into the promotion's own message"),
            ('drop', "Do not send"),
        ],
        default='defer_to_end',
        required=True,
    )
    limited = fields.Boolean(
        string="Only Listed Customers", help="Hold messages to those who get the promotion only."
    )
    person_ids = fields.Many2many(
        'crm.person',
        relation='crm_quiet_period_person_rel',
        column1='period_id',
        column2='person_id',
        string="Customers",
    )

    _range_idx = models.Index('(date_to) WHERE active')
    _days_bounds = models.Constraint(
        'CHECK (days_before BETWEEN 0 AND 60)', "A quiet period has between 0 and 60 days."
    )
    _promotion_order = models.Constraint(
        'CHECK (promotion_to > promotion_from)', "A promotion ends after it starts."
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends('promotion_from', 'promotion_to', 'days_before', 'include_promotion', 'company_id')
    def _compute_dates(self):
        for period in self:
            period.date_from = period._get_first_moment()
            period.date_to = (
                period.promotion_to if period.include_promotion else period.promotion_from
            )

    def _get_first_moment(self) -> datetime | bool:
        """Return when the first quiet day begins in the company's zone, in UTC."""
        self.ensure_one()
        if not self.promotion_from:
            return False
        company = self.company_id or self.env.company
        zone = pytz.timezone(company._get_customer_timezone())
        start = pytz.utc.localize(self.promotion_from).astimezone(zone).replace(tzinfo=None)
        first = zone.localize(start - timedelta(days=self.days_before))
        return first.astimezone(pytz.utc).replace(tzinfo=None)

    @api.constrains('action', 'res_model', 'res_id')
    def _check_action(self):
        for period in self:
            if period.action == 'fold' and not (period.res_model and period.res_id):
                raise ValidationError(
                    self.env._(
                        "“%(period)s” was made by hand: it has no message of its own that others"
                        " could be put into. Send them after the promotion, or do not send them.",
                        period=period.name,
                    )
                )

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    def copy_data(self, default=None):
        """Make the copy of a promotion's period one made by hand."""
        vals_list = super().copy_data(default)
        for period, vals in zip(self, vals_list, strict=True):
            if period.action == 'fold' and not vals.get('res_id'):
                vals['action'] = 'defer_to_end'
        return vals_list

    def write(self, vals):
        """Look again at what the period held before it was changed."""
        result = super().write(vals)
        self._changed_after_hook()
        return result

    def unlink(self):
        """Look again at what the period held."""
        result = super().unlink()
        self._changed_after_hook()
        return result

    def _changed_after_hook(self) -> None:
        """Let messages go that wait for the end of a promotion that moved or is off.

        Other periods may hold them as well: the gate asks anew, within the hour.
        """
        if self:
            self.env['crm.message']._look_again('quiet_period')

    # ------------------------------------------------------------
    # FOR THE ADDON THAT HAS PROMOTIONS
    # ------------------------------------------------------------

    @api.model
    def _announce(self, origin: models.BaseModel, **values) -> CrmQuietPeriod:
        """Keep the days before a promotion free, or move those kept before.

        :param origin: the promotion; its own messages have it as their origin
        :param values: fields, at least ``promotion_from`` and ``promotion_to`` in UTC
        """
        period = self.sudo()._get_of_origin(origin)
        if period:
            period.write({'active': True, **values})
        else:
            period = self.sudo().create(
                {
                    'name': origin.display_name,
                    'res_model': origin._name,
                    'res_id': origin.id,
                    **values,
                }
            )
        return period.sudo(self.env.su)

    @api.model
    def _withdraw(self, origins: models.BaseModel) -> None:
        """Forget the promotions: they are cancelled; what waited for them is released.

        :param origins: the promotions
        """
        self.sudo()._get_of_origin(origins).unlink()

    def _get_of_origin(self, origins: models.BaseModel) -> CrmQuietPeriod:
        return self.with_context(active_test=False).search(
            [('res_model', '=', origins._name), ('res_id', 'in', origins.ids)]
        )

    def _limit_to(self, person_ids: SQL) -> None:
        """Hold messages only to these customers, those who get the promotion.

        :param person_ids: SELECT of one column, ids of persons; replaces an earlier list
        """
        self.ensure_one()
        self.limited = True
        self.env.flush_all()
        self.env.cr.execute(
            SQL('DELETE FROM crm_quiet_period_person_rel WHERE period_id = %s', self.id)
        )
        self.env.cr.execute(
            SQL(
                'INSERT INTO crm_quiet_period_person_rel (period_id, person_id)'
                ' SELECT DISTINCT %s, id FROM (%s) AS person (id)',
                self.id,
                person_ids,
            )
        )
        self.invalidate_recordset(['person_ids'], flush=False)
        self._changed_after_hook()
