# ruff: noqa: F821 - `env` is what Odoo's shell provides
"""What a database is made of, as JSON: catalog, and with SUITE_CONTENTS also definitions."""

import json
import os
import re

CATALOG = {
    'table': "SELECT table_name, '' FROM information_schema.tables WHERE table_schema = 'public'",
    'column': """SELECT table_name || '.' || column_name, data_type
                   FROM information_schema.columns WHERE table_schema = 'public'""",
    'index': "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    'constraint': """SELECT conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
                       FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
    'function': "SELECT proname, '' FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    'model': "SELECT model, '' FROM ir_model",
    'field': "SELECT model || '.' || name, ttype FROM ir_model_fields",
    'group': "SELECT id::text, name->>'en_US' FROM res_groups",
    'privilege': "SELECT id::text, name->>'en_US' FROM res_groups_privilege",
    'cron': "SELECT id::text, cron_name FROM ir_cron",
    'menu': "SELECT id::text, name->>'en_US' FROM ir_ui_menu",
    'view': "SELECT coalesce(key, name) || ' ' || id, '' FROM ir_ui_view",
    'action': "SELECT id::text || ' ' || type, name->>'en_US' FROM ir_actions",
    'rule': "SELECT id::text, name FROM ir_rule",
    'access': "SELECT id::text, name FROM ir_model_access",
    'sequence': "SELECT id::text, name FROM ir_sequence",
    'template': "SELECT id::text, name->>'en_US' FROM mail_template",
    'parameter': "SELECT key, '' FROM ir_config_parameter",
    'default': "SELECT id::text, field_id::text FROM ir_default",
    'activity type': "SELECT id::text, name->>'en_US' FROM mail_activity_type",
    'subtype': "SELECT id::text, name->>'en_US' FROM mail_message_subtype",
    'xml id': "SELECT module || '.' || name, model FROM ir_model_data",
}
CONTENTS = {
    'view text': "SELECT coalesce(key, name) || ' ' || id, md5(arch_db::text) FROM ir_ui_view",
    'xml id target': "SELECT module || '.' || name, res_id::text FROM ir_model_data",
    'rule text': "SELECT id::text, md5(coalesce(domain_force, '')) FROM ir_rule",
    'field text': """SELECT model || '.' || name,
                            md5(field_description::text || coalesce(help::text, ''))
                       FROM ir_model_fields""",
    'menu text': "SELECT id::text, md5(name::text || sequence) FROM ir_ui_menu",
    'template text': "SELECT id::text, md5(coalesce(body_html::text, '')) FROM mail_template",
    'group text': "SELECT id::text, md5(name::text) FROM res_groups",
}
# Core files what a model inherits from a mixin under the addon of the mixin, and so
# does not remove those names with the addon of the model.  Every addon leaves them.
NOT_OURS = re.compile(r"^(?!crm_)\w+\.(selection|model_inherit)__")

queries = {**CATALOG, **(CONTENTS if os.environ['SUITE_CONTENTS'] == '1' else {})}
found = {}
for kind, query in queries.items():
    env.cr.execute(query)
    found[kind] = {row[0]: row[1] for row in env.cr.fetchall() if not NOT_OURS.match(row[0])}
with open(os.environ['SUITE_TARGET'], 'w') as file:
    json.dump(found, file)
