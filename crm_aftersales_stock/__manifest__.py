{
    'name': "CRM After-Sales: Deliveries",
    'summary': "Customers' products follow what is delivered and what comes back",
    'version': '19.0.1.2.3',
    'category': 'Services',
    'author': 'CRM Suite contributors',
    'website': 'https://github.com/crm-suite/crm-suite',
    'license': 'LGPL-3',
    'depends': ['crm_aftersales', 'sale_stock'],
    'data': [
        'security/ir.model.access.csv',
        'views/aftersales_unit_views.xml',
        'views/stock_lot_views.xml',
        'views/stock_picking_views.xml',
    ],
    'pre_init_hook': 'pre_init_hook',
    'post_init_hook': 'post_init_hook',
    'auto_install': True,
}
