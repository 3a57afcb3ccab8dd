"""Numbers from ``ir.sequence`` for many records at once."""

from odoo.api import Environment
from odoo.exceptions import UserError


class Numbering:
    """Draw numbers of one code, looking up the sequence of each company only once.

    :param env: environment of the user; the sequence itself is read in elevated rights
    :param code: code of the sequence
    """

    def __init__(self, env: Environment, code: str):
        self._env = env
        self._code = code
        self._sequences = {}

    def draw(self, company) -> str:
        """Return the next number of a company.

        :param company: ``res.company`` record
        :raise UserError: the company has no sequence of that code, nor is there a shared one
        """
        if company not in self._sequences:
            self._sequences[company] = self._find(company)
        return self._sequences[company].next_by_id()

    def _find(self, company):
        """Return the company's own sequence, else the shared one."""
        sequence = (
            self._env['ir.sequence']
            .sudo()
            .search(
                [('code', '=', self._code), ('company_id', 'in', [company.id, False])],
                order='company_id',
                limit=1,
            )
        )
        if not sequence:
            raise UserError(
                self._env._(
                    'There is no sequence with the code "%(code)s". Add one under Settings >'
                    ' Technical > Sequences.',
                    code=self._code,
                )
            )
        return sequence
