"""A customer who has something in every corner of the suite."""

import base64

from odoo import Command
from odoo.tests import TransactionCase, new_test_user

NAME = "Quentin Zauberwald"
EMAIL = 'quentin.zauberwald@example.com'
PHONE = '+32 470 55 66 77'
STREET = "Nachtigallenweg 7"
NOTE = "Schmetterlingsallergie"
SUMMARY = f"{NAME}, {EMAIL}, {PHONE}: {NOTE}"

#: whatever tells who it was; the number in both spellings
TRACES = ('Zauberwald', 'quentin', '470 55 66 77', '32470556677', 'Nachtigallenweg', NOTE)


class EverythingCase(TransactionCase):
    """Makes contacts that have all the suite and what it builds on can hang on a contact."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # the administrator of a business: not the superuser, who passes every check
        cls.env = cls.env(user=cls.env.ref('base.user_admin'))
        cls.env.user.group_ids += cls.env.ref('crm_customer.group_manager')
        cls.company = cls.env.company
        cls.product = cls.env['product.product'].create(
            {'name': "Pump", 'list_price': 100, 'type': 'consu', 'invoice_policy': 'order'}
        )
        cls.program = cls.env['loyalty.program'].create(
            {
                'name': "Members",
                'program_type': 'loyalty',
                'applies_on': 'both',
                'trigger': 'auto',
                'tier_ids': [Command.create({'name': "Gold", 'min_value': 0})],
            }
        )
        cls.segment = cls.env['crm.segment'].create({'name': "Friends", 'kind': 'domain'})

    @classmethod
    def create_customer(cls, name=NAME, email=EMAIL, phone=PHONE, login='quentin'):
        """Return a contact who has everything."""
        partner = cls.env['res.partner'].create(
            {
                'name': name,
                'email': email,
                'phone': phone,
                'street': STREET,
                'zip': '1000',
                'city': "Brussels",
                'country_id': cls.env.ref('base.be').id,
                'comment': NOTE,
                'function': f"Friend of {name}",
                'website': f'https://{email.split("@")[0]}.example.com',
                'ref': f'REF {name}',
                'image_1920': cls.get_picture(),
                'child_ids': [
                    Command.create({'type': 'delivery', 'name': name, 'street': STREET}),
                ],
            }
        )
        cls.add_login(partner, login)
        cls.add_consent(partner)
        cls.add_file(partner)
        cls.add_discussion(partner)
        cls.add_sales(partner)
        cls.add_service(partner)
        cls.add_loyalty(partner)
        cls.add_campaigns(partner)
        cls.env.flush_all()
        cls.env.cr.precommit.run()  # the log of changes is written before a commit
        return partner

    @classmethod
    def get_picture(cls):
        return base64.b64encode(
            b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"></svg>'
        )

    @classmethod
    def add_login(cls, partner, login):
        if login:
            values = {'partner_id': partner.id, 'email': partner.email, 'name': partner.name}
            new_test_user(cls.env, login, 'base.group_portal', **values)

    @classmethod
    def add_consent(cls, partner):
        person = cls.env['crm.person']._for_partners(partner)
        summary = f"{partner.name}, {partner.email}: {NOTE}"
        person._set_consent(
            ['promotion', 'care'],
            ['email', 'sms'],
            'out',
            company=cls.company,
            source='staff',
            evidence=summary,
        )
        cls.env['crm.message'].sudo().create(
            [
                {
                    'key': f'everything:{partner.id}:{state}',
                    'person_id': person.id,
                    'message_class': 'greeting',
                    'purpose': 'care',
                    'state': state,
                    'subject': f"Happy birthday, {partner.name}",
                    'content_values': {'text': summary},
                    'origin_model': 'res.partner',
                    'origin_id': partner.id,
                }
                for state in ('planned', 'sent')
            ]
        )

    @classmethod
    def add_file(cls, partner):
        """What the customer file itself knows."""
        summary = f"{partner.name}, {partner.email}: {NOTE}"
        partner.write(
            {
                'birth_month': 5,
                'birth_day': 17,
                'birth_year': 1980,
                'household_id': cls.env['crm.household'].create({'name': partner.name}).id,
            }
        )
        cls.env['crm.customer.note'].create(
            [
                {'partner_id': partner.id, 'text': summary, 'visibility': visibility}
                for visibility in ('all', 'confidential')
            ]
        )
        cls.env['crm.anniversary'].create(
            {'partner_id': partner.id, 'name': f"Wedding of {partner.name}", 'month': 6, 'day': 1}
        )
        cls.env['crm.occasion'].create(
            {'partner_id': partner.id, 'companions': partner.name, 'note': summary}
        )
        imported = cls.env['crm.import'].create(
            {
                'template': 'customers',
                'file': base64.b64encode(summary.encode()),
                'file_name': 'customers.csv',
            }
        )
        cls.env['crm.import.row'].sudo().create(
            {
                'import_id': imported.id,
                'cells': [partner.name, partner.email, NOTE],
                'match_key': f'email:{partner.email}',
                'state': 'bad',
                'reason': f"No such country: {partner.name}",
            }
        )

    @classmethod
    def add_discussion(cls, partner):
        summary = f"{partner.name}, {partner.email}, {partner.phone}: {NOTE}"
        attachment = cls.env['ir.attachment'].create(
            {
                'name': f"{partner.name}.txt",
                'raw': summary.encode(),
                'res_model': 'res.partner',
                'res_id': partner.id,
            }
        )
        partner.message_post(body=summary, subject=summary, attachment_ids=attachment.ids)
        partner.message_post(
            body=summary, author_id=partner.id, message_type='email', email_from=partner.email
        )
        partner.message_subscribe(partner.ids)
        partner.activity_schedule(
            'mail.mail_activity_data_call', summary=summary, note=summary, user_id=cls.env.uid
        )
        partner.name = f"{partner.name} "  # leaves a trace in the log
        cls.env['mail.mail'].create(
            {
                'subject': summary,
                'body_html': summary,
                'email_to': partner.email,
                'recipient_ids': [Command.link(partner.id)],
            }
        )
        cls.env['sms.sms'].create(
            {'partner_id': partner.id, 'number': partner.phone, 'body': summary}
        )
        cls.env['calendar.event'].create(
            {
                'name': f"Dinner with {partner.name}",
                'start': '2026-05-01 18:00:00',
                'stop': '2026-05-01 20:00:00',
                'description': summary,
                'partner_ids': [Command.link(partner.id)],
            }
        )
        cls.env['res.partner.bank'].create(
            {
                'partner_id': partner.id,
                'acc_number': f'BE71 0961 2345 {partner.id}',
                'acc_holder_name': partner.name,
            }
        )
        cls.env['mail.blacklist']._add(partner.email)
        cls.env['phone.blacklist']._add([partner.phone_sanitized])
        cls.env['crm.job'].sudo().create(
            {'name': "Import", 'model': 'res.partner', 'method': '_x', 'state': 'done'}
        )._log(f"No such country: {partner.email}", reference=partner.name)

    @classmethod
    def add_sales(cls, partner):
        summary = f"{partner.name}, {partner.email}: {NOTE}"
        order = cls.env['sale.order'].create(
            {
                'partner_id': partner.id,
                'client_order_ref': f"PO 7 of {partner.name}",
                'note': summary,
                'signed_by': partner.name,
                'order_line': [
                    Command.create(
                        {'product_id': cls.product.id, 'name': f"Pump for {partner.name}"}
                    )
                ],
            }
        )
        order.action_confirm()
        order.message_post(body=summary, partner_ids=partner.ids)
        invoice = order._create_invoices()
        invoice.narration = summary
        invoice.action_post()
        invoice.message_post(body=summary, author_id=partner.id, message_type='comment')
        register = cls.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=invoice.ids
        )
        register.create({'communication': f"From {partner.name}"}).action_create_payments()
        other = cls.env['sale.order'].create({'partner_id': cls.company.partner_id.id})
        other.partner_id = partner  # another document that was once his
        other.partner_id = cls.company.partner_id

    @classmethod
    def add_service(cls, partner):
        summary = f"{partner.name}, {partner.email}: {NOTE}"
        unit = cls.env['aftersales.unit'].create(
            {
                'partner_id': partner.id,
                'product_id': cls.product.id,
                'name': f"Pump of {partner.name}",
                'serial': f'SN {partner.id}',
                'note': summary,
            }
        )
        request = cls.env['aftersales.request'].create(
            {
                'partner_id': partner.id,
                'unit_id': unit.id,
                'name': summary,
                'description': summary,
                'email_cc': partner.email,
            }
        )
        request.message_post(body=summary, author_id=partner.id, message_type='email')
        cls.env['ir.attachment'].create(
            {
                'name': f"{partner.name}.txt",
                'raw': summary.encode(),
                'res_model': 'aftersales.request',
                'res_id': request.id,
            }
        )
        cls.env['rating.rating'].create(
            {
                'res_model_id': cls.env['ir.model']._get_id('aftersales.request'),
                'res_id': request.id,
                'partner_id': partner.id,
                'rating': 5,
                'feedback': summary,
                'consumed': True,
            }
        )
        request.stage_id = cls.env['aftersales.request.stage'].search(
            [('state', '=', 'closed')], limit=1
        )

    @classmethod
    def add_loyalty(cls, partner):
        card = cls.env['loyalty.card'].create(
            {'partner_id': partner.id, 'program_id': cls.program.id, 'points': 100}
        )
        adjust = cls.env['loyalty.card.update.balance'].create(
            {'card_id': card.id, 'new_balance': 130, 'description': f"Gift for {partner.name}"}
        )
        adjust.action_update_card_point()

    @classmethod
    def add_campaigns(cls, partner):
        summary = f"{partner.name}, {partner.email}: {NOTE}"
        cls.env['crm.segment.member'].sudo().create(
            {
                'segment_id': cls.segment.id,
                'partner_id': partner.id,
                'entered_at': '2026-05-01 10:00:00',
            }
        )
        cls.env['mailing.contact'].create({'name': partner.name, 'email': partner.email})
        mailing = cls.env['mailing.mailing'].create(
            {
                'subject': "News",
                'mailing_model_id': cls.env['ir.model']._get_id('res.partner'),
            }
        )
        cls.env['mailing.trace'].create(
            {
                'mass_mailing_id': mailing.id,
                'model': 'res.partner',
                'res_id': partner.id,
                'email': partner.email,
                'trace_status': 'sent',
            }
        )
        cls.env['crm.lead'].create(
            {
                'name': f"Opportunity of {partner.name}",
                'partner_id': partner.id,
                'type': 'opportunity',
                'description': summary,
            }
        )
