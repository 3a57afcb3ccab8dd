"""Helpers for tests in which mails really leave, to a mail server of our own."""

from contextlib import contextmanager
from unittest.mock import patch

from odoo import fields
from odoo.tests import TransactionCase

from odoo.addons.base.models.ir_mail_server import IrMail_Server

from .smtp_sink import Behaviour, SmtpSink

SMS_API = 'odoo.addons.sms.tools.sms_api.SmsApi._send_sms_batch'


class TransportCase(TransactionCase):
    """A mail server that takes everything, and a template."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sink = cls.enterClassContext(SmtpSink())
        cls.env['ir.mail_server'].search([]).active = False
        cls.mail_server = cls.env['ir.mail_server'].create(
            {'name': "Sink", 'smtp_host': 'localhost', 'smtp_port': cls.sink.port}
        )
        cls.company = cls.env.company
        cls.company.email = 'shop@shop.example.com'
        cls.partners = cls.env['res.partner'].create(
            [{'name': f"Customer {n}", 'email': f'customer{n}@example.com'} for n in range(3)]
        )
        cls.partner = cls.partners[0]
        cls.template = cls.env['mail.template'].create(
            {
                'name': "Greeting",
                'model_id': cls.env['ir.model']._get_id('res.partner'),
                'subject': "Hello {{ object.name }}",
                'body_html': '<p>Dear <t t-out="object.name"/>, welcome.</p>',
                'auto_delete': True,
            }
        )
        cls.messages = cls.env['crm.message'].sudo()

    def setUp(self):
        super().setUp()
        self.sink.behaviour = Behaviour()
        self.sink.counts.clear()
        self.sink.mails.clear()
        self.startPatcher(patch.object(IrMail_Server, '_disable_send', lambda _model: False))

    @classmethod
    def plan(cls, partners, message_class='greeting', event='test', **values):
        """Plan a message to each partner."""
        values = {'content_model': 'mail.template', 'content_id': cls.template.id, **values}
        return cls.messages._plan(
            {
                'key': f'{event}:{partner.id}',
                'partner_id': partner.id,
                'message_class': message_class,
                'company_id': cls.company.id,
                **values,
            }
            for partner in partners
        )

    @classmethod
    def enqueue(cls, partners, message_class='greeting', **values):
        """Plan messages and hand them over, as the gate does with those it lets pass."""
        messages = cls.plan(partners, message_class, **values)
        messages._enqueue()
        return messages

    @contextmanager
    def committing(self):
        """Give an environment that may commit."""
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            yield self.env(cr=cr)

    def send(self, shard=0, shards=1):
        """Send what is queued."""
        with self.committing() as env:
            env['crm.message']._cron_send(shard, shards)
        self.env.invalidate_all()

    def recover(self):
        """Settle what died on its way."""
        with self.committing() as env:
            env['crm.message']._cron_recover_stuck()
        self.env.invalidate_all()

    def make_stuck(self, messages, minutes=16):
        """Let messages look as if their sender had died so many minutes ago."""
        attempted_at = fields.Datetime.subtract(fields.Datetime.now(), minutes=minutes)
        messages.write({'state': 'sending', 'attempted_at': attempted_at})

    def get_mails(self, messages):
        """Return the mails of messages."""
        return self.env['mail.mail'].search([('crm_message_id', 'in', messages.ids)])

    def count_arrived(self, messages):
        """Return how many mails of messages arrived, doubles included."""
        return sum(self.sink.counts[rfc_id] for rfc_id in messages.mapped('rfc_message_id'))
