{
    'name': "CRM Suite",
    'summary': "After-sales, loyalty and campaigns as one closed loop",
    'version': '19.0.1.2.4',
    'category': 'Sales/CRM',
    'author': 'CRM Suite contributors',
    'website': 'https://github.com/crm-suite/crm-suite',
    'license': 'LGPL-3',
    'depends': ['crm_aftersales', 'crm_loyalty', 'crm_campaigns'],
    'demo': [
        'demo/aftersales_request_demo.xml',
        'demo/crm_segment_demo.xml',
    ],
    'auto_install': True,
}
