from odoo.tests import HttpCase, tagged

from .common import AftersalesCommon

#: what has to be readable -> pixels at least
READABLE = {'name': 150, 'partner_id': 110, 'stage_id': 100, 'sla_countdown': 200}


@tagged('post_install', '-at_install')
class TestRequestList(AftersalesCommon, HttpCase):
    """The list at a small desk, 1280 pixels wide, beside its search panel."""

    browser_size = '1280x800'

    def test_what_matters_is_wide_enough(self):
        self.env['res.users'].search([('login', '=', 'admin')]).lang = 'en_US'
        self._create_request()
        self.browser_js(
            '/odoo/action-crm_aftersales.aftersales_request_action?view_type=list',
            f'const least = {READABLE};'
            """
            const wide = (cell) => cell.getBoundingClientRect().width;
            const narrow = [...document.querySelectorAll('.o_list_table th[data-name]')]
                .filter((cell) => wide(cell) < (least[cell.dataset.name] || 0))
                .map((cell) => `${cell.dataset.name}: ${wide(cell)}`);
            if (!document.querySelector('.o_search_panel')) {
                narrow.push('no search panel');
            }
            const table = document.querySelector('.o_list_table');
            if (wide(table) > wide(table.parentElement)) {
                narrow.push('columns run out of the page');
            }
            console[narrow.length ? 'error' : 'log'](narrow.join() || 'test successful');
            """,
            ready="!!document.querySelector('.o_list_table .o_data_row')",
            login='admin',
        )
