"""What a preset's file would load, read without loading it."""

from __future__ import annotations

import io
import re
from collections.abc import Collection
from dataclasses import dataclass, field

from lxml import etree

from odoo.api import Environment
from odoo.tools.convert import convert_xml_import
from odoo.tools.misc import file_open

_REF = re.compile(r"""\bref\(\s*(['"])([\w.]+)\1\s*\)""")


@dataclass(frozen=True)
class PresetRecord:
    """One record of a preset's file."""

    xml_name: str
    model: str
    #: text of each plain field, translations under ``name@zh_CN``
    texts: dict[str, str] = field(default_factory=dict)

    def get_name(self, lang: str) -> str:
        """Return what the record is called in a language, '' when it has no name."""
        return self.texts.get(f'name@{lang}') or self.texts.get('name') or ''

    def get_names(self) -> list[str]:
        """Return what the record is called in all languages of the file."""
        return [text for key, text in self.texts.items() if key.split('@')[0] == 'name' and text]


class PresetFile:
    """The part of one addon in a preset.

    :param module: name of the addon
    :param filename: path of the file inside it
    """

    def __init__(self, module: str, filename: str):
        self.module = module
        self.path = f'{module}/{filename}'
        with file_open(self.path, 'rb') as source:
            self.tree = etree.parse(source)

    def get_records(self) -> list[PresetRecord]:
        """Return the records in the order of the file."""
        return [
            PresetRecord(
                node.get('id'),
                node.get('model'),
                {
                    item.get('name'): (item.text or '').strip()
                    for item in node.iterchildren('field')
                    if item.text and not item.get('eval') and not item.get('ref')
                },
            )
            for node in self.tree.getroot().iter('record')
            if node.get('id')
        ]

    def rename(self, names: Collection[str], suffix: str) -> None:
        """Give some records, and all that point to them, names of their own.

        :param names: of the records
        :param suffix: put behind each
        """
        names = set(names)
        nodes = {node.get('id'): node for node in self.tree.getroot().iter('record')}
        while more := {
            name
            for name, node in nodes.items()
            if name not in names and self._get_references(node) & names
        }:
            names |= more
        for name, node in nodes.items():
            if name in names:
                node.set('id', name + suffix)
                self._rename_references(node, names, suffix)

    def _get_references(self, node: etree._Element) -> set[str]:
        """Return the names of records of this file that a record points to."""
        found = [item.get('ref', '') for item in node.iter('*')]
        for item in node.iter('*'):
            found += [match[2] for match in _REF.finditer(item.get('eval', ''))]
        return {name.removeprefix(f'{self.module}.') for name in found if name}

    def _rename_references(self, node: etree._Element, names: set[str], suffix: str) -> None:
        def rename(name):
            return name + suffix if name.removeprefix(f'{self.module}.') in names else name

        for item in node.iter('*'):
            if item.get('ref'):
                item.set('ref', rename(item.get('ref')))
            if item.get('eval'):
                item.set('eval', _REF.sub(lambda m: f'ref({rename(m[2])!r})', item.get('eval')))

    def open(self) -> io.BytesIO:
        """Return the file as it would be loaded."""
        return io.BytesIO(etree.tostring(self.tree))

    def load(self, env: Environment, without: Collection[str] = ()) -> None:
        """Load the file as an update of the addon would.

        :param without: names of records that are left out
        """
        tree = etree.ElementTree(etree.fromstring(etree.tostring(self.tree)))
        for node in list(tree.getroot().iter('record')):
            if node.get('id') in without:
                node.getparent().remove(node)
        source = io.BytesIO(etree.tostring(tree))
        source.name = self.path
        convert_xml_import(env, self.module, source, {}, mode='init', noupdate=True)
