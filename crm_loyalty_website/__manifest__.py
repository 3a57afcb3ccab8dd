{
    'name': "CRM Loyalty: Web Shop",
    'summary': "Members see and redeem their points in the cart",
    'version': '19.0.1.2.4',
    'category': 'Website/Website',
    'author': 'CRM Suite contributors',
    'website': 'https://github.com/crm-suite/crm-suite',
    'license': 'LGPL-3',
    'depends': ['crm_loyalty', 'website_sale_loyalty'],
    'data': ['views/cart_templates.xml'],
    'assets': {'web.assets_tests': ['crm_loyalty_website/static/tests/tours/**/*']},
    'auto_install': True,
}
