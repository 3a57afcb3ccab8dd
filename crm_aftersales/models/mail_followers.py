from odoo import models


class MailFollowers(models.Model):
    _inherit = 'mail.followers'

    def _get_subscription_data(self, doc_data, pids, include_pshare=False, include_active=False):
        """Leave out colleagues who do not work for the company that is being followed.

        They would be sent what they may not open. The context names the company.
        """
        rows = super()._get_subscription_data(doc_data, pids, include_pshare, include_active)
        company_id = self.env.context.get('followers_of_company_id')
        if not company_id or not rows:
            return rows
        strangers = (
            self.env['res.users']
            .sudo()
            ._search(
                [
                    ('partner_id', 'in', [partner_id for _id, _res_id, partner_id, *_row in rows]),
                    ('share', '=', False),
                    ('company_ids', 'not in', company_id),
                ]
            )
        )
        hidden = {
            partner_id for (partner_id,) in self.env.execute_query(strangers.select('partner_id'))
        }
        return [row for row in rows if row[2] not in hidden]
