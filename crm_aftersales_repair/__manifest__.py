{
    'name': "CRM After-Sales: Repairs",
    'summary': "Repair orders of service requests keep the history of customers' products",
    'version': '19.0.1.2.4',
    'category': 'Services',
    'author': 'CRM Suite contributors',
    'website': 'https://github.com/crm-suite/crm-suite',
    'license': 'LGPL-3',
    'depends': ['crm_aftersales_stock', 'repair'],
    'data': [
        'views/aftersales_request_views.xml',
        'views/aftersales_unit_views.xml',
        'views/repair_order_views.xml',
    ],
    'auto_install': True,
}
