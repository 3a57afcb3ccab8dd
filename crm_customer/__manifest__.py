{
    'name': "CRM Customer File",
    'summary': "One customer file with a time line; job log, self-checks and presets",
    'version': '19.0.1.0.0',
    'category': 'Sales/CRM',
    'author': 'CRM Suite contributors',
    'website': 'https://github.com/crm-suite/crm-suite',
    'license': 'LGPL-3',
    'depends': ['base_import', 'portal', 'sale'],
    'data': [
        'security/crm_customer_groups.xml',
        'security/crm_customer_security.xml',
        'security/ir.model.access.csv',
        'data/ir_cron_data.xml',
        'data/crm_preset_data.xml',
        'data/mail_activity_type_data.xml',
        'views/crm_job_line_views.xml',
        'views/crm_job_views.xml',
        'views/crm_selfcheck_views.xml',
        'views/crm_preset_views.xml',
        'views/res_partner_views.xml',
        'views/res_config_settings_views.xml',
        'views/crm_customer_menus.xml',
    ],
    'demo': [
        'demo/res_partner_demo.xml',
        'demo/sale_order_demo.xml',
        'demo/mail_message_demo.xml',
        'demo/crm_job_demo.xml',
    ],
    'assets': {
        'web.assets_backend': [
            'crm_customer/static/src/components/**/*',
        ],
        'web.assets_tests': [
            'crm_customer/static/tests/tours/**/*',
        ],
    },
}
