from __future__ import annotations

from odoo import api, fields, models
from odoo.fields import Domain

from odoo.addons.crm_customer.briefing import BriefingLine, BriefingSection
from odoo.addons.crm_customer.timeline import TimelineSource, TimelineText

MEMBERSHIP_FIELDS = [
    'loyalty_main_card_id',
    'loyalty_tier_id',
    'loyalty_tier_color',
    'loyalty_tier_hint',
    'loyalty_points_display',
]


class ResPartner(models.Model):
    _inherit = 'res.partner'

    # Core gives points to the exact contact of an order, so membership is the contact's own too.
    # Computed in the reader's rights: who sees own members only learns nothing of others here.
    loyalty_main_card_id = fields.Many2one(
        comodel_name='loyalty.card',
        string="Member Card",
        compute='_compute_loyalty_membership',
        groups='base.group_user',
        help="Card in the main loyalty program of the company.",
    )
    loyalty_tier_id = fields.Many2one(
        comodel_name='loyalty.tier',
        string="Tier",
        compute='_compute_loyalty_membership',
        search='_search_loyalty_tier_id',
        groups='base.group_user',
    )
    loyalty_tier_color = fields.Integer(
        compute='_compute_loyalty_membership', groups='base.group_user'
    )
    loyalty_tier_hint = fields.Char(
        string="To the Next Tier",
        compute='_compute_loyalty_membership',
        groups='base.group_user',
    )
    loyalty_points_display = fields.Char(
        string="Points",
        compute='_compute_loyalty_membership',
        groups='base.group_user',
    )

    @api.depends_context('company', 'lang', 'uid')
    def _compute_loyalty_membership(self):
        cards = self._get_loyalty_cards(self.env.company)
        known = self.env['loyalty.card'].browse(card.id for card in cards.values())
        known_ids = set(known.ids if self.env.su else known._filtered_access('read').ids)
        for partner in self:
            card = cards.get(partner._origin)
            if not card or card.id not in known_ids:
                card = self.env['loyalty.card'].sudo()
            partner.loyalty_main_card_id = card
            partner.loyalty_tier_id = card.tier_id
            partner.loyalty_tier_color = card.tier_id.color
            partner.loyalty_tier_hint = card.tier_hint if card else ""
            partner.loyalty_points_display = card._format_points_text(card.points) if card else ""

    def _search_loyalty_tier_id(self, operator, value):
        """Find members by what the reader may know: cards he may not read are no cards to him."""
        if operator not in ('in', 'any'):
            return NotImplemented
        members = self.env['loyalty.card']
        if not members.has_access('read'):
            return Domain(operator == 'in' and False in value)
        program = self.env.company._get_main_loyalty_program()
        cards = Domain('program_id', '=', program.id) & Domain('partner_id', '!=', False)
        if operator == 'in' and False in value:
            held = members._search(cards & Domain('tier_id', '!=', False)).subselect('partner_id')
            others = [tier_id for tier_id in value if tier_id]
            without = Domain('id', 'not in', held)
            return without | self._search_loyalty_tier_id('in', others) if others else without
        found = members._search(cards & Domain('tier_id', operator, value))
        return Domain('id', 'in', found.subselect('partner_id'))

    @api.model
    def _invalidate_loyalty_membership(self) -> None:
        """Forget what was read of memberships, after cards were written by SQL."""
        self.invalidate_model(MEMBERSHIP_FIELDS, flush=False)

    # ------------------------------------------------------------
    # FOR INTEGRATORS
    # ------------------------------------------------------------

    def _get_loyalty_cards(self, company, program=None) -> dict:
        """Return the member card of each contact, read at once for all.

        :param company: ``res.company`` that asks
        :param program: ``loyalty.program``, default the company's main program
        :return: ``loyalty.card`` (sudo) by contact; contacts without a card are left out
        """
        program = program or company._get_main_loyalty_program()
        if not program or not self.ids:
            return {}
        cards = (
            self.env['loyalty.card']
            .sudo()
            .search(
                [('partner_id', 'in', self.ids), ('program_id', '=', program.id)], order='id desc'
            )
        )
        # core uses the oldest card where there are several: it comes last and wins
        return {card.partner_id.with_env(self.env): card for card in cards}

    def _get_loyalty_tier(self, company, program=None):
        """Return the tier this contact holds.

        Example, in an addon that gives members of a higher tier a faster service::

            tier = request.partner_id._get_loyalty_tier(request.company_id)
            if tier.min_value >= 1000: ...

        :param company: ``res.company`` that asks; tiers belong to its main program
        :param program: another ``loyalty.program`` than the main one
        :return: one ``loyalty.tier`` or none
        """
        self.ensure_one()
        card = self._get_loyalty_cards(company, program).get(self)
        return card.tier_id.with_env(self.env) if card else self.env['loyalty.tier']

    # ------------------------------------------------------------
    # BRIEFING
    # ------------------------------------------------------------

    def _get_briefing_sections(self) -> list[BriefingSection]:
        return [
            *super()._get_briefing_sections(),
            BriefingSection(
                key='loyalty.tier',
                label=self.env._("Membership"),
                icon='fa-trophy',
                models=('loyalty.card', 'loyalty.tier'),
                describe=lambda partners: partners._get_briefing_membership(),
                sequence=15,
            ),
        ]

    def _get_briefing_membership(self) -> dict[int, list[BriefingLine]]:
        """Tell the tier and the points of those of the contacts who are members."""
        return {
            partner.id: [
                BriefingLine(
                    ', '.join(
                        filter(None, (partner.loyalty_tier_id.name, partner.loyalty_points_display))
                    )
                )
            ]
            for partner in self
            if partner.loyalty_main_card_id
        }

    # ------------------------------------------------------------
    # TIME LINE
    # ------------------------------------------------------------

    def _get_customer_timeline_sources(self):
        sources = super()._get_customer_timeline_sources()
        members = self._get_timeline_partner_domain('card_id.partner_id')
        return [
            *sources,
            TimelineSource(
                key='loyalty.points',
                label=self.env._("Points"),
                icon='fa-star',
                model='loyalty.history',
                domain=members & Domain('card_id.program_type', '=', 'loyalty'),
                date_field='date',
                describe=self._describe_points,
                search_fields=('description',),
            ),
            TimelineSource(
                key='loyalty.tier',
                label=self.env._("Tiers"),
                icon='fa-trophy',
                model='loyalty.tier.history',
                domain=members,
                date_field='date',
                describe=self._describe_tier_changes,
                search_fields=('new_tier_id.name', 'old_tier_id.name'),
            ),
        ]

    @api.model
    def _describe_points(self, rows) -> dict[int, TimelineText]:
        """Return the texts of ledger rows for the time line."""
        kinds = dict(rows._fields['kind']._description_selection(self.env))
        return {
            row.id: TimelineText(
                title=f'{"+" if row.qty > 0 else ""}{row.card_id._format_points_text(row.qty)}',
                body=row.text,
                state=kinds.get(row.kind, ''),
            )
            for row in rows
        }

    @api.model
    def _describe_tier_changes(self, rows) -> dict[int, TimelineText]:
        """Return the texts of tier changes for the time line."""
        changes = dict(rows._fields['change']._description_selection(self.env))
        return {
            row.id: TimelineText(
                title=row.new_tier_id.name or self.env._("No tier"),
                body=row.reason,
                state=changes.get(row.change, ''),
            )
            for row in rows
        }

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_view_membership(self) -> dict:
        """Open the member cards of this contact and of the contacts below it."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('crm_loyalty.loyalty_card_action')
        cards = self.env['loyalty.card'].search(
            [('partner_id', 'child_of', self.id), ('program_type', '=', 'loyalty')]
        )
        action['domain'] = [('id', 'in', cards.ids)]
        action['context'] = {}
        if len(cards) == 1:
            action.update(res_id=cards.id, views=[(False, 'form')])
        return action
