import base64

from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.crm_customer.tests.common import JobCase


@tagged('post_install', '-at_install')
class TestImport(JobCase):
    def bring_in(self, text, template='units'):
        record = self.env['crm.import'].create(
            {'template': template, 'file': base64.b64encode(text.encode()), 'file_name': 'a.csv'}
        )
        record.action_import()
        self.run_job(record.job_id)
        self.assertEqual(record.state, 'done', record.job_id.result)
        return tuple(record[name] for name in record._get_counters())

    def test_customers_products(self):
        self.env['product.product'].create({'name': "Pump", 'default_code': 'PUMP-T'})
        text = (
            "External ID,Customer Name,Customer Email,Product,Serial Number,Delivered on\n"
            "U-t1,Unit Wang,unit.wang@example.com,PUMP-T,SN 1-t,2025/3/14\n"
            "U-t2,Unit Wang,unit.wang@example.com,PUMP-T,SN 2-t,14.03.2025\n"
            "U-t3,Unit Wang,unit.wang@example.com,PUMP-T,SN-1-T,\n"
        )
        self.assertEqual(self.bring_in(text), (2, 0, 0, 1), "a serial number stands for one piece")
        units = self.env.ref('__import__.U-t1') | self.env.ref('__import__.U-t2')
        self.assertEqual(len(units.partner_id), 1)
        self.assertEqual([str(unit.date_delivered) for unit in units], ['2025-03-14'] * 2)
        self.assertEqual(self.bring_in(text), (0, 0, 2, 1))

    def test_unknown_product_is_all_that_is_said(self):
        """Not also that a product is missing, in the words of the database."""
        text = (
            "Customer Name,Customer Email,Product\nUnit Wang,unit.wang@example.com,No such pump\n"
        )
        self.assertEqual(self.bring_in(text), (0, 0, 0, 1))
        reason = self.env['crm.import'].search([], order='id desc', limit=1).bad_row_ids.reason
        self.assertIn("No such pump", reason)
        self.assertEqual(len(reason.splitlines()), 1, reason)

    def test_meter_readings(self):
        product = self.env['product.product'].create({'name': "Van"})
        unit = self.env['aftersales.unit'].create(
            {
                'product_id': product.id,
                'serial': 'VAN 77-t',
                'partner_id': self.env.user.partner_id.id,
                'meter_type_id': self.env.ref('crm_aftersales.aftersales_meter_type_odometer').id,
            }
        )
        text = (
            "Customer Product,Read on,Reading,Kind\n"
            "VAN 77-t,2025-05-01,300,\n"
            "VAN 77-t,2025-03-01,100,Reading\n"
            "VAN 77-t,2025-04-01,90,\n"
            "VAN 77-t,2025-06-01,10,Meter Replaced\n"
        )
        self.assertEqual(self.bring_in(text, 'meter_readings'), (3, 0, 0, 1))
        self.assertEqual(unit.meter_reading_ids.mapped('total'), [300, 300, 100])
        self.assertEqual(set(unit.meter_reading_ids.mapped('source')), {'import'})
        self.assertEqual(self.bring_in(text, 'meter_readings'), (0, 0, 3, 1))

    def test_import_of_the_list_leads_here(self):
        """Core's import takes neither numbers nor days of requests."""
        (template,) = self.env['aftersales.request'].get_import_templates()
        path = self.env.ref('crm_customer.crm_import_action').path
        self.assertEqual(template['template'], f'/odoo/{path}')

    def test_past_requests_that_name_no_stage(self):
        """What was resolved or closed years ago is not open again, and nothing is owed."""
        text = (
            "External ID,Customer Email,Customer Name,Subject,Received on,Resolved on,Closed on\n"
            "R-n1,past@example.com,Past Li,It hums,2025-03-03 02:00:00,2025-03-04 02:00:00,"
            "2025-03-05 02:00:00\n"
            "R-n2,past@example.com,Past Li,It drips,2025-03-03 02:00:00,2025-03-04 02:00:00,\n"
            "R-n3,past@example.com,Past Li,It stops,2025-03-03 02:00:00,,\n"
            "R-n4,past@example.com,Past Li,It lies,2025-03-03 02:00:00,2025-03-02 02:00:00,\n"
            "R-n5,past@example.com,Past Li,It lies,2025-03-03 02:00:00,2025-03-05 02:00:00,"
            "2025-03-04 02:00:00\n"
        )
        self.assertEqual(self.bring_in(text, 'requests'), (3, 0, 0, 2))
        requests = [self.env.ref(f'__import__.R-n{number}') for number in (1, 2, 3)]
        self.assertEqual([request.state for request in requests], ['closed', 'resolved', 'new'])
        self.assertEqual(
            [str(request.date_resolved)[:10] for request in requests[:2]], ['2025-03-04'] * 2
        )
        self.assertNotIn('running', requests[1].sla_clock_ids.mapped('state'))
        self.assertEqual(self.bring_in(text, 'requests'), (0, 0, 3, 2))

    def test_past_requests_that_do_not_say_when_they_ended(self):
        """Today would be a solution of years, and a broken promise of this month."""
        closed, resolved = (
            self.env['aftersales.request.stage']._get_for_state(state).name
            for state in ('closed', 'resolved')
        )
        text = (
            "External ID,Customer Email,Customer Name,Subject,Stage,Received on,Resolved on\n"
            f"R-e1,past@example.com,Past Li,It hums,{closed},2025-03-03 02:00:00,\n"
            f"R-e2,past@example.com,Past Li,It drips,{resolved},2025-03-03 02:00:00,\n"
            f"R-e3,past@example.com,Past Li,It stops,{closed},2025-03-03 02:00:00,"
            "2025-03-04 02:00:00\n"
        )
        self.assertEqual(self.bring_in(text, 'requests'), (1, 0, 0, 2))
        request = self.env.ref('__import__.R-e3')
        self.assertEqual(str(request.date_closed)[:10], '2025-03-04')
        self.assertEqual(request.date_closed, request.date_resolved)

    def test_past_requests(self):
        """They keep number and days; nobody is told, no checklist is asked for."""
        self.env['product.product'].create({'name': "Pump", 'default_code': 'PUMP-T'})
        self.bring_in(
            "External ID,Customer Name,Customer Email,Product,Serial Number\n"
            "U-t1,Unit Wang,unit.wang@example.com,PUMP-T,SN 1-t\n"
        )
        closed = self.env['aftersales.request.stage'].search([('state', '=', 'closed')], limit=1)
        fault = self.env.ref('crm_aftersales.aftersales_request_type_fault')
        fault.checklist_item_ids = [Command.create({'name': "Gas test"})]
        text = (
            "External ID,Customer Email,Number,Subject,Type,Customer Product,Stage,Received on,"
            "First Answered on,Resolved on,Closed on\n"
            f"R-t1,unit.wang@example.com,OLD-1,It hums,{fault.name},SN 1-t,{closed.name},"
            "2025-03-03 02:00:00,2025-03-03 02:30:00,2025-03-04 02:00:00,2025-03-05 02:00:00\n"
            "R-t2,unit.wang@example.com,OLD-2,It drips,,,,2025-03-06 02:00:00,,,\n"
        )
        self.assertEqual(self.bring_in(text, 'requests'), (2, 0, 0, 0))
        request = self.env.ref('__import__.R-t1')
        self.assertEqual((request.number, request.state), ('OLD-1', 'closed'))
        days = [request.date_received, request.date_first_reply, request.date_resolved]
        self.assertEqual([day.day for day in [*days, request.date_closed]], [3, 3, 4, 5])
        self.assertEqual(request.unit_id, self.env.ref('__import__.U-t1'))
        self.assertFalse(request.message_ids.filtered('partner_ids'))
        self.assertNotIn('running', request.sla_clock_ids.mapped('state'))
        told = [('origin_model', '=', 'aftersales.request'), ('origin_id', '=', request.id)]
        self.assertFalse(self.env['crm.message'].search(told))
        self.assertEqual(self.bring_in(text, 'requests'), (0, 0, 2, 0))
