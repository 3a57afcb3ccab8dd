{
    'name': "CRM Loyalty: Point of Sale",
    'summary': "Tills earn and redeem through the points ledger",
    'version': '19.0.1.2.4',
    'category': 'Sales/Point of Sale',
    'author': 'CRM Suite contributors',
    'website': 'https://github.com/crm-suite/crm-suite',
    'license': 'LGPL-3',
    'depends': ['crm_loyalty', 'pos_loyalty'],
    'data': [
        'security/ir.model.access.csv',
        'security/crm_loyalty_pos_security.xml',
        'views/pos_order_views.xml',
    ],
    'assets': {
        'point_of_sale._assets_pos': ['crm_loyalty_pos/static/src/**/*'],
        'web.assets_tests': ['crm_loyalty_pos/static/tests/tours/**/*'],
    },
    'auto_install': True,
}
