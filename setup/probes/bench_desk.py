# ruff: noqa: F821 - `env` is what Odoo's shell provides
"""Fill service desks with a history, and measure what people wait for there, by turns.

Run in Odoo's shell.  ``fill`` makes the data of one database: one record of each kind is made as
users do, and multiplied by SQL.  ``measure`` lets several databases, large and small, take turns in
one process, so that all work under the same load of the machine.
"""

import gc
import json
import os
import sys
from ast import literal_eval
from datetime import datetime, timedelta
from pathlib import Path

sys.path.insert(0, os.path.join(os.environ['SUITE_ROOT'], 'probes'))

from bench_side import Side
from lxml import etree
from werkzeug.test import Client

from odoo import SUPERUSER_ID, api, fields, http
from odoo.service import security
from odoo.tools import SQL, config

OPEN = 5000
#: requests of one customer, and of one product
EACH = 5
TURNS = int(os.environ.get('SUITE_NUMBER', 90))
WARM = 5
PAGE, KANBAN_PAGE = 80, 80
QUIET = {'tracking_disable': True, 'mail_notify_force_send': False}


class Desk(Side):
    """A service desk.

    ``model`` is what customers' matters are, ``page`` where they find them on the portal, and
    ``staff_group`` who works on them.
    """

    model = page = staff_group = None
    #: models of the rows that hang on each matter, with the field that names it
    rows: tuple = ()

    def environment(self, cr, uid=SUPERUSER_ID):
        return api.Environment(cr, uid, dict(QUIET) if uid == SUPERUSER_ID else {})

    # ------------------------------------------------------------
    # DATA
    # ------------------------------------------------------------

    def fill(self, number):
        """Make customers and their matters, all but ``OPEN`` of them closed."""
        with self.registry.cursor() as cr:
            self.env = self.environment(cr)
            self.set_up()
            self.create_user('bench_staff', self.staff_group)
            partner = self.create_user('bench', 'base.group_portal').partner_id
            customers = self.multiply(
                partner,
                max(number // EACH, 1),
                {
                    'name': "'Bench ' || n",
                    'complete_name': "'Bench ' || n",
                    'commercial_partner_id': 'new.id',
                    'email': "n || '@bench.example'",
                    'email_normalized': "n || '@bench.example'",
                },
            )
            self.fill_matters(number, partner, customers)
            cr.commit()
        with self.registry.cursor() as cr:
            cr.commit()
            cr._cnx.autocommit = True
            cr.execute('VACUUM ANALYZE')

    def create_user(self, login, group):
        return self.env['res.users'].create(
            {
                'name': "Bench",
                'login': login,
                'email': f'{login}@example.com',
                'group_ids': [fields.Command.set(self.env.ref(group).ids)],
            }
        )

    def fill_matters(self, number, partner, customers):
        """Make one open and one closed matter and copy them; 40 are of who is on the portal."""
        closed = self.make_matter(partner)
        self.close(closed)
        opened = self.make_matter(partner)
        self.env.flush_all()
        for matter, count in ((closed, number - OPEN), (opened, OPEN)):
            days = '1 + n % 1000' if matter == closed else 'n % 10'
            # who has one open has more: they can be merged
            which = 'n' if matter == closed else 'n / 3'
            customer = (
                f'CASE WHEN n <= 5000 AND n % 125 = 0 THEN {partner.id}'
                f' ELSE {customers[0]} + ({which}) % {customers[1]} END'
            )
            overrides = {
                'number': "'BENCH' || n",
                'name': "'Bench ' || n",
                'partner_id': customer,
                'commercial_partner_id': customer,
                'access_token': 'NULL',
                **self.get_named(),
                **{
                    name: f"src.{name} - ({days}) * interval '1 day'"
                    for name, field in matter._fields.items()
                    if field.type == 'datetime' and field.store and field.column_type
                },
            }
            first = self.multiply(
                matter, count, overrides, offset=0 if matter == closed else number
            )
            for model, name in self.rows:
                self.multiply_rows(model, name, matter, first)

    def multiply(self, record, number, overrides, offset=0):
        """Copy a row; return the first new id and how many there are.

        :param overrides: SQL of columns, of the number ``n`` and the new ``id``
        """
        cr = self.env.cr
        self.env.flush_all()
        table = record._table
        cr.execute(f"SELECT max(id) + 1 FROM {table}")
        [first] = cr.fetchone()
        values = {
            name: overrides.get(name, f'src."{name}"').replace('%', '%%')
            for name in self.get_columns(table)
        }
        columns = ', '.join(f'"{name}"' for name in values)
        sources = ', '.join({**values, 'id': 'new.id'}.values())
        cr.execute(
            f"INSERT INTO {table} ({columns}) SELECT {sources} FROM {table} src,"
            " LATERAL (SELECT n + %s AS n, n - 1 + %s AS id FROM generate_series(1, %s) n) new"
            " WHERE src.id = %s",
            [offset, first, number, record.id],
        )
        cr.execute(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))")
        return first, number

    def multiply_rows(self, model, name, matter, first):
        """Copy what hangs on one matter to each of its copies."""
        table = self.env[model]._table
        columns = [column for column in self.get_columns(table) if column not in ('id', name)]
        listed = ', '.join(f'"{column}"' for column in columns)
        sources = ', '.join(f'src."{column}"' for column in columns)
        where = f'src.{name} = {matter.id}'
        if model == 'mail.message':
            where += f" AND src.model = '{matter._name}'"
            sources = sources.replace('src."message_id"', "'<' || n || '-bench@example.com>'")
        self.env.cr.execute(
            f"INSERT INTO {table} ({listed}, {name}) SELECT {sources}, n FROM {table} src,"
            f" generate_series({first[0]}, {first[0] + first[1] - 1}) n WHERE {where}"
        )

    def get_columns(self, table):
        self.env.cr.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
            " AND is_generated = 'NEVER' ORDER BY ordinal_position",
            [table],
        )
        return [name for (name,) in self.env.cr.fetchall()]

    # ------------------------------------------------------------
    # WHAT PEOPLE DO
    # ------------------------------------------------------------

    def prepare(self):
        """Look up what the measured work needs."""
        self.portal = Client(http.root)
        with self.registry.cursor() as cr:
            self.env = self.environment(cr)
            self.uid = self.env['res.users'].search([('login', '=', 'bench_staff')]).id
            staff = self.environment(cr, self.uid)
            self.domain = self.get_open_domain()
            views = staff[self.model].get_views(
                [(False, 'list'), (False, 'kanban'), (False, 'form')]
            )
            self.specifications = {
                kind: self.read_specification(staff[self.model], view['arch'])
                for kind, view in views['views'].items()
            }
            self.open_ids = staff[self.model].search(self.domain, limit=4 * (TURNS + WARM)).ids
            self.customer = self.env['res.partner'].search([('name', '=', 'Bench 7')], limit=1).id
            self.log_in(self.env['res.users'].search([('login', '=', 'bench')]))
            cr.commit()

    def read_specification(self, model, arch):
        """Return what the web client reads for a view: its fields, names of what they name."""
        result = {}
        for node in etree.fromstring(arch).iter('field'):
            field = model._fields.get(node.get('name'))
            if field is None or any(parent.tag == 'field' for parent in node.iterancestors()):
                continue
            named = {'fields': {'display_name': {}}}
            result[field.name] = named if field.type in ('many2one', 'many2many') else {}
            if field.type == 'one2many':
                result[field.name] = {'fields': {}, 'limit': 40}
        return result

    def get_named(self):
        """Return SQL of more columns of a matter, of its number ``n``."""
        return {}

    def log_in(self, user):
        """Open a session on the portal, as the page after the log-in does."""
        session = http.root.session_store.new()
        session.update(http.get_default_session(), db=self.database)
        session.update(
            uid=user.id, login=user.login, context={'lang': 'en_US'}, _trace_disable=True
        )
        session.session_token = security.compute_session_token(session, user.env)
        http.root.session_store.save(session)
        self.portal.set_cookie('session_id', session.sid, domain='localhost')

    def do(self, work):
        """Run something as staff, in a transaction of its own."""
        with self.registry.cursor() as cr:
            work(self.environment(cr, self.uid)[self.model])

    def create(self, turn):
        self.do(lambda model: model.create({'name': f"Bench {turn}", 'partner_id': self.customer}))

    def read_list(self, _turn):
        specification = self.specifications['list']
        self.do(
            lambda model: model.web_search_read(
                self.domain, specification, limit=PAGE, count_limit=10001
            )
        )

    def read_all(self, _turn):
        specification = self.specifications['list']
        self.do(
            lambda model: model.web_search_read([], specification, limit=PAGE, count_limit=10001)
        )

    def read_kanban(self, _turn):
        self.do(
            lambda model: model.web_read_group(
                self.domain,
                ['stage_id'],
                ['__count'],
                auto_unfold=True,
                unfold_read_specification=self.specifications['kanban'],
                unfold_read_default_limit=KANBAN_PAGE,
            )
        )

    def read_form(self, turn):
        specification = self.specifications['form']
        self.do(lambda model: model.browse(self.open_ids[turn]).web_read(specification))

    def read_portal(self, _turn):
        answer = self.portal.get(self.page, base_url='http://localhost')
        assert answer.status_code == 200 and b'Bench' in answer.data, answer.status_code

    #: what is measured
    def get_works(self):
        return {
            "create": self.create,
            "list, open ones": self.read_list,
            "list, all": self.read_all,
            "board, open ones": self.read_kanban,
            "form": self.read_form,
            "portal list": self.read_portal,
        }


