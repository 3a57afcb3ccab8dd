from odoo import fields, models

from ..messaging import CHANNELS, MESSAGE_CLASSES, PURPOSES


class CrmMessage(models.Model):
    """A message somebody is to get: one row from the intention to what became of it."""

    _name = 'crm.message'
    _description = 'Customer Message'
    _inherit = ['crm.keyed.mixin']
    _order = 'id desc'

    company_id = fields.Many2one(
        'res.company', required=True, readonly=True, default=lambda self: self.env.company
    )
    person_id = fields.Many2one('crm.person', required=True, readonly=True, ondelete='restrict')
    partner_id = fields.Many2one(related='person_id.partner_id', string="Customer")
    message_class = fields.Selection(selection=MESSAGE_CLASSES, required=True, readonly=True)
    purpose = fields.Selection(
        selection=PURPOSES, required=True, readonly=True, help="Follows from the class."
    )
    channel = fields.Selection(selection=CHANNELS, required=True, readonly=True, default='email')
    priority = fields.Integer(
        readonly=True, default=5, help="0 goes first when not everything may be sent."
    )
    subject = fields.Char(readonly=True)
    origin_model = fields.Char(readonly=True, help="Model of the record the message is about.")
    origin_id = fields.Many2oneReference(model_field='origin_model', readonly=True)
    content_model = fields.Char(
        readonly=True, help="Where the text comes from: a template, a mailing."
    )
    content_id = fields.Many2oneReference(model_field='content_model', readonly=True)
    content_values = fields.Json(readonly=True, help="What the text needs beside its record.")

    state = fields.Selection(
        selection=[
            ('planned', "Waiting"),
            ('queued', "Released"),
            ('sending', "Being Sent"),
            ('sent', "Sent"),
            ('uncertain', "Uncertain"),
            ('failed', "Failed"),
            ('folded', "Folded In"),
            ('refused', "Refused"),
            ('cancelled', "Cancelled"),
        ],
        required=True,
        readonly=True,
        default='planned',
    )
    reason = fields.Selection(
        selection=[
            ('archived', "Customer archived"),
            ('erased', "Customer erased"),
            ('no_address', "No address"),
            ('blacklist', "Blacklisted"),
            ('do_not_disturb', "Do not disturb"),
            ('no_consent', "No consent"),
            ('holdout', "Hold-out group"),
            ('hush', "Open complaint"),
            ('in_house', "Customer is with us"),
            ('quiet_period', "Quiet period before a promotion"),
            ('frequency_cap', "Enough messages lately"),
            ('quiet_hours', "Quiet hours"),
            ('expired', "Too late"),
            ('staff', "Decided by staff"),
            ('delivery', "Could not be delivered"),
        ],
        readonly=True,
        help="Why it is not sent, or not yet.",
    )
    planned_at = fields.Datetime(
        string="Planned for", required=True, readonly=True, default=fields.Datetime.now
    )
    due_at = fields.Datetime(
        string="Next Try",
        required=True,
        readonly=True,
        default=fields.Datetime.now,
        help="When the gate looks at it; moved while a rule holds it back.",
    )
    expires_at = fields.Datetime(readonly=True, help="Not sent at all from this moment on.")
    decided_at = fields.Datetime(readonly=True)
    attempted_at = fields.Datetime(readonly=True)
    sent_at = fields.Datetime(readonly=True)
    folded_into_id = fields.Many2one('crm.message', readonly=True, index='btree_not_null')
    address_hash = fields.Char(readonly=True)
    mail_mail_id_int = fields.Integer(readonly=True)
    rfc_message_id = fields.Char(string="Message-Id", readonly=True)

    _due = models.Index("(due_at, id) WHERE state = 'planned'")
    _person_sent = models.Index("(person_id, sent_at) WHERE state = 'sent'")
    _person = models.Index('(person_id, id)')
