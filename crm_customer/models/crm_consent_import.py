from __future__ import annotations

from odoo import api, models
from odoo.exceptions import UserError

from ..messaging import PURPOSES_OF_CHOICE


class CrmConsent(models.Model):
    _inherit = 'crm.consent'

    @api.model
    def _load_opt_outs(self, paths: list[str], rows: list[list[str]]) -> dict:
        """Record that customers refuse messages; takes and returns what ``load()`` does.

        Who refused already is left as he is: the log of decisions does not grow with each file.
        """
        ids = []
        for index, row in enumerate(rows):
            try:
                ids.append(self._import_opt_out(dict(zip(paths, row, strict=True))).id)
            except (UserError, ValueError) as error:
                where = {'rows': {'from': index, 'to': index}, 'field': 'purpose'}
                return {
                    'ids': False,
                    'messages': [{'type': 'error', 'message': str(error), **where}],
                }
        return {'ids': ids, 'messages': []}

    def _import_opt_out(self, values: dict[str, str]) -> CrmConsent:
        """Record one refusal; return one of its rows."""
        purposes = self._read_choices('purpose', values.get('purpose'), PURPOSES_OF_CHOICE)
        channels = self._read_choices('channel', values.get('channel'), ('email', 'sms', 'phone'))
        partner = self.env['res.partner'].browse(int(values['partner_id/.id']))
        person = self.env['crm.person']._for_partners(partner)
        refused = self.search(
            [
                ('person_id', '=', person.id),
                ('company_id', '=', self.env.company.id),
                ('purpose', 'in', purposes),
                ('channel', 'in', channels),
                ('status', '=', 'out'),
            ]
        )
        if len(refused) == len(purposes) * len(channels):
            tally = self.env.context.get('crm_import_tally')
            if tally:
                tally.found.add(refused[0].id)
            return refused[0]
        return person._set_consent(
            purposes,
            channels,
            'out',
            company=self.env.company,
            source='import',
            evidence=values.get('evidence') or '',
            date=values.get('since') or None,
        )[0]

    def _read_choices(self, name: str, text: str | None, default: tuple) -> list[str]:
        """Return the keys of a selection that a cell names in any installed language.

        :param default: what an empty cell means
        :raise ValueError: there is no such word
        """
        words = [word.strip().casefold() for word in (text or '').split(',') if word.strip()]
        if not words:
            return list(default)
        keys = {}
        for lang, _name in self.env['res.lang'].get_installed():
            record = self.with_context(lang=lang)
            for key, label in record._fields[name]._description_selection(record.env):
                keys[key] = keys[label.casefold()] = key
        unknown = [word for word in words if word not in keys]
        if unknown:
            raise ValueError(self.env._("There is no “%s”.", ", ".join(unknown)))
        return [keys[word] for word in words]
