import json

from odoo.addons.crm_aftersales.warranty import MAX_MONTHS

#: what was promised before there were policies
TERMS = {
    'policy': {},
    'policy_id': False,
    'start_event': 'delivery',
    'start_within_days': 0,
    'meter_limit': 0,
    'statutory_months': 0,
    'transferable': True,
    'repair_time': 'counts',
    'replacement': 'remainder',
    'part_months': 0,
    'repair_extension_months': 0,
    'rules': [],
}


def migrate(cr, version):
    """Make a certificate of each warranty that customers have: as long as it was, to the day."""
    cr.execute(
        """
        INSERT INTO aftersales_warranty
                    (unit_id, company_id, product_id, layer, state, terms, months, start_event,
                     date_start, date_end, meter_start, meter_end, repair_days,
                     create_uid, create_date, write_uid, write_date)
        SELECT unit.id, unit.company_id, unit.product_id, 'base', 'active', %(terms)s::jsonb,
               unit.warranty_months,
               CASE WHEN unit.warranty_start = unit.date_delivered
                    THEN 'delivery' ELSE 'manual' END,
               unit.warranty_start, unit.warranty_end, 0, 0, 0,
               unit.create_uid, unit.create_date, unit.create_uid, unit.create_date
          FROM aftersales_unit unit
         WHERE unit.warranty_end IS NOT NULL
           AND unit.warranty_start IS NOT NULL
           AND unit.warranty_months BETWEEN 1 AND %(most)s
           AND NOT EXISTS (SELECT FROM aftersales_warranty warranty
                            WHERE warranty.unit_id = unit.id AND warranty.layer = 'base')
        """,
        {'terms': json.dumps(TERMS), 'most': MAX_MONTHS},
    )
