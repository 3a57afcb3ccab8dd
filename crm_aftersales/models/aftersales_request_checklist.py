from __future__ import annotations

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL


class AftersalesRequest(models.Model):
    """The checklist of a request, copied from that of its type."""

    _inherit = 'aftersales.request'

    check_ids = fields.One2many(
        comodel_name='aftersales.request.check',
        inverse_name='request_id',
        string="Checklist",
        copy=False,
        groups='base.group_user',
    )
    checklist_progress = fields.Char(
        string="Checked",
        compute='_compute_checklist_progress',
        groups='base.group_user',
        help="How many items of the checklist are done.",
    )

    def _compute_checklist_progress(self):
        groups = self.env['aftersales.request.check']._read_group(
            [('request_id', 'in', self.ids)], ['request_id', 'is_done'], ['__count']
        )
        done, total = {}, {}
        for request, is_done, count in groups:
            total[request.id] = total.get(request.id, 0) + count
            done[request.id] = done.get(request.id, 0) + (count if is_done else 0)
        for request in self:
            number = total.get(request.id)
            request.checklist_progress = f'{done[request.id]}/{number}' if number else False

    # ------------------------------------------------------------
    # COPY
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        requests = super().create(vals_list)
        requests._copy_checklist()
        if not (self.env.su or self.env.context.get('import_file')):
            requests._ensure_checklist_done()
        return requests

    def write(self, vals):
        changed = self.browse()
        if 'type_id' in vals:
            changed = self.filtered(lambda request: request.type_id.id != vals['type_id'])
        undone = self.browse()
        # customers and jobs go on with what there is; who is helped already is not asked again
        if 'stage_id' in vals and not self.env.su:
            undone = self.filtered(lambda request: not request._is_done())
        res = super().write(vals)
        if changed:
            changed._drop_open_checks()
            changed._copy_checklist()
        undone._ensure_checklist_done()
        return res

    def _copy_checklist(self) -> None:
        """Give these requests the items of their types, in all languages, in one statement."""
        types = self.type_id
        items = self.env['aftersales.checklist.item'].sudo()
        if not types or not items.search_count([('type_id', 'in', types.ids)], limit=1):
            return
        self.flush_recordset(['type_id', 'company_id'])
        items.flush_model()
        checks = self.env['aftersales.request.check']
        checks.flush_model()
        self.env.execute_query(
            SQL(
                'INSERT INTO aftersales_request_check'
                ' (request_id, company_id, item_id, name, sequence, is_required,'
                ' create_uid, create_date, write_uid, write_date)'
                ' SELECT request.id, request.company_id, item.id, item.name, item.sequence,'
                ' item.is_required, %(uid)s, %(now)s, %(uid)s, %(now)s'
                ' FROM aftersales_request AS request'
                ' JOIN aftersales_checklist_item AS item'
                ' ON item.type_id = request.type_id AND item.active'
                ' WHERE request.id IN %(ids)s AND NOT EXISTS ('
                ' SELECT FROM aftersales_request_check AS known'
                ' WHERE known.request_id = request.id AND known.item_id = item.id)'
                ' ORDER BY request.id, item.sequence, item.id RETURNING id',
                uid=self.env.uid,
                now=fields.Datetime.now(),
                ids=tuple(self.ids),
            )
        )
        checks.invalidate_model(flush=False)
        self.invalidate_recordset(['check_ids', 'checklist_progress'], flush=False)

    def _drop_open_checks(self) -> None:
        """Take off what the type before asked for and nobody did."""
        checks = self.env['aftersales.request.check'].sudo()
        domain = Domain('request_id', 'in', self.ids) & Domain('is_done', '=', False)
        checks.search(domain & Domain('item_id', '!=', False)).unlink()

    def _ensure_can_drop_checks(self, checks) -> None:
        """Refuse to take required items off by hand.

        :param checks: ``aftersales.request.check`` of these requests
        """
        required = checks.filtered(lambda check: check.is_required and check.item_id)
        if required and not self.env.su:
            raise UserError(
                self.env._(
                    "“%(check)s” has to be done in every request of this type. An administrator"
                    " can change the checklist of the type.",
                    check=required[0].name,
                )
            )

    # ------------------------------------------------------------
    # WHAT IT BLOCKS
    # ------------------------------------------------------------

    def _ensure_checklist_done(self) -> None:
        """Refuse to resolve before the required items are ticked.

        :raise ValidationError: names what is still to be done
        """
        done = self.filtered(lambda request: request._is_done())
        missing = self.env['aftersales.request.check'].search(
            Domain('request_id', 'in', done.ids)
            & Domain('is_required', '=', True)
            & Domain('is_done', '=', False)
        )
        for request, checks in missing.grouped('request_id').items():
            raise ValidationError(
                self.env._(
                    "%(request)s cannot be resolved yet. Still to do: %(checks)s.",
                    request=request.display_name,
                    checks=checks.mapped('name'),
                )
            )

    # ------------------------------------------------------------
    # MERGE
    # ------------------------------------------------------------

    def _get_moved_records(self, sources):
        """Items somebody added by hand go over."""
        by_hand = sources.check_ids.filtered(lambda check: not check.item_id)
        return [*super()._get_moved_records(sources), (by_hand, 'request_id')]

    def _merge_after_hook(self, sources):
        """What was ticked stays ticked, by whom and when it was."""
        ticked = sources.check_ids.filtered('is_done').grouped('item_id')
        for check in self.check_ids.filtered(lambda check: check.item_id and not check.is_done):
            if same := ticked.get(check.item_id):
                first = same.sorted('date_done')[0]
                check.is_done = True
                check.write({'user_id': first.user_id.id, 'date_done': first.date_done})
        return super()._merge_after_hook(sources)
