from ast import literal_eval
from datetime import timedelta

from freezegun import freeze_time
from lxml import etree

from odoo import fields
from odoo.tests import tagged

from odoo.addons.crm_aftersales.models.aftersales_request_queue import QUEUES

from .common import AftersalesCommon

NOON = fields.Datetime.now().replace(hour=12, minute=0, second=0, microsecond=0)


@tagged('post_install', '-at_install')
class TestQueue(AftersalesCommon):
    """What teams have to do, counted when it is looked at."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.tz = 'UTC'
        Request = cls.env['aftersales.request']
        user = cls.user_service.id
        late = cls._create_due(timedelta(hours=-1), user_id=user)
        today = cls._create_due(timedelta(hours=3), user_id=user)
        later = cls._create_due(timedelta(days=2))
        waiting = cls._create_request(stage_id=cls._stage('waiting_customer').id, user_id=user)
        unpromised, solved = cls._create_request(), cls._create_request()
        solved.action_resolve()
        cls.expected = {
            'open': late | today | later | waiting | unpromised,
            'unassigned': later | unpromised,
            'due_today': today,
            'overdue': late,
            'waiting': waiting,
        }
        cls.other = cls._create_request(team_id=cls.team_workshop.id)
        cls.all = Request.union(*cls.expected.values(), solved, cls.other)

    def setUp(self):
        super().setUp()
        self.startPatcher(freeze_time(NOON))

    @classmethod
    def _create_due(cls, delay, **values):
        """Create a request of which something is due some time from noon."""
        request = cls._create_request(**values)
        request.sudo().write({'sla_kind': 'resolution', 'sla_deadline': NOON + delay})
        return request

    def test_counters(self):
        for queue, requests in self.expected.items():
            self.assertEqual(self.team[f'{queue}_request_count'], len(requests), queue)
        self.assertEqual(self.team_workshop.open_request_count, 1)
        self.assertEqual(self.team_workshop.waiting_request_count, 0)

    def test_every_counter_opens_what_it_counts(self):
        """The filters of the list and the counter are two writings of one thing."""
        Request = self.env['aftersales.request']
        view = Request.get_view(self.env.ref('crm_aftersales.aftersales_request_view_search').id)
        filters = {
            node.get('name'): literal_eval(node.get('domain'))
            for node in etree.fromstring(view['arch']).iter('filter')
            if node.get('name') in {name for names in QUEUES.values() for name in names}
        }
        for queue, requests in self.expected.items():
            action = self.team.with_context(queue=queue).action_view_queue()
            domain = fields.Domain(action['domain'])
            for name in QUEUES[queue]:
                self.assertTrue(action['context'][f'search_default_{name}'])
                domain &= fields.Domain(filters[name])
            self.assertEqual(Request.search(domain), requests.sorted(), queue)

    def test_technicians_count_what_they_see(self):
        team = self.team_workshop.with_user(self.user_technician)
        self.assertEqual(team.open_request_count, 1)
        self.other.user_id = self.user_service
        team.invalidate_recordset()
        self.assertEqual(team.open_request_count, 0)

    def test_queries_do_not_grow(self):
        self._count_all(self.team)  # fills the caches of the registry
        few = self._count_all(self.team | self.team_workshop)
        teams = self.env['aftersales.team'].create([{'name': f"Team {n}"} for n in range(20)])
        for team in teams:
            self._create_request(team_id=team.id)
        self.assertEqual(self._count_all(teams), few)
        self.assertLessEqual(few, len(QUEUES) + 1)

    def _count_all(self, teams):
        self.env.flush_all()
        self.env.invalidate_all()
        teams.mapped('name')
        before = self.env.cr.sql_log_count
        teams.mapped('open_request_count')
        return self.env.cr.sql_log_count - before

    def test_queries_of_the_list_do_not_grow(self):
        """Site and zone of 5 and of 40 requests, each with a site of its own."""
        sites = self.env['res.partner'].create(
            [{'name': f"Site {n}", 'city': f"City {n}"} for n in range(40)]
        )
        units = self.env['aftersales.unit'].create(
            [
                {
                    'product_id': self.product.id,
                    'partner_id': self.customer.id,
                    'site_partner_id': site.id,
                }
                for site in sites
            ]
        )
        requests = self.env['aftersales.request'].union(
            *(self._create_request(unit_id=unit.id) for unit in units)
        )
        names = ['has_responsible', 'site_partner_id', 'site_zone']
        counts = []
        for number in (5, 5, 40):  # the first one fills the caches of the registry
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            requests[:number].read(names)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])

    def test_dispatch_order(self):
        """Nobody's first, then what is due first; what has no deadline comes last of its kind."""
        orders = {
            etree.fromstring(self.env.ref(f'crm_aftersales.{name}').get_combined_arch()).get(
                'default_order'
            )
            for name in (
                'aftersales_request_view_list_dispatch',
                'aftersales_request_view_kanban_dispatch',
            )
        }
        self.assertEqual(len(orders), 1)
        order = orders.pop()
        late, today = self.expected['overdue'], self.expected['due_today']
        later = self.expected['unassigned'].filtered('sla_deadline')
        unpromised = self.expected['unassigned'] - later
        found = self.env['aftersales.request'].search(
            [('id', 'in', (late | today | later | unpromised).ids)], order=order
        )
        self.assertEqual(found.ids, [later.id, unpromised.id, late.id, today.id])

    def test_site_and_zone(self):
        request = self._create_request()
        state = self.env['res.country.state'].search([], limit=1)
        self.customer.write({'city': "Xiamen", 'state_id': state.id})
        self.assertEqual(request.site_partner_id, self.customer)
        self.assertEqual(request.site_zone, f"Xiamen, {state.name}")
        site = self.env['res.partner'].create({'name': "Annex", 'city': "Fuzhou"})
        self.unit.site_partner_id = site
        self.assertEqual(request.site_partner_id, site)
        self.assertEqual(request.site_zone, "Fuzhou")

    def test_has_responsible(self):
        Request = self.env['aftersales.request']
        found = Request.search([('id', 'in', self.all.ids), ('has_responsible', '=', False)])
        self.assertEqual(found, self.all.filtered(lambda request: not request.user_id).sorted())

    def test_keys_are_not_those_of_odoo(self):
        """Alt+C is New, Alt+S Save and so on: a button that uses them is never reached."""
        view = self.env.ref('crm_aftersales.aftersales_request_view_form')
        arch = etree.fromstring(self.env['aftersales.request'].get_view(view.id)['arch'])
        keys = [node.get('data-hotkey') for node in arch.xpath('//header/button[@data-hotkey]')]
        self.assertTrue({'t', 'd', 'l', 'o'} <= set(keys))
        # r: priority, m: message, shift+x: stage
        taken = {*'bchijkmnprsuvxz', 'shift+a', 'shift+i', 'shift+m', 'shift+u', 'shift+x'}
        self.assertFalse(set(keys) & taken)
