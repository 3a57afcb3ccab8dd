"""Helpers for the tests of this addon and of those that build on it."""

from contextlib import contextmanager
from unittest.mock import patch

from odoo import Command, api
from odoo.fields import Datetime
from odoo.sql_db import db_connect
from odoo.tests import TransactionCase, new_test_user


class CrmCustomerCommon(TransactionCase):
    """A customer with contacts, a second company, and one user of each role."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env.company
        cls.other_company = cls.env['res.company'].create({'name': "Second Company"})
        cls.user_employee = new_test_user(cls.env, 'cc_employee', 'base.group_user')
        cls.user_own = new_test_user(cls.env, 'cc_own', 'crm_customer.group_own')
        cls.user_all = new_test_user(cls.env, 'cc_all', 'crm_customer.group_all')
        cls.user_manager = new_test_user(cls.env, 'cc_manager', 'crm_customer.group_manager')
        cls.user_salesman = new_test_user(cls.env, 'cc_salesman', 'sales_team.group_sale_salesman')
        cls.customer = cls.env['res.partner'].create(
            {
                'name': "凌华",
                'is_company': True,
                'child_ids': [Command.create({'name': "Chen"}), Command.create({'name': "Li"})],
            }
        )
        cls.contact = cls.customer.child_ids[0]
        cls.stranger = cls.env['res.partner'].create({'name': "Stranger"})
        cls.product = cls.env['product.product'].create({'name': "Lamp", 'list_price': 10})

    def as_web_client(self):
        """Read, in the meantime, as the web client does: with what is confidential."""
        mixin = self.registry['crm.visibility.mixin']
        return patch.object(mixin, '_is_confidential_channel', lambda records: True)

    @classmethod
    def create_order(cls, partner, date_order, **values):
        """Create an order that was confirmed on this day."""
        return cls.env['sale.order'].create(
            {
                'partner_id': partner.id,
                'date_order': date_order,
                'state': 'sale',
                'order_line': [Command.create({'product_id': cls.product.id})],
                **values,
            }
        )

    @classmethod
    def create_calendar(cls, name, hours=((8, 12), (13, 17)), days=range(5), tz='UTC', **values):
        """Create working hours, the same on each of the days."""
        return cls.env['resource.calendar'].create(
            {
                'name': name,
                'tz': tz,
                'company_id': False,
                'attendance_ids': [
                    Command.clear(),
                    *(
                        Command.create(cls.prepare_attendance_vals(day, start, stop))
                        for day in days
                        for start, stop in hours
                    ),
                ],
                **values,
            }
        )

    @classmethod
    def prepare_attendance_vals(cls, day, start, stop, **values):
        """Return the values of one block of working hours."""
        return {
            'name': f"{day} {start}",
            'dayofweek': str(day),
            'hour_from': start,
            'hour_to': stop,
            'day_period': 'morning' if start < 12 else 'afternoon',
            **values,
        }

    @classmethod
    def create_message(cls, partner, date, body="Hello", **values):
        """Create a message somebody wrote to or about the contact."""
        return cls.env['mail.message'].create(
            {
                'model': 'res.partner',
                'res_id': partner.id,
                'date': date,
                'body': body,
                'message_type': 'comment',
                **values,
            }
        )


class JobCase(TransactionCase):
    """Runs jobs, which commit, inside a test that is rolled back."""

    @contextmanager
    def job_method(self, model, function, name='_test_chunk'):
        """Give a model a method for the time of a test.

        :param model: name of the model
        :param function: what a job calls, as ``function(self, job)``
        """
        with patch.object(self.registry[model], name, function, create=True):
            yield name

    def run_job(self, job, **kwargs):
        """Run a job until it ends or stops, on a cursor that may commit."""
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            job.with_env(self.env(cr=cr))._run(**kwargs)

    def run_job_cron(self):
        """Run the jobs as the scheduler does."""
        with self.enter_registry_test_mode():
            self.env.ref('crm_customer.ir_cron_crm_job_1').method_direct_trigger()


class TwoCursorsCase(TransactionCase):
    """Two transactions on connections of their own, with real commits.

    A test cleans up what it committed, by ``addCleanup(self.execute_committed, ...)``.
    """

    def setUp(self):
        super().setUp()
        self.env_1 = self.open_environment()
        self.env_2 = self.open_environment()

    def open_environment(self):
        """Return an environment on a connection of its own, closed after the test."""
        cr = db_connect(self.env.cr.dbname).cursor()
        self.addCleanup(cr.close)
        self.addCleanup(cr.rollback)
        return api.Environment(cr, self.env.uid, {})

    def take_snapshots(self):
        """Make both transactions begin now."""
        for env in (self.env_1, self.env_2):
            env.cr.rollback()
            env.cr.execute('SELECT 1')

    def execute_committed(self, query, *params):
        """Execute and commit a statement on a connection of its own.

        :param query: a constant of the test
        """
        for env in (self.env_1, self.env_2):
            env.cr.rollback()  # it must not wait for locks of ours
        with db_connect(self.env.cr.dbname).cursor() as cr:
            cr.execute("SET LOCAL lock_timeout = '5s'")
            cr.execute(query, params)  # pylint: disable=sql-injection


class MessageCase(TransactionCase):
    """Messages and the gate, without the policies of the database and without transport."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.messages = cls.env['crm.message'].sudo()
        cls.env['crm.contact.policy'].search([]).active = False
        cls.env['crm.quiet.period'].search([]).active = False
        cls.messages.search([('state', '=', 'planned')]).write({'state': 'cancelled'})
        cls.customer_person = cls.env['res.partner'].create(
            {
                'name': "Mrs Zhang",
                'email': 'zhang@example.com',
                'phone': '+86 571 5555 0188',
                'street': "1 Lake Road",
                'city': "Hangzhou",
                'customer_tz_choice': 'Asia/Shanghai',
            }
        )

    def plan_message(self, key, planned_at, message_class='greeting', partner=None, **values):
        """Plan a message.

        :param key: anything that no other message of the test has
        :param planned_at: as text, in UTC
        """
        return self.messages._plan(
            [
                {
                    'key': f'test:{key}',
                    'partner_id': (partner or self.customer_person).id,
                    'message_class': message_class,
                    'planned_at': Datetime.to_datetime(planned_at),
                    **values,
                }
            ]
        )

    def look_at(self, now):
        """Let the gate decide about everything that is due, and send nothing.

        :param now: as text, in UTC
        """
        now = Datetime.to_datetime(now)
        with patch.object(self.registry['crm.message'], '_enqueue', lambda messages: None):
            messages, _mark = self.messages._claim_due(now, 0, 1)
            messages._process(now)

    def create_policy(self, **values):
        """Create a policy that limits nothing but what is given."""
        vals = {'name': "Policy", 'max_messages': 0, 'quiet_from': 0, 'quiet_to': 0, **values}
        return self.env['crm.contact.policy'].create(vals)

    def assert_waits(self, message, reason, due_at):
        """Check that a message waits, why and until when (text, in UTC)."""
        self.assertEqual((message.state, message.reason), ('planned', reason))
        self.assertEqual(message.due_at, Datetime.to_datetime(due_at))
