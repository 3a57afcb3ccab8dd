from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .transport_common import TransportCase

TRANSPORT = 'odoo.addons.crm_customer.models.crm_message_transport'


@tagged('post_install', '-at_install')
class TestEnqueue(TransportCase):
    def test_mail_is_queued_not_sent(self):
        message = self.enqueue(self.partner)
        mail = self.get_mails(message)
        self.assertRecordValues(
            mail,
            [
                {
                    'state': 'outgoing',
                    'subject': "Hello Customer 0",
                    'recipient_ids': self.partner.ids,
                    'auto_delete': False,
                    'message_id': message.rfc_message_id,
                }
            ],
        )
        self.assertRecordValues(message, [{'state': 'queued', 'mail_mail_id_int': mail.id}])
        self.assertFalse(self.sink.counts, "nothing leaves in the transaction of the gate")

    def test_core_s_queue_leaves_it_alone(self):
        message = self.enqueue(self.partner)
        mail = self.get_mails(message)
        with self.committing() as env:
            env['mail.mail'].process_email_queue()
            mail.with_env(env).send()
        self.assertEqual((mail.state, self.count_arrived(message)), ('outgoing', 0))

    def test_message_id_follows_from_the_key(self):
        first, second = self.enqueue(self.partners[:2])
        self.assertNotEqual(first.rfc_message_id, second.rfc_message_id)
        self.assertEqual(first.rfc_message_id, first._get_rfc_message_id())
        self.assertRegex(first.rfc_message_id, r'^<[\w.]+@[\w.-]+>$')

    def test_language_of_the_customer(self):
        self.env['res.lang']._activate_lang('zh_CN')
        self.partner.lang = 'zh_CN'
        self.template.with_context(lang='zh_CN').subject = "您好 {{ object.name }}"
        messages = self.enqueue(self.partners[:2])
        self.assertEqual(
            self.get_mails(messages).sorted('id').mapped('subject'),
            ["您好 Customer 0", "Hello Customer 1"],
        )

    def test_template_about_the_origin(self):
        order = self.env['sale.order'].create({'partner_id': self.partner.id})
        self.template.write(
            {
                'model_id': self.env['ir.model']._get_id('sale.order'),
                'subject': "{{ object.name }} {{ ctx.get('message_values', {}).get('gift') }}",
                'body_html': '<p>Thanks</p>',
            }
        )
        message = self.enqueue(
            self.partner,
            origin_model='sale.order',
            origin_id=order.id,
            content_values={'gift': "Tea"},
        )
        mail = self.get_mails(message)
        self.assertEqual((mail.subject, mail.res_id), (f"{order.name} Tea", order.id))

    def test_own_words_without_template(self):
        message = self.enqueue(
            self.partner,
            content_model=False,
            content_id=False,
            subject="Your parcel",
            content_values={'body': '<p>It is there.</p>'},
        )
        mail = self.get_mails(message)
        self.assertEqual((mail.subject, mail.body_html), ("Your parcel", '<p>It is there.</p>'))

    def test_one_broken_message_stops_no_other(self):
        self.template.body_html = """<t t-out="1 / (object.name != 'Customer 1')"/>"""
        with mute_logger(TRANSPORT):
            messages = self.enqueue(self.partners)
        self.assertEqual(messages.mapped('state'), ['queued', 'failed', 'queued'])
        self.assertEqual(messages[1].reason, 'delivery')
        self.assertIn('division by zero', messages[1].failure)
        self.assertEqual(len(self.get_mails(messages)), 2)

    def test_text_that_is_gone(self):
        message = self.plan(self.partner)
        self.template.unlink()
        with mute_logger(TRANSPORT):
            message._enqueue()
        self.assertRecordValues(message, [{'state': 'failed', 'failure': "The template is gone."}])

    def test_queries_do_not_grow_with_the_messages(self):
        self.enqueue(self.partner, event='warm')
        counts = []
        for number in (3, 12):
            partners = self.env['res.partner'].create(
                [{'name': f"P{n}", 'email': f'p{n}@example.com'} for n in range(number)]
            )
            messages = self.plan(partners, event=f'n{number}')
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            messages._enqueue()
            self.env.flush_all()
            counts.append(self.cr.sql_log_count - before)
        self.assertEqual(counts[0], counts[1])

    def test_folded_messages_stand_before_the_text(self):
        """What the gate folded into a promotion is said in it."""
        own = {'content_model': False, 'content_id': False}
        text = '<html><body class="x"><p>Sale!</p></body></html>'
        host = self.plan(self.partner, 'offer', content_values={'body': text}, **own)
        part = self.plan(self.partner, event='birthday')
        self.fold(part, host)
        host._enqueue()
        body = self.get_mails(host).body_html
        self.assertRegex(body, r'^<html><body class="x"><p>Dear .*</p><p>Sale!</p></body></html>$')
        self.assertEqual(part.state, 'folded')

    def fold(self, part, host):
        part.write({'state': 'folded', 'folded_into_id': host.id})
        self.env.flush_all()
        part._fold()

    def test_template_shows_folded_messages_itself(self):
        host, part = self.plan(self.partner), self.plan(self.partner, event='birthday')
        self.template.body_html = (
            """<p><t t-out="ctx.get('message_values', {}).get('folded') and 'And more'"/></p>"""
        )
        self.fold(part, host)
        host._enqueue()
        self.assertEqual(self.get_mails(host).body_html, '<p>And more</p>')

    def test_text_message(self):
        self.partner.phone = '+4930123456'
        template = self.env['sms.template'].create(
            {
                'name': "SMS",
                'model_id': self.env['ir.model']._get_id('res.partner'),
                'body': "Hi {{ object.name }}",
            }
        )
        content = {'content_model': 'sms.template', 'content_id': template.id}
        offer = self.enqueue(self.partner, 'offer', channel='sms', event='offer', **content)
        order = self.enqueue(self.partner, 'transactional', channel='sms', event='o', **content)
        sms = self.env['sms.sms'].search([('crm_message_id', 'in', (offer | order).ids)])
        self.assertEqual(set(sms.mapped('state')), {'process'}, "core's queue takes 'outgoing'")
        self.assertEqual(set(sms.mapped('number')), {'+4930123456'})
        by_message = {row.crm_message_id: row.body for row in sms}
        self.assertEqual(by_message[order], "Hi Customer 0")
        self.assertRegex(by_message[offer], r"(?s)^Hi Customer 0.*http.*/crm/unsubscribe/")

    def test_task_for_staff(self):
        seller = new_test_user(self.env, 'seller', 'sales_team.group_sale_salesman')
        self.partners.user_id = seller
        calls = self.enqueue(self.partners, channel='phone')
        tasks = self.partners.activity_ids
        self.assertEqual(calls.mapped('state'), ['queued'] * 3)
        self.assertEqual(tasks.user_id, seller)
        self.assertEqual(tasks[0].activity_type_id, self.env.ref('mail.mail_activity_data_call'))
        self.partners[0].activity_ids.with_user(seller).action_feedback("Done")
        self.partners[1].activity_ids.with_user(seller).unlink()
        self.assertEqual(calls.mapped('state'), ['sent', 'cancelled', 'queued'])
        self.assertTrue(calls[0].sent_at)
        calls[2].write({'state': 'refused', 'reason': 'no_consent'})
        self.partners[2].activity_ids.with_user(seller).action_feedback("Done all the same")
        self.assertRecordValues(calls[2], [{'state': 'refused', 'reason': 'no_consent'}])
