from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import NamedTuple

import pytz
from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, split_every
from odoo.tools.date_utils import end_of

from .loyalty_card_ledger import FOLD_SIZE

POINT_DIGITS = (16, 2)
#: groups that may know who is a member
MEMBER_READERS = 'crm_loyalty.group_own,sales_team.group_sale_salesman'


class TierWindow(NamedTuple):
    """The period a tier is judged by, as seen from one day in the program's time zone."""

    #: the day of judgement and the first day that counts
    day: date
    first_day: date
    #: the same period in UTC, the end excluded
    start: datetime
    end: datetime
    #: how long a tier reached on that day is kept
    until: date


class LoyaltyProgram(models.Model):
    _name = 'loyalty.program'
    _inherit = ['loyalty.program', 'crm.version.mixin']

    managed = fields.Boolean(
        string="Managed Ledger",
        compute='_compute_managed',
        store=True,
        precompute=True,
        readonly=False,
        help="Every change of a balance has a ledger row, so that the rows of a card always add up "
        "to its points. Needed for tiers.",
    )
    tier_ids = fields.One2many(
        comodel_name='loyalty.tier', inverse_name='program_id', string="Tiers", copy=True
    )
    has_tiers = fields.Boolean(
        compute='_compute_has_tiers', store=True, help="Also tiers that were archived."
    )
    has_milestones = fields.Boolean(
        compute='_compute_has_milestones',
        store=True,
        help="Members are told which number of points they reached.",
    )
    tier_window_months = fields.Integer(
        string="Qualifying Period (Months)",
        default=12,
        help="Points earned in the last so many months decide on the tier. A tier that was reached "
        "is kept for as many months, to the end of the month.",
    )

    _tier_window_positive = models.Constraint(
        'CHECK (tier_window_months BETWEEN 1 AND 1200)',
        "The qualifying period is between 1 and 1200 months.",
    )

    @api.depends('program_type')
    def _compute_managed(self):
        for program in self:
            program.managed = program.program_type == 'loyalty'

    # stored, because each order of a member asks

    @api.depends('tier_ids.program_id')
    def _compute_has_tiers(self):
        groups = (
            self.env['loyalty.tier']
            .with_context(active_test=False)
            ._read_group([('program_id', 'in', self.ids)], ['program_id'])
        )
        tiered = self.browse(program.id for (program,) in groups)
        for program in self:
            program.has_tiers = program in tiered

    @api.depends('communication_plan_ids.trigger', 'communication_plan_ids.active')
    def _compute_has_milestones(self):
        for program in self:
            triggers = program.communication_plan_ids.filtered('active').mapped('trigger')
            program.has_milestones = 'points_reach' in triggers

    def write(self, vals):
        # a change of type switches the ledger on too
        switches = not {'managed', 'program_type'}.isdisjoint(vals)
        unmanaged = self.filtered(lambda p: not p.managed) if switches else self.browse()
        res = super().write(vals)
        if starting := unmanaged.filtered('managed'):
            starting._open_ledger()
        if switches:
            (self - unmanaged).filtered(lambda p: not p.managed)._close_ledger()
        return res

    @api.ondelete(at_uninstall=False)
    def _unlink_except_active(self):
        # a program nobody is a member of can go at once, as a preset that is taken back
        unused = self.filtered(lambda p: p.managed and not p.coupon_count)
        return super(LoyaltyProgram, self - unused)._unlink_except_active()

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_manage_ledger(self) -> bool:
        """Begin to manage the ledger: one opening row per card makes the rows add up."""
        self._ensure_can_manage_ledger()
        self.filtered(lambda p: not p.managed).managed = True
        return True

    def action_evaluate_tiers(self) -> dict:
        """Look at the tiers of all members now, as the nightly job does."""
        self.check_access('write')
        return self._enqueue_tier_evaluation()._get_form_action()

    def action_view_members(self) -> dict:
        """Open the members of these programs."""
        action = self.env['ir.actions.act_window']._for_xml_id('crm_loyalty.loyalty_card_action')
        action['domain'] = [('program_id', 'in', self.ids)]
        action['context'] = {'search_default_group_tier': 1}
        return action

    def _ensure_can_manage_ledger(self) -> None:
        """:raise UserError: the ledger of a program is not for points that members collect"""
        wrong = self.filtered(lambda p: p.program_type != 'loyalty')
        if wrong:
            raise UserError(
                self.env._(
                    "Only loyalty cards have a managed ledger. Change the type of %(programs)s "
                    "first.",
                    programs=wrong.mapped('display_name'),
                )
            )

    # ------------------------------------------------------------
    # LEDGER
    # ------------------------------------------------------------

    def _open_ledger(self) -> None:
        """Make members of the cards: one row each explains the balance, archived ones included."""
        if not self.ids:
            return
        self.env['loyalty.card']._merge_second(self)
        self.env.flush_all()
        self.env.execute_query(
            SQL(
                """UPDATE loyalty_card SET is_member = TRUE, points = round(points::numeric, 2)
                    WHERE program_id IN %s AND is_member IS NOT TRUE RETURNING id""",
                tuple(self.ids),
            )
        )
        self.env['loyalty.card'].invalidate_model(['is_member', 'points'], flush=False)
        self.env['loyalty.history']._fill_origins_where(
            SQL('card.program_id IN %s', tuple(self.ids))
        )
        for program in self:
            # while the ledger was left to core, it changed its rows
            self.env['loyalty.proof'].sudo()._correct_remaining(program)
        self.env['loyalty.card']._settle_ledger_where(
            SQL('card.program_id IN %s', tuple(self.ids)),
            description=self.env._("Opening balance"),
        )
        if tiered := self.filtered('tier_ids'):
            tiered._enqueue_tier_evaluation()

    def _close_ledger(self) -> None:
        """Leave the cards to core, with their balances as they are."""
        cards = self.env['loyalty.card'].sudo().with_context(active_test=False)
        members = cards.search([('program_id', 'in', self.ids), ('is_member', '=', True)])
        for chunk in split_every(FOLD_SIZE, members.ids):
            members.browse(chunk)._fold()
        members.is_member = False
        self._end_proof()

    # ------------------------------------------------------------
    # TIERS
    # ------------------------------------------------------------

    def _get_timezone(self) -> str:
        """Return the name of the time zone in which days of this program begin and end.

        That of the company; of a program of all companies, that of the first company, so that the
        answer does not depend on who asks.
        """
        self.ensure_one()
        company = self.sudo().company_id
        company = company or company.search([], order='id', limit=1)
        return company._get_customer_timezone()

    def _get_server_timezone(self) -> str:
        """Return :meth:`_get_timezone` as a statement can name it."""
        return self.env['crm.country.zone']._get_server_zone(self._get_timezone())

    def _get_local_day(self, moment: datetime | None = None) -> date:
        """Return the day of ``moment`` (UTC, default now) in the program's time zone."""
        moment = moment or fields.Datetime.now()
        return pytz.utc.localize(moment).astimezone(pytz.timezone(self._get_timezone())).date()

    def _get_tier_window(self, day: date | None = None) -> TierWindow:
        """Return the period that decides on tiers.

        :param day: day of judgement, default today in the program's time zone
        """
        self.ensure_one()
        day = day or self._get_local_day()
        length = relativedelta(months=self.tier_window_months)
        first_day = day - length + timedelta(days=1)
        return TierWindow(
            day=day,
            first_day=first_day,
            start=self._to_utc(first_day),
            end=self._to_utc(day + timedelta(days=1)),
            until=end_of(day + length, 'month'),
        )

    def _to_utc(self, day: date) -> datetime:
        """Return the beginning of a day of this program in UTC."""
        zone = pytz.timezone(self._get_timezone())
        local = zone.localize(datetime.combine(day, time.min))
        return local.astimezone(pytz.utc).replace(tzinfo=None)

    @api.model
    def _get_tiered_domain(self) -> Domain:
        """Return the domain of programs whose members have tiers."""
        return Domain('managed', '=', True) & Domain('tier_ids', '!=', False)

    @api.model
    def _get_evaluated_domain(self) -> Domain:
        """Return the domain of programs whose members have tiers, or lose the archived ones."""
        return Domain('managed', '=', True) & Domain('has_tiers', '=', True)

    def _filter_evaluated(self):
        """Return those of these programs that :meth:`_get_evaluated_domain` means."""
        return self.filtered(lambda program: program.has_tiers and program.managed)

    def _enqueue_tier_evaluation(self):
        """Have the tiers of all members of these programs evaluated in the background."""
        return self.env['crm.job']._enqueue(
            name=self.env._("Tiers of %(programs)s", programs=self.mapped('name')),
            model='loyalty.tier.evaluation',
            method='_evaluate_chunk',
            params={'program_ids': self.ids},
            total=self.env['loyalty.card'].search_count([('program_id', 'in', self.ids)]),
            key=f'loyalty.tiers:{"-".join(map(str, sorted(self.ids)))}',
        )

    @api.model
    def _cron_evaluate_tiers(self) -> None:
        """Put the nightly evaluation in the queue; the job log shows how it went."""
        for program in self.search(self._get_evaluated_domain()):
            program._enqueue_tier_evaluation()