class Requests(Desk):
    """The suite."""

    model, page = 'aftersales.request', '/my/requests?filterby=all'
    staff_group = 'crm_aftersales.group_all'
    rows = (
        ('aftersales.sla.event', 'request_id'),
        ('aftersales.sla.clock', 'request_id'),
        ('mail.message', 'res_id'),
    )

    def set_up(self):
        self.env['aftersales.sla.policy'].search([]).active = False
        self.env['aftersales.sla.policy'].create(
            {'name': "Bench", 'response_hours': 4, 'resolution_hours': 40}
        )
        self.product = self.env['product.product'].create(
            {'name': "Bench", 'aftersales_warranty_months': 24}
        )

    def fill_matters(self, number, partner, customers):
        unit = self.env['aftersales.unit'].create(
            {'product_id': self.product.id, 'partner_id': partner.id, 'serial': 'BENCH-0'}
        )
        self.units = self.multiply(
            unit,
            max(number // EACH, 1),
            {
                'serial': "'BENCH-' || n",
                'serial_norm': "'BENCH' || n",
                'ref': "'BENCH' || n",
                'partner_id': f'{customers[0]} + n % {customers[1]}',
                'commercial_partner_id': f'{customers[0]} + n % {customers[1]}',
                'access_token': 'NULL',
                'qr_token': 'NULL',
                'parent_path': "new.id || '/'",
            },
        )
        super().fill_matters(number, partner, customers)

    def make_matter(self, partner):
        return self.env['aftersales.request'].create(
            {'name': "Bench", 'partner_id': partner.id, 'description': "<p>It rattles.</p>"}
        )

    def close(self, matter):
        stage = self.env['aftersales.request.stage']._get_for_state('closed')
        matter.message_post(body="Done", subtype_xmlid='mail.mt_comment', message_type='comment')
        matter.stage_id = stage

    def get_named(self):
        return {
            'unit_id': f'{self.units[0]} + n % {self.units[1]}',
            'product_id': str(self.product.id),
            'submission_key': 'NULL',
        }

    def get_open_domain(self):
        # what the lists and the board open with
        search = self.env['aftersales.request'].get_view(view_type='search')['arch']
        [domain] = etree.fromstring(search).xpath('//filter[@name="open"]/@domain')
        return literal_eval(domain)

    def merge(self, turn):
        survivor, source = self.pairs[turn]

        def work(model):
            model.browse(source)._merge_into(model.browse(survivor))

        self.do(work)

    def prepare(self):
        super().prepare()
        with self.registry.cursor() as cr:
            self.env = self.environment(cr)
            found = self.env[self.model].search(self.domain, order='partner_id, id', limit=OPEN)
            by_customer = found.grouped('partner_id').values()
            self.pairs = [requests[:2].ids for requests in by_customer if len(requests) > 1]

    def get_works(self):
        return {**super().get_works(), "merge of two": self.merge}

    def run_due(self):
        """Let the scheduled action look at the clocks of all open requests."""
        with self.registry.cursor() as cr:
            self.environment(cr)['aftersales.sla.clock']._cron_due()

    def make_due(self):
        """Make all running clocks due again; return how many."""
        past = datetime.now() - timedelta(hours=1)
        with self.registry.cursor() as cr:
            cr.execute(
                SQL(
                    "UPDATE aftersales_sla_clock SET state = 'running', deadline = %s,"
                    " date_next = %s, breached_at = NULL, fired_percent = 0"
                    " FROM aftersales_request request"
                    " WHERE request.id = request_id AND request.state NOT IN"
                    " ('resolved', 'closed', 'cancelled')"
                    " AND aftersales_sla_clock.state IN ('running', 'breached')",
                    past,
                    past,
                )
            )
            return cr.rowcount


class Tickets(Desk):
    """OCA's helpdesk_mgmt with helpdesk_mgmt_sla, for comparison only."""

    model, page = 'helpdesk.ticket', '/my/tickets?filterby=all'
    staff_group = 'helpdesk_mgmt.group_helpdesk_user'
    rows = (('helpdesk.ticket.sla', 'ticket_id'), ('mail.message', 'res_id'))

    def set_up(self):
        self.team = self.env['helpdesk.ticket.team'].create({'name': "Bench", 'use_sla': True})
        calendar = self.env.company.resource_calendar_id
        if 'resource_calendar_id' in self.team._fields:
            self.team.resource_calendar_id = calendar
        stage = self.env['helpdesk.ticket.stage'].search([('closed', '=', True)], limit=1)
        for hours in (4, 40):
            self.env['helpdesk.sla'].create(
                {
                    'name': f"Bench {hours}",
                    'team_ids': [fields.Command.set(self.team.ids)],
                    'stage_id': stage.id,
                    'hours': hours,
                }
            )

    def make_matter(self, partner):
        return self.env['helpdesk.ticket'].create(
            {
                'name': "Bench",
                'partner_id': partner.id,
                'description': "<p>It rattles.</p>",
                'team_id': self.team.id,
            }
        )

    def close(self, matter):
        stage = self.env['helpdesk.ticket.stage'].search([('closed', '=', True)], limit=1)
        matter.message_post(body="Done", subtype_xmlid='mail.mt_comment', message_type='comment')
        matter.stage_id = stage

    def get_open_domain(self):
        return [('closed', '=', False)]

    def create(self, turn):
        team = self.team_id
        self.do(
            lambda model: model.create(
                {
                    'name': f"Bench {turn}",
                    'partner_id': self.customer,
                    'description': "<p>It rattles.</p>",
                    'team_id': team,
                }
            )
        )

    def prepare(self):
        super().prepare()
        with self.registry.cursor() as cr:
            teams = self.environment(cr)['helpdesk.ticket.team']
            self.team_id = teams.search([('name', '=', "Bench")], limit=1).id


KINDS = {'requests': Requests, 'tickets': Tickets}


def measure(sides):
    """Let the sides do each work by turns; return the costs by work and side."""
    result = {}
    for what in next(iter(sides.values())).get_works():
        works = {name: side.get_works()[what] for name, side in sides.items()}
        costs = {name: [] for name in sides}
        turns = dict.fromkeys(sides.values(), 0)
        for turn in range(-WARM, TURNS):
            names = list(sides)
            # another order each turn, so that nobody always runs first
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                side = sides[name]
                cost = side.measure(lambda w=works[name], n=turns[side]: w(n))
                turns[side] += 1
                if turn >= 0:
                    costs[name].append(cost)
        result[what] = costs
        gc.collect()
    return result


def measure_due(sides, turns=3):
    """Let the sides look at due clocks by turns."""
    costs = {name: [] for name in sides}
    for _turn in range(turns):
        for name, side in sides.items():
            number = side.make_due()
            costs[name].append({**side.measure(side.run_due), 'number': number})
    return costs


if os.environ['SUITE_SIDE'] == 'fill':
    KINDS[os.environ['SUITE_KIND']](env.cr.dbname).fill(int(os.environ['SUITE_REQUESTS']))
else:
    kind, databases = KINDS[os.environ['SUITE_KIND']], json.loads(os.environ['SUITE_SIDES'])
    # the pages of all of them are served
    config['db_name'] = list(databases.values())
    desks = {name: kind(database) for name, database in databases.items()}
    for desk in desks.values():
        desk.prepare()
    first, *_others = desks
    sides = {first: desks[first], f'{first} again': desks[first], **desks}
    result = {'works': measure(sides)}
    if kind is Requests:
        result['due'] = measure_due(desks)
    Path(os.environ['SUITE_TARGET']).write_text(json.dumps(result))
