"""Who may do what with which records: each model, each role, own, others' and other companies'."""

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import AftersalesCommon

OPERATIONS = {'read': 'r', 'write': 'w', 'create': 'c', 'unlink': 'u'}
SCOPES = ('own', 'other', 'foreign')
ROLES = ('manager', 'service', 'technician', 'sales', 'portal', 'employee', 'public')

#: per role: own / others' / another company's records; one word where records make no difference
#: (wizards belong to who opened them, figures are read only).  Columns as in ROLES.
MATRIX = """
aftersales.api.call             r/r/-          -/-/-          -/-/-       -/-/-  -/-/-  -/-/-  -/-/-
aftersales.article              rwcu/rwcu/-    rwc/rwc/-      -/-/-       -/-/-  -/-/-  -/-/-  -/-/-
aftersales.article.vote         r/r/-          r/r/-          r/r/-       r/r/-  -/-/-  -/-/-  -/-/-
aftersales.checklist.item       rwcu/rwcu/-    r/r/-          r/r/-       r/r/-  -/-/-  -/-/-  -/-/-
aftersales.code                 rwcu/rwcu/-    r/r/-          r/r/-       r/r/-  -/-/-  -/-/-  -/-/-
aftersales.component.replace    rwcu           rwcu           rwcu        -      -      -      -
aftersales.feedback             r/r/-          r/r/-          -/-/-       r/-/-  -/-/-  -/-/-  -/-/-
aftersales.followup             rwcu/rwcu/-    rwc/rwc/-      -/-/-       r/-/-  -/-/-  -/-/-  -/-/-
aftersales.macro                rwcu/rwcu/-    r/r/-          r/r/-       -/-/-  -/-/-  -/-/-  -/-/-
aftersales.macro.apply          rwcu           rwcu           rwcu        -      -      -      -
aftersales.meter.limit          rwcu/rwcu/-    rwcu/rwcu/-    r/r/-       r/r/-  -/-/-  -/-/-  -/-/-
aftersales.meter.reading        rwcu/rwcu/-    rwcu/rwcu/-    rwc/rwc/-   r/r/-  -/-/-  -/-/-  -/-/-
aftersales.meter.type           rwcu/rwcu/-    r/r/-          r/r/-       r/r/-  -/-/-  -/-/-  -/-/-
aftersales.opinion              rwcu/rwcu/-    rwc/rwc/-      rwc/rwc/-   r/-/-  -/-/-  -/-/-  -/-/-
aftersales.opinion.theme        rwcu/rwcu/-    r/r/-          r/r/-       r/r/-  -/-/-  -/-/-  -/-/-
aftersales.pause.reason         rwcu/rwcu/-    r/r/-          r/r/-       r/r/-  -/-/-  -/-/-  -/-/-
aftersales.reliability          r              r              -           -      -      -      -
aftersales.remedy.rule          rwcu/rwcu/-    r/r/-          r/r/-       r/r/-  -/-/-  -/-/-  -/-/-
aftersales.report               r              r              -           -      -      -      -
aftersales.request              rwcu/rwcu/-    rwc/rwc/-      rwc/-/-     r/r/-  r/-/-  -/-/-  -/-/-
aftersales.request.check        rwcu/rwcu/-    rwcu/rwcu/-    rwcu/-/-    r/r/-  -/-/-  -/-/-  -/-/-
aftersales.request.merge        rwcu           rwcu           rwcu        -      -      -      -
aftersales.request.split        rwcu           rwcu           rwcu        -      -      -      -
aftersales.request.stage        rwcu/rwcu/rwcu r/r/r          r/r/r       r/r/r  -/-/-  -/-/-  -/-/-
aftersales.request.type         rwcu/rwcu/-    r/r/-          r/r/-       r/r/-  -/-/-  -/-/-  -/-/-
aftersales.satisfaction         r              r              r           -      -      -      -
aftersales.selfaudit            rwcu/rwcu/-    rwc/rwc/-      -/-/-       -/-/-  -/-/-  -/-/-  -/-/-
aftersales.selfaudit.item       rwcu/rwcu/-    r/r/-          r/r/-       -/-/-  -/-/-  -/-/-  -/-/-
aftersales.selfaudit.line       rwcu/rwcu/-    rwc/rwc/-      -/-/-       -/-/-  -/-/-  -/-/-  -/-/-
aftersales.service.line         rwcu/rwcu/-    rwcu/rwcu/-    rwcu/-/-    r/-/-  -/-/-  -/-/-  -/-/-
aftersales.service.override     rwcu           -              -           -      -      -      -
aftersales.service.point        rwcu/rwcu/-    r/r/-          r/r/-       r/r/-  -/-/-  -/-/-  -/-/-
aftersales.service.report       r              -              -           -      -      -      -
aftersales.sla.clock            r/r/-          r/r/-          r/-/-       r/r/-  -/-/-  -/-/-  -/-/-
aftersales.sla.escalation       rwcu/rwcu/-    r/r/-          r/r/-       r/r/-  -/-/-  -/-/-  -/-/-
aftersales.sla.event            r/r/-          r/r/-          r/-/-       r/r/-  -/-/-  -/-/-  -/-/-
aftersales.sla.policy           rwcu/rwcu/-    r/r/-          r/r/-       r/r/-  -/-/-  -/-/-  -/-/-
aftersales.sla.report           r              r              -           -      -      -      -
aftersales.tag                  rwcu/rwcu/-    r/r/-          r/r/-       r/r/-  -/-/-  -/-/-  -/-/-
aftersales.team                 rwcu/rwcu/-    r/r/-          r/r/-       r/r/-  -/-/-  -/-/-  -/-/-
aftersales.unit                 rwcu/rwcu/-    rwc/rwc/-      rwc/rwc/-   r/r/-  r/-/-  -/-/-  -/-/-
aftersales.unit.component       rwcu/rwcu/-    rwc/rwc/-      r/r/-       r/r/-  -/-/-  -/-/-  -/-/-
aftersales.unit.owner           r/r/-          r/r/-          r/r/-       r/r/-  -/-/-  -/-/-  -/-/-
aftersales.unit.replace         rwcu           rwcu           -           -      -      -      -
aftersales.unit.stay            rwcu/rwcu/-    rwc/rwc/-      r/r/-       r/r/-  -/-/-  -/-/-  -/-/-
aftersales.unit.transfer        rwcu           rwcu           -           -      -      -      -
aftersales.warranty             r/r/-          r/r/-          r/r/-       r/r/-  r/-/-  -/-/-  -/-/-
aftersales.warranty.check       rwcu           rwcu           rwcu        rwcu   -      -      -
aftersales.warranty.check.line  rwcu           rwcu           rwcu        rwcu   -      -      -
aftersales.warranty.part        rwcu           rwcu           -           -      -      -      -
aftersales.warranty.policy      rwcu/rwcu/-    r/r/-          r/r/-       r/r/-  -/-/-  -/-/-  -/-/-
aftersales.warranty.policy.rule rwcu/rwcu/-    r/r/-          r/r/-       r/r/-  -/-/-  -/-/-  -/-/-
aftersales.warranty.void        rwcu           -              -           -      -      -      -
"""


