from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL

from odoo.addons.crm_customer.privacy import BLANK, PersonalData

LEAD_COLUMNS = (
    'contact_name',
    'partner_name',
    'email_from',
    'email_cc',
    'email_normalized',
    'email_domain_criterion',
    'phone',
    'phone_sanitized',
    'street',
    'street2',
    'zip',
    'city',
    'website',
    'function',
    'description',
)


class ResPartner(models.Model):
    _inherit = 'res.partner'

    def _get_personal_data_sources(self):
        return [
            *self._get_personal_sources_profile(),
            *self._get_personal_sources_mailing(),
            *super()._get_personal_data_sources(),
        ]

    def _get_personal_sources_profile(self) -> list[PersonalData]:
        """What the suite worked out about the customer: nothing of it is needed."""
        domain = Domain('partner_id', 'in', self.ids)
        return [
            PersonalData(
                key='crm.customer.score',
                label=self.env._("Scores"),
                model='crm.customer.score',
                domain=domain,
                fields=('company_id', 'rfm', 'recency', 'frequency', 'monetary'),
                on_erase='delete',
            ),
            PersonalData(
                key='crm.segment.member',
                label=self.env._("Segments"),
                model='crm.segment.member',
                domain=domain,
                fields=('segment_id', 'entered_at', 'left_at'),
                on_erase='delete',
                company='segment_id.company_id',
            ),
        ]

    def _get_personal_sources_mailing(self) -> list[PersonalData]:
        emails = [email for email in self.mapped('email_normalized') if email]
        by_email = Domain('email_normalized', 'in', emails)
        return [
            PersonalData(
                key='mailing.trace',
                label=self.env._("Mailings"),
                model='mailing.trace',
                domain=Domain('email', 'in', emails)
                | (Domain('model', '=', 'res.partner') & Domain('res_id', 'in', self.ids)),
                fields=('mass_mailing_id', 'email', 'sent_datetime', 'trace_status'),
                on_erase='anonymise',
                company='mass_mailing_id.user_id.company_ids',
                reason=self.env._("The figures of a mailing count it."),
                values={'email': BLANK},
            ),
            PersonalData(
                key='mailing.contact',
                label=self.env._("Mailing Contacts"),
                model='mailing.contact',
                domain=by_email,
                fields=('name', 'email', 'list_ids', 'create_date'),
                on_erase='delete',
                company='',
            ),
            PersonalData(
                key='crm.lead',
                label=self.env._("Leads and Opportunities"),
                model='crm.lead',
                domain=by_email | Domain('partner_id', 'in', self.ids),
                fields=('name', 'contact_name', 'email_from', 'phone', 'description'),
                on_erase='anonymise',
                reason=self.env._("The sales figures count it."),
                erase=self._erase_leads,
            ),
        ]

    def _erase_leads(self, leads, _redactor) -> None:
        """Blank what leads copied from the contact.

        By SQL: core would fill it again from the contact, which is erased last.
        """
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                'UPDATE crm_lead SET name = %s, %s WHERE id IN %s',
                BLANK,
                SQL(', ').join(SQL('%s = NULL', SQL.identifier(name)) for name in LEAD_COLUMNS),
                tuple(leads.ids),
            )
        )
        leads.invalidate_recordset(flush=False)
