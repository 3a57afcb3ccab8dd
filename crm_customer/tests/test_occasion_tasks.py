from datetime import date, timedelta
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2.errors import NotNullViolation

from odoo import Command, fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from .common_occasion import OccasionCommon


class TaskCommon(OccasionCommon):
    """A hotel with housekeeping, kitchen and duty manager, and what they prepare."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['crm.occasion.rule'].search([]).active = False
        categories = cls.env['crm.note.category']
        cls.pillow = categories.create({'name': "Pillow"})
        cls.fruit = categories.create({'name': "Fruit"})
        cls.health = categories.create({'name': "Health", 'visibility': 'confidential'})
        cls.housekeeper = new_test_user(cls.env, 'oc_housekeeper', 'base.group_user')
        cls.cook = new_test_user(cls.env, 'oc_cook', 'base.group_user')
        cls.duty = new_test_user(
            cls.env,
            'oc_duty',
            'crm_customer.group_own,crm_customer.group_note_confidential',
        )
        cls.housekeeping, cls.kitchen, cls.management = cls.env['crm.occasion.department'].create(
            [
                {'name': name, 'user_ids': [Command.set(user.ids)]}
                for name, user in (
                    ("Housekeeping", cls.housekeeper),
                    ("Kitchen", cls.cook),
                    ("Duty Manager", cls.duty),
                )
            ]
        )
        cls.rule_pillow = cls.create_rule(cls.housekeeping, category_ids=cls.pillow)
        cls.rule_fruit = cls.create_rule(cls.kitchen, category_ids=cls.fruit)
        cls.rule_birthday = cls.create_rule(
            cls.management,
            trigger='birthday',
            text="Flowers and card for {customer}, {place}",
            delay=15,
            delay_unit='minutes',
            is_greeting=True,
        )

    @classmethod
    def create_rule(cls, department, category_ids=(), **values):
        return cls.env['crm.occasion.rule'].create(
            {
                'name': "Rule",
                'department_id': department.id,
                'type_ids': [Command.set(cls.stay.ids)],
                'category_ids': [Command.set([category.id for category in category_ids])],
                **values,
            }
        )

    @classmethod
    def create_note(cls, partner, text, category, **values):
        return cls.env['crm.customer.note'].create(
            {'partner_id': partner.id, 'text': text, 'category_id': category.id, **values}
        )

    def get_tasks(self, occasion):
        return sorted(
            (task.department_id.name, task.text, task.state)
            for task in self.env['crm.occasion.task'].search([('occasion_id', '=', occasion.id)])
        )


@tagged('post_install', '-at_install')
class TestOccasionTasks(TaskCommon):
    def test_made_the_day_before(self):
        """B3 step 4: the wishes of tomorrow's guest are tasks of housekeeping and kitchen."""
        with freeze_time('2026-04-08 06:00:00'):
            self.create_note(self.guest_li, "Buckwheat pillow", self.pillow)
            self.create_note(self.guest_li, "No mango", self.fruit)
            stay = self.create_stay(
                self.guest_li, date_from='2026-04-10 06:00:00', date_to='2026-04-12 04:00:00'
            )
        self.assertFalse(self.get_tasks(stay), "two days before it is too early")
        self.env.flush_all()
        # the clock of the database is not frozen
        self.env.cr.execute("UPDATE crm_occasion SET create_date = '2026-04-08 06:00:00'")
        self.env.cr.execute("UPDATE crm_customer_note SET create_date = '2026-04-08 06:00:00'")
        self.env.invalidate_all()
        for moment in ('2026-04-08 15:59:00', '2026-04-08 16:01:00', '2026-04-09 16:00:00'):
            with freeze_time(moment), self.enter_registry_test_mode():
                self.env.ref('crm_customer.ir_cron_crm_occasion_tasks').method_direct_trigger()
            self.env.invalidate_all()
            if moment < '2026-04-08 16:00:00':
                self.assertFalse(self.get_tasks(stay), "it is still the 8th in Shanghai")
        expected = [
            ("Housekeeping", "Buckwheat pillow", 'open'),
            ("Kitchen", "No mango", 'open'),
        ]
        self.assertEqual(self.get_tasks(stay), expected, "made once, however often the job runs")
        self.assertEqual(stay.task_ids[0].due_at, self.utc('2026-04-10 04:00:00'))

    def test_later_changes(self):
        """B3 steps 2 to 4: what is noted after the list was made becomes a task at once."""
        stay = self.create_stay(self.guest_li)
        self.assertFalse(self.get_tasks(stay))
        note = self.create_note(self.guest_li, "Ashtrays on the tea table", self.pillow)
        self.assertEqual(
            self.get_tasks(stay), [("Housekeeping", "Ashtrays on the tea table", 'open')]
        )
        note.text = "Two ashtrays"
        self.assertEqual(self.get_tasks(stay), [("Housekeeping", "Two ashtrays", 'open')])
        note.category_id = self.fruit
        self.assertEqual(
            self.get_tasks(stay),
            [("Housekeeping", "Rule", 'void'), ("Kitchen", "Two ashtrays", 'open')],
        )
        note.active = False
        self.assertEqual({state for _d, _t, state in self.get_tasks(stay)}, {'void'})
        note.active = True
        self.assertIn(("Kitchen", "Two ashtrays", 'open'), self.get_tasks(stay))
        note.unlink()
        self.assertFalse(self.get_tasks(stay))

    def test_follows_the_occasion(self):
        self.create_note(self.guest_li, "Buckwheat pillow", self.pillow)
        # three hours later is the same day of the hotel, whenever this runs
        morning = fields.Datetime.now().replace(hour=2, minute=0, second=0) + timedelta(days=1)
        stay = self.create_stay(self.guest_li, days=1, date_from=morning)
        task = stay.task_ids
        due = task.due_at
        stay.action_cancel()
        self.assertEqual(task.state, 'void')
        stay.action_undo()
        self.assertEqual(task.state, 'open')
        stay.write({'date_from': stay.date_from + timedelta(hours=3)})
        self.assertEqual(task.due_at, due + timedelta(hours=3))
        task.with_user(self.housekeeper).action_done()
        stay.action_cancel()
        self.assertEqual(task.state, 'done', "what was done stays done")
        self.create_note(self.guest_li, "Two pillows", self.pillow)
        self.assertEqual(len(stay.task_ids), 1, "nothing more for a cancelled stay")

    def test_tick(self):
        self.create_note(self.guest_li, "Buckwheat pillow", self.pillow)
        stay = self.create_stay(self.guest_li)
        task = stay.task_ids
        with self.assertRaises(AccessError):
            task.with_user(self.cook).action_done()
        with freeze_time('2026-04-10 08:00:00'):
            task.with_user(self.housekeeper).action_done()
        with freeze_time('2026-04-10 09:00:00'):
            task.with_user(self.user_all).action_done()
        self.assertRecordValues(
            task,
            [
                {
                    'state': 'done',
                    'done_by': self.housekeeper.id,
                    'done_at': self.utc('2026-04-10 08:00:00'),
                }
            ],
        )
        self.assertEqual(stay.task_progress, '1/1')
        task.with_user(self.housekeeper).action_undo()
        task.with_user(self.housekeeper).action_undo()
        self.assertRecordValues(task, [{'state': 'open', 'done_by': False, 'done_at': False}])
        task.with_user(self.housekeeper).action_skip()
        stay._sync_tasks()
        self.assertEqual(task.state, 'skipped', "a person said so")

    def test_my_tasks(self):
        self.create_note(self.guest_li, "Buckwheat pillow", self.pillow)
        self.create_note(self.guest_li, "No mango", self.fruit)
        stay = self.create_stay(self.guest_li)
        mine = [('department_id.user_ids', 'in', self.housekeeper.id)]
        tasks = (
            self.env['crm.occasion.task']
            .with_user(self.housekeeper)
            .search([*mine, ('occasion_id', '=', stay.id)])
        )
        self.assertEqual(tasks.mapped('text'), ["Buckwheat pillow"])
        self.assertEqual(tasks.search([('occasion_id', '=', stay.id)]), tasks, "no others")
        with self.assertRaises(AccessError):
            self.env['crm.occasion.task'].with_user(self.user_employee).search([])

    def test_members_need_no_role(self):
        """Being a member is enough to see the menu and the tasks, and as long as one is."""
        menu = self.env.ref('crm_customer.crm_department_task_menu')

        def sees_menu(user):
            return menu.id in self.env['ir.ui.menu'].with_user(user)._visible_menu_ids()

        self.assertTrue(sees_menu(self.housekeeper))
        self.assertFalse(sees_menu(self.user_employee))
        self.kitchen.with_user(self.user_manager).user_ids = self.housekeeper | self.user_employee
        self.assertTrue(sees_menu(self.user_employee))
        self.assertFalse(self.cook.has_group('crm_customer.group_department'))
        self.kitchen.user_ids = False
        self.assertFalse(sees_menu(self.user_employee))
        self.assertTrue(sees_menu(self.housekeeper), "still of another department")
        self.housekeeping.active = False
        self.assertTrue(sees_menu(self.housekeeper), "put away, not left")
        self.rule_pillow.unlink()
        self.housekeeping.unlink()
        self.assertFalse(sees_menu(self.housekeeper))

    def test_confidential(self):
        """B3 step 3: a confidential note is a task only where every member may read it."""
        web_client = self.as_web_client()
        web_client.start()
        self.addCleanup(web_client.stop)
        for department in (self.housekeeping, self.management):
            self.create_rule(department, category_ids=self.health, text="Mind: {note}")
        self.assertTrue(self.housekeeping.confidential_warning)
        self.assertFalse(self.management.confidential_warning)
        self.create_note(self.guest_li, "Takes insulin", self.health)
        stay = self.create_stay(self.guest_li)
        self.assertEqual(self.get_tasks(stay), [("Duty Manager", "Mind: Takes insulin", 'open')])
        task = stay.task_ids
        with self.as_web_client():
            self.assertEqual(task.with_user(self.duty).read(['text'])[0]['text'], task.text)
            self.assertFalse(task.with_user(self.user_all).search([('id', '=', task.id)]))
            with self.assertRaises(AccessError):
                task.with_user(self.user_all).read(['text'])
            self.assertIn("Takes insulin", stay.with_user(self.duty).briefing)
            self.assertNotIn("insulin", stay.with_user(self.user_all).briefing)
        self.assertNotIn("insulin", stay.sudo().briefing, "nobody in particular reads it")
        web_client.stop()
        self.env.invalidate_all()
        self.assertNotIn("insulin", str(stay.with_user(self.duty).get_briefings()), "by the API")
        self.assertFalse(task.with_user(self.duty).search([('id', '=', task.id)]))
        web_client.start()
        self.management.user_ids |= self.cook
        stay._sync_tasks()
        self.assertEqual(task.state, 'void', "the cook may not read it")

    def test_made_confidential_later(self):
        """Who may no longer read the note does not read what was made of it, whatever its state."""
        notes = [self.create_note(self.guest_li, f"Insulin {n}", self.pillow) for n in range(4)]
        stay = self.create_stay(self.guest_li)
        done, skipped, still_open, void = (
            stay.task_ids.filtered(lambda task, note=note: task.note_id == note) for note in notes
        )
        done.action_done()
        skipped.action_skip()
        notes[3].active = False
        self.assertEqual(void.state, 'void')
        for note in notes:
            note.visibility = 'confidential'
        self.assertEqual(set(stay.task_ids.mapped('visibility')), {'confidential'})
        self.assertEqual((done.state, still_open.state), ('done', 'void'))
        with self.as_web_client():
            tasks = self.env['crm.occasion.task'].with_user(self.user_all)
            self.assertFalse(tasks.search([('occasion_id', '=', stay.id)]))
        self.assertNotIn("Insulin", str((still_open | void).mapped('text')), "nobody needs it")

    def test_made_confidential_after_the_stay(self):
        note = self.create_note(self.guest_li, "Insulin", self.pillow)
        stay = self.create_stay(self.guest_li)
        stay.task_ids.action_done()
        stay.action_arrive()
        stay.action_leave()
        note.visibility = 'confidential'
        self.assertEqual(stay.task_ids.visibility, 'confidential')

    def test_deleted_note(self):
        notes = [self.create_note(self.guest_li, f"Insulin {n}", self.pillow) for n in range(2)]
        stay = self.create_stay(self.guest_li)
        stay.task_ids.filtered(lambda task: task.note_id == notes[0]).action_done()
        for note in notes:
            note.unlink()
        self.assertEqual(self.get_tasks(stay), [("Housekeeping", "Rule", 'done')])

    def test_no_field_leads_from_contacts_to_tasks(self):
        """Domains and templates that run with all rights follow fields, and find nothing secret.

        From the contact on, over every field that is a link, no way leads to what has a visibility.
        """
        secret = set(self.registry['crm.visibility.mixin']._inherit_children)
        self.assertIn('crm.occasion.task', secret)
        ways, todo = {'res.partner': 'res.partner'}, ['res.partner']
        for name in todo:
            for field in self.env[name]._fields.values():
                target = field.comodel_name
                if not target or target in ways:
                    continue
                ways[target] = f'{ways[name]}.{field.name}'
                self.assertNotIn(target, secret, ways[target])
                todo.append(target)
        self.assertGreater(len(todo), 100)

    @mute_logger('odoo.addons.base.models.ir_rule')
    def test_what_the_system_keeps(self):
        """Rules, what became of a task and who may read it are not written by hand."""
        note = self.create_note(self.guest_li, "Insulin", self.pillow, visibility='service')
        self.housekeeper.group_ids |= self.env.ref('crm_customer.group_note_service')
        self.user_all.group_ids |= self.env.ref('crm_customer.group_note_service')
        stay = self.create_stay(self.guest_li)
        task = stay.task_ids
        self.assertEqual(task.note_id, note)
        values = {
            'key': f'{self.rule_birthday.id}:birthday:{self.guest_li.id}:S2026',
            'rule_id': self.rule_birthday.id,
            'note_id': note.id,
            'birthday_key': 'S2026',
            'company_id': self.other_company.id,
            'state': 'skipped',
            'done_at': '2026-04-10 08:00:00',
            'done_by': self.cook.id,
        }
        by_hand = {
            'occasion_id': stay.id,
            'department_id': self.kitchen.id,
            'text': "Fruit",
            'visibility': 'service',
        }
        tasks = task.browse().with_user(self.user_all)
        for name, value in values.items():
            with self.subTest(name), self.assertRaises(AccessError):
                task.with_user(self.user_all).write({name: value})
            with self.subTest(name), self.assertRaises(AccessError):
                tasks.create({**by_hand, name: value})
        with self.assertRaises(AccessError):
            task.with_user(self.user_all).visibility = 'all'
        task.with_user(self.user_all).write({'text': "No insulin", 'visibility': 'service'})
        made = tasks.create(by_hand)
        made.visibility = 'all'
        self.assertEqual((made.state, made.company_id), ('open', self.company))
        copy = task.with_user(self.user_all).copy()
        self.assertFalse(copy.sudo().note_id or copy.rule_id)

    def test_what_the_system_keeps_by_default(self):
        """Nor as a default, of a program's context or stored by a user for himself."""
        stay = self.create_stay(self.guest_li)
        values = {
            'key': 'k1',
            'rule_id': self.rule_birthday.id,
            'birthday_key': 'S2026',
            'company_id': self.other_company.id,
            'state': 'done',
            'done_at': '2026-04-10 08:00:00',
            'done_by': self.cook.id,
        }
        tasks = self.env['crm.occasion.task'].with_user(self.user_all)
        by_hand = {'occasion_id': stay.id, 'department_id': self.kitchen.id, 'text': "Fruit"}
        context = {f'default_{name}': value for name, value in values.items()}
        made = tasks.with_context(**context).create(by_hand)
        for name, value in values.items():
            self.env['ir.default'].with_user(self.user_all).set(
                tasks._name, name, value, user_id=True
            )
        made |= tasks.create(by_hand)
        kept = {**dict.fromkeys(values, False), 'state': 'open', 'company_id': self.company.id}
        self.assertRecordValues(made.sudo(), [kept, kept])
        self.create_note(self.guest_wang, "Insulin", self.pillow)
        stay = self.create_stay(self.guest_wang).with_user(self.user_all)
        again = stay.with_context(default_done_by=self.cook.id).copy()
        self.assertTrue(again.task_ids)
        self.assertFalse(again.task_ids.done_by, "also of what a rule makes")

    def test_by_hand(self):
        """The occasion is required; from the screen of an occasion it is that one."""
        stay = self.create_stay(self.guest_li, company_id=self.other_company.id)
        values = {'department_id': self.kitchen.id, 'text': "Fruit"}
        tasks = self.env['crm.occasion.task']
        with (
            mute_logger('odoo.sql_db'),
            self.assertRaises(NotNullViolation),
            self.env.cr.savepoint(),
        ):
            tasks.create(values)
        task = tasks.with_context(default_occasion_id=stay.id).create(values)
        self.assertEqual((task.occasion_id, task.company_id), (stay, self.other_company))
        stay.company_id = self.company
        self.assertEqual(task.company_id, self.company, "it goes where the occasion goes")

    def test_departments_read_their_language(self):
        self.env['res.lang']._activate_lang('zh_CN')
        rule = self.create_rule(self.kitchen, for_notes=False, text="Fruit for {customer}")
        rule.with_context(lang='zh_CN').text = "{place} 房水果"
        self.cook.lang = 'zh_CN'
        stay = self.create_stay(self.guest_li, place="1208")
        self.assertEqual(stay.task_ids.text, "1208 房水果")

    def test_rule_checks(self):
        with self.assertRaisesRegex(ValidationError, "{room} cannot be filled in"):
            self.rule_fruit.text = "Fruit to {room}"
        with self.assertRaises(ValidationError):
            self.rule_fruit.is_greeting = True

    def test_rule_checks_of_translations(self):
        """Who translates a rule may translate what it fills in, too."""
        self.env['res.lang']._activate_lang('zh_CN')
        with self.assertRaisesRegex(ValidationError, "{客户} cannot be filled in"):
            self.rule_fruit.update_field_translations('text', {'zh_CN': "为 {客户} 准备"})
        with self.assertRaisesRegex(ValidationError, "{客户}"):
            self.rule_fruit.with_context(lang='zh_CN').text = "为 {客户} 准备"

    def test_unknown_placeholder_stays(self):
        """A text that came into the database by another way does not keep anybody from working."""
        self.env.flush_all()
        self.env.cr.execute(
            """UPDATE crm_occasion_rule SET text = '{"en_US": "{guest}: {note}"}' WHERE id = %s""",
            [self.rule_pillow.id],
        )
        self.env.invalidate_all()
        stay = self.create_stay(self.guest_li)
        self.create_note(self.guest_li, "Two pillows", self.pillow)
        self.assertEqual(stay.task_ids.text, "{guest}: Two pillows")

    def test_contact_without_a_name(self):
        self.rule_pillow.text = "Tell {customer}: {note}"
        address = self.env['res.partner'].create(
            {'type': 'delivery', 'parent_id': self.customer.id, 'city': "Hangzhou"}
        )
        self.create_note(address, "Back door", self.pillow)
        stay = self.create_stay(address)
        self.assertIn("凌华", stay.task_ids.text)
        nobody = self.env['res.partner'].create({'type': 'delivery'})
        self.create_note(nobody, "Back door", self.pillow)
        self.assertIn("Back door", self.create_stay(nobody).task_ids.text)

    def test_one_bad_record(self):
        """The hourly job makes the tasks of the others, and says which one it could not."""
        stays = self.env['crm.occasion']
        for number in range(5):
            guest = self.env['res.partner'].create({'name': f"Guest {number}"})
            self.create_note(guest, "Two pillows", self.pillow)
            stays |= self.create_stay(guest)
        stays.task_ids.unlink()
        Rule = self.registry['crm.occasion.rule']
        origin = Rule._get_wanted_tasks

        def fail(rules, occasions):
            if stays[2] in occasions:
                raise KeyError('guest')
            return origin(rules, occasions)

        with (
            patch.object(Rule, '_get_wanted_tasks', fail),
            self.enter_registry_test_mode(),
            self.assertLogs('odoo.addons.crm_customer.models.crm_occasion', 'ERROR') as logged,
        ):
            self.env.ref('crm_customer.ir_cron_crm_occasion_tasks').method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual([len(stay.task_ids) for stay in stays], [1, 1, 0, 1, 1])
        self.assertIn(f"crm.occasion({stays[2].id},)", logged.output[0])
        self.assertEqual(len(logged.output), 1)

    def test_birthday(self):
        """B3 step 5: a guest arrives on his birthday: banner, and 15 minutes for the manager."""
        self.guest_wang.write({'birth_month': 4, 'birth_day': 11})
        with freeze_time('2026-04-10 06:00:00'):
            stay = self.create_stay(
                self.guest_wang,
                date_from='2026-04-10 06:00:00',
                date_to='2026-04-12 04:00:00',
                place="1611",
            )
        self.assertTrue(stay.birthday)
        self.assertFalse(stay.task_ids, "he is not here yet")
        with freeze_time('2026-04-11 02:00:00'):
            notice = stay.action_arrive()
        self.assertEqual(notice['tag'], 'display_notification')
        self.assertIn("Wang", notice['params']['message'])
        self.assertRecordValues(
            stay.task_ids,
            [
                {
                    'department_id': self.management.id,
                    'text': "Flowers and card for Wang, 1611",
                    'due_at': self.utc('2026-04-11 02:15:00'),
                    'state': 'open',
                }
            ],
        )
        other = self.create_stay(
            self.guest_wang, date_from='2026-04-11 08:00:00', type_id=self.stay.id, date_to=False
        )
        with freeze_time('2026-04-11 08:00:00'):
            other.action_arrive()
        self.assertFalse(other.task_ids, "once a year")

    def test_birthday_later_in_the_stay(self):
        self.guest_wang.write({'birth_month': 4, 'birth_day': 12})
        stay = self.create_stay(
            self.guest_wang, date_from='2026-04-10 06:00:00', date_to='2026-04-12 04:00:00'
        )
        with freeze_time('2026-04-10 06:10:00'):
            stay.action_arrive()
        self.assertEqual(stay.task_ids.due_at, self.utc('2026-04-12 00:15:00'), "08:15 on the day")
        stay.with_context(occasion_state='present').action_undo()
        self.assertEqual(stay.task_ids.state, 'void')

    def test_no_birthday(self):
        self.guest_wang.write({'birth_month': 4, 'birth_day': 13})
        stay = self.create_stay(
            self.guest_wang, date_from='2026-04-10 06:00:00', date_to='2026-04-12 04:00:00'
        )
        with freeze_time('2026-04-10 06:10:00'):
            self.assertIs(stay.action_arrive(), True)
        self.assertFalse(stay.birthday)
        self.assertFalse(stay.task_ids)

    def test_companies(self):
        self.create_note(self.guest_li, "Buckwheat pillow", self.pillow)
        self.rule_pillow.company_id = self.other_company
        stay = self.create_stay(self.guest_li)
        self.assertFalse(stay.task_ids)
        other = self.create_stay(self.guest_li, company_id=self.other_company.id)
        self.assertEqual(other.sudo().task_ids.company_id, self.other_company)
        with self.assertRaises(AccessError):
            other.sudo().task_ids.with_user(self.housekeeper).action_done()

    def test_queries_do_not_grow(self):
        def fill(count):
            stays = self.env['crm.occasion']
            for number in range(count):
                guest = self.env['res.partner'].create(
                    {'name': f"G{number}", 'birth_month': 1, 'birth_day': number % 28 + 1}
                )
                self.create_note(guest, "Pillow", self.pillow)
                self.create_note(guest, "Fruit", self.fruit)
                stays |= self.create_stay(guest)
            stays.task_ids.unlink()
            return stays

        def count(stays):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            stays._sync_tasks()
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        few, many = fill(2), fill(30)
        count(few)
        few.task_ids.unlink()
        self.assertEqual(count(many), count(few))
        self.assertEqual(len(many.task_ids), 60)

    def test_briefing_of_many_notes(self):
        """Of a long history only what is shown is read."""
        notes = [
            self.create_note(self.guest_li, f"Wish {n:02}", self.pillow, date=date(2026, 1, 1 + n))
            for n in range(20)
        ]
        self.create_note(self.guest_wang, "One pillow", self.pillow)
        self.env.invalidate_all()
        guests = self.guest_li | self.guest_wang
        lines = guests.with_user(self.user_all)._get_briefing_notes()
        self.assertEqual(
            [line.text for line in lines[self.guest_li.id]],
            [f"Wish {n:02}" for n in range(19, 7, -1)],
        )
        self.assertEqual([line.text for line in lines[self.guest_wang.id]], ["One pillow"])
        read = self.env['crm.customer.note']._fields['text']._get_cache(self.env)
        self.assertNotIn(notes[0].id, read)

    def test_briefing(self):
        """What reception reads about a guest, in the order of the sections."""
        self.guest_li.write({'birth_month': 4, 'birth_day': 11})
        self.create_stay(self.guest_li, days=-30, state='left')
        self.create_note(self.guest_li, "Buckwheat pillow", self.pillow)
        self.create_order(self.guest_li, fields.Datetime.now())
        stay = self.create_stay(
            self.guest_li, date_from='2026-04-10 06:00:00', date_to='2026-04-12 04:00:00'
        )
        [briefing] = stay.with_user(self.user_manager).get_briefings()
        lines = {
            section['key']: [(line['label'], line['text']) for line in section['lines']]
            for section in briefing['sections']
        }
        self.assertEqual(lines['crm.customer.note'], [("Pillow", "Buckwheat pillow")])
        self.assertEqual(len(lines['crm.occasion']), 1)
        self.assertEqual(len(lines['birthday']), 1)
        self.assertEqual(stay._get_birthdays()[stay.id][0].date, date(2026, 4, 11))
        with self.assertRaises(AccessError):
            stay.with_user(self.user_employee).get_briefings()