@tagged('post_install', '-at_install')
class TestAccessMatrix(AftersalesCommon):
    """Own: the portal user's, of the salesperson's customer, assigned to the technician.

    Others': another customer's, in the hands of a colleague of the desk.
    """

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {
            'manager': cls.user_manager,
            'service': cls.user_service,
            'technician': cls.user_technician,
            'sales': cls._create_user('aftersales_matrix_sale', 'sales_team.group_sale_salesman'),
            'portal': cls.user_customer,
            'employee': cls._create_user('aftersales_matrix_plain', 'base.group_user'),
            'public': cls.env.ref('base.public_user'),
        }
        cls.customer_company.user_id = cls.customer.user_id = cls.users['sales']
        cls.env['aftersales.team'].create({'name': "Far", 'company_id': cls.company_2.id})
        cls.meter = cls.env['aftersales.meter.type'].create({'name': "Hours", 'uom': "h"})
        cls.anchors_of_all = {scope: cls._create_anchors(scope) for scope in SCOPES}
        cls.env.flush_all()

    def setUp(self):
        super().setUp()
        self.anchors = {scope: {**anchors} for scope, anchors in self.anchors_of_all.items()}

    @classmethod
    def _create_anchors(cls, scope):
        """Return the records that those of a scope hang on, by the name of their model."""
        own = scope == 'own'
        company = cls.company_2 if scope == 'foreign' else cls.company
        partner = cls.customer if own else cls.stranger
        user = cls.user_technician if own else cls.user_service
        team = cls.env['aftersales.team'].search([('company_id', '=', company.id)], limit=1)
        unit = cls.env['aftersales.unit'].create(
            {
                'product_id': cls.product.id,
                'serial': f'M {scope}',
                'partner_id': partner.id,
                'company_id': company.id,
                'meter_type_id': cls.meter.id,
            }
        )
        request = cls.env['aftersales.request'].create(
            {
                'name': scope,
                'partner_id': partner.id,
                'unit_id': unit.id,
                'company_id': company.id,
                'team_id': (team or cls.team).id,
                'user_id': False if scope == 'foreign' else user.id,
            }
        )
        records = (company, partner, unit, request, cls.product)
        return {record._name: record for record in records} | {'scope': scope}

    # ------------------------------------------------------------
    # Records
    # ------------------------------------------------------------

    def _get_sample(self, model, scope):
        """Return a record of a model that belongs to a scope; made of what its fields ask for."""
        anchors = self.anchors[scope]
        if model not in anchors:
            company = anchors['res.company']
            Model = self.env[model].with_company(company).with_context(matrix=True)
            found = Model
            if 'unit_id' in Model._fields and model in FOLLOWS_UNIT:
                found = Model.search([('unit_id', '=', anchors['aftersales.unit'].id)], limit=1)
            anchors[model] = found or Model.create(self._prepare_sample(Model, scope))
        return anchors[model]

    def _prepare_sample(self, Model, scope):
        given = Model.default_get(list(Model._fields))
        vals = {}
        for name, field in Model._fields.items():
            if not field.store or field.related or name in MAGIC:
                continue
            if field.type == 'many2one' and field.comodel_name in self.anchors[scope]:
                if name in ANCHORED or field.required:
                    vals[name] = self._get_sample(field.comodel_name, scope).id
            elif field.required and not field.compute and name not in given:
                vals[name] = self._prepare_value(field, scope)
        return {**vals, **EXTRA.get(Model._name, {})}

    def _prepare_value(self, field, scope):
        if field.type == 'many2one':
            return self._get_sample(field.comodel_name, scope).id
        if field.type == 'selection':
            return field.get_values(self.env)[0]
        today = fields.Date.today()
        values = {'integer': 1, 'float': 1, 'date': today, 'datetime': fields.Datetime.now()}
        values |= {'boolean': False, 'json': {}}
        return values.get(field.type, f'{field.model_name} {scope}')

    # ------------------------------------------------------------
    # Rights
    # ------------------------------------------------------------

    def _get_rights(self, records, role) -> str:
        records = records.with_env(self.env).with_user(self.users[role])
        return ''.join(OPERATIONS[name] for name in OPERATIONS if records.has_access(name)) or '-'

    def _get_cell(self, model, role) -> str:
        Model = self.env[model]
        if Model._transient or not Model._auto:
            return self._get_rights(Model, role)
        return '/'.join(self._get_rights(self._get_sample(model, scope), role) for scope in SCOPES)

    def _get_models(self):
        return sorted(
            name
            for name, model in self.registry.items()
            if model._original_module == 'crm_aftersales' and not model._abstract
        )

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_matrix(self):
        """A model that is not in the table fails: decide who may do what with it."""
        expected = dict(line.split(maxsplit=1) for line in MATRIX.strip().splitlines())
        for model in self._get_models():
            with self.subTest(model=model):
                cells = ' '.join(self._get_cell(model, role) for role in ROLES)
                wanted = ' '.join(expected.get(model, 'not in the table').split())
                self.assertEqual(f'{model} {cells}', f'{model} {wanted}')
        self.assertFalse(set(expected) - set(self._get_models()), "models that are gone")


MAGIC = ('id', 'create_uid', 'write_uid', 'create_date', 'write_date', 'alias_id')
#: links that make a record one of a customer, a product, a company
ANCHORED = ('company_id', 'partner_id', 'unit_id', 'request_id')
#: made by the system with each product
FOLLOWS_UNIT = ('aftersales.unit.owner',)
#: what a sample needs beside
EXTRA = {
    'aftersales.service.line': {'name': "Line", 'display_type': 'line_section'},
    'aftersales.warranty': {
        'terms': {'lines': []},
        'date_start': '2026-01-01',
        'date_end': '2026-12-31',
    },
}
