from lxml import etree

from odoo.tests import HttpCase, tagged
from odoo.tools import SQL

from .common import AftersalesCommon


@tagged('post_install', '-at_install')
class TestPerformance(AftersalesCommon):
    """Queries must not grow with the number of records: the same for 10 and for 100."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_policy(response=4, resolution=24)
        # those of the demo data hang on orders
        cls.env['aftersales.request'].search([]).active = False

    def _vals(self, number):
        return [
            {
                'name': f"Request {n}",
                'partner_id': self.customer.id,
                'unit_id': self.unit.id,
                'type_id': self.type_fault.id,
            }
            for n in range(number)
        ]

    def _count(self, function, *args):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        function(*args)
        self.env.flush_all()
        return self.env.cr.sql_log_count - before

    def _create(self, number):
        return (
            self.env['aftersales.request'].with_user(self.user_service).create(self._vals(number))
        )

    def test_create_costs_the_same_per_request(self):
        """Each further request costs its number and its log, however many there are."""
        self._count(self._create, 1)
        one, ten, hundred = (self._count(self._create, number) for number in (1, 10, 100))
        per_request = (ten - one) / 9
        self.assertLessEqual((hundred - ten) / 90, per_request)
        # the number, and what core's mail.thread needs to log that a record was created
        self.assertLessEqual(per_request, 7)

    def test_deadlines_of_a_batch_cost_the_same(self):
        requests = self._create(100).with_user(self.user_manager)
        self._count(requests[:1].action_recompute_sla)
        self.env['aftersales.sla.policy'].search([]).response_hours = 3
        few = self._count(requests[:10].action_recompute_sla)
        many = self._count(requests[10:].action_recompute_sla)
        self.assertEqual(few, many)

    def test_bulk_costs_by_calendars_and_not_by_requests(self):
        """A thousand requests get their clocks with as many queries as ten of the same hours."""
        requests = self._create(10)
        requests += requests.browse(self._copy_rows(requests[:1], 1010))
        self.env['aftersales.sla.clock'].search([]).unlink()
        self._count(requests[:10]._start_sla)
        few = self._count(requests[10:20]._start_sla)
        many = self._count(requests[20:]._start_sla)
        self.assertEqual(many, few)
        self.assertLessEqual(many, 32)
        self.assertEqual(len(requests.sudo().sla_clock_ids), 2040)

    def _copy_rows(self, request, number):
        """Return the ids of rows that are as a request: nobody waits for a thousand numbers."""
        names = [
            name
            for name, field in request._fields.items()
            if field.store and field.column_type and name not in ('id', 'number')
        ]
        rows = self.env.execute_query(
            SQL(
                "INSERT INTO aftersales_request (number, %s) SELECT 'Copy ' || copy, %s"
                ' FROM aftersales_request, generate_series(1, %s) copy WHERE id = %s RETURNING id',
                SQL(', ').join(map(SQL.identifier, names)),
                SQL(', ').join(map(SQL.identifier, names)),
                number,
                request.id,
            )
        )
        return [row[0] for row in rows]

    def _read_view(self, view_type, limit, group=False):
        Request = self.env['aftersales.request'].with_user(self.user_service)
        view = self.env.ref(f'crm_aftersales.aftersales_request_view_{view_type}')
        arch = Request.get_view(view.id, view_type)['arch']
        names = {
            node.get('name')
            for node in etree.fromstring(arch).iter('field')
            if node.get('name') in Request._fields
        }
        specification = {
            name: {'fields': {'display_name': {}}}
            if Request._fields[name].type == 'many2one'
            else {}
            for name in names
        }
        domain = [('state', 'not in', ('closed', 'cancelled'))]
        if group:
            Request.web_read_group(
                domain,
                ['stage_id'],
                ['__count'],
                auto_unfold=True,
                unfold_read_specification=specification,
                unfold_read_default_limit=limit,
            )
        else:
            Request.web_search_read(domain, specification, limit=limit)

    def test_first_page_of_list_and_kanban(self):
        self._create(100)
        for view_type, group in (('list', False), ('kanban', True)):
            with self.subTest(view_type=view_type):
                self._count(self._read_view, view_type, 10, group)
                few = self._count(self._read_view, view_type, 10, group)
                many = self._count(self._read_view, view_type, 100, group)
                self.assertEqual(few, many)

    def test_form(self):
        """A request costs the same to open, however long the history of the customer."""
        request = self._create(1)
        specification = {'name': {}, 'sla_state': {}, 'sla_countdown': {}, 'rating_avg': {}}
        self._count(request.web_read, specification)
        before = self._count(request.web_read, specification)
        self._create(100).action_close()
        self.assertEqual(self._count(request.web_read, specification), before)

    def test_open_queue_uses_its_index(self):
        """The planner proves that open states are inside the partial index."""
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        self.env.cr.execute("SET LOCAL enable_sort = off")
        Request = self.env['aftersales.request']
        query = Request._search(Request._get_open_domain(), order='priority desc, id desc')
        rows = self.env.execute_query(SQL('EXPLAIN %s', query.select()))
        plan = '\n'.join(row[0] for row in rows)
        self.assertRegex(plan, 'aftersales_request_(queue|open)_idx')


@tagged('post_install', '-at_install')
class TestPortalPerformance(AftersalesCommon, HttpCase):
    def test_portal_lists(self):
        self.env['aftersales.request'].create(
            [
                {
                    'name': f"Request {n}",
                    'partner_id': self.customer.id,
                    'unit_id': self.unit.id,
                    'type_id': self.type_fault.id,
                }
                for n in range(5)
            ]
        )
        self.authenticate('aftersales_customer', 'aftersales_customer')
        few = {url: self._count(url) for url in ('/my/requests', '/my/equipment')}
        self.env['aftersales.unit'].create(
            [
                {'product_id': self.product.id, 'partner_id': self.customer.id}
                for _number in range(60)
            ]
        )
        for unit in self.env['aftersales.unit'].search(
            [('partner_id', '=', self.customer.id)], limit=60
        ):
            self._create_request(unit_id=unit.id)
        for url, count in few.items():
            self.assertEqual(self._count(url), count, url)

    def _count(self, url):
        self.env.flush_all()
        for _warm in range(2):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            response = self.url_open(url)
            self.assertEqual(response.status_code, 200)
        return self.env.cr.sql_log_count - before
