import logging
from ast import literal_eval

from odoo.fields import Domain

_logger = logging.getLogger(__name__)

OWN_FIELDS = ('crm_segment', 'crm_score', 'crm_rfm', 'crm_recency', 'crm_frequency', 'crm_monetary')


def uninstall_hook(env):
    """Leave core's mailings and filters working without our fields, and no job without its model.

    Mailings keep the recipients they had; filters on our fields cannot mean anything any more.
    """
    env['crm.job']._forget_models(['crm.score.run'])
    _freeze_mailings(env)
    _delete_filters(env, 'mailing.filter', 'mailing_domain')
    _delete_filters(env, 'ir.filters', 'domain')


def _mentions_own_fields(field):
    return Domain.OR(Domain(field, 'like', name) for name in OWN_FIELDS)


def _freeze_mailings(env):
    """Write the recipients out where the domain speaks of our fields."""
    mailings = env['mailing.mailing'].with_context(active_test=False)
    for mailing in mailings.search(_mentions_own_fields('mailing_domain')):
        partners = env[mailing.mailing_model_real].search(literal_eval(mailing.mailing_domain))
        mailing.mailing_domain = repr([('id', 'in', partners.ids)])
        _logger.info("Mailing %s keeps its %s recipients", mailing.id, len(partners))


def _delete_filters(env, model, field):
    filters = env[model].with_context(active_test=False).search(_mentions_own_fields(field))
    _logger.info("Deleting %s rows of %s that speak of segments or scores", len(filters), model)
    filters.unlink()
