"""What several probes need to know about views; imported by them in Odoo's shell."""

from lxml import etree


def fields_of(model, arch):
    """Names of the model's fields that an architecture shows at its top level."""
    return {
        node.get('name')
        for node in etree.fromstring(arch).iter('field')
        if node.get('name') in model._fields and next(node.iterancestors('field'), None) is None
    }
