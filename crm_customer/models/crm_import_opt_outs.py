from odoo import api, models

from ..importing import ImportColumn, ImportTemplate


class CrmImport(models.Model):
    _inherit = 'crm.import'

    @api.model
    def _get_import_templates(self) -> list[ImportTemplate]:
        return [*super()._get_import_templates(), self._prepare_opt_out_template()]

    @api.model
    def _prepare_opt_out_template(self) -> ImportTemplate:
        return ImportTemplate(
            code='opt_outs',
            name=self.env._("Refusals (Opt-outs)"),
            model='crm.consent.event',
            loader='_load_opt_outs',
            group='crm_customer.group_all',
            columns=self._prepare_opt_out_columns(),
            examples=(
                ('C-1001', '', '', 'promotion', 'email', '2025-03-14 12:00', "Old newsletter"),
                ('', 'li.na@mail.example.com', '', '', '', '', "Letter of 3 May"),
                ('', '', '+86 138 0013 8000', "营销", "短信", '', "回复 T"),
            ),
        )

    @api.model
    def _prepare_opt_out_columns(self) -> tuple[ImportColumn, ...]:
        return (
            ImportColumn('partner_id/id', self.env._("Customer/External ID")),
            ImportColumn(
                'email',
                self.env._("Email"),
                aliases=("E-Mail", "邮箱", "電子郵件"),
                help=self.env._("An address nobody has yet is remembered."),
            ),
            ImportColumn('phone', self.env._("Phone"), aliases=("手机", "手機", "电话")),
            ImportColumn(
                'purpose',
                self.env._("Purpose"),
                aliases=("用途",),
                help=self.env._("promotion, care or survey; empty for all three."),
            ),
            ImportColumn(
                'channel',
                self.env._("Channel"),
                aliases=("联系方式", "聯絡方式"),
                help=self.env._("email, sms, phone or post; empty for those of the address given."),
            ),
            ImportColumn('date', self.env._("Date"), aliases=("日期",)),
            ImportColumn(
                'evidence',
                self.env._("Evidence"),
                help=self.env._("How it is known: the list, the letter, the call."),
            ),
        )


class CrmConsentEvent(models.Model):
    _inherit = 'crm.consent.event'

    @api.model
    def _load_opt_outs(self, paths: list[str], matrix: list[list[str]]) -> dict:
        """Record the refusals of a file, in the way ``load`` takes and answers.

        :param paths: columns of the template
        :param matrix: rows of cells
        """
        self.env['res.partner'].check_access('write')
        rows = [dict(zip(paths, cells, strict=True)) for cells in matrix]
        messages = self._find_named_partners(rows)
        last_id = self.sudo().search([], order='id desc', limit=1).id
        done, errors = self.env['crm.person']._import_opt_outs(rows, self.env.company)
        messages |= errors
        if messages:
            return {
                'ids': False,
                'messages': [
                    {
                        'type': 'error',
                        'field': 'email',
                        'message': text,
                        'rows': {'from': position, 'to': position},
                    }
                    for position, text in messages.items()
                ],
            }
        ids = [done[position].id for position in range(len(rows))]
        tally = self.env.context.get('crm_import_tally')
        if tally is not None:
            tally.found.update(event_id for event_id in ids if event_id <= last_id)
        return {'ids': ids, 'messages': []}

    def _find_named_partners(self, rows: list[dict]) -> dict[int, str]:
        """Put the contact a row names into it; return what is wrong by position of the row."""
        errors = {}
        for position, row in enumerate(rows):
            if xmlid := row.get('partner_id/id'):
                partner = self.env.ref(xmlid, raise_if_not_found=False)
                if partner is None or partner._name != 'res.partner':
                    errors[position] = self.env._("There is no customer “%s”.", xmlid)
                else:
                    row['partner'] = partner
        return errors
