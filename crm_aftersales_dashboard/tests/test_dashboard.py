import json

from odoo.tests import TransactionCase, tagged
from odoo.tools import file_open

from odoo.addons.mail.tests.common import mail_new_test_user
from odoo.addons.spreadsheet.utils.validate_data import (
    fields_in_spreadsheet,
    menus_xml_ids_in_spreadsheet,
)

FILES = 'crm_aftersales_dashboard/data/files/'


@tagged('post_install', '-at_install')
class TestDashboard(TransactionCase):
    """What the file names exists, and its figures can be read by who sees it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dashboard = cls.env.ref('crm_aftersales_dashboard.spreadsheet_dashboard_aftersales')
        cls.data = json.loads(cls.dashboard.spreadsheet_data)
        cls.manager = mail_new_test_user(
            cls.env, login='dashboard_manager', groups='crm_aftersales.group_manager'
        )

    def _get_sources(self):
        """Return what pivots and charts read: model, domain, groups and measures."""
        for pivot in self.data['pivots'].values():
            groups = [row['fieldName'] for row in pivot['rows'] + pivot['columns']]
            yield pivot, pivot['model'], pivot['domain'], groups, pivot['measures']
        for figure in self.data['sheets'][0]['figures']:
            chart = figure['data']
            if chart['type'].startswith('odoo_'):
                meta = chart['metaData']
                domain = chart['searchParams']['domain']
                measures = [{'fieldName': meta['measure']}]
                yield chart, meta['resModel'], domain, meta['groupBy'], measures

    def _get_aggregate(self, model, measure):
        name = measure['fieldName']
        if name == '__count':
            return name
        aggregator = measure.get('aggregator') or self.env[model]._fields[name].aggregator
        return f'{name}:{aggregator}'

    def test_axes_have_no_words(self):
        """Titles of charts are translated, those of their axes are not: they are units only."""
        for figure in self.data['sheets'][0]['figures']:
            for axis in figure['data'].get('axesDesign', {}).values():
                self.assertNotRegex(axis.get('title', {}).get('text', ''), '[A-Za-z]{2}')

    def test_tables_have_translated_headings(self):
        """The names of measures of a file stay as they are: headings are cells that translate."""
        cells = self.data['sheets'][0]['cells']
        tables = [name for name, cell in cells.items() if cell.startswith('=PIVOT(')]
        self.assertEqual(len(tables), 4)
        for name in tables:
            self.assertTrue(cells[name].endswith('FALSE)') and cells[name].count(',') == 5)
            above = f'{name[0]}{int(name[1:]) - 1}'
            self.assertTrue(cells[above].startswith('=_t('), above)

    def test_fields_exist(self):
        named = fields_in_spreadsheet(self.data)
        self.assertIn('aftersales.report', named)
        for model, names in named.items():
            for name in names:
                record = self.env[model]
                for part in name.split(':')[0].split('.'):
                    self.assertIn(part, record._fields, model)
                    record = record[part] if record._fields[part].relational else record

    def test_measures_can_be_read(self):
        """Every pivot and chart, with its domain and groups, as the one it is made for."""
        for _source, model, domain, groups, measures in self._get_sources():
            aggregates = [self._get_aggregate(model, measure) for measure in measures]
            with self.subTest(model=model, groups=groups):
                self.env[model].with_user(self.manager).formatted_read_group(
                    domain, groups, aggregates
                )

    def test_filters_reach_everything(self):
        """Team and period filter what has them; the backlog and the MTBF are of today."""
        filters = {item['type']: item['id'] for item in self.data['globalFilters']}
        self.assertEqual(set(filters), {'date', 'relation'})
        for source, model, domain, _groups, measures in self._get_sources():
            matching = source['fieldMatching']
            for chain in matching.values():
                self.assertIn(chain['chain'], self.env[model]._fields)
            if model == 'aftersales.reliability':
                self.assertFalse(matching)
                continue
            self.assertIn(filters['relation'], matching)
            of_now = ['open_count', '=', 1] in domain or measures[0]['fieldName'] == 'open_count'
            self.assertEqual(filters['date'] in matching, not of_now)

    def test_cells_name_pivots_and_their_measures(self):
        pivots = self.data['pivots']
        for cell in self.data['sheets'][1]['cells'].values():
            if not cell.startswith('=PIVOT.VALUE('):
                continue
            number, measure = cell[len('=PIVOT.VALUE(') : -1].split(',')[:2]
            self.assertIn(measure.strip('"'), [m['id'] for m in pivots[number]['measures']])

    def test_links_lead_to_menus(self):
        menus = menus_xml_ids_in_spreadsheet(self.data)
        self.assertTrue(menus)
        for xmlid in menus:
            self.assertEqual(self.env.ref(xmlid)._name, 'ir.ui.menu')
        figures = {figure['id'] for figure in self.data['sheets'][0]['figures']}
        self.assertEqual(set(self.data['chartOdooMenusReferences']), figures)

    def test_sample(self):
        """It asks no model, and has the same figures."""
        with file_open(FILES + 'aftersales_sample_dashboard.json') as file:
            sample = json.load(file)
        self.assertEqual(self.dashboard._get_sample_dashboard(), sample)
        self.assertFalse(fields_in_spreadsheet(sample))
        books = (self.data, sample)
        ids = [{figure['id'] for figure in book['sheets'][0]['figures']} for book in books]
        self.assertEqual(*ids)

    def test_who_sees_it(self):
        Dashboard = self.env['spreadsheet.dashboard']
        service = mail_new_test_user(
            self.env, login='dashboard_service', groups='crm_aftersales.group_all'
        )
        domain = [('id', '=', self.dashboard.id)]
        self.assertEqual(Dashboard.with_user(self.manager).search(domain), self.dashboard)
        self.assertFalse(Dashboard.with_user(service).search(domain))
