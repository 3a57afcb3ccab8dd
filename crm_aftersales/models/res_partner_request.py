from dataclasses import replace

from odoo import models


class ResPartner(models.Model):
    """What is written about a customer in later topics of requests, as personal data."""

    _inherit = 'res.partner'

    def _get_personal_data_sources(self):
        texts = self._get_request_texts()
        return [
            replace(
                source,
                fields=(*source.fields, *texts),
                values={**source.values, **dict.fromkeys(texts, False)},
            )
            if source.key == 'aftersales.request'
            else source
            for source in super()._get_personal_data_sources()
        ]

    def _get_request_texts(self) -> tuple[str, ...]:
        """Return the texts of a request that tell of its customer beside its subject."""
        return ('decision_reason',)
