{
    'name': "CRM After-Sales: Dashboard",
    'summary': "The service desk at a glance, in the spreadsheet dashboards",
    'version': '19.0.1.2.4',
    'category': 'Services',
    'author': 'CRM Suite contributors',
    'website': 'https://github.com/crm-suite/crm-suite',
    'license': 'LGPL-3',
    'depends': ['crm_aftersales', 'spreadsheet_dashboard'],
    'data': [
        'data/spreadsheet_dashboard_data.xml',
    ],
    'auto_install': True,
}
