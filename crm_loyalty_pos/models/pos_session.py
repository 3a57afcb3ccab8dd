from odoo import models


class PosSession(models.Model):
    _inherit = 'pos.session'

    def _get_session_before(self):
        """Return the session of this till before this one.

        Somebody may have closed it while the till had no connection: the orders it has are put
        into the session that is open when they come.
        """
        self.ensure_one()
        return self.search(
            [('config_id', '=', self.config_id.id), ('id', '<', self.id)],
            order='id desc',
            limit=1,
        )
