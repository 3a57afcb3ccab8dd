from odoo import api, fields, models
from odoo.tools import ormcache

from ..anniversary import FEB29_POLICIES, LEAP_MONTH_POLICIES
from ..messaging import PURPOSES_OF_CHOICE

CONSENT_RULES = [
    ('opt_in', "Only who agreed"),
    ('opt_out', "Everybody who has not refused"),
]


class ResCompany(models.Model):
    _inherit = 'res.company'

    crm_job_keep_days = fields.Integer(
        string="Keep Jobs for (Days)",
        default=90,
        help="Jobs that ended and their log are deleted after so many days; 0 keeps them.",
    )

    crm_message_keep_days = fields.Integer(
        string="Keep Texts of Messages for (Days)",
        default=730,
        help="Subject and texts of messages that ended are emptied after so many days; 0 keeps"
        " them. That something was sent stays.",
    )
    crm_consent_promotion = fields.Selection(
        selection=CONSENT_RULES,
        string="Consent to Promotions",
        required=True,
        default='opt_in',
        help="What holds for a customer who has not decided.",
    )
    crm_consent_care = fields.Selection(
        selection=CONSENT_RULES,
        string="Consent to Care and Service Hints",
        required=True,
        default='opt_out',
    )
    crm_consent_survey = fields.Selection(
        selection=CONSENT_RULES,
        string="Consent to Surveys",
        required=True,
        default='opt_out',
    )
    crm_consent_confirm = fields.Boolean(
        string="Confirm by Mail",
        help="What staff record as agreed for e-mail holds after the customer confirmed it.",
    )
    crm_consent_wording = fields.Text(
        string="Words of Consent",
        translate=True,
        help="Shown where a customer chooses, and kept with the proof of what he chose.",
    )

    crm_anniversary_feb29 = fields.Selection(
        selection=FEB29_POLICIES,
        string="29 February is Kept on",
        required=True,
        default='feb28',
        help="In years without that day.",
    )
    crm_anniversary_leap_month = fields.Selection(
        selection=LEAP_MONTH_POLICIES,
        string="Days of a Lunar Leap Month are Kept in",
        required=True,
        default='regular',
        help="In lunar years that have the month twice; in others there is only the regular one.",
    )

    _crm_keep_days_range = models.Constraint(
        'CHECK(crm_job_keep_days BETWEEN 0 AND 36500'
        ' AND crm_message_keep_days BETWEEN 0 AND 36500)',
        "Jobs and messages are kept for 0 to 36500 days.",
    )

    def _get_consent_rule(self, purpose: str) -> str:
        """Return what holds for a customer who has not decided.

        :param purpose: as ``messaging.PURPOSES``
        :return: 'opt_in' (nothing is sent) or 'opt_out' (it is sent)
        """
        self.ensure_one()
        return self[f'crm_consent_{purpose}'] if purpose in PURPOSES_OF_CHOICE else 'opt_out'

    def _is_consent_given(self, purpose: str, status: str | None) -> bool:
        """Whether a message of a purpose may be sent.

        :param purpose: as ``messaging.PURPOSES``
        :param status: what the customer decided; None when he has not
        """
        if status is None:
            return self._get_consent_rule(purpose) == 'opt_out'
        return status == 'in' or (status == 'pending' and purpose == 'transactional')

    @api.model
    def _get_settings_company(self):
        """Return the company of the rules the user sets up; an empty one means all companies.

        Who works for one of several companies is shown no company to choose, and would set up
        rules for the others without knowing. Words that are only chosen from elsewhere, as tags
        and codes, are shared all the same: what all companies have could not choose them else.
        """
        if self.env.su or len(self.env.user.company_ids) > 1 or not self._are_several():
            return self.browse()
        return self.env.company

    @api.model
    @ormcache()
    def _are_several(self) -> bool:
        """Whether there is more than one company; a new one empties the cache."""
        return self.sudo().search_count([], limit=2) > 1

    def cache_invalidation_fields(self):
        return {*super().cache_invalidation_fields(), 'resource_calendar_id'}

    @ormcache('self.id')
    def _get_customer_timezone(self) -> str:
        """Return the zone in which days begin for the company's customers: its working hours'."""
        self.ensure_one()
        return self.sudo().resource_calendar_id.tz or 'UTC'