@tagged('post_install', '-at_install')
class TestOccasionChannels(TaskCommon, HttpCase):
    """A member of the confidential group at the screens that show notes, and beside them."""

    def setUp(self):
        super().setUp()
        self.duty.group_ids |= self.env.ref('base.group_allow_export')
        self.create_rule(self.management, category_ids=self.health, text="Mind: {note}")
        self.create_note(self.guest_li, "Takes insulin", self.health)
        self.create_note(self.guest_li, "Likes mango", self.fruit)
        self.occasion = self.create_stay(self.guest_li)
        self.authenticate(self.duty.login, self.duty.login)

    def call(self, model, method, *args, path=None, **kwargs):
        return str(
            self.make_jsonrpc_request(
                f'/web/dataset/call_kw/{path or f"{model}/{method}"}',
                {'model': model, 'method': method, 'args': args, 'kwargs': kwargs},
            )
        )

    def test_screens(self):
        shown = {'briefing': {}, 'task_ids': {'fields': {'text': {}}}}
        ids, domain = self.occasion.ids, [('id', '=', self.occasion.id)]
        for method, args in (
            ('web_read', (ids, shown)),
            ('web_search_read', (domain, shown)),
            ('web_save', (ids, {'place': "1208"}, shown)),
            ('get_briefings', (ids,)),
        ):
            with self.subTest(method):
                self.assertIn("Takes insulin", self.call('crm.occasion', method, *args))
        grouped = self.call(
            'crm.occasion',
            'web_read_group',
            domain,
            ['state'],
            auto_unfold=True,
            unfold_read_specification=shown,
            unfold_read_default_limit=80,
        )
        self.assertIn("Takes insulin", grouped)
        self.assertIn(
            "'open_task_count': 1",
            self.call(
                'crm.occasion.department', 'web_read', self.management.ids, {'open_task_count': {}}
            ),
        )

    def test_beside_the_screens(self):
        """Neither an export, nor another call that comes by the address of a screen."""
        for path in (None, 'crm.occasion/web_read', 'crm.customer.note/web_read'):
            for method, args in (
                ('export_data', (self.occasion.ids, ['briefing', 'task_ids/text'])),
                ('read', (self.occasion.ids, ['briefing'])),
            ):
                with self.subTest(path=path, method=method):
                    answer = self.call('crm.occasion', method, *args, path=path)
                    self.assertNotIn("insulin", answer)
                    self.assertIn("mango", answer)
