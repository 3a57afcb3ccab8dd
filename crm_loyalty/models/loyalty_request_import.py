from __future__ import annotations

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import email_normalize

from odoo.addons.crm_customer.importing import ImportColumn, ImportTemplate

from ..ledger import MAX_POINTS, to_points


class CrmImport(models.Model):
    _inherit = 'crm.import'

    @api.model
    def _get_import_templates(self) -> list[ImportTemplate]:
        return [*super()._get_import_templates(), self._prepare_points_template()]

    @api.model
    def _prepare_points_template(self) -> ImportTemplate:
        return ImportTemplate(
            code='points',
            name=self.env._("Points"),
            model='loyalty.request.line',
            loader='_load_points',
            group='crm_loyalty.group_all',
            key=('reference',),
            columns=self._prepare_points_columns(),
            examples=(
                ('P-1', '0441-2b9d-4c', '', '', '', '100', "Goodwill", "Late delivery in May", ''),
                ('P-2', '', 'li.na@mail.example.com', '', '', '25.5', '', '', ''),
                ('P-3', '', '', '+86 138 0013 8000', '', '-40', "Given by mistake", '', ''),
                ('P-4', '', '', '', 'C-1001', '60', '', '', ''),
            ),
        )

    @api.model
    def _prepare_points_columns(self) -> tuple[ImportColumn, ...]:
        return (
            ImportColumn(
                'reference',
                self.env._("Reference"),
                required=True,
                aliases=("编号", "編號"),
                help=self.env._("Your own name of the line; the same again moves nothing."),
            ),
            ImportColumn('code', self.env._("Member Card"), aliases=("卡号", "卡號")),
            ImportColumn('email', self.env._("Email"), aliases=("E-Mail", "邮箱", "電子郵件")),
            ImportColumn('phone', self.env._("Phone"), aliases=("手机", "手機", "电话")),
            ImportColumn('partner_id/id', self.env._("Member/External ID")),
            ImportColumn(
                'points',
                self.env._("Points"),
                required=True,
                aliases=("积分", "點數"),
                help=self.env._("Less than 0 to take them."),
            ),
            ImportColumn('reason', self.env._("Reason"), aliases=("原因",)),
            ImportColumn('note', self.env._("Internal Note"), aliases=("备注", "備註")),
            ImportColumn(
                'program',
                self.env._("Loyalty Program"),
                help=self.env._("Name; default the main program of the company."),
            ),
        )


