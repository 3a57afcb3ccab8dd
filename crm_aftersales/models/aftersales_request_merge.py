from __future__ import annotations

import re

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import email_normalize

from .aftersales_request_mail import MAX_SUBJECT
from .aftersales_request_stage import OPEN_STATES

#: words of a subject, of which those with a digit may be a number
WORD = re.compile(r'[\w./-]+')
#: how many of its words are looked at
MAX_WORDS = 10
#: fields of other models that name a request and have no other care
REFERRING_FIELDS = (
    ('aftersales.unit.component', 'request_in_id'),
    ('aftersales.unit.component', 'request_out_id'),
    ('aftersales.warranty', 'request_id'),
    ('aftersales.followup', 'complaint_id'),
)
#: of messages: what the system noted about one record stays the history of that record
NOTED_BY_SYSTEM = ('notification', 'user_notification')


class AftersalesRequest(models.Model):
    """Two requests turn out to be one: the survivor takes over what hangs on the others.

    A merged request stays as a signpost. Whatever still comes in for it, an answer to an old mail,
    a mail with the old number or a visit of the old page, ends at the survivor.
    """

    _name = 'aftersales.request'
    _inherit = ['aftersales.request', 'crm.version.mixin']

    merged_into_id = fields.Many2one(
        comodel_name='aftersales.request',
        string="Merged into",
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='restrict',
        check_company=True,
        help="The request in which this one goes on; always the one that is left in the end.",
    )
    merged_ids = fields.One2many(
        comodel_name='aftersales.request', inverse_name='merged_into_id', string="Merged Requests"
    )

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields() | {'merged_into_id'}

    @api.constrains('merged_into_id', 'stage_id')
    def _check_merged_stays_ended(self):
        for request in self:
            if request.merged_into_id and request.state != 'cancelled':
                raise ValidationError(
                    self.env._(
                        "%(request)s was merged into %(survivor)s. Please go on there.",
                        request=request.number,
                        survivor=request.merged_into_id.display_name,
                    )
                )

    @api.model
    def _get_counted_domain(self) -> Domain:
        """Return the domain of the requests that figures count: each matter once."""
        return Domain('merged_into_id', '=', False)

    def _get_survivor(self):
        """Return the request in which this one goes on, itself when it was not merged."""
        self.ensure_one()
        return self.merged_into_id or self

    # ------------------------------------------------------------
    # MERGE
    # ------------------------------------------------------------

    def _merge_into(self, survivor: AftersalesRequest) -> AftersalesRequest:
        """Let one request take over what hangs on these.

        :param survivor: the request that stays; when it was merged itself, the one it went into
        :return: the request that stays
        :raise UserError: they are not of one customer and one company, or were merged before
        :raise AccessError: the user may not change one of them
        """
        survivor = survivor._get_survivor()
        sources = self - survivor
        sources._ensure_can_merge_into(survivor)
        # who merges one of them at the same time runs again, on what this leaves
        (sources | survivor)._bump_version()
        sources_sudo, survivor_sudo = sources.sudo(), survivor.sudo()
        survivor_sudo._take_over(sources_sudo)
        sources_sudo._end_as_merged(survivor_sudo)
        survivor_sudo._merge_after_hook(sources_sudo)
        return survivor

    def _ensure_can_merge_into(self, survivor) -> None:
        """Refuse what are not several requests of one customer."""
        if not self:
            raise UserError(self.env._("Choose at least two requests to merge."))
        (self | survivor).check_access('write')
        for request in self:
            if request.merged_into_id:
                message = self.env._(
                    "%(request)s was already merged into %(survivor)s.",
                    request=request.number,
                    survivor=request.merged_into_id.number,
                )
            elif request.company_id != survivor.company_id:
                message = self.env._(
                    "%(request)s and %(survivor)s belong to different companies.",
                    request=request.number,
                    survivor=survivor.number,
                )
            elif not request._is_of_same_customer(survivor):
                message = self.env._(
                    "%(request)s and %(survivor)s are not of the same customer. If they are,"
                    " correct the customer of one of them first.",
                    request=request.number,
                    survivor=survivor.number,
                )
            else:
                continue
            raise UserError(message)

    def _is_of_same_customer(self, other) -> bool:
        """Whether both come from one commercial entity, or one address nobody knows yet."""
        if self.commercial_partner_id and other.commercial_partner_id:
            return self.commercial_partner_id == other.commercial_partner_id
        address = email_normalize(self.email_from)
        return bool(address) and address == email_normalize(other.email_from)

    def _is_of_same_person(self, other) -> bool:
        """Whether both come from one contact, or one address nobody knows yet."""
        if self.partner_id or other.partner_id:
            return self.partner_id == other.partner_id
        return self._is_of_same_customer(other)

    # ------------------------------------------------------------
    # WHAT THE SURVIVOR TAKES OVER
    # ------------------------------------------------------------

    def _take_over(self, sources) -> None:
        """Move everything here that hangs on requests which end.

        :param sources: the requests that end
        """
        self._take_over_followers(sources)
        self._take_over_records(sources)
        self._take_over_ratings(sources)
        if self.state not in OPEN_STATES and sources.filtered(lambda r: r.state in OPEN_STATES):
            self.action_reopen()
        vals = self._prepare_taken_over_vals(sources)
        if vals:
            self.write(vals)
        self._take_over_clocks(sources)
        self._message_log(body=self._get_taken_over_text(sources))
        self.env.flush_all()
        self.env.invalidate_all()

    def _get_moved_records(self, sources) -> list[tuple[models.BaseModel, str]]:
        """Return what moves to the survivor, each with the field that names the request.

        An addon adds the records of its own models here.
        """
        env = self.env(context={**self.env.context, 'active_test': False})
        thread = Domain('res_id', 'in', sources.ids)
        by_name = thread & Domain('res_model', '=', self._name)
        messages = thread & Domain('model', '=', self._name)
        spoken = Domain('message_type', 'not in', NOTED_BY_SYSTEM)
        rated = Domain('rating_ids', '!=', False)
        return [
            (env['mail.message'].search(messages & (spoken | rated)), 'res_id'),
            (env['ir.attachment'].search(by_name & Domain('res_field', '=', False)), 'res_id'),
            (env['mail.activity'].search(by_name), 'res_id'),
            (self.search([('parent_id', 'in', sources.ids)]) - self - sources, 'parent_id'),
            *(
                (env[model].search([(name, 'in', sources.ids)]), name)
                for model, name in REFERRING_FIELDS
            ),
        ]

    def _take_over_records(self, sources) -> None:
        for records, field_name in self._get_moved_records(sources):
            if records:
                records.with_context(mail_activity_quick_update=True).write({field_name: self.id})

    def _take_over_ratings(self, sources) -> None:
        domain = Domain('res_model', '=', self._name) & Domain('res_id', 'in', sources.ids)
        ratings = self.env['rating.rating'].search(domain)
        if ratings:
            ratings.write({'res_id': self.id})
            ratings.flush_recordset(['res_id'])  # core computes the last one in SQL
            self.env.add_to_compute(self._fields['rating_last_value'], self | sources)

    def _take_over_followers(self, sources) -> None:
        followers = sources.message_partner_ids
        if followers:
            self.message_subscribe(followers.ids)
            sources.message_unsubscribe(followers.ids)

    def _prepare_taken_over_vals(self, sources) -> dict:
        """Return what the survivor has to know of the requests that end.

        What it says itself is right; only what it does not know is taken over.
        """
        vals = {}
        parents = (self | sources).parent_id - self - sources
        if self.parent_id in sources or (parents and not self.parent_id):
            vals['parent_id'] = parents[:1].id
        if not self.unit_id and (units := sources.unit_id):
            owner_vals = self._prepare_owner_vals(self.partner_id, units[0])
            vals.update({'unit_id': units[0].id, **owner_vals})
        vals.update(self._prepare_unknown_vals(sources))
        vals.update(self._prepare_urgent_vals(sources))
        addresses = [address for address in (self | sources).mapped('email_cc') if address]
        copies = self._mail_cc_sanitized_raw_dict(", ".join(addresses))
        if copies:
            vals['email_cc'] = ", ".join(copies.values())
        return vals

    @api.model
    def _get_taken_over_fields(self) -> list[tuple[str, ...]]:
        """Return the fields taken over where the survivor has no value: the first of each tells."""
        return [
            ('user_id',),
            ('service_point_id',),
            ('fault_code_id',),
            ('cause_code_id',),
            ('solution_code_id',),
            ('article_id',),
            ('decision', 'decision_reason'),
        ]

    def _prepare_unknown_vals(self, sources) -> dict:
        """Return what only the requests that end know."""
        vals = {}
        for first, *others in self._get_taken_over_fields():
            known = not self[first] and sources.filtered(first)[:1]
            for name in [first, *others] if known else ():
                vals[name] = self._fields[name].convert_to_write(known[name], known)
        if 'service_point_id' in vals:
            vals['team_id'] = self.team_id.id  # not that of the place
        return vals

    def _prepare_urgent_vals(self, sources) -> dict:
        """Return how urgent the matter is: as urgent as the most urgent that is still open."""
        still_open = sources.filtered(lambda request: request.state in OPEN_STATES)
        most = (self | still_open).sorted('priority', reverse=True)[:1]
        if most.priority <= self.priority:
            return {}
        judged = {'impact': most.impact, 'urgency': most.urgency}
        return {'priority': most.priority, **(judged if all(judged.values()) else {})}

    def _take_over_clocks(self, sources) -> None:
        """Count from when the customer first turned to us; an answer given stays given."""
        sources._post_sla_event('merge')
        self._sla_take_over(sources)

    def _get_taken_over_text(self, sources) -> Markup:
        """Return the note that tells what was merged into this request."""
        parts = [Markup("<p>%s</p>") % self.env._("Merged into this request:")]
        for source in sources:
            link = source._get_html_link(title=source.number)
            parts.append(Markup("<p>%s %s</p>%s") % (link, source.name, source.description or ''))
        return Markup().join(parts)

    # ------------------------------------------------------------
    # WHAT BECOMES OF THE OTHERS
    # ------------------------------------------------------------

    def _end_as_merged(self, survivor) -> None:
        """Make signposts of these requests, and of those that were merged into them before."""
        stage = self.env['aftersales.request.stage']._get_for_state('cancelled')
        # one note each instead of the tracked changes of every field
        quiet = self.with_context(tracking_disable=True)
        quiet.write({'merged_into_id': survivor.id, 'stage_id': stage.id})
        self.merged_ids.with_context(tracking_disable=True).write({'merged_into_id': survivor.id})
        text = self.env._("Merged into %s.", survivor._get_html_link())
        self._message_log_batch(bodies={request.id: text for request in self})

    def _merge_after_hook(self, sources) -> None:
        """React to requests that went into this one; to be extended.

        :param sources: the requests that ended
        """

    # ------------------------------------------------------------
    # WHAT STILL COMES IN FOR THEM
    # ------------------------------------------------------------

    def message_post(self, **kwargs):
        if len(self) == 1 and self.merged_into_id:
            return self.merged_into_id.message_post(**kwargs)
        return super().message_post(**kwargs)

    @api.model
    def _get_thread_with_access(self, thread_id, **kwargs):
        """Let customers write to a merged request only who may write to where it goes on."""
        thread = super()._get_thread_with_access(thread_id, **kwargs)
        survivor = thread.sudo().merged_into_id
        if not survivor or self.env.user._is_internal():
            return thread
        # elevated rights: opened by the link of the merged one
        by_link = thread.env.su and thread._is_of_same_person(survivor)
        return thread if by_link or survivor.sudo(False).has_access('read') else self.browse()

    def message_update(self, msg_dict, update_vals=None):
        if len(self) == 1 and self.merged_into_id:
            return self.merged_into_id.message_update(msg_dict, update_vals)
        return super().message_update(msg_dict, update_vals)

    @api.model
    def _routing_check_route(self, message, message_dict, route, raise_exception=True):
        """Let a mail that names a number of its sender's requests go on there."""
        checked = super()._routing_check_route(
            message, message_dict, route, raise_exception=raise_exception
        )
        if checked and checked[0] == self._name and not checked[1]:
            named = self._find_named_request(message_dict)
            if named:
                return (checked[0], named.id, *checked[2:])
        return checked

    @api.model
    def _find_named_request(self, msg_dict: dict) -> AftersalesRequest:
        """Return the request whose number stands in a mail's subject, when it is the sender's."""
        words = self._get_number_words(msg_dict.get('subject') or '')
        if not words:
            return self.browse()
        # numbers are found by the index on company and number
        companies = self.env['res.company'].sudo()._search(Domain.TRUE)
        domain = Domain('company_id', 'in', companies) & Domain('number', 'in', words)
        named = self.sudo().search(domain, limit=10)
        return named.filtered(lambda request: request._is_known_sender(msg_dict))[:1]

    @api.model
    def _get_number_words(self, subject: str) -> list[str]:
        """Return the first words of a subject that may be a number."""
        words = [word.strip('./-') for word in WORD.findall(subject[:MAX_SUBJECT])]
        return [word for word in words if any(map(str.isdecimal, word))][:MAX_WORDS]

    def _is_known_sender(self, msg_dict: dict) -> bool:
        """Whether a mail comes from the customer of this request, or from who follows it."""
        author = self.env['res.partner'].browse(msg_dict.get('author_id'))
        if author and (
            author.commercial_partner_id == self.commercial_partner_id
            or author in self.message_partner_ids
        ):
            return True
        address = email_normalize(msg_dict.get('email_from'))
        return bool(address) and address == email_normalize(self.email_from)
