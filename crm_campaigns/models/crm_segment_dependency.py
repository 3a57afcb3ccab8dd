from __future__ import annotations

from ast import literal_eval

from odoo import api, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

# Whoever is "not in" a segment depends on it as whoever is "in" it.
POSITIVE_OPERATORS = {
    'not in': 'in',
    '!=': '=',
    'not like': 'like',
    'not ilike': 'ilike',
    'not =like': '=like',
    'not =ilike': '=ilike',
    'not any': 'any',
}


class CrmSegment(models.Model):
    """Which segments a segment is built on: by its lists, and by name in its conditions."""

    _inherit = 'crm.segment'

    @api.constrains('include_ids', 'exclude_ids', 'domain')
    def _check_no_cycle(self):
        """A segment that waits for itself would never come to rest."""
        for segment in self.sudo():
            level = segment._get_dependencies()
            seen = self.browse()
            while level:
                if segment in level:
                    raise ValidationError(
                        self.env._(
                            "“%s” would depend on itself. Take out one of the segments it is "
                            "built on, also in its conditions.",
                            segment.name,
                        )
                    )
                seen |= level
                level = level._get_dependencies() - seen

    def _sort_by_dependency(self) -> CrmSegment:
        """Return the segments so that each follows those it is built on."""
        ordered = self.browse()

        def visit(segment):
            nonlocal ordered
            for other in segment._get_dependencies() & self:
                if other not in ordered:
                    visit(other)
            if segment not in ordered:
                ordered += segment

        for segment in self:
            visit(segment)
        return ordered

    def _get_dependencies(self) -> CrmSegment:
        """Return the segments these are built on directly."""
        listed = self.include_ids | self.exclude_ids
        return listed | self.browse(
            segment_id
            for segment in self
            for segment_id in segment._get_segments_in_conditions().ids
        )

    def _get_segments_in_conditions(self) -> CrmSegment:
        """Return the segments the conditions ask for, whatever the owner may see of them."""
        self.ensure_one()
        try:
            domain = Domain(literal_eval(self.domain or '[]'))
        except (ValueError, SyntaxError, TypeError):
            return self.browse()  # refused elsewhere, with the reason
        return self.sudo()._find_segments(domain, self.env['res.partner'])

    def _find_segments(self, domain: Domain, model) -> CrmSegment:
        """Return the segments that a domain on some model asks for."""
        found = self.browse()
        for condition in domain.iter_conditions():
            found |= self._find_segments_of_condition(condition, model)
        return found

    def _find_segments_of_condition(self, condition, model) -> CrmSegment:
        """Follow the path of one condition until it comes to segments."""
        names = condition.field_expr.split('.')
        operator = POSITIVE_OPERATORS.get(condition.operator, condition.operator)
        for index, name in enumerate(names):
            field = model._fields.get(name)
            if not field or not field.comodel_name:
                return self.browse()
            model = self.env[field.comodel_name]
            if model._name == self._name:
                rest = '.'.join(names[index + 1 :])
                return self._search_mentioned(rest, operator, condition.value)
        if operator == 'any' and not isinstance(condition.value, (int, str)):
            return self._find_segments(Domain(condition.value), model)
        if model._name == 'crm.segment.member':
            return self._search_company_segments()  # being a member of any at all
        return self.browse()

    def _search_mentioned(self, path: str, operator: str, value) -> CrmSegment:
        """Return the segments that ``path operator value`` speaks of.

        :param path: field of the segment, empty for the segment itself
        """
        values = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
        if not path and (False in values or None in values):
            return self._search_company_segments()  # being in none at all
        if operator == 'any':
            return self.search(Domain(value))
        if path:
            return self.search(Domain(path, operator, value))
        if all(isinstance(item, int) for item in values):
            return self.browse(values).exists()
        return self.search(Domain('display_name', operator, value))

    def _search_company_segments(self) -> CrmSegment:
        return self.search(Domain('company_id', 'in', self.company_id.ids))
