from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL, format_date, format_datetime

from ..timeline import TimelineText
from .crm_visibility_mixin import SCREEN_METHODS

_logger = logging.getLogger(__name__)

#: occasions a job works off before it commits
CHUNK = 200

#: context of who brings occasions from another system or a file, where they may have gone any way
ANY_STATE = 'crm_occasion_any_state'

OPEN_STATES = ('expected', 'present')

#: states in which a step may find an occasion, by the state it leads to
STEPS = {
    'present': ('expected', 'no_show'),
    'left': ('present',),
    'no_show': ('expected',),
    'cancelled': ('expected',),
}

#: what undoing leads back to, by the state that is taken back
BACK = {
    'left': 'present',
    'present': 'expected',
    'no_show': 'expected',
    'cancelled': 'expected',
}


class CrmOccasion(models.Model):
    """A customer who is expected, with us, or was: a stay, an appointment, a ship call, a visit."""

    _name = 'crm.occasion'
    _description = 'Occasion'
    _inherit = ['crm.version.mixin', 'crm.import.mixin', 'mail.thread', 'mail.activity.mixin']
    _order = 'date_from, id'
    _rec_names_search = ['reference', 'partner_id', 'place']
    _check_company_auto = True
    _shows_confidential = (*SCREEN_METHODS, 'get_briefings')

    type_id = fields.Many2one(
        comodel_name='crm.occasion.type',
        required=True,
        ondelete='restrict',
        check_company=True,
        default=lambda self: self._default_type_id(),
        tracking=True,
    )
    type_color = fields.Integer(related='type_id.color')
    length_unknown = fields.Boolean(related='type_id.length_unknown')
    place_label = fields.Char(related='type_id.place_label')
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string="Customer",
        required=True,
        ondelete='restrict',
        index=True,
        check_company=True,
        tracking=True,
    )
    partner_phone = fields.Char(related='partner_id.phone')
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, default=lambda self: self.env.company
    )
    reference = fields.Char(
        copy=False,
        tracking=True,
        help="Number of the occasion in the system it comes from; unique for each type.",
    )
    calendar_event_id = fields.Many2one(
        comodel_name='calendar.event',
        string="Meeting",
        ondelete='set null',
        index='btree_not_null',
        copy=False,
    )
    cancelled_with_meeting = fields.Boolean(
        readonly=True, copy=False, help="Expected again when the customer takes part after all."
    )

    # === When and where ===
    date_from = fields.Datetime(
        string="Expected from", required=True, default=fields.Datetime.now, tracking=True
    )
    date_to = fields.Datetime(string="Expected until", tracking=True)
    arrived_at = fields.Datetime(string="Arrived", readonly=True, copy=False)
    left_at = fields.Datetime(string="Left", readonly=True, copy=False)
    state = fields.Selection(
        selection=[
            ('expected', "Expected"),
            ('present', "Here"),
            ('left', "Left"),
            ('no_show', "Did Not Come"),
            ('cancelled', "Cancelled"),
        ],
        string="Status",
        required=True,
        default='expected',
        copy=False,
        tracking=True,
        group_expand=True,
    )
    place = fields.Char(tracking=True, help="Room, counter, berth, table.")

    # === Who and how much ===
    companion_count = fields.Integer(string="Companions", help="How many come along.")
    companions = fields.Char(string="Who Comes Along", help="Names, ages, what they are like.")
    user_id = fields.Many2one(
        comodel_name='res.users',
        string="Host",
        domain=[('share', '=', False)],
        check_company=True,
        tracking=True,
        help="Who looks after the customer.",
    )
    currency_id = fields.Many2one(
        comodel_name='res.currency',
        compute='_compute_currency_id',
        store=True,
        readonly=False,
        precompute=True,
        required=True,
    )
    amount = fields.Monetary(help="What the customer pays for the occasion.")
    note = fields.Text(string="Notes")

    _reference_unique = models.UniqueIndex(
        '(company_id, type_id, reference) WHERE reference IS NOT NULL',
        "Another occasion of this type has the same reference.",
    )
    _calendar_event_unique = models.UniqueIndex(
        '(calendar_event_id, partner_id) WHERE calendar_event_id IS NOT NULL',
        "The customer is expected to this meeting already.",
    )
    _open_idx = models.Index("(company_id, date_from) WHERE state IN ('expected', 'present')")
    _dates_ordered = models.Constraint(
        'CHECK (date_to IS NULL OR date_to >= date_from)',
        "A customer cannot be expected to leave before he comes.",
    )
    _left_after_arrival = models.Constraint(
        'CHECK (left_at IS NULL OR arrived_at IS NULL OR left_at >= arrived_at)',
        "A customer cannot leave before he comes.",
    )
    _numbers_positive = models.Constraint(
        'CHECK (companion_count >= 0)', "The number of companions cannot be negative."
    )

    # ------------------------------------------------------------
    # DEFAULTS, COMPUTES
    # ------------------------------------------------------------

    @api.model
    def _default_type_id(self):
        domain = Domain('company_id', 'in', [False, self.env.company.id])
        return self.env['crm.occasion.type'].search(domain, limit=1)

    @api.depends('company_id')
    def _compute_currency_id(self):
        for occasion in self:
            occasion.currency_id = occasion.currency_id or occasion.company_id.currency_id

    @api.depends('type_id', 'partner_id', 'date_from', 'reference')
    @api.depends_context('lang', 'tz')
    def _compute_display_name(self):
        for occasion in self:
            parts = [
                occasion.type_id.name,
                occasion.partner_id.display_name,
                occasion.reference or format_date(self.env, occasion._get_local_date('date_from')),
            ]
            occasion.display_name = " · ".join(part for part in parts if part)

    def _get_local_date(self, field: str):
        """Return the day of one of the moments in the company's zone."""
        self.ensure_one()
        moment = self[field]
        if not moment:
            return False
        zone = self.company_id._get_customer_timezone()
        return fields.Datetime.context_timestamp(self.with_context(tz=zone), moment).date()

    def _get_period(self) -> tuple[datetime, datetime]:
        """Return from when to when the customer is with us, as far as known (UTC)."""
        self.ensure_one()
        start = self.arrived_at or self.date_from
        end = self.left_at or self.date_to
        if not end and self.type_id.length_unknown:
            end = start + timedelta(hours=self.type_id.close_after)
        return start, max(start, end or start)

    @api.constrains('type_id', 'company_id')
    def _check_type_company(self):
        for occasion in self:
            company = occasion.type_id.company_id
            if company and company != occasion.company_id:
                raise ValidationError(
                    self.env._(
                        "The type %(type)s is of another company.", type=occasion.type_id.name
                    )
                )

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        vals_list = [self._prepare_stored_vals(vals) for vals in vals_list]
        occasions = super().create(vals_list)
        occasions._occasion_after_change({name for vals in vals_list for name in vals})
        return occasions

    def write(self, vals):
        vals = self._prepare_stored_vals(vals)
        if vals.get('state') and not self.env.context.get(ANY_STATE):
            self._ensure_can_write_state(vals['state'])
        result = super().write(vals)
        self._occasion_after_change(set(vals))
        return result

    @api.model
    def _prepare_stored_vals(self, vals: dict) -> dict:
        """Return the values with the moments that follow from a state, and no empty reference."""
        vals = dict(vals)
        if 'reference' in vals:
            vals['reference'] = (vals['reference'] or '').strip() or False
        if not vals.get('state', True):
            del vals['state']  # an empty cell of a file
        if 'state' in vals:
            vals.setdefault('cancelled_with_meeting', False)
        now = fields.Datetime.now()
        if vals.get('state') == 'present':
            vals.setdefault('arrived_at', now)
            vals['left_at'] = False
        elif vals.get('state') == 'left':
            vals.setdefault('left_at', now)
        elif vals.get('state'):
            vals.update(arrived_at=False, left_at=False)
        return vals

    def _occasion_after_change(self, names: set[str]) -> None:
        """Bring up to date what follows from occasions.

        :param names: fields that were given
        """

    # ------------------------------------------------------------
    # STEPS
    # ------------------------------------------------------------

    def action_arrive(self) -> bool | dict:
        """The customers are here.  Doing it again changes nothing.

        :return: True, or an action that shows what to say on the arrival
        :raise UserError: an occasion is over or cancelled
        """
        arrived = self._step('present')
        return arrived._get_arrival_notice() or True

    def action_leave(self) -> bool:
        """The customers have gone.  Doing it again changes nothing.

        :raise UserError: a customer has not arrived
        """
        self._step('left')
        return True

    def action_no_show(self) -> bool:
        """The customers did not come.  Doing it again changes nothing.

        :raise UserError: a customer is here or was
        """
        self._step('no_show')
        return True

    def action_cancel(self) -> bool:
        """The customers will not come.  Doing it again changes nothing.

        :raise UserError: a customer is here or was
        """
        self._step('cancelled')
        return True

    def action_undo(self) -> bool:
        """Take the last step back.

        A screen says in the context, as ``occasion_state``, which state it shows: pressing the
        button twice goes one step back, not two.
        """
        self.check_access('write')
        self._bump_version()
        shown = self.env.context.get('occasion_state')
        for state, occasions in self.grouped('state').items():
            if state in BACK and shown in (None, state):
                occasions._go_back(BACK[state])
        return True

    def _go_back(self, state: str) -> None:
        """Set the state before; when the customer came stays known."""
        if state != 'present':
            self.write({'state': state})
            return
        for occasion in self:
            occasion.write({'state': state, 'arrived_at': occasion.arrived_at})

    def _cancel_expected(self) -> None:
        """Cancel those whose meeting no longer expects them; who is here stays here."""
        expected = self.filtered(lambda occasion: occasion.state == 'expected')
        if expected:
            expected.write({'state': 'cancelled', 'cancelled_with_meeting': True})

    def _step(self, state: str, **vals) -> CrmOccasion:
        """Lead occasions to a state, whoever else does the same right now.

        :return: those that were not in it yet
        """
        self.check_access('write')
        self._bump_version()
        todo = self.filtered(lambda occasion: occasion.state != state)
        todo._ensure_can_step(state)
        if todo:
            todo.write({'state': state, **vals})
        return todo

    def _ensure_can_write_state(self, state: str) -> None:
        """Let a program write only what the buttons do as well, one step on or back."""
        kept = self.filtered(lambda occasion: state in (occasion.state, BACK.get(occasion.state)))
        (self - kept)._ensure_can_step(state)

    def _ensure_can_step(self, state: str) -> None:
        for occasion in self:
            if occasion.state not in STEPS.get(state, ()):
                labels = dict(self._fields['state']._description_selection(self.env))
                raise UserError(
                    self.env._(
                        "%(occasion)s is “%(current)s” and cannot become “%(wanted)s”."
                        " Undo the last step first.",
                        occasion=occasion.display_name,
                        current=labels[occasion.state],
                        wanted=labels[state],
                    )
                )

    def _get_arrival_notice(self) -> dict | None:
        """Return an action that shows what to say to customers who just arrived, if anything."""
        return None

    # ------------------------------------------------------------
    # JOBS
    # ------------------------------------------------------------

    @api.model
    def _cron_close_forgotten(self) -> None:
        """Let customers go whose length of stay nobody knows and whom nobody saw leaving."""
        forgotten = self.browse(self._get_forgotten_ids())
        forgotten._work_off(lambda occasions: occasions._close_forgotten())

    @api.model
    def _get_forgotten_ids(self) -> list[int]:
        """Return the customers who are here for longer than their type of occasion lasts."""
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                'SELECT occasion.id FROM crm_occasion AS occasion'
                ' JOIN crm_occasion_type AS kind ON kind.id = occasion.type_id'
                " WHERE occasion.state = 'present' AND occasion.date_to IS NULL"
                ' AND kind.length_unknown'
                ' AND COALESCE(occasion.arrived_at, occasion.date_from)'
                " + kind.close_after * interval '1 hour' <= %s ORDER BY occasion.id",
                fields.Datetime.now(),
            )
        )
        return [row[0] for row in rows]

    def _close_forgotten(self) -> None:
        """Let customers go who are still here, when their time is up."""
        for occasion in self.filtered(lambda occasion: occasion.state == 'present'):
            occasion.write({'state': 'left', 'left_at': occasion._get_period()[1]})

    def _work_off(self, work: Callable[[CrmOccasion], None]) -> None:
        """Do something with all of these occasions and commit chunk by chunk, as jobs do.

        A chunk that somebody works on is left to the next run; an occasion with which it cannot be
        done is logged and does not keep the others back.
        """
        for start in range(0, len(self), CHUNK):
            chunk = self[start : start + CHUNK].exists()
            try:
                chunk._try(work)
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                self.env.cr.rollback()
            self.env['ir.cron']._commit_progress(
                len(chunk), remaining=max(0, len(self) - start - CHUNK)
            )

    def _try(self, work: Callable[[CrmOccasion], None]) -> None:
        """Do something with those of the occasions with which it can be done."""
        if not self:
            return
        try:
            with self.env.cr.savepoint():
                work(self)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception:
            if len(self) == 1:
                _logger.exception("%s is left out of the job", self)
                return
            middle = len(self) // 2
            self[:middle]._try(work)
            self[middle:]._try(work)

    # ------------------------------------------------------------
    # TIME LINE
    # ------------------------------------------------------------

    def _get_timeline_texts(self) -> dict[int, TimelineText]:
        """Return what a customer's time line says about these occasions."""
        states = dict(self._fields['state']._description_selection(self.env))
        return {
            occasion.id: TimelineText(
                title=' '.join(filter(None, [occasion.type_id.name, occasion.reference])),
                body=' – '.join(
                    format_datetime(self.env, moment, dt_format='short')
                    for moment in occasion._get_period()
                ),
                state=states[occasion.state],
            )
            for occasion in self
        }
