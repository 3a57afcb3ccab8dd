from freezegun import freeze_time

from odoo.fields import Command

from .common import AftersalesCommon


class SlaCommon(AftersalesCommon):
    """Requests made at a moment, and their clocks."""

    def _request_at(self, moment, **values):
        with freeze_time(moment):
            request = self._create_request(**values)
            self.env.flush_all()
        return request

    def _clock(self, request, kind='resolution'):
        return request.sla_clock_ids.filtered(lambda clock: clock.kind == kind)

    def _post(self, request, author):
        return request.message_post(
            body="Hello",
            author_id=author.id,
            message_type='comment',
            subtype_xmlid='mail.mt_comment',
        )

    @classmethod
    def _create_pause_reason(cls, **values):
        return cls.env['aftersales.pause.reason'].create({'name': "Wait", **values})

    @classmethod
    def _create_pausing_policy(cls, state='waiting_customer', cap=0, **values):
        reason = cls._create_pause_reason(state=state, cap_hours=cap)
        return cls._create_policy(pause_reason_ids=[Command.set(reason.ids)], **values)
