{
    'name': "CRM Loyalty: Deliveries",
    'summary': "Points follow what is delivered and what comes back",
    'version': '19.0.1.2.4',
    'category': 'Sales/Sales',
    'author': 'CRM Suite contributors',
    'website': 'https://github.com/crm-suite/crm-suite',
    'license': 'LGPL-3',
    'depends': ['crm_loyalty', 'sale_stock'],
    'auto_install': True,
}
