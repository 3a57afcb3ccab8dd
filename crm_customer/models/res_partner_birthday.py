from __future__ import annotations

from datetime import date

from babel.dates import format_skeleton

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import date_utils
from odoo.tools.misc import babel_locale_parse, get_lang

from .. import lunar
from ..anniversary import CALENDARS, Anniversary, Occurrence, get_days_between

_EARLIEST_BIRTH_YEAR = 1850


class ResPartner(models.Model):
    _name = 'res.partner'
    _inherit = ['res.partner', 'crm.anniversary.mixin']

    _anniversary_fields = {
        'month': 'birth_month',
        'day': 'birth_day',
        'year': 'birth_year',
        'calendar': 'birth_calendar',
        'leap': 'birth_leap_month',
    }

    birth_month = fields.Integer(groups='base.group_user')
    birth_day = fields.Integer(groups='base.group_user')
    birth_year = fields.Integer(
        groups='base.group_user', help="Empty when unknown; the birthday is kept all the same."
    )
    birth_calendar = fields.Selection(
        selection=CALENDARS,
        string="Birthday Calendar",
        groups='base.group_user',
        help="The calendar that day, month and year are of; solar when empty.",
    )
    birth_leap_month = fields.Boolean(
        string="Born in a Leap Month",
        groups='base.group_user',
        help="The second of two lunar months of one number.",
    )
    birthday_next = fields.Date(
        string="Next Birthday",
        compute='_compute_birthday_next',
        search='_search_next_anniversary',
        groups='base.group_user',
    )
    birthday_this_month = fields.Boolean(
        compute='_compute_birthday_this_month',
        search='_search_birthday_this_month',
        groups='base.group_user',
        help="The birthday falls in the present month, before or after today.",
    )
    birthday_text = fields.Char(
        string="Birthday",
        compute='_compute_birthday_text',
        groups='base.group_user',
        help="With the age on the next one, where the year is known.",
    )
    anniversary_ids = fields.One2many(
        'crm.anniversary', 'partner_id', string="Anniversaries", groups='base.group_user'
    )

    # ------------------------------------------------------------
    # COMPUTES
    # ------------------------------------------------------------

    @api.depends('birth_month', 'birth_day', 'birth_year', 'birth_calendar', 'birth_leap_month')
    @api.depends_context('company', 'tz')
    def _compute_birthday_next(self):
        for partner in self:
            partner.birthday_next = partner._get_next_anniversary_date()

    @api.depends('birth_month', 'birth_day', 'birth_year', 'birth_calendar', 'birth_leap_month')
    @api.depends_context('company', 'tz')
    def _compute_birthday_this_month(self):
        days = self._get_days_this_month()
        for partner in self:
            birthday = partner._get_anniversary()
            partner.birthday_this_month = bool(birthday) and birthday.day_of_year in days

    @api.depends('birth_month', 'birth_day', 'birth_year', 'birth_calendar', 'birth_leap_month')
    @api.depends_context('company', 'lang', 'tz')
    def _compute_birthday_text(self):
        for partner in self:
            birthday = partner._get_anniversary()
            partner.birthday_text = birthday and partner._format_birthday(birthday)

    def _format_birthday(self, birthday: Anniversary) -> str:
        """Return the day in the words of its calendar, and the age where the year is known."""
        lunar_day = birthday.calendar == 'lunar'
        day = self._format_lunar_day(birthday) if lunar_day else self._format_solar_day(birthday)
        next_date = self._get_next_anniversary_dates().get(birthday.day_of_year)
        if not birthday.year or not next_date:
            return day
        policies = self._get_anniversary_policies()
        next_one = birthday.occurrences(next_date, next_date, *policies)
        if not next_one:  # while a year to come is typed in, before it is refused
            return day
        age = next_one[0].year - birthday.year
        return self.env._("%(day)s (turns %(age)s)", day=day, age=age)

    @api.model
    def _format_solar_day(self, birthday: Anniversary) -> str:
        locale = babel_locale_parse(get_lang(self.env).code)
        any_leap_year = date(2000, birthday.month, birthday.day)
        return format_skeleton('MMMMd', any_leap_year, locale=locale)

    @api.model
    def _format_lunar_day(self, birthday: Anniversary) -> str:
        lang = get_lang(self.env).code
        if lang.startswith('zh'):
            calendar, sign = ('農曆', '閏') if lang in ('zh_TW', 'zh_HK') else ('农历', '闰')
            return calendar + lunar.format_chinese(*birthday.day_of_year[1:], sign)
        parts = {'day': birthday.day, 'month': birthday.month}
        if birthday.leap:
            return self.env._("day %(day)s of lunar leap month %(month)s", **parts)
        return self.env._("day %(day)s of lunar month %(month)s", **parts)

    # ------------------------------------------------------------
    # SEARCH
    # ------------------------------------------------------------

    @api.model
    def _search_birthday_this_month(self, operator, value):
        if operator != 'in':
            return NotImplemented
        return self._get_domain_of_days(self._get_days_this_month())

    @api.model
    def _get_days_this_month(self):
        today = fields.Date.context_today(self)
        first, last = date_utils.start_of(today, 'month'), date_utils.end_of(today, 'month')
        return get_days_between(first, last, *self._get_anniversary_policies())

    # ------------------------------------------------------------
    # CONSTRAINTS
    # ------------------------------------------------------------

    @api.onchange('birth_calendar')
    def _onchange_birth_calendar(self):
        if self.birth_calendar != 'lunar':  # its box is hidden then, and could not be cleared
            self.birth_leap_month = False

    @api.constrains('birth_month', 'birth_day', 'birth_year', 'birth_calendar', 'birth_leap_month')
    def _check_birthday(self):
        today = fields.Date.context_today(self)
        for partner in self:
            if error := partner._get_birthday_error(today):
                raise ValidationError(
                    self.env._(
                        "Birthday of %(customer)s: %(error)s",
                        customer=partner.display_name,
                        error=error,
                    )
                )

    def _get_birthday_error(self, today: date) -> str | None:
        """Return what is wrong, for the user; a year alone is right, it tells the age.

        :param today: nobody was born after it
        """
        alone = not self.birth_month and not self.birth_day
        latest = today.year if alone else date.max.year  # what lies ahead is said of the whole date
        if self.birth_year and not _EARLIEST_BIRTH_YEAR <= self.birth_year <= latest:
            return self.env._("%(year)s is no year of birth.", year=str(self.birth_year))
        if alone:
            return None
        if not self.birth_month or not self.birth_day:
            return self.env._("Give both the day and the month.")
        error = self._read_anniversary().get_error(today)
        translate = self.env._  # the words stand in anniversary.py, marked for translation
        return error and translate(error)

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    def _get_birthdays(self, date_from: date, date_to: date) -> dict[int, list[Occurrence]]:
        """Return the birthdays that fall in a span of days, by id of the contacts that have any.

        Each has a key that names the year of the contact's own calendar: one greeting per key is
        one per birthday.

        :param date_from: first day
        :param date_to: last day
        """
        return self.sudo()._get_anniversary_dates(date_from, date_to)

    @api.model
    def _get_birthday_domain(self, date_from: date, date_to: date) -> Domain:
        """Return the contacts whose birthday falls in a span of days, however many they are.

        :param date_from: first day
        :param date_to: last day
        """
        return self._get_anniversary_domain(date_from, date_to)

    def _merge_customer_data(self, src_partners):
        self._merge_birthday(src_partners)
        return super()._merge_customer_data(src_partners)

    def _merge_birthday(self, src_partners: ResPartner) -> None:
        """Take a birthday whole or not at all.

        Core fills what is empty field by field: the lunar calendar of one contact would move the
        solar birthday of the other.

        :param src_partners: contacts that will be deleted
        """
        known = self | src_partners
        kept = next((partner for partner in known if partner._get_anniversary()), self)
        birthday = kept._get_anniversary()
        for partner in src_partners - kept:
            if birthday != partner._get_anniversary():
                partner.write(dict.fromkeys(self._anniversary_fields.values(), False))
        if kept != self:
            self.write({name: kept[name] for name in self._anniversary_fields.values()})

    def action_open_anniversaries(self) -> dict:
        """Open the days that the contact keeps beside his birthday."""
        self.ensure_one()
        return {
            **self.env['ir.actions.act_window']._for_xml_id('crm_customer.crm_anniversary_action'),
            'domain': [('partner_id', '=', self.id)],
            'context': {'default_partner_id': self.id},
        }
