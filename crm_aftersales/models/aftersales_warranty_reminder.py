from __future__ import annotations

from datetime import timedelta

import pytz

from odoo import api, fields, models
from odoo.tools import SQL

#: days in a row that may pass without the job before a reminder is left out
MISSED_DAYS = 3


class AftersalesWarranty(models.Model):
    """Customers are told before the last of our warranties on a product ends, where wanted.

    That of the law is not ours to tell of, and may go on.
    """

    _inherit = 'aftersales.warranty'

    @api.model
    def _cron_remind(self) -> None:
        """Plan the reminders of all companies, each in one statement."""
        companies = self.env['res.company'].search([('aftersales_warranty_reminder_days', '>', 0)])
        for company in companies:
            self._plan_reminders(company)
            self.env['ir.cron']._commit_progress(1)

    @api.model
    def _plan_reminders(self, company) -> int:
        """Plan a message for each product whose last warranty has come near its end.

        The gate of the customer file decides whether and when each is sent.

        :return: number of messages planned
        """
        template = company._get_warranty_template()
        if not template:
            return 0
        select = self._get_reminder_sql(company, template)
        return self.env['crm.message'].sudo()._plan_select(select)

    @api.model
    def _get_reminder_sql(self, company, template) -> SQL:
        """Return the reminders of a company as columns of messages, each warranty once."""
        zone = company._get_customer_timezone()
        now = pytz.utc.localize(fields.Datetime.now()).astimezone(pytz.timezone(zone))
        today = now.date()
        last = today + timedelta(days=company.aftersales_warranty_reminder_days)
        return SQL(
            """SELECT unit.partner_id, %(company)s AS company_id, 'hint' AS message_class,
                      %(subject)s AS subject,
                      'aftersales.warranty' AS origin_model, warranty.id AS origin_id,
                      'mail.template' AS content_model, %(template)s AS content_id,
                      jsonb_build_object('layout', %(layout)s) AS content_values,
                      concat_ws(':', 'aftersales.warranty', warranty.id, 'ends',
                                warranty.date_end) AS key,
                      (warranty.date_end + 1)::timestamp AT TIME ZONE %(zone)s AT TIME ZONE 'UTC'
                          AS expires_at
                 FROM aftersales_warranty warranty
                 JOIN aftersales_unit unit ON unit.id = warranty.unit_id
                WHERE warranty.company_id = %(company)s AND warranty.state = 'active'
                  AND warranty.layer IN ('base', 'extended')
                  AND warranty.date_end > %(first)s AND warranty.date_end <= %(last)s
                  AND NOT EXISTS (SELECT FROM aftersales_warranty later
                                   WHERE later.unit_id = warranty.unit_id
                                     AND later.state = 'active'
                                     AND later.layer IN ('base', 'extended')
                                     AND (later.date_end, later.id)
                                         > (warranty.date_end, warranty.id))
                  AND unit.active AND unit.state NOT IN ('draft', 'retired')""",
            company=company.id,
            subject=template.name,
            template=template.id,
            layout='mail.mail_notification_light',
            zone=zone,
            first=max(last - timedelta(days=MISSED_DAYS), today - timedelta(days=1)),
            last=last,
        )