class LoyaltyRequestLine(models.Model):
    """Points given or taken by a file."""

    _inherit = 'loyalty.request.line'

    @api.model
    def _load_points(self, paths: list[str], matrix: list[list[str]]) -> dict:
        """Ask for the points of a file, in the way ``load`` takes and answers.

        :param paths: columns of the template
        :param matrix: rows of cells
        """
        rows = [dict(zip(paths, cells, strict=True)) for cells in matrix]
        errors: dict[int, str] = {}
        wanted = []
        for position, row in enumerate(rows):
            try:
                wanted.append(self._prepare_file_line(row))
            except UserError as error:
                errors[position] = str(error)
        if errors:
            return {'ids': False, 'messages': self._prepare_load_messages(errors)}
        tally = self.env.context.get('crm_import_tally')
        known = self._get_known_lines(wanted)
        if tally is not None:
            tally.found.update(line.id for line in known.values())
        new = [line for line in wanted if line['key'] not in known]
        for line in self._submit_file_lines(new):
            known[line.key] = line
        return {'ids': [known[line['key']].id for line in wanted], 'messages': []}

    @api.model
    def _prepare_load_messages(self, errors: dict[int, str]) -> list[dict]:
        return [
            {
                'type': 'error',
                'field': 'reference',
                'message': text,
                'rows': {'from': position, 'to': position},
            }
            for position, text in errors.items()
        ]

    @api.model
    def _prepare_file_line(self, row: dict) -> dict:
        """Return a row of the file with its card, program and reason.

        :raise UserError: one of them is not known, or its reference was used for something else
        """
        program = self._find_file_program(row.get('program') or '')
        points = to_points(float(row['points']))
        if not points:
            raise UserError(self.env._("No points."))
        if abs(points) >= MAX_POINTS:
            raise UserError(self.env._("These are too many points."))
        line = {
            'key': f'file:{self.env.company.id}:{row["reference"]}',
            'reference': row['reference'],
            'program_id': program.id,
            'card_id': self._find_file_card(row, program).id,
            'operation': 'grant' if points > 0 else 'take',
            'points': float(abs(points)),
            'reason_id': self._find_file_reason(row.get('reason') or '').id,
            'note': row.get('note') or False,
        }
        self._ensure_same_line(line)
        return line

    @api.model
    def _ensure_same_line(self, line: dict) -> None:
        """:raise UserError: the reference was used for something else"""
        known = self.sudo().search([('key', '=', line['key'])])
        same = ('card_id', 'points')
        if known and (
            any(known._fields[n].convert_to_write(known[n], known) != line[n] for n in same)
            or known.request_id.operation != line['operation']
        ):
            raise UserError(
                self.env._(
                    "The reference %(reference)s was used for something else: %(points)s points "
                    "for %(card)s.",
                    reference=line['reference'],
                    points=known.points,
                    card=known.card_id.display_name,
                )
            )

    @api.model
    def _find_file_program(self, name: str):
        """:raise UserError: there is no such program"""
        if not name:
            program = self.env.company._get_main_loyalty_program()
        else:
            program = self.env['loyalty.program'].search(
                [('name', '=', name), ('managed', '=', True)]
            )
        if len(program) != 1:
            raise UserError(self.env._("There is no loyalty program “%s”.", name))
        return program

    @api.model
    def _find_file_reason(self, name: str):
        """:raise UserError: there is no such reason"""
        reasons = self.env['loyalty.request.reason']
        reason = reasons.search([('name', '=ilike', name)], limit=1) if name else reasons
        if name and not reason:
            raise UserError(self.env._("There is no reason “%s”.", name))
        return reason

    @api.model
    def _find_file_card(self, row: dict, program):
        """:raise UserError: no card, or several"""
        cards = self.env['loyalty.card']
        of_program = [('program_id', '=', program.id), ('is_member', '=', True)]
        if code := row.get('code'):
            found = cards.search([*of_program, ('code', '=', code)])
        else:
            partners = self._find_file_partners(row)
            found = cards.search([*of_program, ('partner_id', 'in', partners.ids)])
        if len(found) == 1:
            return found
        if found:
            raise UserError(
                self.env._(
                    "Several members are meant: %s. Give the number of the card.",
                    found[:3].mapped('partner_id.display_name'),
                )
            )
        raise UserError(self.env._("No member of %s was found.", program.name))

    @api.model
    def _find_file_partners(self, row: dict):
        partners = self.env['res.partner']
        if xmlid := row.get('partner_id/id'):
            partner = self.env.ref(xmlid, raise_if_not_found=False)
            return partner if partner is not None and partner._name == partners._name else partners
        if email := email_normalize(row.get('email') or ''):
            return partners.search([('email_normalized', '=', email)])
        if phone := row.get('phone'):
            found = partners._group_by_phone([phone], self.env.company.country_id)
            return partners.union(*found.values())
        return partners

    @api.model
    def _get_known_lines(self, wanted: list[dict]) -> dict[str, LoyaltyRequestLine]:
        lines = self.sudo().search([('key', 'in', [line['key'] for line in wanted])])
        return {line.key: line for line in lines}

    @api.model
    def _submit_file_lines(self, new: list[dict]) -> LoyaltyRequestLine:
        """Make requests of rows: those within the limit together, those above it together."""
        groups: dict[tuple, list[dict]] = {}
        for line in new:
            program = self.env['loyalty.program'].sudo().browse(line['program_id'])
            over = program._is_over_limit(to_points(line['points']))
            shared = (line['program_id'], line['operation'], line['reason_id'], line['note'], over)
            groups.setdefault(shared, []).append(line)
        requests = self.env['loyalty.request']._submit(
            [
                {
                    'program_id': program_id,
                    'operation': operation,
                    'reason_id': reason_id,
                    'note': note,
                    'line_ids': [
                        Command.create(
                            {name: line[name] for name in ('key', 'reference', 'card_id', 'points')}
                        )
                        for line in lines
                    ],
                }
                for (program_id, operation, reason_id, note, _over), lines in groups.items()
            ]
        )
        return requests.line_ids
