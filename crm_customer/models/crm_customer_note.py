from __future__ import annotations

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from ..timeline import TimelineText

#: characters of a note; what is longer is a file
MAX_TEXT = 10_000


class CrmCustomerNote(models.Model):
    """What somebody of any department learnt about a customer: likes, habits, cautions.

    Notes hang on the contact from their side only: the contact has no field that leads to them, so
    that no segment, export or template of contacts can reach one.  They keep no chatter either,
    where texts would be read by followers, and their display name tells nothing of the text.
    """

    _name = 'crm.customer.note'
    _description = 'Customer Note'
    _inherit = ['crm.visibility.mixin', 'crm.import.mixin']
    _order = 'date desc, id desc'
    _rec_names_search = ['text', 'category_id.name', 'partner_id.name']

    partner_id = fields.Many2one(
        'res.partner', string="Customer", required=True, index=True, ondelete='cascade'
    )
    category_id = fields.Many2one('crm.note.category', ondelete='restrict')
    text = fields.Text(string="Note", required=True)
    author_id = fields.Many2one(
        'res.users',
        required=True,
        copy=False,
        index=True,
        default=lambda self: self.env.user,
        ondelete='restrict',
    )
    department = fields.Char(
        default=lambda self: self._get_default_department(),
        help="Department of the author when the note was taken.",
    )
    date = fields.Date(required=True, default=fields.Date.context_today)
    source = fields.Selection(
        selection=[
            ('talk', "Said by the customer"),
            ('seen', "Noticed by staff"),
            ('phone', "Phone"),
            ('message', "Letter or message"),
            ('visit', "Visit"),
            ('other', "Other"),
        ],
        default='talk',
        required=True,
    )
    active = fields.Boolean(default=True)

    # ------------------------------------------------------------
    # FIELDS
    # ------------------------------------------------------------

    @api.constrains('text')
    def _check_text(self):
        for note in self.sudo():
            if not (note.text or '').strip():
                raise ValidationError(self.env._("A note needs words: write what is to be known."))
            if len(note.text) > MAX_TEXT:
                raise ValidationError(
                    self.env._("A note has no more than %(count)s characters.", count=MAX_TEXT)
                )

    @api.depends('category_id', 'partner_id')
    @api.depends_context('lang')
    def _compute_display_name(self):
        for note in self:
            note.display_name = self.env._(
                "%(category)s: %(customer)s",
                category=note.category_id.name or self.env._("Note"),
                customer=note.partner_id.display_name,
            )

    @api.model
    def _get_default_department(self) -> str | bool:
        """Return the department of the author, known where employees are kept."""
        user = self.env.user
        return 'department_id' in user._fields and user.department_id.name

    @api.onchange('category_id')
    def _onchange_category_id(self):
        if self.category_id:
            self.visibility = self.category_id.visibility

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        categories = self.env['crm.note.category'].browse(
            {vals['category_id'] for vals in vals_list if vals.get('category_id')}
        )
        proposed = {category.id: category.visibility for category in categories}
        return super().create(
            [
                {'visibility': proposed.get(vals.get('category_id'), 'all'), **vals}
                for vals in vals_list
            ]
        )

    def write(self, vals):
        if 'author_id' in vals:
            self._ensure_can_set_author()
        return super().write(vals)

    def _ensure_can_set_author(self) -> None:
        if not (self.env.su or self.env.user.has_group('crm_customer.group_manager')):
            raise AccessError(self.env._("A note keeps its author."))

    # ------------------------------------------------------------
    # READING
    # ------------------------------------------------------------

    @api.model
    def _search_newest(self, domain: Domain, count: int) -> CrmCustomerNote:
        """Return the newest notes on each customer, as many of each; no other is read."""
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                'SELECT id FROM (SELECT id, partner_id, date, row_number() OVER'
                ' (PARTITION BY partner_id ORDER BY date DESC, id DESC) AS place'
                ' FROM crm_customer_note WHERE id IN %s) AS numbered'
                ' WHERE place <= %s ORDER BY partner_id, place',
                self._search(domain).subselect(),
                count,
            )
        )
        return self.browse(row[0] for row in rows)

    # ------------------------------------------------------------
    # TIME LINE
    # ------------------------------------------------------------

    def _get_timeline_texts(self) -> dict[int, TimelineText]:
        """Return what a customer's time line says about these notes."""
        visibilities = dict(self._fields['visibility']._description_selection(self.env))
        return {
            note.id: TimelineText(
                title=note.category_id.name or self.env._("Note"),
                body=note.text,
                state=visibilities[note.visibility] if note.visibility != 'all' else '',
            )
            for note in self
        }
