from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection

from markupsafe import Markup

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.mail import html_normalize
from odoo.tools.misc import file_open

# what makes a body or a subject different for each customer
IS_DYNAMIC = re.compile(r'<t[\s>]|\st-[a-z]+(-[\w.-]+)?=|\{\{')
HAS_DYNAMIC_LINK = re.compile(r'\st-attf?(-href)?=')
# as in core
NOT_TRACKED = ['/unsubscribe_from_list', '/view', '/cards/']
# an element that shows a field, as core's renderer without evaluation knows it
FIELD_TAG = re.compile(r'''<(\w+)\s+t-out=\s*(['"])[\w.]+\2\s*(?:/>|>[^<>]*</\1>)''', re.DOTALL)
BODY_MARK = Markup('<div>--body-of-the-mailing--</div>')
STYLES = 'mass_mailing/static/src/scss/mass_mailing_mail.scss'


class MailingMailing(models.Model):
    """Mailings to a segment pass the gate: each recipient becomes a message of class offer."""

    _inherit = 'mailing.mailing'

    crm_waterfall = fields.Html(
        compute='_compute_crm_waterfall',
        # counts name nobody: whoever may read the mailing may know them
        compute_sudo=True,
        string="What Became of It",
        sanitize=False,
        help="Every recipient once: sent, on the way, waiting for what, refused for what.",
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    def _compute_crm_waterfall(self):
        groups = self.env['crm.message']._read_group(
            self._get_message_domain(), ['origin_id', 'state', 'reason'], ['__count']
        )
        counts = {mailing.id: Counter() for mailing in self}
        for mailing_id, state, reason, count in groups:
            counts[mailing_id][state, reason] += count
        for mailing in self:
            mailing.crm_waterfall = mailing._render_waterfall(counts[mailing.id])

    def _render_waterfall(self, counts: Counter) -> str | bool:
        """Return the counts as a table, the total first.

        :param counts: number of messages by state and reason
        """
        if not counts:
            return False
        selections = {
            name: dict(self.env['crm.message']._fields[name]._description_selection(self.env))
            for name in ('state', 'reason')
        }
        order = list(selections['state'])
        rows = [(self.env._("Audience"), '', counts.total())]
        rows += [
            (selections['state'][state], selections['reason'].get(reason, ''), count)
            for (state, reason), count in sorted(
                counts.items(), key=lambda item: (order.index(item[0][0]), -item[1])
            )
        ]
        cells = Markup('<tr><td>%s</td><td>%s</td><td class="text-end">%s</td></tr>')
        body = Markup().join(cells % row for row in rows)
        return Markup('<table class="table table-sm w-auto"><tbody>%s</tbody></table>') % body

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_view_crm_messages(self) -> dict:
        """Open the messages of the mailing, by what became of them."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.display_name,
            'res_model': 'crm.message',
            'view_mode': 'list,form',
            'domain': list(self._get_message_domain()),
            'context': {'group_by': ['state', 'reason']},
        }

    def action_retry_failed(self):
        """Send again what failed."""
        gated = self.filtered(lambda mailing: mailing._passes_gate())
        failed = Domain('state', '=', 'failed') & Domain('reason', '=', 'delivery')
        messages = self.env['crm.message'].sudo().search(gated._get_message_domain() & failed)
        if messages:
            messages.action_send_again()
        others = self - gated
        return super(MailingMailing, others).action_retry_failed() if others else None

    # ------------------------------------------------------------
    # PLAN
    # ------------------------------------------------------------

    def _passes_gate(self) -> bool:
        """Whether the recipients become messages, and the gate decides when each is sent."""
        self.ensure_one()
        return bool(
            self.crm_segment_id
            and self.mailing_type == 'mail'
            and self.mailing_model_real == 'res.partner'
        )

    def _get_message_domain(self) -> Domain:
        return Domain('origin_model', '=', self._name) & Domain('origin_id', 'in', self.ids)

    def _action_send_mail(self, res_ids=None):
        gated = self.filtered(lambda mailing: mailing._passes_gate())
        for mailing in gated:
            mailing._plan_messages(res_ids or mailing._get_remaining_recipients())
        return super(MailingMailing, self - gated)._action_send_mail(res_ids)

    def _get_remaining_recipients(self):
        """Leave out who has a message of this mailing already, whatever became of it."""
        remaining = super()._get_remaining_recipients()
        if not self._passes_gate():
            return remaining
        rows = self.env.execute_query(
            SQL(
                'SELECT person.partner_id FROM crm_message AS message'
                ' JOIN crm_person AS person ON person.id = message.person_id'
                ' WHERE message.origin_model = %s AND message.origin_id = %s',
                self._name,
                self.id,
            )
        )
        planned = {partner_id for (partner_id,) in rows}
        return [partner_id for partner_id in remaining if partner_id not in planned]

    def _plan_messages(self, partner_ids: Collection[int]) -> None:
        """Plan one message to each recipient; the mailing itself is done with that.

        :param partner_ids: recipients
        :raise UserError: there are none
        """
        if not partner_ids:
            raise UserError(self.env._("There are no recipients selected."))
        messages = self.env['crm.message'].sudo()
        chosen = SQL('SELECT unnest(%s::int[])', list(partner_ids))
        self.env['crm.person'].sudo()._insert_missing(chosen)
        messages._plan_select(self._get_plan_sql(chosen))
        first = not self.sent_date
        now = fields.Datetime.now()
        self.write({'state': 'done', 'sent_date': now, 'kpi_mail_required': first})

    def _get_plan_sql(self, partner_ids: SQL) -> SQL:
        """Return what is planned, one row for each person.

        :param partner_ids: SELECT of ids of contacts
        """
        company = self.crm_segment_id.company_id or self.env.company
        return SQL(
            "SELECT 'mailing.mailing:' || %(id)s || ':' || person.person_key AS key,"
            " person.id AS person_id, %(class)s AS message_class, 'email' AS channel,"
            ' %(company)s AS company_id, %(subject)s AS subject,'
            ' %(model)s AS origin_model, %(id)s AS origin_id,'
            ' %(model)s AS content_model, %(id)s AS content_id'
            ' FROM crm_person AS person WHERE person.partner_id IN (%(partner_ids)s)',
            **{'id': self.id, 'class': self._get_message_class(), 'model': self._name},
            company=company.id,
            subject=self.subject,
            partner_ids=partner_ids,
        )

    def _get_message_class(self) -> str:
        """Return the class of the mailing's messages."""
        return 'offer'

    # ------------------------------------------------------------
    # COMPOSE
    # ------------------------------------------------------------

    def _prepare_message_contents(self, partners) -> dict[int, tuple[str, Markup]]:
        """Return subject and body for each recipient, links tracked as core does.

        What is the same for everybody is done once: the frame, and all links but computed ones.

        :param partners: recipients
        """
        source = self._prepend_preview(self.body_html or '', self.preview)
        source = self._shorten_links(source, self._get_link_tracker_values(), NOT_TRACKED)
        subjects = self._render_for(partners, 'subject', self.subject)
        bodies = self._render_for(partners, 'body_html', source)
        layout = self._render_layout()
        before, _mark, after = layout.partition(BODY_MARK)
        # one object for equal bodies: a thousand mails need not hold a thousand copies
        framed = {body: before + body + after for body in set(bodies.values())}
        return {
            partner.id: (subjects[partner.id], framed[bodies[partner.id]]) for partner in partners
        }

    def _render_for(self, partners, field_name: str, source: str) -> dict[int, str]:
        """Render one text for each recipient.

        :param partners: recipients
        :param field_name: field whose way of rendering is used
        :param source: the text
        """
        dynamic = IS_DYNAMIC.search(source or '')
        engine = getattr(self._fields[field_name], 'render_engine', None) or 'inline_template'
        simple = engine == 'qweb' and not self._has_unsafe_expression_template_qweb(
            source, partners._name
        )
        if dynamic and simple:
            return self._render_simple(partners, source)
        mailing = self
        if HAS_DYNAMIC_LINK.search(source or ''):
            mailing = self.with_context(**self._get_mass_mailing_context())
        rendered = mailing._render_template(
            source,
            partners._name,
            partners.ids if dynamic else partners[:1].ids,
            engine=engine,
            options=getattr(self._fields[field_name], 'render_options', None) or {},
        )
        if dynamic:
            return rendered
        return dict.fromkeys(partners.ids, rendered[partners[:1].id])

    def _render_simple(self, partners, source: str) -> dict[int, Markup]:
        """Render a text whose only dynamic parts are fields of the recipient.

        Core brings the whole text into order again for each recipient; here only these parts.

        :param partners: recipients
        :param source: the text
        """
        source = html_normalize(f'<div>{source}</div>').removeprefix('<div>').removesuffix('</div>')
        values = {
            tag: self._render_template(tag, partners._name, partners.ids, engine='qweb')
            for tag in {match[0] for match in FIELD_TAG.finditer(source)}
        }
        rendered = {
            partner_id: Markup(
                FIELD_TAG.sub(
                    lambda match, partner_id=partner_id: values[match[0]][partner_id], source
                )
            )
            for partner_id in partners.ids
        }
        return self._render_template_postprocess(partners._name, rendered)

    @api.model
    def _render_layout(self) -> Markup:
        """Return core's frame around a mailing, with a mark where the body belongs."""
        with file_open(STYLES, 'r') as file:
            styles = Markup('<style>%s</style>') % Markup(file.read())
        layout = self.env['ir.qweb']._render(
            'mass_mailing.mass_mailing_mail_layout',
            {'body': BODY_MARK, 'mailing_style': styles},
            minimal_qcontext=True,
            raise_if_not_found=False,
        )
        return layout or BODY_MARK

    def _prepare_message_mail_vals(self) -> dict:
        """Return the values all mails of the mailing have in common."""
        author = self.user_id.partner_id or self.env.user.partner_id
        vals = {
            'mailing_id': self.id,
            'author_id': author.id,
            'email_from': self.email_from,
            'mail_server_id': self.mail_server_id.id,
            'model': 'res.partner',
            'attachment_ids': [Command.set(self.attachment_ids.ids)],
        }
        if self.reply_to_mode == 'new':
            vals['reply_to'] = self.reply_to or self.email_from
        return vals
