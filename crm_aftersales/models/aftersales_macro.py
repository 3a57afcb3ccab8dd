from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

from markupsafe import Markup, escape

from odoo import Command, api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import format_date, html2plaintext, is_html_empty

from .aftersales_sla_policy import PRIORITIES

#: a placeholder as in mail templates; editors put hard spaces and tags around what is in it
PLACEHOLDER = re.compile(r'\{\{(.*?)\}\}', re.DOTALL)


class AftersalesMacro(models.Model):
    """An answer given often, and what is done with the request when it is given.

    The answer is written once in each language and goes out in the customer's. Its placeholders
    look like those of mail templates, but only those of a short list are known: whoever writes
    answers need not be trusted with code.
    """

    _name = 'aftersales.macro'
    _description = "Service Macro"
    _order = 'sequence, name, id'
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company',
        index=True,
        default=lambda self: self.env['res.company']._get_settings_company(),
    )
    team_ids = fields.Many2many(
        comodel_name='aftersales.team',
        string="Teams",
        help="Empty: every team.",
    )
    type_ids = fields.Many2many(
        comodel_name='aftersales.request.type',
        string="Types",
        check_company=True,
        help="Empty: every type.",
    )

    # === Answer ===
    body = fields.Html(string="Answer", translate=True, help="Empty: nothing is written.")
    is_note = fields.Boolean(
        string="Internal Note", help="Written for colleagues; the customer does not see it."
    )
    placeholder_help = fields.Html(string="Placeholders", compute='_compute_placeholder_help')

    # === What it does ===
    stage_id = fields.Many2one(
        comodel_name='aftersales.request.stage', string="Move to Stage", ondelete='restrict'
    )
    priority = fields.Selection(selection=PRIORITIES, string="Set Priority")
    responsible = fields.Selection(
        selection=[('me', "Whoever uses the macro"), ('user', "A colleague")],
        string="Set Responsible",
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string="Colleague",
        domain=lambda self: self.env['aftersales.request']._get_worker_domain(),
        check_company=True,
    )
    tag_ids = fields.Many2many(comodel_name='aftersales.tag', string="Add Tags", check_company=True)

    @api.constrains('body')
    def _check_placeholders(self):
        for macro in self:
            unknown = {
                name for name in macro._get_used_names(macro.body) if name not in self._get_values()
            }
            if unknown:
                raise ValidationError(
                    self.env._(
                        "%(names)s: no placeholder has this name. There are: %(known)s.",
                        names=sorted(unknown),
                        known=list(self._get_values()),
                    )
                )

    def _compute_placeholder_help(self):
        rows = Markup().join(
            Markup('<li><code>{{{{ {0} }}}}</code></li>').format(name)
            for name in self._get_values()
        )
        self.placeholder_help = Markup('<ul class="list-unstyled">%s</ul>') % rows

    # ------------------------------------------------------------
    # TEXT
    # ------------------------------------------------------------

    @api.model
    def _get_values(self) -> dict[str, Callable]:
        """Return what an answer may name: placeholder -> function of the request."""
        return {
            'object.number': lambda request: request.number,
            'object.name': lambda request: request.name,
            'object.partner_id.name': lambda request: request.partner_id.greeting_name,
            'object.product_id.name': lambda request: request.product_id.name,
            'object.unit_id.name': lambda request: request.unit_id.name,
            'object.unit_id.serial': lambda request: request.unit_id.serial,
            'object.unit_id.warranty_end': lambda request: self._format_day(
                request.unit_id.warranty_end
            ),
            'object.sale_order_id.name': lambda request: request.sudo().sale_order_id.name,
            'object.date_received': lambda request: self._format_day(
                fields.Datetime.context_timestamp(request, request.date_received)
            ),
            'object.stage_id.name': lambda request: request.stage_id.name,
            'object.team_id.name': lambda request: request.team_id.name,
            'object.user_id.name': lambda request: request.user_id.name,
            'object.company_id.name': lambda request: request.company_id.name,
            'user.name': lambda request: self.env.user.name,
        }

    @api.model
    def _format_day(self, day) -> str:
        return format_date(self.env, day) if day else ''

    @api.model
    def _get_used_names(self, body) -> list[str]:
        """Return what stands in the placeholders of a text."""
        return [self._get_name(found) for found in PLACEHOLDER.findall(body or '')]

    @api.model
    def _get_name(self, found: str) -> str:
        """Return the name in a placeholder, without what an editor put around it."""
        return html2plaintext(unquote(found)).replace('\xa0', ' ').strip()

    def _render(self, request) -> Markup:
        """Return the answer to a request, in its customer's language.

        :param request: one ``aftersales.request``
        """
        self.ensure_one()
        request.ensure_one()
        lang = request._get_customer_lang()
        macro, request = self.with_context(lang=lang), request.with_context(lang=lang)
        values = macro._get_values()

        def fill(match):
            value = values.get(macro._get_name(match[1]))
            return escape(value(request) or '') if value else Markup()

        return Markup(PLACEHOLDER.sub(fill, macro.body or ''))

    # ------------------------------------------------------------
    # USE
    # ------------------------------------------------------------

    @api.model
    def _get_offered_domain(self, requests) -> Domain:
        """Return the domain of the macros that fit all of some requests."""
        domain = Domain.TRUE
        limits = {
            'company_id': requests.company_id,
            'team_ids': requests.team_id,
            'type_ids': requests.type_id,
        }
        for name, records in limits.items():
            of_one = Domain(name, 'in', records.ids) if len(records) == 1 else Domain.FALSE
            domain &= Domain(name, '=', False) | of_one
        return domain

    def _apply(self, requests, body=None) -> None:
        """Answer requests and change them as the macro says.

        :param requests: what the user may write
        :param body: in place of the macro's text, when somebody changed it before it goes out
        """
        self.ensure_one()
        requests.check_access('write')
        self._ensure_meant_for(requests)
        answered = requests.browse()
        for request in requests:
            text = self._render(request) if body is None else body
            if not is_html_empty(text):
                request._post_macro(text, is_note=self.is_note)
                answered |= request
        if vals := self._prepare_request_vals():
            told = [] if self.is_note else answered.ids
            requests.with_context(aftersales_answered_ids=told).write(vals)

    def _ensure_meant_for(self, requests) -> None:
        """Refuse requests of other companies, teams and types.

        :raise UserError: names the first of them
        """
        alike = requests.grouped(lambda r: (r.company_id, r.team_id, r.type_id))
        for some in alike.values():
            if not self.filtered_domain(self._get_offered_domain(some)):
                raise UserError(
                    self.env._(
                        "“%(macro)s” is not meant for %(request)s.",
                        macro=self.name,
                        request=some[0].display_name,
                    )
                )

    def _prepare_request_vals(self) -> dict:
        """Return what changes on a request that the macro is used on."""
        vals = {}
        if self.responsible:
            vals['user_id'] = self.env.uid if self.responsible == 'me' else self.user_id.id
        if self.priority:
            vals['priority'] = self.priority
        if self.stage_id:
            vals['stage_id'] = self.stage_id.id
        if self.tag_ids:
            vals['tag_ids'] = [Command.link(tag_id) for tag_id in self.tag_ids.ids]
        return vals
