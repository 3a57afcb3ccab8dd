from __future__ import annotations

import re
from collections import defaultdict
from datetime import datetime, time, timedelta

import pytz

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import format_date

#: hour at which a birthday begins for who prepares something
BIRTHDAY_HOUR = 8

PLACEHOLDER = re.compile(r'\{(\w+)\}')
PLACEHOLDERS = ('customer', 'note', 'category', 'place', 'date', 'companions')


class CrmOccasionRule(models.Model):
    """Which wishes of expected customers become tasks of which department."""

    _name = 'crm.occasion.rule'
    _description = 'Rule for Tasks'
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company',
        default=lambda self: self.env['res.company']._get_settings_company(),
        index=True,
        help="Leave empty to share the rule between companies.",
    )

    # === When ===
    trigger = fields.Selection(
        selection=[
            ('planned', "Before the Arrival"),
            ('arrival', "On Arrival"),
            ('birthday', "Birthday during the Occasion"),
        ],
        required=True,
        default='planned',
    )
    type_ids = fields.Many2many(
        comodel_name='crm.occasion.type',
        string="Occasions",
        help="Empty: all types of occasions.",
    )
    days_before = fields.Integer(
        default=1, help="How many days before the arrival the task is made; later notes at once."
    )
    # === What ===
    for_notes = fields.Boolean(
        string="For Each Note",
        default=True,
        help="One task for each note of the customer; else one task for the occasion.",
    )
    category_ids = fields.Many2many(
        comodel_name='crm.note.category',
        string="Note Categories",
        help="Empty: notes of any category.",
    )
    department_id = fields.Many2one(
        comodel_name='crm.occasion.department', required=True, ondelete='restrict', index=True
    )
    confidential_warning = fields.Char(related='department_id.confidential_warning')
    text = fields.Text(
        string="Task",
        required=True,
        translate=True,
        default="{note}",
        help="May hold {customer}, {note}, {category}, {place}, {date}, {companions}.",
    )
    # === Until when ===
    delay = fields.Integer(
        default=2,
        help="Before the arrival when the task is made beforehand, else after the arrival.",
    )
    delay_unit = fields.Selection(
        selection=[('minutes', "minutes"), ('hours', "hours")], required=True, default='hours'
    )
    is_greeting = fields.Boolean(
        string="Counts as Greeting",
        help="A birthday greeted in person is the year's greeting: none is sent by e-mail or SMS.",
    )

    _numbers_positive = models.Constraint(
        'CHECK (days_before >= 0 AND delay >= 0)', "Days and delays cannot be negative."
    )

    # ------------------------------------------------------------
    # CONSTRAINTS, CRUD
    # ------------------------------------------------------------

    @api.constrains('text')
    def _check_text(self):
        field = self._fields['text']
        for rule in self:
            texts = ' '.join((field._get_stored_translations(rule) or {}).values())
            unknown = set(PLACEHOLDER.findall(texts)) - set(PLACEHOLDERS)
            if unknown:
                raise ValidationError(
                    self.env._(
                        "%(unknown)s cannot be filled in. Use %(placeholders)s.",
                        unknown=[f'{{{name}}}' for name in sorted(unknown)],
                        placeholders=[f'{{{name}}}' for name in PLACEHOLDERS],
                    )
                )

    @api.constrains('trigger', 'is_greeting')
    def _check_is_greeting(self):
        if any(rule.is_greeting and rule.trigger != 'birthday' for rule in self):
            raise ValidationError(self.env._("Only birthday tasks count as a greeting."))

    def _update_field_translations(self, field_name, translations, digest=None, source_lang=''):
        """Check the texts of all languages: what is filled in is not translated."""
        result = super()._update_field_translations(
            field_name, translations, digest=digest, source_lang=source_lang
        )
        if field_name == 'text':
            self._validate_fields(['text'])
        return result

    # ------------------------------------------------------------
    # WANTED TASKS
    # ------------------------------------------------------------

    @api.model
    def _get_wanted_tasks(self, occasions) -> dict[str, dict]:
        """Return the tasks that the rules ask for, by key; the queries do not grow with them.

        :param occasions: ``crm.occasion`` in superuser mode
        """
        rules = self.sudo().search(Domain.TRUE)
        notes = rules._get_notes(occasions.partner_id)
        birthdays = occasions._get_birthdays()
        wanted = {}
        for occasion in occasions:
            for rule in rules._filter_for(occasion):
                for vals in rule._prepare_tasks(
                    occasion, notes[occasion.partner_id.id], birthdays.get(occasion.id, [])
                ):
                    wanted.setdefault(vals['key'], vals)
        return wanted

    def _get_notes(self, partners) -> dict:
        """Return the notes on customers by contact id, each with those of the newest first."""
        notes = defaultdict(list)
        if not self:
            return notes
        domain = [('partner_id', 'in', partners.ids)]
        for note in self.env['crm.customer.note'].sudo().search(domain):
            notes[note.partner_id.id].append(note)
        return notes

    def _filter_for(self, occasion) -> CrmOccasionRule:
        """Return the rules that have something to say about an occasion as it is now."""
        return self.filtered(
            lambda rule: (
                (not rule.type_ids or occasion.type_id in rule.type_ids)
                and (not rule.company_id or rule.company_id == occasion.company_id)
                and rule._is_time_for(occasion)
            )
        )

    def _is_time_for(self, occasion) -> bool:
        """Return whether the trigger has come."""
        if self.trigger != 'planned':
            return occasion.state == 'present'
        if occasion.state not in ('expected', 'present'):
            return False
        today = occasion._get_today()
        return occasion._get_days()[0] - timedelta(days=self.days_before) <= today

    def _prepare_tasks(self, occasion, notes: list, birthdays: list) -> list[dict]:
        """Return the values of the tasks of one rule for one occasion."""
        self.ensure_one()
        if self.trigger == 'birthday':
            return [
                self._prepare_task_vals(
                    occasion,
                    f'{self.id}:birthday:{occasion.partner_id.id}:{birthday.key}',
                    date=birthday.date,
                    birthday_key=birthday.key,
                )
                for birthday in birthdays
            ]
        if not self.for_notes:
            return [self._prepare_task_vals(occasion, f'{self.id}:{occasion.id}:0')]
        return [
            self._prepare_task_vals(occasion, f'{self.id}:{occasion.id}:{note.id}', note=note)
            for note in notes
            if (not self.category_ids or note.category_id in self.category_ids)
            and self.department_id._may_read(note.visibility)
        ]

    def _prepare_task_vals(self, occasion, key: str, note=None, date=None, birthday_key=False):
        """Return the values of one task."""
        return {
            'key': key,
            'occasion_id': occasion.id,
            'company_id': occasion.company_id.id,
            'department_id': self.department_id.id,
            'rule_id': self.id,
            'note_id': note.id if note else False,
            'visibility': note.visibility if note else 'all',
            'text': self._fill_text(occasion, note, date),
            'due_at': self._get_due(occasion, note, date),
            'birthday_key': birthday_key,
        }

    def _fill_text(self, occasion, note, date) -> str:
        """Return the task's words, in the language of the department."""
        lang = self.department_id._get_task_lang()
        rule, occasion = self.with_context(lang=lang), occasion.with_context(lang=lang)
        words = {
            'customer': occasion.partner_id.name or occasion.partner_id.display_name or '',
            'note': note.text if note else '',
            'category': note.with_context(lang=lang).category_id.name or '' if note else '',
            'place': occasion.place or '',
            'date': format_date(occasion.env, date or occasion._get_local_date('date_from')),
            'companions': occasion.companions or '',
        }
        return PLACEHOLDER.sub(lambda match: words.get(match[1], match[0]), rule.text)

    def _get_due(self, occasion, note, date) -> datetime:
        """Return until when the task must be done (UTC).

        What was learnt too late for its time is due the same span after it was noted.
        """
        delay = timedelta(**{self.delay_unit: self.delay})
        if self.trigger == 'planned':
            due = occasion.date_from - delay
            known = (note or occasion).create_date.replace(microsecond=0)
            return known + delay if due < known else due
        start = occasion.arrived_at or occasion.date_from
        if date:
            zone = pytz.timezone(occasion.company_id._get_customer_timezone())
            morning = zone.localize(datetime.combine(date, time(BIRTHDAY_HOUR)))
            start = max(start, morning.astimezone(pytz.utc).replace(tzinfo=None))
        elif note:
            start = max(start, note.create_date)
        return (start + delay).replace(microsecond=0)
