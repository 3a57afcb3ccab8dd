from __future__ import annotations

import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Iterable
from urllib.parse import urlsplit

from lxml import html
from markupsafe import Markup
from werkzeug.urls import iri_to_uri

from odoo import Command, fields, models
from odoo.exceptions import UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL, html2plaintext

from ..message_content import MessageContent

_logger = logging.getLogger(__name__)

FOOTER_STYLE = 'margin-top:24px;font-size:12px;color:#6c757d;text-align:center'

ACTIVITY_TYPES = {
    'phone': 'mail.mail_activity_data_call',
    'post': 'mail.mail_activity_data_todo',
    'in_person': 'mail.mail_activity_data_meeting',
}


def _without_links(body: str) -> Markup:
    """Return a text without its links: their words stay, addresses and pictures do not."""
    if not body:
        return Markup()
    root = html.fragment_fromstring(str(body), create_parent='div')
    for element in root.xpath('.//form | .//a[@href][.//img or contains(string(), "/")]'):
        element.drop_tree()
    for link in root.xpath('.//a[@href]'):
        link.drop_tag()
    return Markup(html.tostring(root, encoding='unicode'))


class CrmMessage(models.Model):
    """From a message the gate has released to a mail, a short message or a task.

    Everything here happens in the transaction of the gate: it is all there, or nothing is.
    """

    _inherit = 'crm.message'

    # ------------------------------------------------------------
    # ENQUEUE
    # ------------------------------------------------------------

    def _enqueue(self) -> None:
        """Compose the messages and queue them; they leave in transactions of their own.

        What a message cannot be composed from (a broken template, a record that is gone) makes
        that one message fail and no other.
        """
        messages = self.sudo()
        if not messages:
            return
        contents = messages._compose()
        composed = messages.browse(contents)
        for channel, of_channel in composed.grouped('channel').items():
            method = {'email': '_enqueue_mails', 'sms': '_enqueue_sms'}.get(channel)
            getattr(of_channel, method or '_enqueue_activities')(contents)
        composed._release()
        messages._trigger_senders()

    def _enqueue_mails(self, contents: dict[int, MessageContent]) -> None:
        """Make the mails, not sent before this transaction is committed."""
        vals_list = self._prepare_mail_vals_list(contents)
        mails = self.env['mail.mail'].create(vals_list)
        mails._create_notifications()
        for mail, message in zip(mails, self, strict=True):
            mail._add_files(contents[message.id].files)
        rows = SQL(', ').join(
            SQL('(%s, %s, %s)', message.id, mail.id, vals['message_id'])
            for message, mail, vals in zip(self, mails, vals_list, strict=True)
        )
        self.env.execute_query(
            SQL(
                'UPDATE crm_message SET mail_mail_id_int = mail.id, rfc_message_id = mail.rfc_id'
                ' FROM (VALUES %s) AS mail (message_id, id, rfc_id)'
                ' WHERE crm_message.id = mail.message_id RETURNING crm_message.id',
                rows,
            )
        )
        self.invalidate_recordset(['mail_mail_id_int', 'rfc_message_id'], flush=False)

    def _enqueue_sms(self, contents: dict[int, MessageContent]) -> None:
        """Make the short messages, which the sender of the suite takes, not core's."""
        self.env['sms.sms'].create(
            [message._prepare_sms_vals(contents[message.id]) for message in self]
        )

    def _enqueue_activities(self, contents: dict[int, MessageContent]) -> None:
        """Make tasks for staff; a task that is done is a message that was sent."""
        self.env['mail.activity'].with_context(mail_activity_quick_update=True).create(
            [message._prepare_activity_vals(contents[message.id]) for message in self]
        )

    def _trigger_senders(self) -> None:
        """Have the queues looked at once this transaction is committed."""
        for cron in self._get_sender_crons():
            cron._trigger()

    def _get_sender_crons(self) -> models.BaseModel:
        """Return the scheduled actions that send, one for each share of the customers."""
        return self.env['ir.cron'].sudo().search([('code', '=like', 'model._cron_send(%')])

    # ------------------------------------------------------------
    # COMPOSE
    # ------------------------------------------------------------

    def _compose(self) -> dict[int, MessageContent]:
        """Return the text of each message that could be composed, by its id.

        An addon whose model gives texts adds ``_compose_<model with underscores>``; it is called
        for messages of one content, company, author and language, and returns the same.
        """
        contents = {}
        for messages in self._group_for_compose():
            contents |= messages._compose_safely(messages._get_compose_method())
        composed = self.filtered(lambda message: message.id in contents)
        composed._add_folded(contents)
        return {message.id: contents[message.id] for message in composed}

    def _add_folded(self, contents: dict[int, MessageContent]) -> None:
        """Put what the gate folded into these messages at the beginning of their text.

        :param contents: what the messages say; those that show it by themselves are left alone
        """
        hosts = self.filtered(
            lambda message: (
                (message.content_values or {}).get('folded')
                and not contents[message.id].shows_folded
            )
        )
        parts = hosts and self.search([('folded_into_id', 'in', hosts.ids)], order='id desc')
        if parts:
            texts = parts._compose()
            for part in parts:
                if part.id in texts:
                    contents[part.folded_into_id.id].prepend(texts[part.id].body)

    def _group_for_compose(self) -> Iterable[CrmMessage]:
        """Yield the messages that can be composed together, in the right environment."""
        groups = defaultdict(self.browse)
        system = self.env.ref('base.user_root')
        for message in self:
            values = json.dumps(message._get_shared_values(), sort_keys=True)
            key = (
                message.content_model,
                message.content_id,
                message.company_id,
                message._get_author() or system,
                message.partner_id.lang,
                values,
            )
            groups[key] |= message
        for (_model, _id, company, author, lang, values), messages in groups.items():
            yield (
                messages.with_user(author.sudo(False))
                .sudo()
                .with_company(company)
                .with_context(lang=lang or self.env.lang, message_values=json.loads(values))
            )

    def _get_shared_values(self) -> dict:
        """Return the values by which messages can be composed together.

        Only a mail template can show what was folded into its message by itself.
        """
        values = self.content_values or {}
        if self.content_model == 'mail.template':
            return values
        return {name: value for name, value in values.items() if name != 'folded'}

    def _get_compose_method(self) -> str:
        model = self[0].content_model
        method = f"_compose_{model.replace('.', '_')}" if model else '_compose_values'
        return method if hasattr(self, method) else '_compose_unknown'

    def _compose_safely(self, method: str) -> dict[int, MessageContent]:
        """Compose, and put aside the messages that cannot be composed."""
        try:
            with self.env.cr.savepoint():
                return getattr(self, method)()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:
            if len(self) == 1:
                _logger.info("Message %s cannot be composed", self.id, exc_info=True)
                self._fail(error)
                return {}
        half = len(self) // 2
        return self[:half]._compose_safely(method) | self[half:]._compose_safely(method)

    def _compose_values(self) -> dict[int, MessageContent]:
        """Compose messages that bring their own words along (key ``body``)."""
        return {
            message.id: message._prepare_content(
                subject=message.subject or '',
                body=(message.content_values or {}).get('body', ''),
            )
            for message in self
        }

    def _compose_unknown(self) -> dict[int, MessageContent]:
        """The addon that gave the text has been uninstalled."""
        raise UserError(
            self.env._("Nothing gives the text of %(model)s.", model=self[0].content_model)
        )

    def _compose_mail_template(self) -> dict[int, MessageContent]:
        """Compose from a mail template, which may read ``ctx['message_values']``."""
        template = self._get_content()
        record_ids = self._get_content_record_ids(template.model)
        names = ['subject', 'body_html', 'email_from', 'reply_to', 'mail_server_id']
        if template.attachment_ids or template.report_template_ids:
            names += ['attachment_ids', 'report_template_ids']
        rendered = template._generate_template(list(set(record_ids.values())), names)
        return {
            message.id: message._prepare_template_content(
                template, rendered[record_ids[message.id]], record_ids[message.id]
            )
            for message in self
        }

    def _prepare_template_content(self, template, values: dict, record_id: int) -> MessageContent:
        """Return the content of one message from what its template rendered to."""
        body = values.get('body_html') or ''
        layout = (self.content_values or {}).get('layout') or template.email_layout_xmlid
        if layout and body:
            record = self.env[template.model].browse(record_id)
            add_context = {
                'company': self.env.company,
                'model_description': self.env['ir.model']._get(template.model).display_name,
            }
            body = template._render_encapsulate(
                layout, body, add_context=add_context, context_record=record
            )
        names = ('email_from', 'reply_to', 'mail_server_id')
        values = {**values, 'email_from': self._get_sender(values)}
        content = self._prepare_content(
            subject=values.get('subject') or self.subject or '',
            body=body,
            keep=not template.auto_delete,
            shows_folded='folded' in (template.body_html or ''),
            mail={name: values[name] for name in names if values.get(name)},
            files=values.get('attachments', []),
        )
        if values.get('attachment_ids'):
            content.mail['attachment_ids'] = [Command.set(values['attachment_ids'])]
        return content

    def _get_sender(self, values: dict) -> str:
        """Return who sends a mail: what the template says, else what the message does."""
        return values.get('email_from') or (self.content_values or {}).get('email_from', '')

    def _compose_sms_template(self) -> dict[int, MessageContent]:
        """Compose from a template for short messages."""
        template = self._get_content()
        record_ids = self._get_content_record_ids(template.model)
        bodies = template._render_field('body', list(set(record_ids.values())))
        return {
            message.id: message._prepare_content(
                subject=message.subject or template.name, body=bodies[record_ids[message.id]]
            )
            for message in self
        }

    def _prepare_content(self, **values) -> MessageContent:
        """Return a content; ``keep`` in the message's values wins over the template."""
        keep = (self.content_values or {}).get('keep')
        return MessageContent(**values if keep is None else {**values, 'keep': keep})

    def _get_content(self) -> models.BaseModel:
        """Return the record that gives the text of these messages."""
        content = self.env[self[0].content_model].browse(self[0].content_id).exists()
        if not content:
            raise UserError(self.env._("The template is gone."))
        return content

    def _get_content_record_ids(self, model: str) -> dict[int, int]:
        """Return the record each message is about, as the template wants it.

        :param model: model of the template: that of the origin, or the customer, or the message
        """
        by_field = {'res.partner': 'partner_id', 'crm.person': 'person_id'}
        if model == self._name:
            record_ids = {message.id: message.id for message in self}
        elif all(message.origin_model == model for message in self):
            record_ids = {message.id: message.origin_id for message in self}
        elif model in by_field:
            record_ids = {message.id: message[by_field[model]].id for message in self}
        else:
            raise UserError(self.env._("The template is about something else."))
        found = set(self.env[model].browse(set(record_ids.values())).exists().ids)
        if not found.issuperset(record_ids.values()):
            raise UserError(self.env._("What the message is about is gone."))
        return record_ids

    # ------------------------------------------------------------
    # VALUES
    # ------------------------------------------------------------

    def _prepare_mail_vals_list(self, contents: dict[int, MessageContent]) -> list[dict]:
        """Return the values of the mails, in the order of the messages."""
        vals_list = [message._prepare_mail_vals(contents[message.id]) for message in self]
        self._add_reply_to(vals_list)
        return vals_list

    def _prepare_mail_vals(self, content: MessageContent) -> dict:
        """Return the values of the mail of one message."""
        company = self.company_id
        author = self._get_author()
        return {
            'crm_message_id': self.id,
            'message_id': self._get_rfc_message_id(),
            'message_type': 'email_outgoing',
            'subject': content.subject,
            'body_html': content.body,
            'body': self._get_kept_body(content),
            'email_from': company.email_formatted or self.env.user.email_formatted,
            'author_id': (author.partner_id or company.partner_id).id,
            'recipient_ids': [Command.link(self.partner_id.id)],
            'partner_ids': [Command.link(self.partner_id.id)] if content.keep else [],
            'record_company_id': company.id,
            'record_alias_domain_id': company.alias_domain_id.id,
            'auto_delete': False,  # in SQL, many at once
            'is_notification': content.keep,
            **self._prepare_thread_vals(),
            **content.mail,
        }

    def _get_kept_body(self, content: MessageContent) -> str:
        """Return what stays in the chatter of a mail.

        The links of a question stay with the customer: colleagues read the chatter, also those who
        are judged, and who follows such a link answers for him.
        """
        if not content.keep:
            return ''
        return _without_links(content.body) if self.message_class == 'survey' else content.body

    def _get_author(self):
        """Return the employee who caused the message.

        Without one it is the company's word: what the system or a customer caused. A mail to a
        customer in his own name would be refused as forged, and his answer would go to himself.
        """
        self.ensure_one()
        user = self.create_uid
        return user if user.active and user._is_internal() else user.browse()

    def _prepare_thread_vals(self) -> dict:
        """Return the record in whose chatter the mail and answers to it belong."""
        if self.origin_id and self.origin_model in self.env:
            return {'model': self.origin_model, 'res_id': self.origin_id}
        return {'model': 'res.partner', 'res_id': self.partner_id.id}

    def _add_reply_to(self, vals_list: list[dict]) -> None:
        """Add the addresses answers go to, at the cost of a few queries for all."""
        by_model = defaultdict(list)
        for vals in vals_list:
            if not vals.get('reply_to'):
                by_model[vals['model']].append(vals)
        for model, of_model in by_model.items():
            senders = {vals['res_id']: vals['email_from'] for vals in of_model}
            authors = {vals['res_id']: vals['author_id'] for vals in of_model}
            records = self.env[model].browse(senders)
            addresses = records._notify_get_reply_to_batch(defaults=senders, author_ids=authors)
            for vals in of_model:
                vals['reply_to'] = addresses[vals['res_id']]

    def _get_rfc_message_id(self) -> str:
        """Return the Message-Id: the same however often the message has to be tried."""
        self.ensure_one()
        secret = self.env['ir.config_parameter'].sudo().get_param('database.uuid')
        digest = hashlib.sha256(f'{secret}|{self.key}'.encode()).hexdigest()[:32]
        base = urlsplit(iri_to_uri(self.get_base_url()))
        host = self.company_id.alias_domain_id.name or base.hostname
        return f'<{digest}.{self.id}@{host}>'

    def _prepare_sms_vals(self, content: MessageContent) -> dict:
        """Return the values of a short message; ``process`` keeps core's queue away from it."""
        text = html2plaintext(content.body) if '<' in content.body else content.body
        if url := self._get_unsubscribe_url():
            text = self.env._("%(text)s\nStop: %(url)s", text=text, url=url)
        return {
            'crm_message_id': self.id,
            'uuid': self._get_rfc_message_id()[1:33],
            'number': self.partner_id.phone_sanitized,
            'partner_id': self.partner_id.id,
            'body': text,
            'state': 'process',
        }

    def _prepare_activity_vals(self, content: MessageContent) -> dict:
        """Return the values of a task; who looks after the customer gets it."""
        partner = self.partner_id
        user = partner.user_id or partner.commercial_partner_id.user_id
        return {
            'crm_message_id': self.id,
            'activity_type_id': self.env.ref(ACTIVITY_TYPES[self.channel]).id,
            'res_model_id': self.env['ir.model']._get_id('res.partner'),
            'res_id': partner.id,
            'user_id': (user or self._get_author()).id,
            'summary': content.subject or self.subject,
            'note': content.body,
            'date_deadline': fields.Date.context_today(self),
        }

    # ------------------------------------------------------------
    # UNSUBSCRIBE
    # ------------------------------------------------------------

    def _may_unsubscribe(self) -> bool:
        """Whether the customer can refuse messages like this one by a click."""
        return self.purpose != 'transactional'

    def _get_unsubscribe_url(self) -> str:
        """Return where one click ends messages of this purpose; empty where there is no such."""
        self.ensure_one()
        if not self._may_unsubscribe():
            return ''
        return self.person_id._get_unsubscribe_url(self.company_id, self.purpose, self.channel)

    def _get_preference_url(self) -> str:
        """Return the page on which the customer chooses what he wants to get."""
        self.ensure_one()
        if not self._may_unsubscribe():
            return ''
        return self.person_id._get_preference_url(self.company_id, self.channel)

    def _get_mail_footer(self, url: str) -> Markup:
        """Return the last line of a mail, by which the customer gets to his choices.

        :param url: page of the choices
        """
        env = self.with_context(lang=self.partner_id.lang or self.env.lang).env
        text = env._(
            "You get this mail as a customer of %(company)s.", company=self.company_id.name
        )
        link = Markup('<a href="%s">%s</a>') % (url, env._("Choose what you want to get"))
        return Markup('<div style="%s">%s %s</div>') % (FOOTER_STYLE, text, link)

    def _get_mail_headers(self) -> dict[str, str]:
        """Return the headers by which mail programs offer to unsubscribe (RFC 8058)."""
        url = self._get_unsubscribe_url()
        if not url:
            return {}
        return {
            'List-Unsubscribe': f'<{iri_to_uri(url)}>',
            'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
            'Precedence': 'list',
            'X-Auto-Response-Suppress': 'OOF',
        }
