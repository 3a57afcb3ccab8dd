{
    'name': "CRM After-Sales: Point of Sale",
    'summary': "What known customers buy at a till is registered as their product",
    'version': '19.0.1.2.4',
    'category': 'Services',
    'author': 'CRM Suite contributors',
    'website': 'https://github.com/crm-suite/crm-suite',
    'license': 'LGPL-3',
    'depends': ['crm_aftersales_stock', 'point_of_sale'],
    'data': [
        'views/aftersales_unit_views.xml',
        'views/pos_order_views.xml',
    ],
    'pre_init_hook': 'pre_init_hook',
    'auto_install': True,
}
