# ruff: noqa: F821 - `env` is what Odoo's shell provides
"""Send one slice of a mailing, from due to cleaned up, and write what it cost.

Run in Odoo's shell, on core alone or with the suite installed; the mails go to a mail server
that runs as a process of its own.
"""

import os
import sys

sys.path.insert(0, os.environ['SUITE_ROOT'])

from tool.meter import Meter

start, number = int(os.environ['SUITE_START']), int(os.environ['SUITE_NUMBER'])
port, total = int(os.environ['SUITE_PORT']), int(os.environ['SUITE_TOTAL'])
REF = 'bench_mail'
PARAGRAPH = "<p>Our tea harvest of this year has arrived, and it is better than ever. </p>" * 20
LINKS = ''.join(
    f'<p><a href="https://shop.example.com/tea/{n}">Tea number {n}</a></p>' for n in range(5)
)
BODY = (
    '<div class="o_layout"><h1>News</h1><p>Dear <t t-out="object.name"/>,</p>'
    f'{PARAGRAPH}{LINKS}<p><a href="/unsubscribe_from_list">Unsubscribe</a></p></div>'
)


def prepare():
    """Customers, and a mail server that takes everything."""
    env['ir.mail_server'].search([]).active = False
    env['ir.mail_server'].create({'name': "Sink", 'smtp_host': 'localhost', 'smtp_port': port})
    env['mail.mail'].search([('state', '=', 'outgoing')]).cancel()
    env['res.partner'].create(
        [
            {'name': f"Reader {n}", 'email': f'reader{n}@bench.example.com', 'ref': REF}
            for n in range(total)
        ]
    )
    if 'crm.segment' in env:
        env.company.crm_consent_promotion = 'opt_out'
        # neither quiet hours nor caps, and no range of days that the demo data keep free
        env['crm.contact.policy'].search([]).unlink()
        env['crm.quiet.period'].search([]).unlink()
        segment = env['crm.segment'].create(
            {'name': REF, 'domain': repr([('ref', '=', REF)]), 'state': 'active'}
        )
        segment.action_refresh()
    env.cr.commit()


def make_mailing(partner_ids):
    """A mailing to some customers, ready to leave."""
    vals = {
        'subject': "News for {{ object.name }}",
        'body_html': BODY,
        'mailing_model_id': env['ir.model']._get_id('res.partner'),
        'reply_to_mode': 'new',
    }
    if 'crm.segment' in env:
        vals['crm_segment_id'] = env['crm.segment'].search([('name', '=', REF)], limit=1).id
    mailing = env['mailing.mailing'].create(vals)
    mailing.mailing_domain = repr([('id', 'in', partner_ids)])
    mailing.action_put_in_queue()
    env.cr.commit()
    return mailing


def send(mailing):
    """Do what the scheduled actions do, until nothing is left."""
    mailing._action_send_mail()
    env.cr.commit()
    if 'crm.segment' in env:
        env['crm.message']._cron_gate(0, 1)
        env['crm.message']._cron_send(0, 1)
    else:
        while env['mail.mail'].search_count([('state', '=', 'outgoing')]):
            env['mail.mail'].process_email_queue()
            env.cr.commit()


def check(mailing):
    """Every mail is sent, in the statistics, and gone from the tables."""
    sent = env['mailing.trace'].search_count(
        [('mass_mailing_id', '=', mailing.id), ('trace_status', '=', 'sent')]
    )
    left = env['mail.mail'].search_count([('mailing_id', '=', mailing.id)])
    if (sent, left) != (number, 0):
        raise SystemExit(f"{sent} of {number} mails sent, {left} not cleaned up")


if not number:
    prepare()
    number = 50  # fills the caches and leaves the first slice like the others
readers = env['res.partner'].search([('ref', '=', REF)], order='id').ids
mailing = make_mailing(readers[start : start + number])
meter = Meter(env)
send(mailing)
meter.write(os.environ['SUITE_TARGET'])
check(mailing)
